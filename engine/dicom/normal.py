# SPDX-License-Identifier: Apache-2.0
"""Converts any head to Explicit VR Little Endian: big endian, deflated, out of order, or too large
for memory. Only the guarded helper process imports this module, because it parses with pydicom.
Text keeps its bytes; numbers of big endian data sets are byte-swapped."""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable, Mapping
from io import BytesIO
from struct import pack
from typing import BinaryIO

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.filereader import data_element_generator, read_sequence
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag

from engine.dicom.dictionary import vr_of
from engine.dicom.edit import HeaderEdit
from engine.dicom.guard import Unreadable
from engine.dicom.header import MAX_DEPTH, MAX_HEADER, Header, HeaderError, HeaderReader
from engine.dicom.inflation import NotInflated, pieces
from engine.dicom.part10 import BIG_ENDIAN, DEFLATED_SYNTAXES, is_explicit
from engine.dicom.walk import (
    LONG_VRS,
    PIXEL_GROUP,
    SHORT_VRS,
    names_a_vr,
)

BULK = 64 * 1024
MAX_INFLATED = 64 * 1024 * 1024
"""Bytes that are inflated at most to find the head of a deflated data set."""

# The words to swap, by VR. An AT is two numbers of 2 bytes, not one of 4 (PS3.5 7.3).
_WIDTHS = {
    **dict.fromkeys(("US", "SS", "AT", "OW"), "H"),
    **dict.fromkeys(("UL", "SL", "FL", "OF", "OL"), "I"),
    **dict.fromkeys(("FD", "OD", "OV", "SV", "UV"), "Q"),
}
_KNOWN = frozenset(vr.decode() for vr in SHORT_VRS | LONG_VRS)
_TEXT = frozenset(("UT", "UC", "UR", "LT", "ST"))


