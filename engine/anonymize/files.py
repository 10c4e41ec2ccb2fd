"""Runs a script over one file of Part 10 and writes the result under another name. The file itself
is never changed. Which files there are, and in how many processes, is decided elsewhere."""

from __future__ import annotations

import mmap
import os
import shutil
import stat
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from secrets import token_bytes

from engine.anonymize import check
from engine.anonymize.faults import ScriptError
from engine.anonymize.lookups import read_table
from engine.anonymize.pixelguard import PixelGuard
from engine.anonymize.plan import PixelRequest, Plan, compile_script
from engine.anonymize.regions import Blanked
from engine.anonymize.subject import Subject, index_meta, index_tail
from engine.dicom.edit import Piece
from engine.dicom.guard import Guard, Unreadable
from engine.dicom.header import Header, HeaderError, HeaderReader
from engine.dicom.part10 import BIG_ENDIAN, FileMeta, index_file, is_explicit
from engine.dicom.walk import Buffer
from engine.model.anonymized import AnonymizedFile
from engine.model.changes import Change, ChangeKind, ScriptOutcome
from engine.model.errors import InvalidInput, Problem

MOST_INFLATED = 1024 * 1024 * 1024
"""Bytes of a data set that was deflated."""

_META_START = 132
_DIRECTORY = "1.2.840.10008.1.3.10"
_INFLATED = {
    "1.2.840.10008.1.2.1.99": "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2.4.95": "1.2.840.10008.1.2.4.94",
    "1.2.840.10008.1.2.4.205": "1.2.840.10008.1.2.4.204",
}
"""Deflated transfer syntaxes, and the same without."""
_BULK = 64 * 1024
"""The guard leaves out larger values; a head that is shorter than this has none."""


