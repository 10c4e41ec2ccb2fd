# SPDX-License-Identifier: Apache-2.0
"""Compressed frames in a file: which fragments belong to which frame, and writing pixel data with
correct offset tables. Only the first bytes of a frame are inspected."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from struct import Struct
from typing import BinaryIO

from engine.anonymize.faults import ScriptError
from engine.anonymize.pixels.raster import MAX_FRAMES

EXTENDED_OFFSETS, EXTENDED_LENGTHS = 0x7FE00001, 0x7FE00002

_ITEM = b"\xfe\xff\x00\xe0"
_END = b"\xfe\xff\xdd\xe0\x00\x00\x00\x00"
_HEAD = Struct("<4sI")
_LONG = Struct("<I4xI").size
MAX_FRAGMENTS = 2_000_000
_OPENINGS = (b"\xff\xd8\xff", b"\xff\x4f\xff\x51", b"\x00\x00\x00\x0cjP  ")


@dataclass(frozen=True, kw_only=True, slots=True)
class Fragment:
    """Where the content of one fragment lies in the file."""

    start: int
    length: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Fragments:
    """The value of compressed pixel data: `end` lies behind its delimiter."""

    table: tuple[int, ...]
    """The Basic Offset Table."""
    fragments: tuple[Fragment, ...]
    end: int


def read_fragments(file: BinaryIO, start: int, size: int) -> Fragments:
    """Find the fragments in a file of `size` bytes whose pixel data begin at `start`.

    Raises:
        ScriptError: if they are not well formed or not whole.
    """
    position = start
    spans: list[Fragment] = []
    while True:
        file.seek(position)
        head = file.read(8)
        if len(head) < 8:
            raise _odd("they end too early")
        tag, length = _HEAD.unpack(head)
        if head == _END:
            break
        if tag != _ITEM or length == 0xFFFFFFFF:
            raise _odd("something else than a fragment is among them")
        position += 8 + length
        if position > size:
            raise _odd("they end too early")
        spans.append(Fragment(start=position - length, length=length))
        if len(spans) > MAX_FRAGMENTS:
            raise _odd("they are in too many pieces")
    if not spans or spans[0].length % 4 or spans[0].length > 4 * MAX_FRAMES:
        raise _odd("their table of offsets is damaged")
    file.seek(spans[0].start)
    table = Struct(f"<{spans[0].length // 4}I").unpack(file.read(spans[0].length))
    return Fragments(table=table, fragments=tuple(spans[1:]), end=position + 8)


def frames_of(
    file: BinaryIO, found: Fragments, frames: int, extended: tuple[int, ...]
) -> list[tuple[Fragment, ...]]:
    """Say which fragments make up each frame; `extended` is the Extended Offset Table.

    Raises:
        ScriptError: if it cannot be told, or frames are missing or too many.
    """
    fragments = found.fragments
    if len(fragments) < frames:
        raise _odd("they have fewer frames than the header says")
    # In order of certainty: a single frame has all fragments; as many fragments as frames are one
    # each; an offset table counts if each offset is the start of a fragment; otherwise a frame
    # starts where a fragment starts like a compressed image.
    if frames == 1 and not _begin_more_than_once(file, fragments):
        return [fragments]
    if len(fragments) == frames:
        return [(fragment,) for fragment in fragments]
    for table in (extended, found.table):
        groups = _by_offsets(fragments, table)
        if len(groups) == frames:
            return groups
    groups = _by_openings(file, fragments)
    if len(groups) != frames:
        raise _odd("it cannot be told which of their pieces make up a frame")
    return groups


def read_frame(file: BinaryIO, frame: tuple[Fragment, ...], limit: int) -> bytes:
    """Read a compressed frame.

    Raises:
        ScriptError: if it is larger than `limit` bytes.
    """
    if sum(fragment.length for fragment in frame) > limit:
        raise _odd("a compressed frame is larger than allowed")
    pieces = []
    for fragment in frame:
        file.seek(fragment.start)
        pieces.append(file.read(fragment.length))
    return b"".join(pieces)


def write_fragments(
    target: BinaryIO, frames: Iterator[bytes], count: int, *, table: bool
) -> tuple[list[int], list[int]]:
    """Write the value of compressed pixel data, a fragment for each of `count` frames, and its
    delimiter; return offset and length of each frame. With `table` there is a Basic Offset Table.

    Raises:
        ScriptError: if an offset is too large for that table.
    """
    start = target.tell()
    target.write(_HEAD.pack(_ITEM, 4 * count if table else 0))
    target.write(bytes(4 * count if table else 0))
    origin = target.tell()
    offsets, lengths = [], []
    for frame in frames:
        offsets.append(target.tell() - origin)
        length = len(frame) + len(frame) % 2
        lengths.append(length)
        target.write(_HEAD.pack(_ITEM, length))
        target.write(frame + bytes(len(frame) % 2))
    target.write(_END)
    if table:
        if offsets[-1] > 0xFFFFFFFF:
            raise _odd("they would grow too large for their table of offsets")
        end = target.tell()
        target.seek(start + 8)
        target.write(Struct(f"<{count}I").pack(*offsets))
        target.seek(end)
    return offsets, lengths


def _by_offsets(
    fragments: tuple[Fragment, ...], table: tuple[int, ...]
) -> list[tuple[Fragment, ...]]:
    origin = fragments[0].start - 8
    starts = [fragment.start - 8 - origin for fragment in fragments]
    if not table or table[0] != 0 or any(a >= b for a, b in pairwise(table)):
        return []
    cuts = [bisect_left(starts, offset) for offset in table]
    if any(
        cut >= len(starts) or starts[cut] != offset for cut, offset in zip(cuts, table, strict=True)
    ):
        return []
    return [fragments[a:b] for a, b in pairwise([*cuts, len(fragments)])]


def _by_openings(file: BinaryIO, fragments: tuple[Fragment, ...]) -> list[tuple[Fragment, ...]]:
    groups: list[list[Fragment]] = []
    for fragment in fragments:
        if _opens(file, fragment) or not groups:
            groups.append([])
        groups[-1].append(fragment)
    return [tuple(group) for group in groups]


def _begin_more_than_once(file: BinaryIO, fragments: tuple[Fragment, ...]) -> bool:
    return any(_opens(file, fragment) for fragment in fragments[1:])


def _opens(file: BinaryIO, fragment: Fragment) -> bool:
    file.seek(fragment.start)
    return file.read(min(8, fragment.length)).startswith(_OPENINGS)


def _odd(reason: str) -> ScriptError:
    return ScriptError(f"alterPixels: the compressed pixels cannot be altered: {reason}")
