# SPDX-License-Identifier: Apache-2.0
"""Part 10 files (PS3.10 7): the preamble and file meta information, and the header of a file on
disk read without its pixels."""

from __future__ import annotations

import mmap
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from struct import pack, unpack_from
from typing import BinaryIO

from engine.dicom.guard import Guard, Unreadable
from engine.dicom.header import MAX_DEPTH, MAX_HEADER, Header, HeaderError, HeaderReader
from engine.dicom.walk import Buffer, ElementWalk

IMPLEMENTATION_CLASS_UID = "2.25.195461871229311283347131318046236215017"
IMPLEMENTATION_VERSION = "ANTEROOM_1"

IMPLICIT_SYNTAXES = frozenset(("1.2.840.10008.1.2", "1.2.840.113619.5.2"))
"""The second is a vendor's, whose pixels alone are big endian."""
BIG_ENDIAN = "1.2.840.10008.1.2.2"
DEFLATED_SYNTAXES = frozenset(
    ("1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.205")
)
"""Deflated, and two of JPIP that are."""
NOT_WALKED = DEFLATED_SYNTAXES | {BIG_ENDIAN}
"""Transfer syntaxes whose data sets the walk cannot read; the guard can."""

_FIRST_READ = 64 * 1024
_META_START = 132
_TOLD = (0x00020002, 0x00020003, 0x00020010, 0x00020012, 0x00020016)
_GROUP = b"\x02\x00"
_GROUP_START = 0x00020000
_PREAMBLE = bytes(128) + b"DICM"
_GROUP_LENGTH = b"\x02\x00\x00\x00UL\x04\x00"


@dataclass(frozen=True, kw_only=True, slots=True)
class FileMeta:
    """What group 2 of a file says; `dataset_offset` is where the data set begins, in bytes."""

    transfer_syntax: str
    sop_class: str
    sop_instance: str
    dataset_offset: int
    implementation: str = ""
    source_ae: str = ""


def read_meta(data: Buffer) -> FileMeta:
    """Read preamble and group 2.

    Raises:
        HeaderError: if it is no Part 10 file, or its group 2 cannot be read.
    """
    return _told(data, _walk_meta(data))


def index_file(data: Buffer) -> tuple[FileMeta, Header]:
    """Read preamble and group 2, and return the index of group 2, too.

    Raises:
        HeaderError: if it is no Part 10 file, or its group 2 cannot be read, or something else
            stands before it.
    """
    walk = _walk_meta(data)
    meta = _told(data, walk)
    elements, end = walk.elements, walk.position
    if next(iter(elements)) < _GROUP_START:
        raise HeaderError("an element before the meta information", _META_START)
    return meta, Header(data, elements, explicit=True, start=_META_START, end=end, depth=MAX_DEPTH)


def _told(data: Buffer, walk: ElementWalk) -> FileMeta:
    values: dict[int, str] = {}
    position = walk.position
    elements = walk.elements
    for tag in _TOLD:
        if tag not in elements:
            continue
        _, value, after, code, _ = elements[tag]
        if code in (b"UI", b"SH", b"AE"):
            values[tag] = str(data[value:after], "latin_1").strip(" \0")
    if not values.get(0x00020010):
        raise HeaderError("the file does not name its transfer syntax", position)
    return FileMeta(
        transfer_syntax=values[0x00020010],
        sop_class=values.get(0x00020002, ""),
        sop_instance=values.get(0x00020003, ""),
        dataset_offset=position,
        implementation=values.get(0x00020012, ""),
        source_ae=values.get(0x00020016, ""),
    )


def is_explicit(transfer_syntax: str) -> bool:
    """Say whether data sets of a transfer syntax name their VRs."""
    return transfer_syntax not in IMPLICIT_SYNTAXES


def write_meta(
    *, sop_class: str, sop_instance: str, transfer_syntax: str, source_ae: str = ""
) -> bytes:
    """Write a zeroed preamble and group 2 for a data set that follows."""
    start, end = _around_instance(sop_class, transfer_syntax, source_ae)
    instance = _element(0x0003, "UI", sop_instance)
    length = _GROUP_LENGTH + pack("<I", len(start) + len(instance) + len(end))
    return b"".join((_PREAMBLE, length, start, instance, end))


