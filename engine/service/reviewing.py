# SPDX-License-Identifier: Apache-2.0
"""What scripts did and will do to all files of a waiting session, found out in the background: a
few files at once, so that there is something to look at, then the others part by part in the
process pool. What was found out is kept until the files, the script or the labels are others."""

from __future__ import annotations

import asyncio
from asyncio import FIRST_COMPLETED
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import structlog
from sqlalchemy import select

from engine.intake.kept import Key
from engine.jobs import differences, versions
from engine.jobs.context import JobContext
from engine.jobs.differences import Folds
from engine.jobs.kept_reviews import Inventory, KeptReviews, Review, Told, inventory, key_of
from engine.jobs.scripting import ScriptWork
from engine.model.change_fold import ChangeFold
from engine.model.changes import SessionChanges
from engine.model.errors import NotFound
from engine.model.outage import named
from engine.prearchive.tables import ObjectRow, SessionRow
from engine.sessions.contents import scan_of
from engine.sessions.headers import Part, spread

FIRST = 12
"""Files of the first part, which somebody waits for."""
PART = 40
"""Files that keep a process of the pool: jobs, and other people, wait no longer for it."""

_LONGEST_WAIT = 30.0
_REMEMBERED = 8
"""Results that are not read from the disk again, while somebody looks at scan after scan."""
_FORM = 1
"""Another number whenever results of the same files would be told in another way."""

_log = structlog.get_logger(__name__)

Look = Callable[[tuple[str, ...]], Awaitable[Folds]]
ReadHeaders = Callable[[Path, tuple[str, ...], int], Part]
"""Reads files below a folder, until so many rows have been read."""
_Name = tuple[str, Review]
"""A session, and what is asked of it."""


