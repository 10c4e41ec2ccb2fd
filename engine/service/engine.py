# SPDX-License-Identifier: Apache-2.0
"""The engine: opens a home, recovers after a crash, receives, builds and files until it
is stopped. The only place that puts all parts together."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path

import structlog
from sqlalchemy import func, select

from engine.anonymize.check_guard import CheckGuard
from engine.archive import secrets, settings_files
from engine.archive.audit import key as audit_key
from engine.archive.audit.relay import Relay
from engine.archive.audit.trail import AuditChain
from engine.archive.configuration import bump
from engine.archive.people import add_first
from engine.archive.tables import ArchivedSessionRow
from engine.database import sqlite_library
from engine.database.connection import Address, Database
from engine.database.migration import migrate
from engine.database.watch import Watch
from engine.dicom.guard import Guard
from engine.ingest.claims import ClaimDesk
from engine.ingest.ingester import Ingester
from engine.intake.trial_guard import TrialGuard
from engine.jobs.archive import ArchiveJob
from engine.jobs.build import BuildJob
from engine.jobs.context import JobContext, pass_by
from engine.jobs.delete import DeleteJob
from engine.jobs.lost_database import LostDatabase
from engine.jobs.move import MoveJob
from engine.jobs.process_pool import ProcessPool
from engine.jobs.reconcile import Reconciliation
from engine.jobs.restore import RestoreJob
from engine.jobs.runner import JobRunner
from engine.jobs.send import SendJob
from engine.jobs.timer import Timer
from engine.model.errors import Conflict, InvalidSettings, Problem
from engine.model.home import Home, HomeLock
from engine.model.live import EngineStatus
from engine.model.outage import named
from engine.model.people import Actor, operator
from engine.model.remotes import SEND
from engine.model.reserve import Reserve
from engine.model.settings import NodeRole, Settings
from engine.model.site_settings import SettingsInForce, said
from engine.model.states import Verb
from engine.prearchive import accounts, name_marks, rows, sends, transfers
from engine.prearchive.receipts import Receipts
from engine.receiver.workers.pool import ReceiverPool
from engine.service import audit_heads, audit_syslog
from engine.service.api import EngineApi
from engine.service.audit_heads import HeadExport
from engine.service.audit_syslog import AuditSender
from engine.service.background import Background
from engine.service.backlog import Backlog
from engine.service.balance import Balance
from engine.service.bound import BoundEngine
from engine.service.committing import Committing
from engine.service.configuration import Configuration
from engine.service.disk import DiskWatch
from engine.service.event_buffer import EventBuffer
from engine.service.finding import FindingWork
from engine.service.health import Health, ReceptionNow
from engine.service.housekeeping import Housekeeping
from engine.service.nodes import Nodes
from engine.service.pace import LOOK_UP_SECONDS, LOOK_UPS, Pace
from engine.service.pictures import Picturing
from engine.service.presence import Presence
from engine.service.reception import Reception
from engine.service.recognition import Recognition, unix_user
from engine.service.releasing import Releasing
from engine.service.reviewing import Reviewing
from engine.service.scripts import ship
from engine.service.verifying import Verifying
from engine.service.witness import Witness
from engine.sessions.build.types import TypesError, load_types

_RELAY_EVERY = 0.5
_COMMAND_SECONDS, _LOOK_EVERY = 30.0, 0.05
_FINDINGS_EVERY = 2.0
_INGEST_EVERY = 2.0
_WATCH_EVERY = 1.0
_BEAT_EVERY = 10.0
_BURY_EVERY = 30.0
_BACKLOG_EVERY = 0.5
_PURGE_EVERY = 3600.0
_RESERVE_EVERY = 60.0
_CERTIFICATES_EVERY = 30.0
_COMMITMENTS_EVERY = 1.0
_DISK_EVERY = 10.0
_BALANCE_EVERY = 120.0
_log = structlog.get_logger(__name__)


class Engine:
    """One running engine. `start` makes it, `acting` asks it, `stop` ends it."""

    def __init__(self, home: Home, settings: Settings, *, alone: bool = False) -> None:
        self.home = home
        self._alone = alone
        self.file_settings = settings.resolved(home.root)
        self._in_force = SettingsInForce(self.file_settings)
        self.buffer = EventBuffer()
        self.stop_asked = asyncio.Event()
        self.started = datetime.now(UTC)
        self._stack = AsyncExitStack()
        self._background = Background(self.buffer)
        self._applying = asyncio.Lock()
        self.releasing = asyncio.Lock()
        self._applied = -1
        self._late: frozenset[str] = frozenset()

    @classmethod
    async def start(
        cls,
        home: Home,
        settings: Settings,
        *,
        reached: Callable[[str], None] = pass_by,
    ) -> Engine:
        """Open a home and serve it; nothing starts half.

        Raises:
            Conflict: if another engine serves the home.
            Refused: if a database was written by a newer program, or SQLite is too old.
            Unavailable: if a port, a database or the workers cannot be had.
        """
        engine = cls(home, settings)
        try:
            await engine._open(reached)
        except BaseException:
            await engine.stop()
            raise
        return engine

    @classmethod
    async def open_alone(cls, home: Home, settings: Settings) -> Engine:
        """Open a home for a command while no engine serves it: nothing listens, no job runs, and
        what a crash has left stays for the next start. What needs any of that must not be asked.

        Raises:
            Conflict: if an engine or another command has the home.
            Refused: if a database was written by a newer program, or SQLite is too old.
            Unavailable: if a database cannot be had.
        """
        engine = cls(home, settings, alone=True)
        try:
            await engine._open_home(pass_by)
            await engine.configuration.read()
        except BaseException:
            await engine.stop()
            raise
        return engine

    async def stop(self) -> None:
        """End the engine: objects on their way are finished, jobs resume at the next start."""
        self.stop_asked.set()
        await self._background.end()
        await self._stack.aclose()

    def acting(self, actor: Actor | str) -> EngineApi:
        """Return the engine as one actor may ask it. A mere name may ask everything: whoever has an
        engine in their own process can read its files."""
        return BoundEngine(self, operator(actor) if isinstance(actor, str) else actor)

    def ready(self) -> dict[str, object]:
        """Return what `anteroom serve` says of the receivers when it listens."""
        host = self.settings.dicom.host
        return {
            "receivers": [
                {"ae_title": each.ae_title, "host": host, "port": each.port}
                for each in self.configuration.receivers()
                if each.listening
            ]
        }

    async def status(self) -> EngineStatus:
        """Tell how the engine stands."""
        async with self.context.prearchive_db.read() as transaction:
            sums = await accounts.total(transaction)
            by_status = await rows.counts(transaction)
            unfinished = await rows.owned_by_jobs(transaction, by_status)
            unfinished += await sends.count_unfinished(transaction)
            staged = await rows.staged(transaction)
        async with self.context.archive_db.read() as transaction:
            count = select(func.count()).select_from(ArchivedSessionRow)
            archived = (await transaction.execute(count)).scalar_one()
        disk = await self.disk.now()
        return EngineStatus(
            version=version("anteroom"),
            pid=os.getpid(),
            node=self.settings.node.name,
            home=str(self.home.root),
            started=self.started,
            receivers=self.configuration.receivers(),
            workers=self.pool.workers,
            associations=self.pool.associations,
            accounts=sums,
            sessions=by_status,
            archived=archived,
            disk_free=disk.free,
            disk_total=disk.total,
            disk_keep=disk.keep,
            disk_full_in=disk.full_in,
            snapshot=self._applied,
            problems=self._problems(),
            imbalances=self.balance.known,
            build_after=self.settings.session.build_after,
            build_after_of={
                id: float(project.build_after)
                for id, project in self._in_force.projects.items()
                if project.build_after
            },
            unfinished_jobs=unfinished,
            staged=staged,
            trash_days=self.settings.trash.prearchive_days,
        )

    @property
    def settings(self) -> Settings:
        """The settings that hold now."""
        return self._in_force.now

    def _timer_every(self) -> float:
        session = self.settings.session
        own = [one.build_after for one in self._in_force.projects.values() if one.build_after]
        return min(session.check_every, session.build_after, *own)

    async def apply_configuration(self) -> None:
        """Put what is configured now into force in every worker."""
        async with self._applying:
            snapshot = await self.configuration.read()
            if self._alone:
                return  # it is in force when an engine starts
            late = await self.pool.publish(snapshot)
            late += await self.pool.set_listening(self.configuration.ports.sockets)
            self._applied = snapshot.number
        self._late = frozenset(late)
        self.buffer.tell("configuration", "", f"configuration {snapshot.number} in force")

    def _problems(self) -> tuple[str, ...]:
        """Name the workers that have not followed to this moment."""
        late = [name for name in self.pool.behind if name in self._late]
        return tuple(f"receiver worker {name} has not followed" for name in late)

    async def _open(self, reached: Callable[[str], None]) -> None:
        await self._serve(await self._open_home(reached))

    async def _open_home(self, reached: Callable[[str], None]) -> JobRunner:
        """Open what a home has; nothing of it is at work yet."""
        settings, paths = self.settings, self.settings.paths
        lock = await self._lock()
        self._stack.callback(lock.close)
        reserve = Reserve((*_database_folders(settings), paths.prearchive, self.home.root))
        reserve.give_up()
        in_use = await asyncio.to_thread(_in_use, settings)
        await migrate(settings.databases.archive_url, "archive", in_use=in_use)
        await migrate(settings.databases.prearchive_url, "prearchive")
        archive_db = Database.open(settings.databases.archive_url)
        self._stack.push_async_callback(archive_db.close)
        prearchive_db = Database.open(settings.databases.prearchive_url)
        self._stack.push_async_callback(prearchive_db.close)
        self._archive_watch, self._prearchive_watch = (
            Watch(database.address, commits=partial(getattr, database, "commits"))
            for database in (archive_db, prearchive_db)
        )
        self._stack.callback(self._archive_watch.close)
        self._stack.callback(self._prearchive_watch.close)
        async with archive_db.write() as transaction:
            receipts = Receipts(await secrets.get_or_make(transaction, "receipts"))
            await ship(transaction, enabled=self.settings.anonymization.site_script)
            await add_first(transaction, *unix_user())
        trail = await asyncio.to_thread(_trail, self.home, settings, archive_db)
        node = settings.node.name
        ingester = Ingester(prearchive_db, paths.prearchive, node=node, receipts=receipts)
        processes = ProcessPool(max(1, (os.cpu_count() or 2) - 1))
        self._stack.callback(processes.close)
        self.guard = Guard()
        self._stack.callback(self.guard.close)
        self.check_guard = CheckGuard()
        self._stack.callback(self.check_guard.close)
        self.trial_guard = TrialGuard()
        self._stack.callback(self.trial_guard.close)
        runner = JobRunner(settings.databases.prearchive_url, node=node)
        self.context = JobContext(
            in_force=self._in_force,
            archive_db=archive_db,
            trail=trail,
            prearchive_db=prearchive_db,
            archive=paths.archive,
            prearchive=paths.prearchive,
            ingester=ingester,
            receipts=receipts,
            runner=runner,
            processes=processes,
            session_types=_session_types(self.home),
            changed=self._changed,
            reached=reached,
            reserve=reserve,
            names=await asyncio.to_thread(name_marks.opened, paths.prearchive),
        )
        self.audit_sender = AuditSender(
            archive_db, trail, settings.audit, settings.site_id, self.buffer
        )
        self.relay = Relay(archive_db, prearchive_db)
        self.heads = HeadExport(archive_db, trail, settings.audit, self.buffer)
        self.nodes = Nodes(prearchive_db, node, self.buffer.epoch)
        self.configuration = Configuration(
            settings, archive_db, self._in_force, listens=not self._alone
        )
        await self.configuration.read_settings()
        self.witness = Witness(archive_db)
        self.pace = Pace(LOOK_UPS, LOOK_UP_SECONDS)
        self.presence = Presence(self.buffer)
        self.recognition = Recognition(archive_db, lambda: self.configuration.roster)
        self.noting = Pace(240, 3600.0)
        """How often somebody may write a note of theirs into the trail."""
        self.balance = Balance(prearchive_db, self.buffer)
        self.disk = DiskWatch(paths.prearchive, lambda: self.settings.disk.watermark, self.buffer)
        self.reception = Reception(prearchive_db, ingester, self.buffer, node)
        self.committing = Committing(self.context, self.buffer, self.reception.catch_up)
        self.pool = ReceiverPool(
            prearchive=paths.prearchive,
            node=node,
            workers=settings.dicom.workers,
            desk=ClaimDesk(prearchive_db, paths.prearchive),
            news=self.reception,
            asked=self.committing.asked,
        )
        self.verifying = Verifying(self.context)
        self._stack.push_async_callback(self.verifying.close)
        self.picturing = Picturing(self.context)
        self._stack.callback(self.picturing.close)
        self.reviewing = Reviewing(self.context)
        self.finding = FindingWork(self.context)
        self._stack.push_async_callback(self.reviewing.close)
        if self._alone:
            # The trail has what the command has done before it ends.
            self._stack.push_async_callback(self.relay.drain)
        return runner

    async def _serve(self, runner: JobRunner) -> None:
        """Put everything to work."""
        settings, prearchive_db = self.settings, self.context.prearchive_db
        async with self.context.archive_db.write() as transaction:
            file, unset = said(self.file_settings), said(Settings().resolved(self.home.root))
            await settings_files.note(transaction, settings.node.name, file, unset)
        self.committing.begin(self.pool)
        self._housekeeping = Housekeeping(self.context, self.pool, self.reception)
        self._stack.push_async_callback(self.pool.let_go)
        # They take as long to load as what follows takes, and begin after it.
        await self.pool.spawn()
        # Nothing is put right while somebody copies it.
        async with self.context.still.working():
            await self._recover(runner)
        await self._listen()
        self._backlog = Backlog(
            self.context,
            Releasing(self.context, self.configuration, self.guard),
            self.buffer,
            lanes=settings.dicom.workers,
        )
        self._stack.push_async_callback(self._backlog.close)
        self._stack.push_async_callback(self.committing.close)
        keeping, committing = self._housekeeping, self.committing
        begin = self._background.begin
        begin("script helper", _BACKLOG_EVERY, self._backlog.work, self._backlog_sees)
        begin("storage commitment", _COMMITMENTS_EVERY, committing.work, committing.sees)
        begin("relay", _RELAY_EVERY, self.relay.drain, self._relay_sees)
        begin("audit heads", audit_heads.EVERY, self.heads.work, self._heads_see)
        if settings.audit.syslog:
            begin("audit messages", audit_syslog.EVERY, self.audit_sender.work, self._sender_sees)
        begin("ingest", _INGEST_EVERY, self.reception.grown)
        begin("configuration", _WATCH_EVERY, self._watch, self._settings_see)
        begin("certificates", _CERTIFICATES_EVERY, self._renew)
        begin("journals", _BURY_EVERY, keeping.journals)
        begin("purge", _PURGE_EVERY, keeping.purge)
        begin("sign-ins", _PURGE_EVERY, keeping.sign_ins)
        begin("node", _BEAT_EVERY, self.nodes.beat)
        begin("reserve", _RESERVE_EVERY, keeping.reserve)
        begin("disk", _DISK_EVERY, self.disk.look)
        begin("accounts", _BALANCE_EVERY, self.balance.look, self._prearchive_watch.mark)
        begin("retention", _PURGE_EVERY, keeping.forget)
        if NodeRole.WORKER in settings.node.roles:
            timer = Timer(prearchive_db, runner, idle=self._in_force.build_after)
            begin("findings", _FINDINGS_EVERY, self.finding.work, self._relay_sees)
            begin("timer", self._timer_every, lambda: self._tick(timer))
        await keeping.reserve()
        await self.disk.look()
        _log.info("engine started", database_library=sqlite_library.described())
        self.buffer.tell("engine", settings.node.name, "engine started")

    async def _lock(self) -> HomeLock:
        """Take the home; a command that has it for a moment is waited for."""
        until = asyncio.get_running_loop().time() + _COMMAND_SECONDS
        while True:
            try:
                return self.home.lock(command=self._alone)
            except Conflict:
                holder = self.home.holder()
                passing = holder is not None and holder.command
                if not passing or asyncio.get_running_loop().time() > until:
                    raise
            await asyncio.sleep(_LOOK_EVERY)

    async def _recover(self, runner: JobRunner) -> None:
        """Take in what a crash left behind; only then do jobs run and objects come."""
        context, node = self.context, self.settings.node.name
        alone = await self.nodes.arrive()
        lost_database = LostDatabase(context)
        if found := await lost_database.adopt():
            _log.warning("the prearchive database was lost", sessions_of_journals=found)
        self.reception.tell(await context.ingester.ingest())
        await self._housekeeping.put_away(())
        await lost_database.settle()
        now, ended = datetime.now(UTC), "the engine ended"
        async with context.prearchive_db.write() as transaction:
            left = await transfers.close_left(transaction, node=node, at=now, ended=ended)
        if left:
            async with context.prearchive_db.write() as transaction:
                await transfers.cut_short(transaction, left, closed=now, ended=ended)
        reconciliation = Reconciliation(context, alone=alone)
        await reconciliation.files()
        await runner.prepare()
        self._stack.push_async_callback(runner.close)
        sending = SendJob(context, told=self._send_goes_on)
        # Before the runner ends, which waits for jobs that run.
        self._stack.callback(sending.close)
        await runner.launch(
            {
                SEND: sending.work(),
                Verb.REBUILD: BuildJob(context).work(),
                Verb.ARCHIVE: ArchiveJob(context).work(),
                Verb.MOVE: MoveJob(context, self.configuration.routing).work(),
                Verb.DELETE: DeleteJob(context).work(),
                Verb.RESTORE: RestoreJob(context).work(),
            },
            told=self.buffer.job_waits,
            still=context.still,
        )
        done = await reconciliation.jobs()
        if done.total:
            _log.warning(
                "put right after a crash",
                objects=done.objects,
                rows_added=done.rows_added,
                rows_without_folder=done.rows_without_folder,
                given_back=done.given_back,
                swept=done.swept,
                held=done.lost_held,
                released=done.released,
                sends=done.sends,
            )

    async def _listen(self) -> None:
        snapshot = await self.configuration.read()
        self.health = Health(
            self.context,
            self._reception_now,
            self.disk.now,
            self.verifying,
            self.balance,
            self.heads,
            self.audit_sender,
        )
        self._stack.push_async_callback(self._leave)
        await self.pool.start(snapshot, self.configuration.ports.sockets)
        self._applied = snapshot.number

    async def _leave(self) -> None:
        """After the workers' last word: take it in, and let the trail have it."""
        await self.pool.stop()
        for last in (self.reception.grown, self.relay.drain, self.nodes.leave):
            try:
                await last()
            except Exception as error:
                # It stands in journals and outbox: the next start takes it in.
                _log.error("left for the next start", what=last.__name__, error=named(error))

    def _backlog_sees(self) -> object:
        # Helpers are let go by time, and what the store did not take is tried again by time.
        return object() if self._backlog.is_at_it else self._prearchive_watch.mark()

    def _settings_see(self) -> object:
        # What is configured at another engine is to be in force here as soon as there.
        is_alone = self.context.archive_db.is_sqlite
        return self._archive_watch.mark() if is_alone else object()

    def _relay_sees(self) -> object:
        return self._archive_watch.mark(), self._prearchive_watch.mark()

    def _sender_sees(self) -> object:
        return self.audit_sender.sees(self._archive_watch.mark())

    def _heads_see(self) -> object:
        return self.heads.sees(self._archive_watch.mark())

    async def _watch(self) -> None:
        if await self.configuration.version() + 1 != self._applied:
            await self.apply_configuration()

    async def _renew(self) -> None:
        """Put certificates into force whose files have changed, under a number of their own."""
        if await asyncio.to_thread(self.configuration.certificates_changed):
            async with self.context.archive_db.write() as transaction:
                await bump(transaction)
            await self.apply_configuration()

    async def _tick(self, timer: Timer) -> None:
        for session in await timer.check():
            self.buffer.tell("session", session, "idle: build queued")

    def _reception_now(self) -> ReceptionNow:
        return ReceptionNow(
            receivers=self.configuration.receivers(),
            workers=self.pool.workers,
            wanted=self.settings.dicom.workers,
            deaths=self.pool.deaths,
            late=self._problems(),
            setting_faults=self.configuration.setting_faults,
        )

    def _send_goes_on(self, send: str, text: str, severity: str) -> None:
        self.buffer.progress("send", send, text, severity)

    def _changed(self, session: str, text: str, severity: str) -> None:
        self.buffer.tell("session", session, text, severity)


