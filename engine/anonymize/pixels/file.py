# SPDX-License-Identifier: Apache-2.0
"""A Part 10 file that is opened to change its pixels: meta information, header, the elements of
group 7FE0 and what follows them, with their positions. The header is in memory, the pixels never
are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from struct import pack, unpack
from tempfile import TemporaryFile
from typing import BinaryIO

from engine.anonymize.faults import ScriptError
from engine.anonymize.pixels.raster import DOUBLE_PIXELS, FLOAT_PIXELS, MAX_FRAMES, PIXELS
from engine.dicom.guard import Unreadable
from engine.dicom.header import MAX_HEADER, Header, HeaderError, HeaderReader
from engine.dicom.inflation import NotInflated, inflate_to
from engine.dicom.part10 import DEFLATED_SYNTAXES, FileMeta, is_explicit, read_meta
from engine.dicom.walk import LONG_VRS, PIXEL_GROUP, UNDEFINED, ElementWalk

EXPLICIT = "1.2.840.10008.1.2.1"
BIG_PIXELS = "1.2.840.113619.5.2"
"""A vendor's transfer syntax: Implicit VR Little Endian, but for the pixels."""
COPY = 4 * 1024 * 1024

_FIRST_READ = 64 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class PixelElement:
    """One element of group 7FE0."""

    tag: int
    vr: str
    """As written; empty in Implicit VR."""
    start: int
    value: int
    length: int
    """`UNDEFINED` where fragments follow."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PixelFile:
    """An open file; places are in bytes of `file`."""

    file: BinaryIO
    size: int
    preamble: bytes
    """The preamble and group 2."""
    meta: FileMeta
    header: Header
    group: tuple[PixelElement, ...]
    """The elements of group 7FE0 up to the pixels, which come last."""

    @property
    def pixels(self) -> PixelElement | None:
        """The pixels, where there are any."""
        last = self.group[-1] if self.group else None
        return last if last and last.tag in (PIXELS, FLOAT_PIXELS, DOUBLE_PIXELS) else None

    def nothing_more(self, end: int) -> None:
        """Make sure that no other pixels follow where the pixels end.

        Raises:
            ScriptError: if there are some.
        """
        self.file.seek(end)
        if self.file.read(2) == pack("<H", PIXEL_GROUP):
            raise ScriptError("alterPixels: there are pixels in more than one element")

    def value(self, tag: int) -> bytes | None:
        """Read another element of group 7FE0."""
        for element in self.group[:-1]:
            if element.tag == tag:
                if element.length > 8 * MAX_FRAMES:
                    raise ScriptError("alterPixels: a table of offsets is larger than allowed")
                self.file.seek(element.value)
                return self.file.read(element.length)
        return None


@contextmanager
def open_pixel_file(path: Path, folder: Path) -> Iterator[PixelFile]:
    """Open a file and index it; `folder` takes what has to be inflated.

    Raises:
        OSError: if the file cannot be read.
        ScriptError: if it cannot be understood exactly.
    """
    with path.open("rb") as file:
        try:
            start = file.read(_FIRST_READ)
            meta = read_meta(start)
            preamble = start[: meta.dataset_offset]
            if meta.transfer_syntax in DEFLATED_SYNTAXES:
                with TemporaryFile(dir=folder) as inflated:
                    file.seek(meta.dataset_offset)
                    inflate_to(inflated, file)
                    yield _index(inflated, 0, preamble, meta)
            else:
                yield _index(file, meta.dataset_offset, preamble, meta)
        except NotInflated as error:
            raise ScriptError(f"alterPixels: {error.reason}") from None
        except (HeaderError, Unreadable) as error:
            raise ScriptError(f"alterPixels: the header cannot be read: {error.reason}") from None


def with_transfer_syntax(preamble: bytes, transfer_syntax: str) -> bytes:
    """Return preamble and group 2 with another transfer syntax; all else of them stays."""
    walk = ElementWalk(132, explicit=True, depth=1, stop=3)
    walk.advance(preamble, len(preamble))
    body = b""
    for tag, (start, _, end, _, _) in walk.elements.items():
        if tag == 0x00020010:
            value = transfer_syntax.encode()
            value += bytes(len(value) % 2)
            body += pack("<HH2sH", 2, 0x10, b"UI", len(value)) + value
        elif tag != 0x00020000:
            body += preamble[start:end]
    return preamble[:132] + pack("<HH2sHI", 2, 0, b"UL", 4, len(body)) + body


def _index(file: BinaryIO, offset: int, preamble: bytes, meta: FileMeta) -> PixelFile:
    size = file.seek(0, 2)
    explicit = is_explicit(meta.transfer_syntax)
    header = _head(file, offset, explicit)
    group = tuple(_pixel_group(file, offset + header.end, size, explicit=explicit))
    return PixelFile(
        file=file,
        size=size,
        preamble=preamble,
        meta=meta,
        header=header,
        group=group,
    )


def _head(file: BinaryIO, offset: int, explicit: bool) -> Header:
    file.seek(offset)
    reader = HeaderReader(explicit)
    data = bytearray()
    wanted, final = _FIRST_READ, False
    while not reader.advance(data, final):
        piece = file.read(wanted)
        final = len(piece) < wanted
        data += piece
        wanted = min(wanted * 2, MAX_HEADER)
    return reader.header(data)


def _pixel_group(
    file: BinaryIO, position: int, size: int, *, explicit: bool
) -> Iterator[PixelElement]:
    while position + 8 <= size:
        file.seek(position)
        head = file.read(12)
        tag = unpack("<HH", head[:4])
        if tag[0] != PIXEL_GROUP:
            return
        number, vr, value = PIXEL_GROUP << 16 | tag[1], "", position + 8
        length = int(unpack("<I", head[4:8])[0])
        if explicit:
            code = head[4:6]
            if code in LONG_VRS and len(head) == 12:
                value, length = position + 12, int(unpack("<I", head[8:])[0])
            # The group length (7FE0,0000), the only element here with two bytes of length.
            elif code == b"UL":
                length = int(unpack("<H", head[6:8])[0])
            else:
                raise ScriptError("alterPixels: the pixels are of an unknown representation")
            vr = code.decode()
        if length != UNDEFINED and value + length > size:
            raise ScriptError("alterPixels: the file ends within its pixels")
        yield PixelElement(tag=number, vr=vr, start=position, value=value, length=length)
        if number in (PIXELS, FLOAT_PIXELS, DOUBLE_PIXELS):
            return
        if length == UNDEFINED:
            raise ScriptError("alterPixels: an element before the pixels has no length")
        position = value + length