def normal_head(path: str, transfer_syntax: str, dataset_offset: int) -> tuple[bytes, int, bool]:
    """Return the head, where it ended, in bytes from the start of the data set, and whether
    elements of it are in Implicit VR where Explicit VR was said.

    Raises:
        Unreadable: if it can only be guessed at.
        Exception: whatever pydicom raises.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        raise Unreadable("the file cannot be read") from None
    with os.fdopen(descriptor, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        file.seek(dataset_offset)
        if transfer_syntax in DEFLATED_SYNTAXES:
            return *_deflated(file), False
        reader = _Reader(
            implicit=not is_explicit(transfer_syntax), little=transfer_syntax != BIG_ENDIAN
        )
        data, end = reader.read(file, size)
    return data, end - dataset_offset, reader.contrary


def _deflated(file: BinaryIO) -> tuple[bytes, int]:
    inflated = bytearray()
    reader = HeaderReader(True, MAX_HEADER)
    exact, whole = True, True
    try:
        for piece in pieces(file):
            inflated += piece
            if exact:
                try:
                    if reader.advance(inflated):
                        return _without_bulk(reader.header(inflated))
                except HeaderError:
                    exact = False
            if len(inflated) >= MAX_INFLATED:
                whole = False
                break
    except NotInflated as error:
        raise Unreadable(error.reason) from None
    if exact:
        try:
            reader.advance(inflated, whole)
            return _without_bulk(reader.header(inflated))
        except HeaderError:
            pass  # pydicom may understand what the walk does not
    return _Reader(implicit=False, little=True).read(BytesIO(inflated), len(inflated))


def _without_bulk(header: Header) -> tuple[bytes, int]:
    edit = HeaderEdit(header)
    for element in header.elements():
        if element.length > BULK and element.vr not in _TEXT | {"SQ"} and not element.undefined:
            edit.remove(element.tag)
    return b"".join(edit.write()), header.end


class _Reader:
    """Reads one data set with pydicom's generator and writes it anew."""

    def __init__(self, *, implicit: bool, little: bool) -> None:
        self._implicit = implicit
        self._little = little
        self._file: BinaryIO = BytesIO()
        self.contrary = False
        """Whether elements were read in Implicit VR where Explicit VR was said."""

    def read(self, file: BinaryIO, size: int) -> tuple[bytes, int]:
        """Read from where the file stands; `size` is where it ends."""
        self._file = file
        start = file.tell()
        if self._implicit and names_a_vr(file.read(8)):
            self._implicit = False
        file.seek(start)
        stopped: list[bool] = []

        def stop(tag: BaseTag, vr: str | None, length: int) -> bool:
            if tag >> 16 >= PIXEL_GROUP:
                stopped.append(True)
                return True
            return False

        found: dict[int, RawDataElement | DataElement] = {}
        for element in data_element_generator(
            file, self._implicit, self._little, stop_when=stop, defer_size=BULK
        ):
            tag = int(element.tag)
            if tag in found:
                raise Unreadable("an element stands in the data set twice")
            found[tag] = element
            self._check(element, size)
        end = file.tell()
        if not stopped:
            self._check_end(file, size, found)
        self.contrary = not self._implicit and any(one.VR is None for one in found.values())
        if not found:
            raise Unreadable("there is no element in the data set")
        data = self._encode(found, MAX_DEPTH)
        if len(data) > MAX_HEADER:
            raise Unreadable("the header is larger than allowed")
        return data, end

    def _check(self, element: RawDataElement | DataElement, size: int) -> None:
        if not isinstance(element, RawDataElement) or element.length == 0xFFFFFFFF:
            return
        if element.value_tell + element.length > size:
            raise Unreadable("the data set ends within an element")

    def _check_end(
        self, file: BinaryIO, size: int, found: dict[int, RawDataElement | DataElement]
    ) -> None:
        last = next(reversed(found.values()), None)
        if isinstance(last, RawDataElement) and last.length != 0xFFFFFFFF:
            file.seek(last.value_tell + last.length)
            # pydicom's generator stops silently at what it cannot read. Null bytes are padding;
            # anything else was an element.
            if file.read(16).strip(b"\0"):
                raise Unreadable("the data set ends within an element")
        elif file.tell() < size:
            raise Unreadable("an item outside of a sequence")

    def _encode(self, elements: Mapping[int, RawDataElement | DataElement], depth: int) -> bytes:
        if depth < 0:
            raise Unreadable("sequences are nested too deeply")
        parts: list[bytes] = []
        creators: dict[int, str] = {}
        for tag in sorted(elements):
            if tag & 0xFFFF == 0:
                continue  # a group length would be wrong
            element = elements[tag]
            vr, value = self._value(tag, element, creators)
            if tag & 0x10000 and 0x10 <= tag & 0xFFFF <= 0xFF and isinstance(value, bytes):
                creators[tag] = value.decode("latin_1").strip(" \0")
            if value is None:
                continue
            if isinstance(value, Sequence):
                data = self._sequence(value, depth)
            elif len(value) > BULK and vr not in _TEXT:
                continue
            else:
                data = value if self._little else _swapped(vr, value)
            parts.append(_element(tag, vr, data))
        return b"".join(parts)

    def _value(
        self, tag: int, element: RawDataElement | DataElement, creators: dict[int, str]
    ) -> tuple[str, bytes | Sequence | None]:
        vr = element.VR
        if isinstance(element, DataElement):
            if vr != "SQ":
                raise Unreadable("an element of undefined length that is no sequence")
            return "SQ", element.value
        implied = vr_of(tag, creators.get(tag & 0xFFFF0000 | (tag >> 8 & 0xFF), ""))
        in_guise = vr == "UN" and implied == "SQ"
        vr = vr or implied
        if vr not in _KNOWN:
            raise Unreadable("an unknown value representation")
        value = element.value
        if value is None and element.length and (vr in _TEXT or vr == "SQ" or in_guise):
            # Left out for its size, but it is no bulk.
            self._file.seek(element.value_tell)
            value = self._file.read(element.length)
        if value is None:
            return vr, None if element.length else b""
        if (vr == "SQ" or in_guise) and value:
            implicit = element.is_implicit_VR or in_guise
            return "SQ", read_sequence(
                BytesIO(value), implicit, self._little, len(value), ["iso8859"]
            )
        return vr, value

    def _sequence(self, sequence: Iterable[Dataset], depth: int) -> bytes:
        parts = []
        for item in sequence:
            elements = {int(tag): item.get_item(tag, keep_deferred=True) for tag in item.keys()}  # noqa: SIM118
            data = self._encode(elements, depth - 1)
            parts.append(b"\xfe\xff\x00\xe0" + pack("<I", len(data)) + data)
        return b"".join(parts)


def _swapped(vr: str, value: bytes) -> bytes:
    code = _WIDTHS.get(vr)
    if code is None:
        return value
    numbers = array(code)
    whole = len(value) - len(value) % numbers.itemsize
    numbers.frombytes(value[:whole])
    numbers.byteswap()
    return numbers.tobytes() + value[whole:]


def _element(tag: int, vr: str, data: bytes) -> bytes:
    code = vr.encode()
    if code in SHORT_VRS:
        if len(data) < 0x10000:
            return pack("<HH2sH", tag >> 16, tag & 0xFFFF, code, len(data)) + data
        code = b"UN"  # PS3.5 6.2.2 note 3: too long for its own VR
    return pack("<HH2sHI", tag >> 16, tag & 0xFFFF, code, 0, len(data)) + data
