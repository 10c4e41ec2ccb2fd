# SPDX-License-Identifier: Apache-2.0
"""The receiver workers of one engine: started, given snapshots, answered, and replaced when they
die. Listening sockets and the claim desk are passed in; no database is known here."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Protocol

import msgspec
import structlog

from engine.dicom.names import safe_name
from engine.intake.channel import (
    Ask,
    Asked,
    Begin,
    CannotStart,
    Grown,
    Hello,
    InForce,
    Listening,
    Reported,
    Rotate,
    Rotated,
    SendReport,
    Stop,
    TakeSnapshot,
    Tell,
    ToEngine,
    TransferNews,
    Turned,
)
from engine.intake.claims import Claim, ClaimRequest, Known, NoClaim
from engine.intake.snapshot import Snapshot
from engine.model.errors import Unavailable
from engine.model.outage import named
from engine.receiver.workers.link import WorkerLink
from engine.receiver.workers.post import News, Post
from engine.receiver.workers.sweeping import sweep_staging

MOST_DEATHS = 3
"""Workers that may die before all listen. Time is no measure: a busy machine may take minutes."""

REMARK_SECONDS = 30.0
"""Every how many seconds the log says that workers are still starting."""

ACKNOWLEDGE_SECONDS = 10.0
"""How long a change waits for the workers."""

LEAVE_SECONDS = 30.0
"""How long a worker may take to end; longer than it takes to end its associations."""

SHORTEST_REST, LONGEST_REST = 0.2, 5.0
"""Seconds between the end of a worker and the start of the next; doubled while they die young. The
longest is well below the time for which senders wait for an association (often 30 seconds): those
that connect to a full disk are served as soon as there is room."""

_YOUNG = 30.0

_log = structlog.get_logger(__name__)


class ClaimDesk(Protocol):
    """Answers claims."""

    async def claim(self, request: ClaimRequest) -> tuple[Claim, bool]:
        """Return the session for a request and whether it is new; raise `NoClaim`."""

    async def known(self, session: str, file: str) -> tuple[Known, ...]:
        """Say what the private index knows of a file."""


class ReceiverPool:
    """Keeps `workers` processes alive from `start` to `stop`."""

    def __init__(
        self,
        *,
        prearchive: Path,
        node: str,
        workers: int,
        desk: ClaimDesk,
        news: News,
        asked: Callable[[str, str], None] = lambda _request, _worker: None,
    ) -> None:
        """Serve one prearchive; `node` tells the engines that share it from each other. `asked`
        hears of each request for a storage commitment, and which worker has it."""
        self._prearchive = prearchive
        self._node = safe_name(node, limit=40)
        self._names = [f"{self._node}-w{number}" for number in range(1, workers + 1)]
        self._desk = desk
        self._news = news
        self._post = Post(news)
        self._asked = asked
        self._reports: dict[str, tuple[str, asyncio.Future[int | None]]] = {}
        """Who waits for the answer to a report, and the worker that sends it."""
        self._links: dict[str, WorkerLink] = {}
        self._spawned: dict[str, WorkerLink] = {}
        """Workers that have not been told to begin."""
        self._sockets: dict[int, socket.socket] = {}
        self._snapshot: Snapshot | None = None
        self._limits = -1
        self._stopping = asyncio.Event()
        self._changed = asyncio.Condition()
        self._listening_turn = asyncio.Lock()
        self._keepers: list[asyncio.Task[None]] = []
        self._answers: set[asyncio.Task[None]] = set()
        self._why = ""
        self.deaths = 0
        """Workers that ended without having been told to."""

    @property
    def workers(self) -> int:
        """Workers that listen."""
        return sum(link.ports is not None for link in self._links.values())

    @property
    def sockets(self) -> dict[int, socket.socket]:
        """The sockets that are listened on, by port."""
        return dict(self._sockets)

    @property
    def pids(self) -> dict[str, int]:
        """Process ids of the workers, by name."""
        return {name: link.pid for name, link in self._links.items()}

    @property
    def behind(self) -> tuple[str, ...]:
        """Workers that do not go by what is in force, or do not listen where they should."""
        number = self._snapshot.number if self._snapshot else 0
        ports = frozenset(self._sockets)
        return tuple(
            link.name
            for link in self._links.values()
            if link.welcome and (link.in_force < number or link.ports != ports)
        )

    @property
    def journals(self) -> tuple[str, ...]:
        """Names of the journals that living workers write."""
        return tuple(
            name
            for link in self._links.values()
            for name in (link.journal, link.next_journal)
            if name
        )

    async def rotate(self, journal: str) -> None:
        """Let a living worker leave its journal and go on in a new one."""
        for link in self._links.values():
            if link.journal == journal and not link.next_journal:
                link.next_journal = f"{link.name}-{time.time_ns():x}.journal"
                try:
                    # Known before it is written to: whoever looks for records has to find all.
                    await self._news.hello(link.next_journal)
                except Exception:
                    link.next_journal = ""
                    raise
                link.say(Rotate(journal=link.next_journal))

    @property
    def associations(self) -> int:
        """Associations that are open now, as far as heard."""
        return sum(len(link.open) for link in self._links.values())

    async def spawn(self) -> None:
        """Start the processes, which load what they need meanwhile and touch nothing before
        `start`. Where that fails, `start` says why; `let_go` is still to be called."""
        try:
            self._limits = _nameless_file()
            for name in self._names:
                self._spawned[name] = await self._spawn(name)
        except OSError as error:
            _log.warning("worker_not_spawned", error=named(error))

    async def let_go(self) -> None:
        """End the processes that have never begun."""
        spawned, self._spawned = self._spawned, {}
        for link in spawned.values():
            await link.end(LEAVE_SECONDS)
        self._close_limits()

    async def start(
        self,
        snapshot: Snapshot,
        sockets: Mapping[int, socket.socket],
    ) -> None:
        """Start the workers and wait until all listen. The pool closes the sockets in the end.

        Raises:
            Unavailable: if they die instead; says why. `stop` is still to be called.
        """
        self._snapshot = snapshot
        self._sockets = dict(sockets)
        try:
            for folder in (self._prearchive, self._prearchive / ".journals"):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._limits < 0:
                self._limits = _nameless_file()
        except OSError as error:
            reason = os.strerror(error.errno or 0)
            raise Unavailable(f"the prearchive cannot be written: {reason}") from error
        await asyncio.to_thread(sweep_staging, self._prearchive, self._node)
        self._post.start()
        self._keepers = [asyncio.create_task(self._keep(name)) for name in self._names]
        while not await self._until(self._settled, REMARK_SECONDS):
            _log.warning("workers_still_starting", listening=self.workers, wanted=len(self._names))
        if self.workers < len(self._names):
            raise Unavailable(
                f"the receiver workers do not start: {self._why or 'they end at once'}",
                hint="the prearchive must be writable and have free space; see the log",
            )

    def _settled(self) -> bool:
        """Say whether it is known how the start ends."""
        return self.workers == len(self._names) or self.deaths >= MOST_DEATHS

    async def publish(
        self, snapshot: Snapshot, *, seconds: float = ACKNOWLEDGE_SECONDS
    ) -> tuple[str, ...]:
        """Put a snapshot into force and wait for the workers; name those that did not follow.

        Claims of a worker that has not followed are answered as stale from now on."""
        self._snapshot = snapshot
        for link in self._links.values():
            if link.welcome:
                link.say(TakeSnapshot(snapshot=snapshot))
        return await self._followed(lambda link: link.in_force >= snapshot.number, seconds)

    async def set_listening(
        self, sockets: Mapping[int, socket.socket], *, seconds: float = ACKNOWLEDGE_SECONDS
    ) -> tuple[str, ...]:
        """Listen on exactly these, by port, and wait for the workers; name those that did not
        follow. Associations on a port that is given up go on."""
        # One call at a time: `unanswered` is a count, which cannot tell whose answer has come.
        async with self._listening_turn:
            before, self._sockets = self._sockets, dict(sockets)
            ports = frozenset(sockets)
            for link in self._links.values():
                if link.in_force:
                    link.give(self._sockets)
            late = await self._followed(
                lambda link: not link.unanswered and link.ports == ports, seconds
            )
            kept = set(sockets.values())
            for sock in before.values():
                if sock not in kept:
                    sock.close()
            return late

    async def report(self, worker: str, report: SendReport, *, seconds: float) -> int | None:
        """Send a report over the association of its request; return the status that it was answered
        with, None if it was not."""
        link = self._links.get(worker)
        if link is None or not link.welcome:
            return None
        answered = asyncio.get_running_loop().create_future()
        self._reports[report.report] = (worker, answered)
        try:
            link.say(report)
            return await asyncio.wait_for(answered, seconds)
        except TimeoutError:
            return None
        finally:
            del self._reports[report.report]

    async def stop(self, *, seconds: float = LEAVE_SECONDS) -> None:
        """Let the workers finish the objects on their way and end; kill them after `seconds`."""
        self._stopping.set()
        for link in self._links.values():
            link.say(Stop())
        if self._keepers:
            _, late = await asyncio.wait(self._keepers, timeout=seconds)
            for link in self._links.values():
                _log.warning("worker_killed", worker=link.name)
                link.kill()
            if late:
                await asyncio.wait(late)
            if self._answers:
                await asyncio.wait(self._answers, timeout=ACKNOWLEDGE_SECONDS)
            await self._post.close()
            # Those of an engine before us may have ended meanwhile.
            await asyncio.to_thread(sweep_staging, self._prearchive, self._node)
        for sock in self._sockets.values():
            sock.close()
        self._sockets.clear()
        self._close_limits()

    def _close_limits(self) -> None:
        if self._limits >= 0:
            os.close(self._limits)
            self._limits = -1

    async def _spawn(self, name: str) -> WorkerLink:
        return await WorkerLink.spawn(name, self._prearchive, limits=self._limits)

    async def _keep(self, name: str) -> None:
        """Have one worker of this name alive until the pool stops."""
        rest = SHORTEST_REST
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                await self._live(name)
            except Exception as error:
                if isinstance(error, OSError) and error.strerror:
                    self._why = error.strerror
                _log.error("worker_not_kept", worker=name, error=named(error))
            if self._stopping.is_set():
                return
            self.deaths += 1
            await self._notify()
            rest = (
                min(rest * 2, LONGEST_REST) if time.monotonic() - began < _YOUNG else SHORTEST_REST
            )
            try:
                await asyncio.wait_for(self._stopping.wait(), rest)
            except TimeoutError:
                continue

    async def _live(self, name: str) -> None:
        """See one process through from its start to its last word."""
        link = self._spawned.pop(name, None) or await self._spawn(name)
        link.say(Begin())
        self._links[name] = link
        try:
            # `stop` told the workers that it knew; this one was still being started.
            if self._stopping.is_set():
                link.say(Stop())
            while (message := await link.receive()) is not None:
                await self._hear(link, message)
        except ValueError as error:
            _log.error("worker_not_understood", worker=name, error=type(error).__name__)
        finally:
            status = await link.end(LEAVE_SECONDS)
            if status:
                _log.error("worker_died", worker=name, status=status)
            # The process has ended: nothing is added to its journal after `_bury` reports it.
            del self._links[name]
            for report in [each for each, (by, _) in self._reports.items() if by == name]:
                self._reported(report, None)
            await self._bury(link)
            await self._notify()

    async def _bury(self, link: WorkerLink) -> None:
        """Say the last of a worker for it, and remove what it had staged."""
        staging = self._prearchive / ".staging" / f"{link.name}-{link.pid}"
        await asyncio.to_thread(shutil.rmtree, staging, ignore_errors=True)
        now = time.time_ns()
        for news in link.open.values():
            self._post.transfer(
                msgspec.structs.replace(news, closed=now, ended="the receiver worker ended")
            )
        if link.journal:
            self._post.ended(link.journal)

    async def _hear(self, link: WorkerLink, message: ToEngine) -> None:
        match message:
            case Ask():
                # A claim waits for the database, and the worker's next messages must not wait with
                # it. The set holds the task, to which the loop has only a weak reference.
                task = asyncio.create_task(self._answer(link, message))
                self._answers.add(task)
                task.add_done_callback(self._answers.discard)
            case Grown():
                self._post.grown()
            case TransferNews():
                if message.closed:
                    link.open.pop(message.transfer, None)
                else:
                    link.open[message.transfer] = message
                self._post.transfer(message)
            case Turned():
                self._post.turned(message)
            case Asked():
                self._asked(message.request, link.name)
            case Reported():
                self._reported(message.report, message.status)
            case CannotStart():
                self._why = message.reason
            case Hello():
                await self._welcome(link, message)
            case Rotated():
                link.journal, link.next_journal = message.journal, ""
            case InForce():
                # Not earlier: a worker that accepts before it has a snapshot knows no receivers.
                if not link.in_force:
                    link.give(self._sockets)
                link.in_force = message.number
                await self._notify()
            case Listening():
                link.ports = frozenset(message.ports)
                link.unanswered -= 1
                await self._notify()

    def _reported(self, report: str, status: int | None) -> None:
        _, answered = self._reports.get(report, ("", None))
        if answered is not None and not answered.done():
            answered.set_result(status)

    async def _welcome(self, link: WorkerLink, hello: Hello) -> None:
        # Registered first: a record in a journal that nobody knows of would never be taken in.
        try:
            await self._news.hello(hello.journal)
        except Exception:
            # It is still empty, and the next worker begins another.
            journal = self._prearchive / ".journals" / hello.journal
            await asyncio.to_thread(journal.unlink, missing_ok=True)
            raise
        link.journal = hello.journal
        link.welcome = True
        assert self._snapshot is not None
        link.say(TakeSnapshot(snapshot=self._snapshot))

    async def _answer(self, link: WorkerLink, ask: Ask) -> None:
        assert self._snapshot is not None
        try:
            if ask.claim is None:
                # What the index does not know yet may stand in a journal.
                await self._news.grown()
                told = Tell(id=ask.id, known=await self._desk.known(ask.session, ask.file))
            elif ask.claim.snapshot < self._snapshot.number:
                told = Tell(id=ask.id, stale=True)
            else:
                claim, _ = await self._desk.claim(ask.claim)
                told = Tell(id=ask.id, claim=claim)
        except NoClaim as error:
            told = Tell(id=ask.id, refused=str(error))
        except Exception as error:
            _log.error("claim_failed", worker=link.name, error=named(error))
            told = Tell(id=ask.id, refused="the prearchive gives no session now")
        link.say(told)

    async def _followed(
        self, followed: Callable[[WorkerLink], bool], seconds: float
    ) -> tuple[str, ...]:
        """Wait for all workers that are spoken to; a new one begins with what is newest."""

        def late() -> Iterable[str]:
            return (
                link.name for link in self._links.values() if link.welcome and not followed(link)
            )

        await self._until(lambda: not any(late()), seconds)
        missing = tuple(late())
        if missing:
            _log.error("workers_behind", workers=missing)
        return missing

    async def _until(self, reached: Callable[[], bool], seconds: float) -> bool:
        async with self._changed:
            try:
                await asyncio.wait_for(self._changed.wait_for(reached), seconds)
            except TimeoutError:
                return reached()
            return True

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()


def _nameless_file() -> int:
    """Open a file that only its descriptors know."""
    # A file without a name disappears with the last process that has it open, however that ends.
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