@dataclass(slots=True)
class _Run:
    """One session on its way."""

    name: _Name
    folder: Path
    script: str
    key: str
    files: Counter[str]
    """By scan."""
    parts: list[tuple[str, tuple[str, ...]]]
    """What is left to be read, with the scan that it is of."""
    wanted: str = ""
    """The scan that somebody waits for."""
    folds: Folds = field(default_factory=dict)
    read: Counter[str] = field(default_factory=Counter)
    """How many files of a scan have been folded; of all under an empty name."""
    news: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when more have been, and replaced by another."""
    folding: asyncio.Lock = field(default_factory=asyncio.Lock)

    def next(self) -> tuple[str, ...] | None:
        """Return files to be read, first those of the scan that somebody waits for."""
        if not self.parts:
            return None
        places = (n for n, (scan, _) in enumerate(self.parts) if scan == self.wanted)
        return self.parts.pop(next(places, 0))[1]

    def total(self, scan: str) -> int:
        """Return how many files a scan has, or all."""
        return self.files[scan] if scan else self.files.total()

    def told(self, scan: str) -> SessionChanges:
        """Return what is known by now."""
        if scan:
            return self.folds.get(scan, ChangeFold()).told(self.total(scan))
        whole = ChangeFold()
        for fold in self.folds.values():
            whole.join(fold)
        return whole.told(self.total(scan))

    def all(self) -> Told:
        """Return what there is to keep."""
        return {scan: self.told(scan) for scan in ("", *self.files)}


class Reviewing:
    """Of one engine."""

    def __init__(self, context: JobContext) -> None:
        """Nothing is known yet but what is kept."""
        self._context = context
        self._kept = KeptReviews(context.prearchive)
        self._runs: dict[_Name, tuple[_Run, asyncio.Task[None]]] = {}
        self._known: OrderedDict[str, Told] = OrderedDict()

    async def settled(self) -> None:
        """Wait until what is on its way has been found out, and is kept."""
        await asyncio.gather(*(task for _, task in self._runs.values()), return_exceptions=True)

    async def close(self) -> None:
        """End what is on its way; it begins anew when it is asked for again."""
        tasks = [task for _, task in self._runs.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def done(
        self, session: str, folder: Path, scan: str, seen: int, wait: float
    ) -> SessionChanges:
        """Tell what scripts have done, once more than `seen` files have been read.

        Raises:
            NotFound: if there is no such scan.
            FileNotFoundError: if the folder is not there.
        """

        async def look(found: Inventory) -> Look:
            keys = await keys_of(self._context, session)

            def part(files: tuple[str, ...]) -> Awaitable[Folds]:
                return self._context.processes.run(
                    differences.done,
                    folder,
                    files,
                    {file: keys[file] for file in files if file in keys},
                    self._context.prearchive,
                    session,
                    found.kept,
                )

            return part

        name = (session, Review.DONE)
        return await self._ask(name, folder, "", scan, seen, wait, look)

    async def to_come(
        self, session: str, folder: Path, work: ScriptWork, scan: str, seen: int, wait: float
    ) -> SessionChanges:
        """Tell what a script would do, once more than `seen` files have been read; raises as
        `done`."""

        async def look(_: Inventory) -> Look:
            return lambda files: self._context.processes.run(
                differences.to_come, folder, files, work
            )

        script = key_of(work.script, work.variables, work.record)
        name = (session, Review.TO_COME)
        return await self._ask(name, folder, script, scan, seen, wait, look)

    async def received(self, session: str, folder: Path) -> ReadHeaders:
        """Return what reads headers as they were received.

        Raises:
            FileNotFoundError: if the folder is not there.
        """
        found = await self._inventory(session, folder)
        return partial(
            versions.received,
            keys=await keys_of(self._context, session),
            prearchive=self._context.prearchive,
            session=session,
            stamp=found.kept,
        )

    async def _ask(
        self,
        name: _Name,
        folder: Path,
        script: str,
        scan: str,
        seen: int,
        wait: float,
        look: Callable[[Inventory], Awaitable[Look]],
    ) -> SessionChanges:
        going = self._going(name, folder, script)
        if going is None:
            found = await self._inventory(name[0], folder)
            key = key_of(_FORM, script, found.stamp, found.kept)
            told = await self._recall(name, key)
            if told is not None:
                return _of(told, scan)
            files = Counter(scan_of(file) for file in found.files)
            _must_be(files, scan)
            part = await look(found)
            # Somebody else may have begun meanwhile.
            going = self._going(name, folder, script)
            if going is None:
                run = _Run(
                    name=name,
                    folder=folder,
                    script=script,
                    key=key,
                    files=files,
                    parts=_parts(found.files, scan),
                )
                going = self._begin(run, found, part)
        run, task = going
        _must_be(run.files, scan)
        run.wanted = scan or run.wanted
        await self._wait(run, task, scan, seen, wait)
        async with run.folding:
            return await asyncio.to_thread(run.told, scan)

    def _going(
        self, name: _Name, folder: Path, script: str
    ) -> tuple[_Run, asyncio.Task[None]] | None:
        """Return what is on its way, if it is of this script."""
        going = self._runs.get(name)
        if going is None or (going[0].folder, going[0].script) != (folder, script):
            return None
        return going

    def _begin(self, run: _Run, found: Inventory, look: Look) -> tuple[_Run, asyncio.Task[None]]:
        if (before := self._runs.pop(run.name, None)) is not None:
            before[1].cancel()
        task = asyncio.create_task(self._go(run, found, look))
        # Whoever waits is told how it ended; there may be nobody.
        task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        self._runs[run.name] = run, task
        return run, task

    async def _wait(
        self, run: _Run, task: asyncio.Task[None], scan: str, seen: int, wait: float
    ) -> None:
        """Wait until more than `seen` files have been read, or all."""
        now = asyncio.get_running_loop().time
        until = now() + min(wait, _LONGEST_WAIT)
        enough = min(seen + 1, run.total(scan))
        while not task.done() and run.read[scan] < enough and (left := until - now()) > 0:
            news = asyncio.create_task(run.news.wait())
            try:
                await asyncio.wait((task, news), timeout=left, return_when=FIRST_COMPLETED)
            finally:
                news.cancel()
        if task.done() and not task.cancelled() and (error := task.exception()) is not None:
            raise error

    async def _go(self, run: _Run, found: Inventory, look: Look) -> None:
        lanes = max(1, self._context.processes.processes)
        try:
            first = run.next()
            if first is not None:
                await self._fold(run, await look(first))
            async with asyncio.TaskGroup() as group:
                for _ in range(lanes):
                    group.create_task(self._lane(run, look))
            await self._keep(run, found)
        except ExceptionGroup as group_error:
            raise group_error.exceptions[0] from None
        finally:
            if (going := self._runs.get(run.name)) is not None and going[0] is run:
                del self._runs[run.name]

    async def _lane(self, run: _Run, look: Look) -> None:
        while (files := run.next()) is not None:
            await self._fold(run, await look(files))

    async def _fold(self, run: _Run, folds: Folds) -> None:
        async with run.folding:
            await asyncio.to_thread(_join, run.folds, folds)
        for scan, fold in folds.items():
            run.read[scan] += fold.files
            run.read[""] += fold.files
        run.news.set()
        run.news = asyncio.Event()

    async def _keep(self, run: _Run, found: Inventory) -> None:
        session, review = run.name
        async with run.folding:
            told = await asyncio.to_thread(run.all)
        if await self._inventory(session, run.folder) != found:
            return  # it is already of files that were
        self._known[run.key] = told
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        # What tells of originals expires with them.
        as_of = found.oldest if review is Review.DONE and found.oldest else None
        try:
            await asyncio.to_thread(self._kept.write, session, review, run.key, told, as_of=as_of)
        except OSError as error:
            _log.warning("review not kept", session=session, error=named(error))
        async with self._context.prearchive_db.read() as transaction:
            row = await transaction.get(SessionRow, session)
        if row is None:
            await asyncio.to_thread(self._kept.drop, session)

    async def _recall(self, name: _Name, key: str) -> Told | None:
        told = self._known.get(key)
        if told is None:
            told = await asyncio.to_thread(self._kept.read, *name, key)
        return told

    async def _inventory(self, session: str, folder: Path) -> Inventory:
        return await self._context.processes.run(
            inventory, folder, self._context.prearchive, session
        )


async def keys_of(context: JobContext, session: str) -> dict[str, Key]:
    """Return by file what was received of a session."""
    query = select(ObjectRow.file, ObjectRow.received_sop_uid, ObjectRow.digest)
    async with context.prearchive_db.read() as transaction:
        found = await transaction.execute(query.where(ObjectRow.session == session))
        return {file: (uid, digest) for file, uid, digest in found.all()}


async def whole(ask: Callable[..., Awaitable[SessionChanges]]) -> SessionChanges:
    """Ask until all files have been read."""
    told = await ask(wait=_LONGEST_WAIT)
    while not told.is_whole:
        told = await ask(seen=told.read, wait=_LONGEST_WAIT)
    return told


def _parts(files: Sequence[str], scan: str) -> list[tuple[str, tuple[str, ...]]]:
    """Divide files: first a few of a scan or of all, evenly spread, then scan by scan."""
    of_scan = [file for file in files if scan in ("", scan_of(file))]
    first = spread(of_scan, FIRST)
    parts = [(scan, first)] if first else []
    by_scan: dict[str, list[str]] = {}
    chosen = set(first)
    for file in files:
        if file not in chosen:
            by_scan.setdefault(scan_of(file), []).append(file)
    for of, left in by_scan.items():
        parts += [(of, tuple(left[at : at + PART])) for at in range(0, len(left), PART)]
    return parts


def _join(folds: Folds, more: Folds) -> None:
    for scan, fold in more.items():
        folds.setdefault(scan, ChangeFold()).join(fold)


def _of(told: Told, scan: str) -> SessionChanges:
    _must_be(told, scan)
    return told[scan]


def _must_be(scans: Iterable[str], scan: str) -> None:
    if scan and scan not in scans:
        raise NotFound("there is no such scan in the session", hint="look at its contents")