class Fault(Exception):
    """A file that no script can be run over; `reason` is a sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """A script and all that it needs, as it is handed to other processes."""

    name: str
    text: str
    variables: Mapping[str, str] = field(default_factory=dict)
    lookups: str = ""
    rejecting: bool = True
    changes: bool = False
    """Whether changes are to be told."""
    secret: bytes = field(default_factory=partial(token_bytes, 32), repr=False)
    """The key of mapped UIDs: one of this run alone, unless another is given."""
    hosts: tuple[str, ...] = ()
    """What scripts may fetch texts from."""

    def plan(self) -> Plan:
        """Make the script ready.

        Raises:
            InvalidScript: it has faults, or reads a variable that is not given.
            InvalidInput: the lookup table has faults.
        """
        table, problems = read_table(self.lookups)
        if problems:
            raise InvalidInput("the lookup table has faults", problems=problems)
        script = check.load(self.text, given=tuple(self.variables))
        return compile_script(
            script,
            name=self.name,
            secret=self.secret,
            lookups=table,
            hosts=frozenset(self.hosts),
        )


class FileRun:
    """One script over one file after the other."""

    def __init__(self, recipe: Recipe) -> None:
        """Make the script ready; raises `InvalidInput` as `Recipe.plan`."""
        self._recipe = recipe
        self._plan = recipe.plan()
        self._guard = Guard()
        self._pixels = PixelGuard()

    def close(self) -> None:
        """End the helper processes, if there are any."""
        self._guard.close()
        self._pixels.close()

    def run(self, source: Path, target: Path) -> AnonymizedFile:
        """Write what the script makes of a file; nothing is written when it rejects or fails."""
        problem: Problem
        try:
            return self._run(source, target)
        except ScriptError as error:
            problem = Problem(message=error.message, line=error.line, column=error.column)
        except InvalidInput as error:
            problem = Problem(message=error.message)
        except Fault as error:
            problem = Problem(message=error.reason)
        except (HeaderError, Unreadable) as error:
            problem = Problem(message=f"its header cannot be read for sure: {error.reason}")
        except OSError as error:
            problem = Problem(message=error.strerror or "it cannot be read or written")
        except MemoryError:
            problem = Problem(message="there is not enough memory for it")
        return AnonymizedFile(source=str(source), outcome=ScriptOutcome.ERROR, error=problem)

    def _run(self, source: Path, target: Path) -> AnonymizedFile:
        if os.path.lexists(target):
            raise Fault(f"{target} exists, and nothing is overwritten")
        opened = self._open(source)
        recipe = self._recipe
        applied = self._plan.apply(
            opened.subject,
            recipe.variables,
            rejecting=recipe.rejecting,
            changes=recipe.changes,
            undo=False,
        )
        told = AnonymizedFile(
            source=str(source),
            outcome=applied.outcome,
            echoes=applied.echoes,
            notes=applied.notes,
        )
        if applied.outcome is ScriptOutcome.REJECTED:
            return told
        changed, changes = opened.subject.changed, applied.changes
        with _appearing(target, like=source) as partial:
            if changed or applied.pixels:
                _write(partial, opened.pieces())
            else:
                shutil.copyfile(source, partial)
            if applied.pixels:
                blanked = self._blank(partial, applied.pixels)
                told = replace(told, notes=told.notes + blanked.notes)
                changed = changed or blanked.changed
                if blanked.changed and recipe.changes:
                    changes += (_blanking(applied.pixels[-1]),)
        outcome = ScriptOutcome.CHANGED if changed else ScriptOutcome.UNCHANGED
        return replace(told, target=str(target), outcome=outcome, changes=changes)

    def _blank(self, partial: Path, requests: Sequence[PixelRequest]) -> Blanked:
        """Blank what was asked for in a file that nobody sees yet."""
        blank = partial.with_suffix(".blank")
        try:
            blanked = self._pixels.blank_file(partial, blank, [one.blanking for one in requests])
            if blanked.changed:
                blank.replace(partial)
            return blanked
        except ScriptError as error:
            raise error.at(requests[0].statement.line, 1) from None
        finally:
            blank.unlink(missing_ok=True)

    def _open(self, source: Path) -> _Opened:
        data = _map(source)
        try:
            meta, group2 = index_file(data)
        except HeaderError:
            raise Fault("it is no DICOM file (Part 10)") from None
        if meta.sop_class == _DIRECTORY:
            raise Fault("it is a DICOMDIR, which lists patients: make a new one of the result")
        if meta.transfer_syntax == BIG_ENDIAN:
            raise Fault("it is big endian: convert it to Explicit VR Little Endian first")
        body: Buffer = data[meta.dataset_offset :]
        inflated = _INFLATED.get(meta.transfer_syntax)
        if inflated is not None:
            body = _inflate(body)
            edit = group2.edit()
            edit.set(0x00020010, "UI", inflated.encode("ascii"))
            group2 = index_meta(b"".join(edit.write()))
        head, rest = self._head(source, meta, body)
        reach = self._plan.reach
        tail = None
        if len(rest) and (reach.tail or reach.wanders or reach.strips or reach.pixel_group):
            tail = index_tail(rest, head)
        subject = Subject(head, meta=group2, tail=tail)
        return _Opened(subject=subject, rest=None if tail is not None else rest)

    def _head(self, source: Path, meta: FileMeta, body: Buffer) -> tuple[Header, Buffer]:
        """Index the head, and give what follows it."""
        explicit = is_explicit(meta.transfer_syntax)
        reader = HeaderReader(explicit)
        try:
            reader.advance(body, True)
            head = reader.header(body)
            return head, body[head.end :]
        except HeaderError as error:
            if not explicit or meta.transfer_syntax in _INFLATED:
                raise
            reason = error.reason
        normal = self._guard.head(source, meta.transfer_syntax, meta.dataset_offset)
        if normal.end > _BULK:
            # Its large values are not in the normal form: they would be lost.
            raise Unreadable(reason)
        return Header.index(normal.data, explicit=True), body[normal.end :]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Opened:
    """A file that is being run over."""

    subject: Subject
    rest: Buffer | None
    """What follows the head, where the subject does not hold it itself."""

    def pieces(self) -> Iterable[Piece]:
        """Give all that is to be written."""
        # Whatever stood in the preamble stays behind.
        yield bytes(128) + b"DICM"
        yield self.subject.meta_bytes()
        yield from self.subject.head_pieces()
        yield from self.subject.tail_pieces()
        if self.rest is not None:
            yield memoryview(self.rest)


def _blanking(request: PixelRequest) -> Change:
    return Change(
        path="(7FE0,0010)",
        name="PixelData",
        kind=ChangeKind.PIXELS,
        statement=request.statement,
    )


def _map(source: Path) -> memoryview:
    """Give the bytes of a file; they are read when they are looked at."""
    with source.open("rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or found.st_size <= _META_START:
            raise Fault("it is no DICOM file (Part 10)")
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _inflate(data: Buffer) -> bytes:
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        inflated = inflate.decompress(data, MOST_INFLATED)
    except zlib.error:
        raise Fault("its deflated data set is damaged") from None
    if not inflate.eof:
        raise Fault("its deflated data set ends too early, or is too large")
    return inflated


def _write(file: Path, pieces: Iterable[Piece]) -> None:
    with file.open("xb") as opened:
        for piece in pieces:
            opened.write(piece)


@contextmanager
def _appearing(target: Path, *, like: Path) -> Iterator[Path]:
    """Give a hidden name to write to; the file appears at its own name at once and whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".anteroom-{os.getpid()}-{target.name[-100:]}.partial")
    try:
        yield partial
        with suppress(OSError):
            shutil.copymode(like, partial)
        partial.rename(target)
    finally:
        partial.unlink(missing_ok=True)
