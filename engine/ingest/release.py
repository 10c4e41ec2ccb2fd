# SPDX-License-Identifier: Apache-2.0
"""Objects in staging through the intake contract once more: read, routed, and run over by the
script in force in a helper process with limits. What became of one is told, not written down: who
releases it commits that together with what else changes."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from engine.anonymize.runtime.record import recorded_in
from engine.dicom.digest import digest_of
from engine.dicom.guard import Guard
from engine.dicom.header import Header, HeaderError
from engine.dicom.part10 import read_meta
from engine.ingest.claims import ClaimDesk
from engine.intake.answers import ObjectContext, Origin
from engine.intake.claims import Claim, ClaimBook, ClaimRequest, Known
from engine.intake.incoming import Intake
from engine.intake.journal import Journal, Record
from engine.intake.site_script import SKIPPED, Meta, ScriptResult, ScriptStep, SiteScript
from engine.intake.snapshot import Snapshot
from engine.model.errors import InvalidInput
from engine.model.routing import Route
from engine.storage.file_system import Abilities
from engine.storage.staging import StagingArea

_CHUNK = 1 << 20

T = TypeVar("T")
Announce = Callable[[str, str, tuple[str, ...]], None]
"""Told of (held object, session, digests) before anything is linked into the session."""


class Release:
    """An intake of its own for objects that come from staging; used by one thread at a time."""

    def __init__(
        self,
        *,
        prearchive: Path,
        node: str,
        snapshot: Snapshot,
        desk: ClaimDesk,
        guard: Guard,
        loop: asyncio.AbstractEventLoop,
        announce: Announce,
        lane: int = 0,
    ) -> None:
        """Publish by a snapshot; the desk answers in `loop`, which must not wait for this. `lane`
        is another one for each that is open at once."""
        # A name as workers have them: what a kill leaves is swept like theirs.
        # Files have names from the beginning: what is announced is what lies in the folder.
        staging = StagingArea(prearchive / ".staging", f"{node}-w{lane}-{os.getpid()}", Abilities())
        # What fails again is held already.
        staging.held = staging.folder / "again"
        staging.held.mkdir(mode=0o700, exist_ok=True)
        self._folder = staging.folder
        self._notebook = _Notebook(Path(f"{node}-released.journal"))
        self._claims = _Claims(desk, loop, self._announce)
        self._announced = announce
        self._id = ""
        self._intake = Intake(
            staging=staging, journal=self._notebook, claims=self._claims, guard=guard
        )
        self._intake.take(snapshot)
        if snapshot.site_script is not None:
            script = GuardedScript(snapshot.site_script, snapshot.uid_secret)
            self._intake.in_force.site = script

    def run(self, path: Path, origin: Origin) -> Record:
        """Publish a held object, or say why it stays; the file itself stays in any case.

        Raises:
            InvalidInput: if there is no such file, or it cannot be read.
        """
        self._id = path.name
        self._notebook.records.clear()
        # Claimed anew for each object: that is when what is about to happen is announced.
        self._intake.book = ClaimBook(self._claims)
        try:
            with path.open("rb") as file:
                start = file.read(_CHUNK)
                meta = read_meta(start)
                context = ObjectContext(
                    sop_class=meta.sop_class,
                    sop_instance=meta.sop_instance,
                    transfer_syntax=meta.transfer_syntax,
                )
                incoming = self._intake.begin(origin, context=context)
                chunk = start[meta.dataset_offset :]
                while chunk:
                    incoming.write((memoryview(chunk),))
                    chunk = file.read(_CHUNK)
        except FileNotFoundError:
            raise InvalidInput("its file is missing from staging: it can only be dropped") from None
        except OSError as error:
            raise InvalidInput(f"its file cannot be read: {error.strerror}") from error
        except HeaderError:
            raise InvalidInput("its file is damaged: it can only be dropped") from None
        answer = incoming.finish()
        for again in self._intake.staging.held.iterdir():
            again.unlink()
        if not self._notebook.records:
            # Whatever failed could not even be told.
            raise InvalidInput(answer.comment or "the store did not take it")
        return self._notebook.records[-1]

    def interrupt(self) -> None:
        """Let a run that another thread is in end soon: its helpers are gone."""
        self._intake.slow.interrupt()

    def close(self) -> None:
        """End the helpers and leave nothing behind."""
        self._intake.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _announce(self, session: str) -> None:
        digests = {dataset_digest(path) for path in self._folder.iterdir() if path.is_file()}
        self._announced(self._id, session, tuple(sorted(digests)))


class GuardedScript(SiteScript):
    """A site script that only ever runs in the helper process: it has failed with these objects
    before, or their headers could not even be read."""

    def apply(
        self, header: Header, meta: Meta, route: Route, *, whole: bool = True
    ) -> ScriptResult:
        """Send every object the slow way that does not say already that the script has run."""
        if self._plan is None:
            return super().apply(header, meta, route, whole=whole)
        given = self.given(route)
        try:
            if recorded_in(header, self.record(given)):
                return ScriptResult(step=ScriptStep.AS_IT_IS, script=SKIPPED)
        except HeaderError:
            return self.failed("a sequence cannot be read exactly")
        return ScriptResult(step=ScriptStep.SLOW, given=given)


class _Notebook(Journal):
    """Remembers the records that others write to a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.records: list[Record] = []

    def append(self, record: Record, *, sync: bool) -> None:
        self.records.append(record)


class _Claims:
    """Claims that the desk answers, asked from another thread than its own."""

    def __init__(
        self, desk: ClaimDesk, loop: asyncio.AbstractEventLoop, claimed: Callable[[str], None]
    ) -> None:
        self._desk = desk
        self._loop = loop
        self._claimed = claimed

    def claim(self, request: ClaimRequest) -> Claim:
        claim, _ = self._wait(self._desk.claim(request))
        self._claimed(claim.session)
        return claim

    def known(self, session: str, file: str) -> tuple[Known, ...]:
        return self._wait(self._desk.known(session, file))

    def _wait(self, asked: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(asked, self._loop).result()


def dataset_digest(path: Path) -> str:
    """Return the digest of a file's data set, whoever holds its lock; of a file that is not Part 10
    that of all its bytes."""
    with path.open("rb") as file:
        start = file.read(1 << 16)
        with suppress(HeaderError):
            start = start[read_meta(start).dataset_offset :]
        return digest_of(file, start)
