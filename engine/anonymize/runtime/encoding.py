# SPDX-License-Identifier: Apache-2.0
"""Encodes text in a Specific Character Set (0008,0005), if all of it fits. Each result is verified
with the decoder, `engine.dicom.charset`."""

from __future__ import annotations

import re

from engine.dicom.charset import CODECS, Charset

UTF_8 = "ISO_IR 192"

_SINGLE = {number: codec for number, codec in CODECS.items() if number not in (58, 149)}
"""Those that are written whole; the others only follow an escape sequence."""
_NAMED = {"GB18030": "gb18030", "GBK": "gbk"}
_ESCAPED = {
    58: (b"\x1b$)A", "gb2312"),
    87: (b"", "iso2022_jp"),
    100: (b"\x1b-A", "latin_1"),
    101: (b"\x1b-B", "iso8859_2"),
    109: (b"\x1b-C", "iso8859_3"),
    110: (b"\x1b-D", "iso8859_4"),
    126: (b"\x1b-F", "iso8859_7"),
    127: (b"\x1b-G", "iso8859_6"),
    138: (b"\x1b-H", "iso8859_8"),
    144: (b"\x1b-L", "iso8859_5"),
    148: (b"\x1b-M", "iso8859_9"),
    149: (b"\x1b$)C", "euc_kr"),
    166: (b"\x1b-T", "tis_620"),
}
"""Code extensions: the escape sequence that Python's codec does not write itself, and the codec."""
_NUMBER = re.compile(r"IR[-_ ]?([0-9]{1,3})")
_DELIMITERS = re.compile(r"([\\\n\f\r\t^=])")


def encode(text: str, terms: list[str], *, name: bool = False) -> bytes | None:
    """Encode a text in a character set; None where it does not fit. `name`: it is a person's."""
    if text.isascii() and "\x1b" not in text:
        return text.encode()
    terms = [term.strip(" \0").upper() for term in terms]
    if not any(terms):
        return None
    charset = Charset(terms)
    if len(terms) == 1 and "2022" not in terms[0]:
        codec = _NAMED.get(terms[0]) or _SINGLE.get(_number(terms[0]), "")
        return _fits(_whole(text, codec), text, charset, name)
    parts: list[bytes] = []
    for part in _DELIMITERS.split(text):
        found = _part(part, terms, charset, name)
        if found is None:
            return None
        parts.append(found)
    return _fits(b"".join(parts), text, charset, name)


def _part(part: str, terms: list[str], charset: Charset, name: bool) -> bytes | None:
    if part.isascii():
        return part.encode()
    plain = _fits(_whole(part, _SINGLE.get(_number(terms[0]), "")), part, charset, name)
    if plain is not None:
        return plain
    for term in terms[1:] if len(terms) > 1 else terms:
        escape, codec = _ESCAPED.get(_number(term), (b"", ""))
        encoded = _whole(part, codec)
        found = None if encoded is None else _fits(escape + encoded, part, charset, name)
        if found is not None:
            return found
    return None


def _number(term: str) -> int:
    found = _NUMBER.search(term)
    return int(found[1]) if found else 0


def _whole(text: str, codec: str) -> bytes | None:
    if not codec:
        return None
    try:
        data = text.encode(codec)
    except UnicodeEncodeError:
        return None
    # JIS X 0201 (IR 13) is the part of Shift JIS that has one byte a character; its kanji are none
    # of the character sets of DICOM (PS3.3 C.12.1.1.2).
    return None if codec == "shift_jis" and len(data) != len(text) else data


def _fits(data: bytes | None, text: str, charset: Charset, name: bool) -> bytes | None:
    # Verified by decoding: a codec may write bytes that mean something else in this set.
    return data if data is not None and charset.decode(data, name=name) == text else None
