# SPDX-License-Identifier: Apache-2.0
"""Undo records (intake contract 8): the original elements of received objects that the site script
changed, kept beside a session while it waits. Received header = stored header + undo record. They
are used for diffs, relabelling and undo. They are never synced and never put into the trash;
callers decide who may see them.

There is one folder per session, `.originals/{session}`, which the claim desk makes with the row: if
it is gone, nothing is stored any more. Each writer has its own file in it and appends each record
with a single write."""

from __future__ import annotations

import mmap
import os
import shutil
import struct
import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from engine.anonymize.runtime.applied import Undo
from engine.dicom.digest import packed as packed_digest
from engine.dicom.digest import unpacked as unpacked_digest
from engine.model.changes import Statement

FOLDER = ".originals"

_MAGIC = b"\xa7AO1"
_HEAD = struct.Struct("<4sII")
LONGEST = 64 * 1024 * 1024
"""Bytes of one record: more than any header that is worked on in memory. Scripts may remove bulk of
any size; where it is more than this nothing is kept of the object."""
_ENTRY = 128
"""Bytes that one element takes in a record beside its own, at most."""
_ENDING = ".undo"
_REPLACED = "replaced" + _ENDING


@dataclass(frozen=True, kw_only=True, slots=True)
class Original:
    """What takes back all that scripts did to one object. Holds patient data."""

    received_sop: str
    digest: str
    """Of the data set as received: with the UID the key of the object in the session's private
    index, whatever its file is called by now."""
    sop: str
    """SOP Instance UID of the file as it was stored."""
    undo: tuple[Undo, ...]


class _Packed(msgspec.Struct, frozen=True, array_like=True):
    received_sop: str
    digest: bytes
    sop: str
    scripts: list[tuple[str, int]]
    undo: list[tuple[tuple[int, ...], bytes | None, int, int]]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Packed).decode


class Originals:
    """The undo records of one prearchive."""

    def __init__(self, prearchive: Path) -> None:
        """Keep them below `{prearchive}/.originals`."""
        self.root = prearchive / FOLDER

    def begin(self, session: str) -> None:
        """Make the folder of a session.

        Raises:
            OSError: if it cannot be made.
        """
        self.root.mkdir(mode=0o700, exist_ok=True)
        (self.root / session).mkdir(mode=0o700, exist_ok=True)

    def append(self, session: str, writer: str, original: Original) -> bool:
        """Keep what one object was; false when it is too large, or the session's folder has gone.
        `writer` is a name that no other process uses.

        Raises:
            OSError: if it cannot be written.
        """
        if too_large(original.undo):
            return False
        try:
            descriptor = os.open(
                f"{self.root}/{session}/{writer}{_ENDING}",
                os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC,
                0o600,
            )
        except FileNotFoundError:
            return False
        try:
            data = _framed(original)
            if os.write(descriptor, data) != len(data):
                raise OSError("only a part of an undo record was written")
        finally:
            os.close(descriptor)
        return True

    def of(self, session: str) -> Iterator[Original]:
        """Yield what is kept of a session's objects; of one object the last that was written
        counts.

        Raises:
            OSError: if it cannot be read.
        """
        folder = self.root / session
        if not folder.is_dir():
            return
        # What replaced earlier records comes first: what was received since stands after it.
        paths = sorted(folder.glob("*" + _ENDING), key=lambda path: path.name != _REPLACED)
        for path in paths:
            with suppress(FileNotFoundError):
                yield from _read(path)

    def find(self, session: str, received_sop: str, digest: str) -> Original | None:
        """Return what is kept of one object; None where there is nothing.

        Raises:
            OSError: if it cannot be read.
        """
        found = None
        for original in self.of(session):
            if (original.received_sop, original.digest) == (received_sop, digest):
                found = original
        return found

    def replace(self, session: str, originals: Iterable[Original]) -> None:
        """Keep these records and no others; nobody may append meanwhile.

        Raises:
            OSError: if they cannot be written; the old ones are then still there.
        """
        self.begin(session)
        folder = self.root / session
        old = [path for path in folder.iterdir() if path.name != _REPLACED]
        new = folder / "new"
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            for original in originals:
                file.write(_framed(original))
        # The new records first: a kill in between leaves too many records, never too few.
        new.rename(folder / _REPLACED)
        for path in old:
            path.unlink(missing_ok=True)

    def drop(self, session: str) -> None:
        """Forget what the objects of a session were.

        Raises:
            OSError: if something stays.
        """
        with suppress(FileNotFoundError):
            shutil.rmtree(self.root / session)

    def sessions(self) -> list[str]:
        """Name the sessions of which there may be something."""
        return sorted(path.name for path in self.root.iterdir()) if self.root.is_dir() else []

    def expire(self, seconds: float) -> int:
        """Remove files that nobody has written to for so long; return how many."""
        oldest = time.time() - seconds
        gone = 0
        for path in self.root.glob("*/*"):
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < oldest:
                    path.unlink()
                    gone += 1
        return gone


def too_large(undo: Iterable[Undo]) -> bool:
    """Say whether what takes changes back is larger than a record may be."""
    return sum(len(one.element or b"") + _ENTRY for one in undo) > LONGEST


def _framed(original: Original) -> bytes:
    scripts: dict[tuple[str, int], int] = {}
    undo = []
    for path, element, by in original.undo:
        number = scripts.setdefault((by.script, by.version), len(scripts))
        undo.append((path, element, number, by.line))
    payload = _encode(
        _Packed(
            original.received_sop,
            packed_digest(original.digest),
            original.sop,
            list(scripts),
            undo,
        )
    )
    return _HEAD.pack(_MAGIC, len(payload), zlib.crc32(payload)) + payload


def _read(path: Path) -> Iterator[Original]:
    with path.open("rb") as file:
        if not os.fstat(file.fileno()).st_size:
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            position = 0
            # A full disk may have cut a record off in the middle, and others follow it: what is
            # none is passed over up to the next one that checks.
            while (position := data.find(_MAGIC, position)) >= 0:
                found, position = _record_at(data, position)
                if found is not None:
                    yield _unpacked(found)


def _record_at(data: mmap.mmap, position: int) -> tuple[_Packed | None, int]:
    """Return the record that begins here, and where to go on; None where none does."""
    start = position + _HEAD.size
    if start <= len(data):
        _, length, check = _HEAD.unpack(data[position:start])
        payload = data[start : start + length] if length <= LONGEST else b""
        if len(payload) == length and zlib.crc32(payload) == check:
            return _decode(payload), start + length
    return None, position + 1


def _unpacked(packed: _Packed) -> Original:
    undo = tuple(
        Undo(
            path=path,
            element=element,
            statement=Statement(
                script=packed.scripts[number][0], version=packed.scripts[number][1], line=line
            ),
        )
        for path, element, number, line in packed.undo
    )
    return Original(
        received_sop=packed.received_sop,
        digest=unpacked_digest(packed.digest),
        sop=packed.sop,
        undo=undo,
    )
