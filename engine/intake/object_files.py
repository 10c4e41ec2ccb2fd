# SPDX-License-Identifier: Apache-2.0
"""The files of one object in staging: the body to which its bytes are written, and the result of
the slow path. The received object can always be restored."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from engine.dicom.header import Header
from engine.dicom.part10 import write_meta
from engine.intake.answers import ObjectContext, Origin
from engine.intake.body import Body
from engine.intake.context import IntakeContext
from engine.intake.site_script import Edited
from engine.storage.staging import StagedFile


class ObjectFiles:
    """Of one object; used by one thread. A method that raises OSError has written nothing that
    stays."""

    __slots__ = ("_context", "_intake", "_origin", "_rewritten", "body")

    body: Body
    """That which the object's bytes go to; there once it is begun, and until all is discarded."""

    def __init__(self, intake: IntakeContext, origin: Origin, context: ObjectContext) -> None:
        """Begin with nothing written."""
        self._intake = intake
        self._origin = origin
        self._context = context
        self._rewritten: StagedFile | None = None
        """What the slow path has written."""

    def meta(self, sop_class: str, sop_instance: str) -> bytes:
        """Return preamble and group 2 for a SOP class and instance."""
        return write_meta(
            sop_class=sop_class,
            sop_instance=sop_instance,
            transfer_syntax=self._context.transfer_syntax,
            source_ae=self._origin.calling[:16],
        )

    def received_meta(self) -> bytes:
        """Return preamble and group 2 of the object as it is received."""
        return self.meta(self._context.sop_class, self._context.sop_instance)

    def write_received(self, received: Sequence[memoryview]) -> None:
        """Begin the body with what has come, as it came."""
        file = self._new_file()
        self.body = Body(file, start=(self.received_meta(),), rest=received)

    def write_edited(
        self, edited: Edited, header: Header, rest: Sequence[memoryview], *, tail_limit: int
    ) -> None:
        """Begin the body with another head than the one received, and what has come behind that;
        for `tail_limit` see `Body`."""
        self.body = Body(
            self._new_file(),
            start=(edited.start, *edited.head),
            head=header,
            rest=rest,
            limit=tail_limit,
        )

    def restore(self) -> None:
        """Let the body be the object as it was received, all bytes of which have come."""
        written = self.body
        if written.head is None:
            return
        # What is kept of the tail, or waits for more, belongs to what was received.
        written.finish()
        self.body = written.received(self._new_file(), self.received_meta())
        written.file.discard()

    def name_for_slow_path(self) -> Path:
        """Return a path for the slow path to write to."""
        return self._intake.staging.folder / self._intake.next_name()

    def adopt(self, path: Path) -> StagedFile:
        """Take over what the slow path has written."""
        self._rewritten = StagedFile.adopt(path)
        return self._rewritten

    def drop_rewritten(self) -> None:
        """Remove what the slow path has written."""
        if self._rewritten is not None:
            self._rewritten.discard()
            self._rewritten = None

    def discard(self) -> None:
        """Remove all; what is published or held keeps its other name."""
        files = [self._rewritten] if self._rewritten is not None else []
        self._rewritten = None
        if hasattr(self, "body"):
            files.append(self.body.file)
            del self.body
        for file in files:
            with suppress(OSError):  # what stays is swept at the next start
                file.discard()

    def _new_file(self) -> StagedFile:
        return self._intake.staging.new_file(self._intake.next_name())
