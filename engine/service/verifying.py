# SPDX-License-Identifier: Apache-2.0
"""Verifications of filed sessions: one at a time, in pieces in the process pool, each to its end
even if the caller no longer waits. The comparison is in `engine.sessions.verification`."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex

import structlog

from engine.archive import sessions, verifications
from engine.jobs.context import JobContext
from engine.model.archive import SessionCard
from engine.model.errors import Conflict, NotFound, Unavailable
from engine.model.outage import named
from engine.model.verification import Fault, FaultKind, Faults, Verification
from engine.sessions import verification
from engine.sessions.verification import Cursor, Look

_log = structlog.get_logger(__name__)

PIECE_SECONDS = 2.0
"""About so long a piece keeps a process of the pool: jobs wait no longer for it."""

_MOST_OF_ONE = 4
"""Verifications that somebody may have begun at once."""

_KEPT = 100
"""Verifications whose result can still be asked for."""


@dataclass(slots=True)
class _Run:
    """One verification on its way."""

    card: SessionCard
    name: str
    actor: str
    done: bool = False
    files: int = 0
    of_files: int = 0
    bytes: int = 0
    of_bytes: int = 0
    undigested: int = 0
    faults: Faults = field(default_factory=Faults)
    task: asyncio.Task[None] | None = None

    def said(self) -> Verification:
        """Say how far it is."""
        return Verification(
            accession=self.card.accession,
            run=self.name,
            done=self.done,
            files=self.files,
            of_files=self.of_files,
            bytes=self.bytes,
            of_bytes=self.of_bytes,
            faults=self.faults,
            undigested=self.undigested,
        )


class Verifying:
    """Verifies the sessions of one archive."""

    def __init__(self, context: JobContext) -> None:
        """Nothing is verified yet."""
        self._context = context
        self._runs: OrderedDict[str, _Run] = OrderedDict()
        self._alone = asyncio.Lock()

    async def close(self) -> None:
        """End what is on its way; nothing of it is written down."""
        tasks = [run.task for run in self._runs.values() if run.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def look(self, card: SessionCard) -> Look:
        """Compare a session by names and sizes.

        Raises:
            NotFound: if its folder is not there.
        """
        document = await self._document(card.accession)
        try:
            return await self._context.processes.run(
                verification.look, self._folder(card), document
            )
        except FileNotFoundError:
            raise no_folder(card.accession) from None

    async def verify(self, id: str, run: str, wait: float, actor: str) -> Verification:
        """Begin to verify a session, or go on waiting for a verification that was begun.

        Raises:
            NotFound: if there is no such session, or no such verification any more.
            Unavailable: if the store of the archive is not there.
        """
        async with self._context.archive_db.read() as transaction:
            card = await sessions.card(transaction, id)
        if not run:
            run = self._going_on(card, actor) or self._begin(card, actor)
        found = self._runs.get(run)
        # One of another session is not known to who may ask of this one.
        if found is None or found.card.accession != card.accession:
            raise NotFound("this verification is not known any more", hint="verify again")
        if found.task is not None and wait > 0:
            await asyncio.wait((found.task,), timeout=wait)
        if found.task is not None and found.task.done():
            found.task.result()
        return found.said()

    async def whole(self, accession: str, actor: str) -> Verification:
        """Verify a session to its end."""
        async with self._context.archive_db.read() as transaction:
            card = await sessions.card(transaction, accession)
        run = _Run(card=card, name="", actor=actor)
        await self._go(run)
        return run.said()

    def _going_on(self, card: SessionCard, actor: str) -> str:
        """Return the verification of a session that has not ended; empty for none.

        Raises:
            Conflict: the actor has begun as many others as they may.
        """
        open = [run for run in self._runs.values() if run.task is None or not run.task.done()]
        for run in open:
            if run.card.accession == card.accession:
                return run.name
        if sum(run.actor == actor for run in open) >= _MOST_OF_ONE:
            raise Conflict(
                f"{_MOST_OF_ONE} verifications that you began have not ended yet",
                hint="wait for one of them: they are made one after the other",
            )
        return ""

    def _begin(self, card: SessionCard, actor: str) -> str:
        run = _Run(card=card, name=token_hex(8), actor=actor)
        run.task = asyncio.create_task(self._go(run))
        run.task.add_done_callback(_seen)
        self._runs[run.name] = run
        ended = [name for name, each in self._runs.items() if each.task and each.task.done()]
        for name in ended[: max(0, len(self._runs) - _KEPT)]:
            del self._runs[name]
        return run.name

    async def _go(self, run: _Run) -> None:
        async with self._alone:
            await self._compare(run)
            async with self._context.archive_db.write() as transaction:
                await verifications.keep(
                    transaction,
                    run.card.accession,
                    run.faults.counts,
                    files=run.files - run.undigested,
                    actor=run.actor,
                )
            run.done = True

    async def _compare(self, run: _Run) -> None:
        folder, processes = self._folder(run.card), self._context.processes
        document = await self._document(run.card.accession)
        try:
            seen = await processes.run(verification.look, folder, document)
            run.of_files, run.of_bytes, run.faults = seen.files, seen.bytes, seen.faults
            cursor: Cursor | None = Cursor()
            while cursor is not None:
                piece = await processes.run(
                    verification.digest, folder, seen.holdings, cursor, PIECE_SECONDS
                )
                cursor = piece.after
                run.files += piece.files
                run.bytes += piece.bytes
                run.undigested += piece.undigested
                run.faults = run.faults.joined(piece.faults)
        except FileNotFoundError:
            await asyncio.to_thread(self._must_be_mounted)
            gone = Fault(kind=FaultKind.MISSING, path="", detail="it is not in the archive")
            run.faults = run.faults.plus((gone,))

    def _must_be_mounted(self) -> None:
        """Tell a session that is gone from an archive that is.

        Raises:
            Unavailable: if there is nothing at all where the archive should be.
        """
        try:
            if any(self._context.archive.iterdir()):
                return
        except OSError:
            pass
        raise Unavailable(
            f"there is nothing in {self._context.archive}",
            hint="check whether the archive's file system is mounted",
        )

    def _folder(self, card: SessionCard) -> Path:
        return self._context.archive / card.folder

    async def _document(self, accession: str) -> str:
        async with self._context.archive_db.read() as transaction:
            return await sessions.document(transaction, accession)


def no_folder(accession: str) -> NotFound:
    """Say that a session's folder is not in its place."""
    return NotFound(
        f"the folder of {accession} is not in the archive",
        hint="check whether the archive's file system is mounted",
    )


def _seen(task: asyncio.Task[None]) -> None:
    """Log a verification that could not be made: who asked for it may have gone."""
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("a verification fails", error=named(error))
