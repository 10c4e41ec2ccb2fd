"""Text of DICOM: bytes to str by Specific Character Set (0008,0005), with the code extensions of
ISO 2022 (PS3.3 C.12.1.1.2, PS3.5 6.1). Bytes that mean nothing are replaced, never refused."""

from __future__ import annotations

import re

_CODECS = {
    "": "ascii",
    "ISO_IR 6": "ascii",
    "ISO_IR 100": "latin_1",
    "ISO_IR 101": "iso8859_2",
    "ISO_IR 109": "iso8859_3",
    "ISO_IR 110": "iso8859_4",
    "ISO_IR 126": "iso8859_7",
    "ISO_IR 127": "iso8859_6",
    "ISO_IR 138": "iso8859_8",
    "ISO_IR 144": "iso8859_5",
    "ISO_IR 148": "iso8859_9",
    "ISO_IR 203": "iso8859_15",
    "ISO_IR 13": "shift_jis",
    "ISO_IR 166": "tis_620",
    "ISO_IR 192": "utf_8",
    "GB18030": "gb18030",
    "GBK": "gbk",
}
_ESCAPES = {
    b"\x1b(B": "ascii",
    b"\x1b-A": "latin_1",
    b"\x1b-B": "iso8859_2",
    b"\x1b-C": "iso8859_3",
    b"\x1b-D": "iso8859_4",
    b"\x1b-F": "iso8859_7",
    b"\x1b-G": "iso8859_6",
    b"\x1b-H": "iso8859_8",
    b"\x1b-L": "iso8859_5",
    b"\x1b-M": "iso8859_9",
    b"\x1b-b": "iso8859_15",
    b"\x1b)I": "shift_jis",
    b"\x1b(J": "shift_jis",
    b"\x1b-T": "tis_620",
    b"\x1b$B": "iso2022_jp",
    b"\x1b$(D": "iso2022_jp_2",
    b"\x1b$)C": "euc_kr",
    b"\x1b$)A": "gb2312",
}
_ESCAPE = re.compile(rb"\x1b[-()][A-Za-z]|\x1b\$[()][A-Z]|\x1b\$[A-Z]")
_MULTI_BYTE = frozenset(("gb18030", "gbk", "shift_jis", "utf_8"))


class Charset:
    """A value of (0008,0005), ready to decode."""

    __slots__ = ("_codec", "_extended", "_trailing_backslash")

    def __init__(self, terms: list[str]) -> None:
        """Take the defined terms; one that is not known counts as the default."""
        first = _plain(terms[0]) if terms else ""
        known = _CODECS.get(first)
        # The default repertoire is ASCII, but Latin-1 is what is found where nothing is said.
        self._codec = known if known not in (None, "ascii") else "latin_1"
        self._extended = len(terms) > 1 or (bool(terms) and terms[0].startswith("ISO 2022"))
        self._trailing_backslash = self._codec in _MULTI_BYTE

    def decode(self, data: bytes) -> str:
        """Decode one run of bytes."""
        if self._extended and b"\x1b" in data:
            return self._decode_extended(data)
        return data.decode(self._codec, "replace")

    def split(self, data: bytes) -> list[str]:
        """Decode a value and split it at backslashes that are not part of a character."""
        if self._trailing_backslash:
            return self.decode(data).split("\\")
        if self._extended and b"\x1b" in data:
            return self._decode_extended(data).split("\\")
        return [self.decode(part) for part in data.split(b"\\")]

    def _decode_extended(self, data: bytes) -> str:
        parts: list[str] = []
        codec, escape, start = self._codec, b"", 0
        for match in _ESCAPE.finditer(data):
            parts.append(_run(data[start : match.start()], codec, escape))
            escape = match.group()
            codec = _ESCAPES.get(escape, self._codec)
            start = match.end()
        parts.append(_run(data[start:], codec, escape))
        return "".join(parts)


def _run(data: bytes, codec: str, escape: bytes) -> str:
    if not codec.startswith("iso2022"):
        return data.decode(codec, "replace")
    # These codecs read the escape themselves; the delimiters after it end the extension.
    text = []
    for part in re.split(rb"([\\^=\r\n\t])", data):
        text.append((escape + part).decode(codec, "replace") if len(part) > 1 else part.decode())
    return "".join(text)


def _plain(term: str) -> str:
    return term.strip().replace("ISO 2022 IR ", "ISO_IR ").replace("ISO-IR ", "ISO_IR ")
