# SPDX-License-Identifier: Apache-2.0
"""A stored object (a Part 10 file) as input of scripts: opened, restored by an undo record if there
is one, and written completely under another name. Callers decide which scripts run, and what
happens to the original file."""

from __future__ import annotations

import errno
import mmap
import os
import shutil
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

from engine.anonymize.faults import ScriptError
from engine.anonymize.pixels.guard import PixelGuard
from engine.anonymize.runtime.applied import Applied, Undo
from engine.anonymize.runtime.reach import Reach
from engine.anonymize.runtime.subject import ScriptedObject, index_meta, index_tail
from engine.anonymize.runtime.undo import restore
from engine.dicom.byte_order import turn
from engine.dicom.edit import HeaderEdit, Piece
from engine.dicom.guard import Guard, Unreadable
from engine.dicom.header import Header, HeaderError
from engine.dicom.inflation import NotInflated, inflate_to
from engine.dicom.part10 import BIG_ENDIAN, FileMeta, index_file, is_explicit
from engine.dicom.walk import IMPLICIT_NOT_SAID, META_END, PIXEL_GROUP, Buffer

_COPY = 1 << 20
_META_START = 132
_TRANSFER_SYNTAX = 0x00020010
_DIRECTORY = "1.2.840.10008.1.3.10"
_WRITTEN_AS = {
    BIG_ENDIAN: "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2.1.99": "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2.4.95": "1.2.840.10008.1.2.4.94",
    "1.2.840.10008.1.2.4.205": "1.2.840.10008.1.2.4.204",
}
"""Big endian and deflated transfer syntaxes, and what scripts write instead."""
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_NO_DICOM = "it is no DICOM file (Part 10)"
_BULK = 64 * 1024
"""The guard leaves out larger values; a head that is shorter than this has none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """An open file. Its bytes are read when they are looked at."""

    path: Path
    meta: FileMeta
    group2: Header
    head: Header
    rest: Buffer
    """What follows the head: pixels, and what comes after them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """A stored object that scripts may be applied to."""

    subject: ScriptedObject
    rest: Buffer | None
    """What follows the head, where the subject does not hold it itself."""

    def pieces(self) -> Iterable[Piece]:
        """Yield all that is to be written. What stood in the preamble stays behind."""
        yield bytes(128) + b"DICM"
        yield self.subject.meta_bytes()
        yield from self.subject.head_pieces()
        yield from self.subject.tail_pieces()
        if self.rest is not None:
            yield memoryview(self.rest)


def open_stored(path: Path, *, guard: Guard) -> Stored:
    """Open a file; the guard reads the heads that cannot be indexed exactly in place.

    Raises:
        OSError: if it cannot be read.
        ScriptError: if scripts cannot be run over what it is.
    """
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_size <= _META_START:
            raise ScriptError(_NO_DICOM)
        data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    try:
        meta, group2 = index_file(data)
    except HeaderError:
        raise ScriptError(_NO_DICOM) from None
    if meta.sop_class == _DIRECTORY:
        raise ScriptError("it is a DICOMDIR, which lists patients: make a new one of the result")
    body: Buffer = data[meta.dataset_offset :]
    written_as = _WRITTEN_AS.get(meta.transfer_syntax)
    try:
        if written_as is not None:
            body = _made_over(path, meta)
            edit = HeaderEdit(group2)
            edit.set(_TRANSFER_SYNTAX, "UI", written_as.encode("ascii"))
            group2 = index_meta(b"".join(edit.write()))
        head, rest = _head(path, meta, body, guard)
    except NotInflated as error:
        raise ScriptError(error.reason) from None
    except (HeaderError, Unreadable) as error:
        raise ScriptError(f"its header cannot be read for sure: {error.reason}") from None
    return Stored(path=path, meta=meta, group2=group2, head=head, rest=rest)


