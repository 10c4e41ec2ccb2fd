# SPDX-License-Identifier: Apache-2.0
"""Decodes text by Specific Character Set (0008,0005), with the code extensions of ISO 2022 (PS3.3
C.12.1.1.2, PS3.5 6.1). Invalid bytes are replaced, never rejected."""

from __future__ import annotations

import re

CODECS = {
    13: "shift_jis",
    58: "gb2312",
    100: "latin_1",
    101: "iso8859_2",
    109: "iso8859_3",
    110: "iso8859_4",
    126: "iso8859_7",
    127: "iso8859_6",
    138: "iso8859_8",
    144: "iso8859_5",
    148: "iso8859_9",
    149: "euc_kr",
    166: "tis_620",
    192: "utf_8",
    203: "iso8859_15",
}
"""By number of the ISO registry: single-byte sets whole, others with ASCII in the lower half."""
_NAMED = {"GB18030": "gb18030", "GBK": "gbk", "ISO 2022 GBK": "gbk", "UTF-8": "utf_8"}
# Escape sequences that change the lower half (bytes 21 to 7E) and the upper half (A1 to FE) of the
# code table (PS3.3 tables C.12-3 and C.12-4). "" is ASCII; JIS X 0201 Romaji (ESC ( J) is read as
# ASCII, because its yen sign has the code of the backslash. The two-byte sets of the lower half are
# decoded with the escape sequence in front, which Python's codecs need.
_LOWER = {b"\x1b(B": "", b"\x1b(J": "", b"\x1b$B": "iso2022_jp", b"\x1b$(D": "iso2022_jp_2"}
_UPPER = {
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
    b"\x1b-T": "tis_620",
    b"\x1b)I": "shift_jis",
    b"\x1b$)C": "euc_kr",
    b"\x1b$)A": "gb2312",
}
_ESCAPE = re.compile(rb"(\x1b[-()][A-Za-z]|\x1b\$[()][A-Z]|\x1b\$[A-Z])")
_NUMBERED = re.compile(r"ISO(?:[-_ ]?2022)?[-_ ]?IR[-_ ]?([0-9]{1,3})")
_DELIMITERS = re.compile(rb"([\\\n\f\r\t])")
_NAME_DELIMITERS = re.compile(rb"([\\\n\f\r\t^=])")


class Charset:
    """A value of (0008,0005), ready to decode."""

    __slots__ = ("_base", "_extended", "_stated")

    def __init__(self, terms: list[str]) -> None:
        """Take the defined terms; one that is not known counts as none."""
        codecs = [_codec(term) for term in terms]
        first = codecs[0] if codecs else ""
        self._extended = len(terms) > 1 or any("2022" in term for term in terms)
        self._stated = bool(first)
        # Where the first term names the default repertoire, bytes above it can only be meant in
        # the first of the others that has an upper half.
        self._base = first or next((codec for codec in codecs if codec), "")

    def decode(self, data: bytes, *, name: bool = False) -> str:
        """Decode a value as one text; `name`: it is a person's, with its own delimiters."""
        if self._extended and b"\x1b" in data:
            return "".join(self._runs(data, _NAME_DELIMITERS if name else _DELIMITERS))
        return _decode(data, self._base)

    def split(self, data: bytes, *, name: bool = False) -> list[str]:
        """Decode a value and split it at backslashes that are not part of a character."""
        if self._extended and b"\x1b" in data:
            values = [""]
            for run in self._runs(data, _NAME_DELIMITERS if name else _DELIMITERS):
                if run == "\\":
                    values.append("")
                else:
                    values[-1] += run
            return values
        return self.decode(data).split("\\")

    def _runs(self, data: bytes, delimiters: re.Pattern[bytes]) -> list[str]:
        runs: list[str] = []
        lower, upper = "", self._base
        escape = b""
        for piece in _ESCAPE.split(data):
            if piece in _LOWER:
                lower, escape = _LOWER[piece], piece
            elif piece in _UPPER:
                upper = _UPPER[piece]
            elif lower:
                # Two bytes a character: what looks like a delimiter may be half of one.
                runs.append((escape + piece).decode(lower, "replace"))
            elif piece:
                for part in delimiters.split(piece):
                    runs.append(_decode(part, upper))
                    # PS3.5 6.1.2.5.3: after a delimiter the set of the first term is active
                    # again. If that is ASCII, bytes above 7F mean nothing there, and the last set
                    # is the best guess.
                    if self._stated and delimiters.fullmatch(part):
                        upper = self._base
        return runs


def _codec(term: str) -> str:
    normal = term.strip(" \0").upper()
    match = _NUMBERED.fullmatch(normal)
    if match:
        return CODECS.get(int(match[1]), "")
    return _NAMED.get(normal, "")


def _decode(data: bytes, codec: str) -> str:
    if codec:
        return data.decode(codec, "replace")
    # Nothing, or nothing usable, is said: text that reads as UTF-8 is hardly ever anything else.
    try:
        return data.decode("utf_8")
    except UnicodeDecodeError:
        return data.decode("latin_1")
