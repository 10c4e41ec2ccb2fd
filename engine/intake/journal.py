# SPDX-License-Identifier: Apache-2.0
"""The journal: one append-only file per worker, with one record per object whatever its outcome
(intake contract 4). This module writes and reads records; `engine.ingest` turns them into rows.

A record is `magic, length, CRC-32, MessagePack`. Threads append without a lock, because one write
with O_APPEND is never interleaved with another. A reader that finds a damaged stretch continues at
the next record whose CRC is right."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import msgspec

from engine.storage.folders import sync_folder

_MAGIC = b"\xa7AJ1"
_HEAD = struct.Struct("<4sII")
_LONGEST = 64 * 1024
"""Bytes of one record with its head; real ones have about 600."""
_WINDOW = 1 << 20
"""Bytes looked at at once: many of the longest records."""


class Outcome(StrEnum):
    """The outcome of one object."""

    STORED = "stored"
    CONFLICT = "conflict"
    """Stored beside another object of the same UID and other bytes."""
    DUPLICATE = "duplicate"
    HELD = "held"
    STAGED = "staged"
    """Kept as it came, for the helper to run the script over it (11)."""
    FILTERED = "filtered"
    REJECTED = "rejected"
    REFUSED = "refused"
    FAILED = "failed"


PUBLISHED = frozenset({Outcome.STORED, Outcome.CONFLICT})
"""Linked into a session, as the site script has left them."""

NEEDS_SYNC = frozenset({Outcome.DUPLICATE, Outcome.FILTERED, Outcome.REJECTED})
"""Counted but not kept: the journal record is the only durable trace of these (3)."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """The fate of one object. `size` is in bytes, `at` in nanoseconds since 1970 (UTC).

    One is made for each object, and a struct is made several times as fast as a dataclass.
    """

    at: int
    transfer: str
    outcome: Outcome
    session: str = ""
    file: str = ""
    """Path below the session folder; for a held or staged object its name in `.staging/held`."""
    sop_class: str = ""
    received_sop: str = ""
    sop: str = ""
    digest: str = ""
    size: int = 0
    reason: str = ""
    rule: str = ""
    """What decided: a statement of a script."""
    script: str = ""
    """What became of it by the site script: changed, unchanged, skipped or prevented; empty where
    none was in force."""
    snapshot: int = 0
    receiver: str = ""
    calling: str = ""
    peer: str = ""
    transfer_syntax: str = ""
    series: str = ""
    """Series Instance UID as stored, of an object that a session has taken in; so the next two."""
    number: int = -1
    """Instance number; -1 where it has none that is a number."""
    stated: int = 0
    """How many objects its sender says the series holds; 0 where it does not say."""
    undoes: Record | None = None
    """A former record of the same object that could not be synced: this one stands instead."""


class NotSynced(OSError):
    """A record is written, and will be read, but is not on disk."""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Record).decode


class Journal:
    """The writing end, owned by one worker process and shared by its threads."""

    def __init__(self, path: Path) -> None:
        """Create the file durably; it must not exist.

        Raises:
            OSError: if the file or its directory entry cannot be made.
        """
        self.path = path
        self._descriptor = _begin(path)
        self._turns = 0
        """Counts the beginnings and the ends of rotations: odd while one goes on."""
        self._former = path
        """The file that was written to before the last rotation."""

    def rotate(self, path: Path) -> None:
        """Go on in another file; one thread does so.

        Raises:
            OSError: if the new one cannot be made; the old one stays in use.
        """
        new = _begin(path)
        self._former = self.path
        self._turns += 1
        try:
            # In one step and under the same number: threads that append go on in either file. What
            # is on its way to the old one keeps that locked until it has arrived.
            os.dup2(new, self._descriptor, inheritable=False)
            self.path = path
        finally:
            self._turns += 1
            os.close(new)

    def append(self, record: Record, *, sync: bool) -> None:
        """Append one record; with `sync` it is on disk when this returns.

        Raises:
            NotSynced: if it is written but not synced.
            OSError: if it is not wholly written: a reader passes over what is.
        """
        payload = _encode(record)
        frame = _HEAD.pack(_MAGIC, len(payload), zlib.crc32(payload)) + payload
        if len(frame) > _LONGEST:
            raise OSError(errno.EMSGSIZE, "a record that no reader would take")
        turns, path = self._turns, self.path
        if os.write(self._descriptor, frame) != len(frame):
            raise OSError(errno.ENOSPC, "the journal took only a part of a record")
        if sync:
            try:
                os.fdatasync(self._descriptor)
            except OSError as error:
                raise NotSynced(*error.args) from error
            if turns % 2 or turns != self._turns:
                # It may have been written to an old file, and the new one been synced.
                for old in {path, self._former}:
                    _sync(old)

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


def _sync(path: Path) -> None:
    """Make a journal durable that this process writes to no more.

    Raises:
        NotSynced: if it is not.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        return  # read to its end and put away
    except OSError as error:
        raise NotSynced(*error.args) from error


def _begin(path: Path) -> int:
    """Create a journal durably, and lock it."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    try:
        # Held as long as it is written to: `is_being_written` asks for it.
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        sync_folder(path.parent)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def is_being_written(path: Path) -> bool:
    """Tell whether a process still has a journal open to write: then it must not be put away, even
    if its engine is dead. False when the file is not there."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Records read from one journal: `end` is the offset after the last of them."""

    records: tuple[Record, ...]
    end: int
    damaged: int
    """Stretches before `end` that are no records."""


def read_batch(path: Path, offset: int, *, most: int = 1000) -> Batch:
    """Read up to `most` records from `offset`, in bounded memory however much is damaged.

    Raises:
        OSError: if the file cannot be read.
    """
    with path.open("rb") as file:
        start = offset
        while True:
            file.seek(start)
            data = file.read(_WINDOW)
            batch = _read_window(data, start, most)
            if batch.records or len(data) < _WINDOW:
                break
            # No record begins here, unless it reaches beyond the window.
            # The windows overlap by the longest record, which may begin near the end of this one.
            start += _WINDOW - _LONGEST
    if start == offset:
        return batch
    if not batch.records:
        return Batch(records=(), end=offset, damaged=0)
    # What was passed over and what the window itself may begin with are one damaged stretch.
    return replace(batch, damaged=max(1, batch.damaged))


def read_all(path: Path) -> Iterator[Record]:
    """Yield every record of a journal, for checks and tests."""
    offset = 0
    while True:
        batch = read_batch(path, offset)
        if not batch.records:
            return
        yield from batch.records
        offset = batch.end


def _read_window(data: bytes, offset: int, most: int) -> Batch:
    records: list[Record] = []
    damaged = position = 0
    while len(records) < most:
        found = _record_at(data, position)
        if found is None:
            beyond = _next_record(data, position + 1)
            if beyond is None:
                break
            damaged += 1
            position = beyond
            continue
        record, position = found
        records.append(record)
    return Batch(records=tuple(records), end=offset + position, damaged=damaged)


def _record_at(data: bytes, position: int) -> tuple[Record, int] | None:
    start = position + _HEAD.size
    if start > len(data):
        return None
    magic, length, check = _HEAD.unpack_from(data, position)
    end = start + length
    if magic != _MAGIC or length > _LONGEST - _HEAD.size or end > len(data):
        return None
    payload = data[start:end]
    if zlib.crc32(payload) != check:
        return None
    try:
        return _decode(payload), end
    except msgspec.ValidationError:
        return None


def _next_record(data: bytes, position: int) -> int | None:
    while (position := data.find(_MAGIC, position)) >= 0:
        if _record_at(data, position) is not None:
            return position
        position += 1
    return None