def opened(stored: Stored, reach: Reach, *, undo: Sequence[Undo] = ()) -> Opened:
    """Return the object as a script of that reach has to see it; with `undo` as it was before the
    scripts that the undo is of.

    Raises:
        ScriptError: if the elements after the pixels are needed and cannot be read, or it is not
            the undo of this object.
    """
    by_part: dict[int, list[Undo]] = {}
    for one in undo:
        by_part.setdefault(_part(one.path[0]), []).append(one)
    try:
        group2, head = stored.group2, stored.head
        if 0 in by_part:
            group2 = index_meta(_restored(group2, by_part[0]))
        if 1 in by_part:
            head = Header.index(_restored(head, by_part[1]), explicit=head.explicit)
        tail: Header | None = None
        wanted = reach.tail or reach.wanders or reach.strips or reach.pixel_group
        if 2 in by_part or (wanted and len(stored.rest)):
            tail = index_tail(stored.rest, head)
            if 2 in by_part:
                tail = index_tail(_restored(tail, by_part[2]), head)
    except (HeaderError, IndexError, ValueError) as error:
        reason = error.reason if isinstance(error, HeaderError) else "the undo record is of another"
        raise ScriptError(f"it cannot be read for sure: {reason}") from None
    return Opened(
        subject=ScriptedObject(head, meta=group2, tail=tail),
        rest=stored.rest if tail is None else None,
    )


def write(target: Path, found: Opened, applied: Applied, pixels: PixelGuard) -> None:
    """Write what scripts have made of an object, durably but for the entry of its folder. The
    target must not exist; nothing of it is left when this fails.

    Raises:
        ScriptError: if the pixels cannot be blanked for sure, or a text fits no character set.
        OSError: if it cannot be written.
    """
    first = target.with_name(f".{target.name}.part") if applied.pixels else target
    try:
        with os.fdopen(os.open(first, _NEW, 0o600), "wb", 1 << 16) as file:
            for piece in found.pieces():
                file.write(piece)
            if first == target:
                file.flush()
                os.fdatasync(file.fileno())
        if first != target:
            wanted = [request.asked for request in applied.pixels]
            if not pixels.blank_file(first, target, wanted).changed:
                os.rename(first, target)
            with target.open("rb+") as file:
                os.fchmod(file.fileno(), 0o600)
                os.fdatasync(file.fileno())
    except FileExistsError:
        raise
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    finally:
        if first != target:
            first.unlink(missing_ok=True)


def _part(tag: int) -> int:
    if tag <= META_END:
        return 0
    return 1 if tag < PIXEL_GROUP << 16 else 2


def _restored(part: Header, undo: Iterable[Undo]) -> bytes:
    return b"".join(restore(part, undo))


def _head(path: Path, meta: FileMeta, body: Buffer, guard: Guard) -> tuple[Header, Buffer]:
    explicit = is_explicit(meta.transfer_syntax)
    try:
        # Of any length: it is not held in memory.
        head = Header.index(body, explicit=explicit)
        return head, memoryview(body)[head.end :]
    except HeaderError:
        if not explicit or meta.transfer_syntax in _WRITTEN_AS:
            raise
        normal = guard.head(path, meta.transfer_syntax, meta.dataset_offset)
        if normal.contrary:
            raise HeaderError(IMPLICIT_NOT_SAID) from None
        if normal.end > _BULK:
            # Its large values are not in the normal form: they would be lost.
            raise
    return Header.index(normal.data, explicit=True), memoryview(body)[normal.end :]


def _made_over(path: Path, meta: FileMeta) -> Buffer:
    """Return a data set that is deflated, or big endian, as it is worked on: in a file that has no
    name, so that it takes no memory, whatever its size."""
    with path.open("rb") as file, _nameless(path.parent) as made:
        file.seek(meta.dataset_offset)
        if meta.transfer_syntax != BIG_ENDIAN:
            inflate_to(made, file)
            return _mapped(made)
        shutil.copyfileobj(file, made, _COPY)
        turned = _mapped(made)
    turn(turned)
    return turned


def _nameless(folder: Path) -> BinaryIO:
    try:
        return TemporaryFile(dir=folder)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EROFS):
            raise
        return TemporaryFile()  # a folder that is only read from


def _mapped(file: BinaryIO) -> memoryview:
    """Map a whole file; what is changed in it is seen by nobody else."""
    file.flush()
    if not file.tell():
        return memoryview(bytearray())
    return memoryview(mmap.mmap(file.fileno(), 0))