def _in_use(settings: Settings) -> bool:
    """Say whether sessions have been received or filed here: projects, scripts and the audit trail
    of these stand in the archive's database only."""
    waiting = Address.parse(settings.databases.prearchive_url).file
    # A file system of its own has a lost+found, and whatever else is kept there.
    filed = any(settings.paths.archive.glob("*/arc*/*"))
    return filed or (waiting is not None and waiting.exists())


def _trail(home: Home, settings: Settings, archive: Database) -> AuditChain:
    key = audit_key.get_or_make(home.root / audit_key.NAME)
    return AuditChain(archive, key, Path(file) if (file := settings.audit.head_file) else None)


def _database_folders(settings: Settings) -> list[Path]:
    urls = (settings.databases.archive_url, settings.databases.prearchive_url)
    files = [Address.parse(url).file for url in urls]
    # Where there is none, opening the database says so.
    return [file.parent for file in files if file is not None and file.parent.is_dir()]


def _session_types(home: Home) -> Path | None:
    """Return the site's own table of session types, checked: nothing starts half."""
    file = home.root / "session_types.yaml"
    if not file.exists():
        return None
    try:
        load_types(file)
    except TypesError as error:
        raise InvalidSettings(
            f"{file} cannot be used: {error.problems[0]}",
            problems=tuple(Problem(message=each, path=str(file)) for each in error.problems),
        ) from error
    return file
