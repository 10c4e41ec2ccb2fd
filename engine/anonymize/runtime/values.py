# SPDX-License-Identifier: Apache-2.0
"""Converts values of elements to texts and back, by value representation. The character set is
handled in `engine.anonymize.runtime.encoding`."""

from __future__ import annotations

import re
from struct import error as StructError
from struct import iter_unpack, pack, unpack

from engine.anonymize.faults import ScriptError
from engine.anonymize.functions.texts import LONGEST
from engine.dicom.edit import encoded
from engine.dicom.header import Header
from engine.dicom.text import significant_text
from engine.dicom.values import BINARY, binary_numbers

CODED = frozenset(("LO", "LT", "PN", "SH", "ST", "UC", "UT"))
"""Text in the Specific Character Set."""
BULK = frozenset(("OB", "OD", "OF", "OL", "OV", "OW"))

_INTEGERS = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "UV": "Q", "SV": "q"}
_FLOATS = {"FL": "f", "FD": "d"}
_LONGEST_LO = 64
_INTEGER = re.compile(r"[+-]?[0-9]{1,20}")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
_TAG = re.compile(r"\(?([0-9A-Fa-f]{4}),?([0-9A-Fa-f]{4})\)?")
_EXACT = 2**53


class Fresh:
    """A value that a script wrote. Text of the character set is encoded when all is written."""

    __slots__ = ("_whole", "bare", "code", "data", "text", "vr")

    def __init__(self, vr: str, text: str, data: bytes | None) -> None:
        self.vr = vr
        self.text = text
        self.data = data
        """The bytes; None where they depend on the character set."""
        self.code = vr.encode()
        self.bare = data
        """The bytes without what pads them; for texts only."""
        if data is not None:
            self.bare = None if vr in BINARY or vr == "AT" else data.rstrip(b" \0")
        self._whole: dict[tuple[int, bool], bytes] = {}

    @property
    def padded(self) -> bytes:
        """The bytes of binary data, which zeros make even."""
        data = self.data or b""
        return data + b"\0" * (len(data) % 2)

    def element(self, tag: int, *, explicit: bool) -> bytes | None:
        """Return the bytes of a whole element; None where they depend on the character set."""
        found = self._whole.get((tag, explicit))
        if found is None and self.data is not None:
            found = encoded(tag, self.vr, self.data, explicit=explicit)
            self._whole[tag, explicit] = found
        return found


def read(header: Header, tag: int) -> str | None:
    """Return what counts of the text of an element that is there; None for a sequence."""
    vr = header.meaning(tag)
    text = _text(header, tag, vr)
    return None if text is None else significant_text(vr, text)


def verbatim(header: Header, tag: int) -> str | None:
    """Return the text of an element that is there as it stands, but for the padding at its end;
    None for a sequence."""
    return _text(header, tag, header.meaning(tag))


def _text(header: Header, tag: int, vr: str) -> str | None:
    if vr == "SQ":
        return None
    if vr in BINARY:
        element = header[tag]
        numbers = binary_numbers(vr, header.data, element.value, element.value + element.length)
        return "\\".join(_number_text(vr, number) for number in numbers)
    if vr == "AT":
        return _tags_text(bytes(header.raw(tag) or b""))
    if vr in BULK:
        data = header.raw(tag) or b""
        if len(data) > LONGEST:
            raise ScriptError(f"a value of more than {LONGEST:,} bytes is no text")
        return bytes(data).decode("latin_1").rstrip(" \0")
    return header.whole_text(tag)


def fresh(vr: str, text: str) -> Fresh:
    """Make a value of a text, or raise `ScriptError` where it cannot be one."""
    if vr in CODED:
        return Fresh(vr, text.rstrip(" \0"), text.encode() if text.isascii() else None)
    if vr in BINARY:
        return _binary(vr, text)
    if vr == "AT":
        return _tags(text)
    if vr in BULK and vr != "OB" and text:
        raise ScriptError(f"a text cannot be written to an element of VR {vr}")
    if vr in ("UN", "OB"):
        return Fresh(vr, text.rstrip(" \0"), text.encode("utf_8", "replace"))
    try:
        data = text.encode("latin_1")
    except UnicodeEncodeError:
        raise ScriptError(f"an element of VR {vr} can only hold ASCII characters") from None
    return Fresh(vr, text.rstrip(" \0"), data)


def text_vr(text: str) -> str:
    """Choose the VR of a text for an element of which no dictionary knows any."""
    longest = max(map(len, text.split("\\")))
    return "LO" if longest <= _LONGEST_LO and text.isprintable() else "UT"


def _number_text(vr: str, number: float) -> str:
    if isinstance(number, int):
        return str(number)
    if number.is_integer() and abs(number) < _EXACT:
        return str(int(number))
    if vr == "FL":
        # The shortest text that gives the same number in 32 bits.
        for digits in range(6, 9):
            short = f"{number:.{digits}g}"
            if _single(float(short)) == number:
                return short
        return f"{number:.9g}"
    return repr(number)


def _single(number: float) -> float | None:
    try:
        return float(unpack("<f", pack("<f", number))[0])
    except OverflowError:
        return None


def _binary(vr: str, text: str) -> Fresh:
    if not text.strip():
        return Fresh(vr, "", b"")
    numbers = [one.strip() for one in text.split("\\")]
    floats = vr in _FLOATS
    wanted = _DECIMAL if floats else _INTEGER
    if not all(map(wanted.fullmatch, numbers)):
        raise ScriptError(f"the text is no number for an element of VR {vr}")
    try:
        if floats:
            data = pack(f"<{len(numbers)}{_FLOATS[vr]}", *map(float, numbers))
        else:
            data = pack(f"<{len(numbers)}{_INTEGERS[vr]}", *map(int, numbers))
    except (StructError, OverflowError):
        raise ScriptError(f"the number is out of the range of VR {vr}") from None
    written = binary_numbers(vr, data, 0, len(data))
    return Fresh(vr, "\\".join(_number_text(vr, number) for number in written), data)


def _tags_text(data: bytes) -> str:
    pairs = iter_unpack("<HH", data[: len(data) & ~3])
    return "\\".join(f"{group:04X}{element:04X}" for group, element in pairs)


def _tags(text: str) -> Fresh:
    if not text.strip():
        return Fresh("AT", "", b"")
    found = [_TAG.fullmatch(one.strip()) for one in text.split("\\")]
    data = b"".join(pack("<HH", int(one[1], 16), int(one[2], 16)) for one in found if one)
    if len(data) != 4 * len(found):
        raise ScriptError("the text is no tag for an element of VR AT, such as 00100010")
    return Fresh("AT", _tags_text(data), data)
