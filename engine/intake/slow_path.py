# SPDX-License-Identifier: Apache-2.0
"""The slow path (intake contract 11): an object that the site script cannot handle by its head
alone is staged as it came, and a helper process with limits on time and memory writes the result of
the script. This is the calling side; the work is done in `engine.intake.script_worker`."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from engine.anonymize.faults import ScriptError
from engine.anonymize.pixels.guard import NO_FILE, PixelGuard
from engine.anonymize.pixels.regions import asked_in
from engine.anonymize.runtime.applied import Undo
from engine.dicom.guard import Unreadable
from engine.dicom.header import Header, HeaderError
from engine.dicom.part10 import read_header
from engine.intake.originals import LONGEST
from engine.model.changes import ScriptOutcome, Statement
from engine.model.scripts import ScriptInForce
from engine.sandbox.client import GIB, PATIENCE, NoAnswer, Sandbox
from engine.sandbox.protocol import DONE

_MIB = 1024 * 1024
_LARGEST = 64 * GIB
_DESCRIBE_PIXELS = (
    0x00120063,  # De-identification Method
    0x00120064,  # De-identification Method Code Sequence
    0x00280004,  # Photometric Interpretation
    0x00280006,  # Planar Configuration
    0x00280301,  # Burned In Annotation
    0x00282110,  # Lossy Image Compression
    0x00282114,  # Lossy Image Compression Method
)
"""What blanking pixels may write."""


class StatementPlace(msgspec.Struct, frozen=True, array_like=True):
    """A statement, as the helper reports it."""

    script: str
    version: int
    line: int

    def statement(self) -> Statement:
        """Return the statement."""
        return Statement(script=self.script, version=self.version, line=self.line)


class HelperAnswer(msgspec.Struct, frozen=True, array_like=True):
    """What the helper answers."""

    outcome: str
    """That of the script; `error` with a message and a line."""
    message: str = ""
    line: int = 0
    place: StatementPlace | None = None
    """The statement that rejected the object."""
    undo: list[tuple[list[int], bytes | None, StatementPlace]] = []
    asked: list[list[int]] = []
    blanked_by: StatementPlace | None = None
    unkept: bool = False
    """Whether what takes the changes back is too large to be kept; then there is no undo."""


encode_told = msgspec.msgpack.Encoder().encode
_decode_told = msgspec.msgpack.Decoder(HelperAnswer).decode


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """The result for an object."""

    outcome: ScriptOutcome
    statement: Statement
    header: Header | None = None
    """As stored; None where nothing was written."""
    undo: tuple[Undo, ...] = ()


class SlowPath:
    """Two helper processes, started when first needed; used by any thread."""

    def __init__(
        self,
        *,
        seconds: float = 20,
        patience: float = PATIENCE,
        memory: int = 4 * GIB,
        command: tuple[str, ...] | None = None,
    ) -> None:
        """Allow each object so many seconds of processor time and more by its size, and a helper so
        many bytes of address space; for `patience` see `Sandbox`."""
        self._seconds = seconds
        self._sandbox = Sandbox(
            "engine.intake.script_worker",
            seconds=seconds,
            patience=patience,
            memory=memory,
            largest_file=_LARGEST,
            longest=LONGEST + _MIB,
            command=command,
        )
        self._pixels = PixelGuard()

    def run(
        self,
        raw: Path,
        target: Path,
        script: ScriptInForce,
        *,
        secret: bytes,
        given: Mapping[str, str],
        record: str,
        received: Header,
    ) -> Done:
        """Write what a script makes of a file, under a name that is not taken; nothing is written
        when it rejects the object or changes nothing.

        Raises:
            ScriptError: if it fails with this object, or takes more than it may.
            OSError: if a file cannot be read or written.
        """
        size = raw.stat().st_size
        request = {
            "raw": os.path.abspath(raw),
            "target": os.path.abspath(target),
            "script": msgspec.to_builtins(script),
            "secret": base64.b64encode(secret).decode("ascii"),
            "given": dict(given),
            "record": record,
        }
        # One second more for every 20 MiB, which the helper has to read and write.
        seconds = self._seconds + size / (20 * _MIB)
        try:
            answer = self._sandbox.ask(
                request, doing="running the script", seconds=seconds, mapped=size
            )
        except NoAnswer as error:
            target.unlink(missing_ok=True)
            raise ScriptError(error.reason) from None
        if answer.status == NO_FILE:
            target.unlink(missing_ok=True)
            raise OSError(answer.number, os.strerror(answer.number))
        if answer.status != DONE:
            target.unlink(missing_ok=True)
            raise ScriptError(answer.body.decode("utf-8", "replace"))
        told = _decode_told(answer.body)
        if told.outcome == ScriptOutcome.ERROR:
            target.unlink(missing_ok=True)
            raise ScriptError(told.message, told.line)
        outcome = ScriptOutcome(told.outcome)
        statement = told.place.statement() if told.place else Statement(script=script.name)
        if not target.exists():
            return Done(outcome=outcome, statement=statement)
        try:
            return self._written(target, told, outcome, statement, received)
        except BaseException:
            target.unlink(missing_ok=True)
            raise

    def interrupt(self) -> None:
        """End the helpers whatever they are at: the run that waits for them fails."""
        self._sandbox.interrupt()
        self._pixels.interrupt()

    def close(self) -> None:
        """End the helpers; nothing more can be run."""
        self._sandbox.close()
        self._pixels.close()

    def _written(
        self,
        target: Path,
        told: HelperAnswer,
        outcome: ScriptOutcome,
        statement: Statement,
        received: Header,
    ) -> Done:
        undo = tuple(
            Undo(path=tuple(path), element=element, statement=by.statement())
            for path, element, by in told.undo
        )
        blanked = False
        if told.asked:
            blanked = self._blank(target, told)
        try:
            _, header = read_header(target)
        except (HeaderError, Unreadable):
            raise ScriptError("what it writes cannot be read") from None
        if blanked and told.blanked_by is not None and not told.unkept:
            undo = _described(undo, received, header, told.blanked_by.statement())
        return Done(
            outcome=ScriptOutcome.CHANGED if blanked else outcome,
            statement=statement,
            header=header,
            undo=undo,
        )

    def _blank(self, target: Path, told: HelperAnswer) -> bool:
        first = target.with_name(target.name + "-pixels")
        # `blank_file` writes a new file and never over an old one: what the script wrote makes way.
        os.rename(target, first)
        try:
            wanted = [asked_in(numbers) for numbers in told.asked]
            blanked = self._pixels.blank_file(first, target, wanted)
            if not blanked.changed:
                os.rename(first, target)
        finally:
            first.unlink(missing_ok=True)
        return blanked.changed


def _described(
    undo: tuple[Undo, ...], received: Header, stored: Header, statement: Statement
) -> tuple[Undo, ...]:
    """Let the undo take back, too, what the header now says of the pixels."""
    fresh = []
    for tag in _DESCRIBE_PIXELS:
        before, after = _element(received, tag), _element(stored, tag)
        if before != after:
            fresh.append(Undo(path=(tag,), element=before, statement=statement))
    tags = {one.path[0] for one in fresh}
    return (*(one for one in undo if one.path[0] not in tags), *fresh)


def _element(header: Header, tag: int) -> bytes | None:
    found = header.get(tag)
    return None if found is None else bytes(header.data[found.start : found.end])