@lru_cache(maxsize=256)
def _around_instance(sop_class: str, transfer_syntax: str, source_ae: str) -> tuple[bytes, bytes]:
    """Return what stands before and behind the SOP Instance UID: all objects of a kind that one
    sender sends have it in common."""
    start = b"\x02\x00\x01\x00OB\x00\x00\x02\x00\x00\x00\x00\x01"
    start += _element(0x0002, "UI", sop_class)
    end = _element(0x0010, "UI", transfer_syntax)
    end += _element(0x0012, "UI", IMPLEMENTATION_CLASS_UID)
    end += _element(0x0013, "SH", IMPLEMENTATION_VERSION)
    if source_ae:
        end += _element(0x0016, "AE", source_ae)
    return start, end


def read_header(path: Path, *, guard: Guard | None = None) -> tuple[FileMeta, Header]:
    """Read meta information and header of a file; the bytes of pixels are not read.

    A header that is too large for memory is left in the file, which has to stay as it is while the
    header is used.

    Raises:
        OSError: if the file cannot be read.
        HeaderError: if it is no Part 10 file.
        Unreadable: if neither the walk nor the guard can read its header.
    """
    with path.open("rb") as file:
        start = file.read(_FIRST_READ)
        meta = read_meta(start)
        if meta.transfer_syntax not in NOT_WALKED:
            reader = HeaderReader(is_explicit(meta.transfer_syntax))
            data = bytearray(start[meta.dataset_offset :])
            wanted = _FIRST_READ
            final = len(start) < _FIRST_READ
            try:
                while not reader.advance(data, final):
                    piece = file.read(wanted)
                    final = len(piece) < wanted
                    data += piece
                    wanted = min(wanted * 2, MAX_HEADER)
                return meta, reader.header(data)
            except HeaderError as error:
                reason = error.reason
            if len(data) >= MAX_HEADER or reader.needs > MAX_HEADER:
                try:
                    return meta, mapped_header(file, meta)
                except HeaderError as error:
                    reason = error.reason
        else:
            reason = "its transfer syntax needs the guarded helper"
    if guard is None:
        raise Unreadable(reason)
    normal = guard.normalise(path, meta.transfer_syntax, meta.dataset_offset)
    try:
        return meta, Header.index(normal, explicit=True)
    except HeaderError as error:
        raise Unreadable(error.reason) from error


def mapped_header(file: BinaryIO, meta: FileMeta) -> Header:
    """Index a header of any length where it lies: only what is looked at is read. The file must not
    become shorter while the header is used.

    Raises:
        OSError: if the file cannot be mapped.
        HeaderError: if it cannot be indexed exactly.
    """
    whole = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    data = memoryview(whole)[meta.dataset_offset :]
    return Header.index(data, explicit=is_explicit(meta.transfer_syntax))


def _walk_meta(data: Buffer) -> ElementWalk:
    if data[128:132] != b"DICM":
        raise HeaderError("no DICM after the preamble")
    size = len(data)
    if data[132:140] == _GROUP_LENGTH and size >= 144:
        end = 144 + int(unpack_from("<I", data, 140)[0])
        walk = ElementWalk(_META_START, explicit=True, depth=1, stop=3)
        try:
            found = end <= size and not walk.advance(data, end) and walk.position == end
        except HeaderError:
            found = False
        if found:
            # Some lengths are too short: what goes on as group 2 belongs to it.
            if data[end : end + 2] == _GROUP:
                with suppress(HeaderError):
                    walk.advance(data, size)
            return walk
    walk = ElementWalk(_META_START, explicit=True, depth=1, stop=3)
    if not walk.advance(data, size) and walk.position != size:
        raise HeaderError("the file ends within its meta information", walk.position)
    return walk


def _element(number: int, vr: str, text: str) -> bytes:
    value = text.encode("latin_1", "replace")
    if len(value) % 2:
        value += b"\0" if vr == "UI" else b" "
    return pack("<HH2sH", 2, number, vr.encode(), len(value)) + value
