# SPDX-License-Identifier: Apache-2.0
"""Values as texts and texts as values, and text in the character sets of DICOM."""

from __future__ import annotations

from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.anonymize.faults import ScriptError
from engine.anonymize.runtime.encoding import encode
from engine.anonymize.runtime.values import fresh, read, text_vr
from engine.dicom.charset import Charset
from engine.dicom.header import Header
from tests.engine.dicom.datasets import element


@pytest.mark.parametrize(
    ("vr", "text", "data", "shown"),
    [
        ("US", "65535", b"\xff\xff", "65535"),
        ("SS", "-1", b"\xff\xff", "-1"),
        ("UL", "1\\2", b"\1\0\0\0\2\0\0\0", "1\\2"),
        ("SL", " -2 ", b"\xfe\xff\xff\xff", "-2"),
        ("FD", "30", pack("<d", 30), "30"),
        ("FD", "1.5e3", pack("<d", 1500), "1500"),
        ("FL", "0.1", pack("<f", 0.1), "0.1"),
        ("SV", "-9223372036854775808", pack("<q", -(2**63)), "-9223372036854775808"),
        ("UV", "18446744073709551615", pack("<Q", 2**64 - 1), "18446744073709551615"),
        ("US", " ", b"", ""),
        ("AT", "(0010,0020)\\00181063", b"\x10\x00\x20\x00\x18\x00\x63\x10", "00100020\\00181063"),
        ("AT", "", b"", ""),
        ("LO", "a\\b", b"a\\b", "a\\b"),
        ("CS", "é", b"\xe9", "é"),
        ("UN", "é", "é".encode(), "é"),
        ("OB", "x", b"x", "x"),
        ("OW", "", b"", ""),
    ],
)
def test_a_text_as_a_value_and_back(vr: str, text: str, data: bytes, shown: str) -> None:
    value = fresh(vr, text)
    assert value.data == data
    assert value.text == shown
    header = Header.index(element(0x00091001, vr, data), explicit=True)
    assert read(header, 0x00091001) == shown


@pytest.mark.parametrize(
    ("vr", "text"),
    [
        ("US", "65536"),
        ("US", "-1"),
        ("US", "1.0"),
        ("US", "1\\"),
        ("UL", "word"),
        ("FL", "1e39"),
        ("FD", "nan"),
        ("FD", "0x10"),
        ("AT", "001"),
        ("OW", "word"),
        ("CS", "山"),
        ("UV", "18446744073709551616"),
    ],
)
def test_a_text_that_is_no_value(vr: str, text: str) -> None:
    with pytest.raises(ScriptError) as caught:
        fresh(vr, text)
    assert f" {text} " not in caught.value.message


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_numbers_of_32_bits_come_back(number: float) -> None:
    header = Header.index(element(0x00091001, "FL", pack("<f", number)), explicit=True)
    text = read(header, 0x00091001) or ""
    assert fresh("FL", text).data in (pack("<f", number), pack("<f", number + 0.0))


def test_text_without_a_dictionary() -> None:
    assert text_vr("x" * 64) == "LO"
    assert text_vr("x" * 64 + "\\" + "y") == "LO"
    assert text_vr("x" * 65) == "UT"
    assert text_vr("two\nlines") == "UT"
    assert text_vr("") == "LO"


CHARSETS = [
    ["ISO_IR 100"],
    ["ISO_IR 144"],
    ["ISO_IR 13"],
    ["ISO_IR 192"],
    ["GB18030"],
    ["", "ISO 2022 IR 87"],
    ["ISO 2022 IR 13", "ISO 2022 IR 87"],
    ["", "ISO 2022 IR 149"],
    ["", "ISO 2022 IR 58"],
    ["ISO 2022 IR 100", "ISO 2022 IR 144", "ISO 2022 IR 126"],
    ["nonsense"],
    [""],
    [],
]


@given(
    text=st.text("aZ ^=\\éИ山太郎김王\n\x1bｱ~", max_size=12),
    terms=st.sampled_from(CHARSETS),
    name=st.booleans(),
)
def test_what_is_encoded_is_read_the_same(text: str, terms: list[str], name: bool) -> None:
    data = encode(text, terms, name=name)
    if data is None:
        assert not text.isascii() or "\x1b" in text
    else:
        assert Charset(terms).decode(data, name=name) == text


def test_kanji_beside_half_width_katakana_are_written_in_their_own_set() -> None:
    assert encode("ﾔﾏﾀﾞ", ["ISO_IR 13"]) == b"\xd4\xcf\xc0\xde"
    # With a code extension it is JIS X 0208 (IR 87) that has them, behind its escape sequence.
    assert encode("山田", ["ISO 2022 IR 13", "ISO 2022 IR 87"]) == b"\x1b$B;3ED\x1b(B"


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("Иван", ["ISO_IR 100"]),
        ("é", []),
        ("é", [""]),
        ("山", ["nonsense"]),
        ("山", ["ISO_IR 13"]),
        ("é山", ["", "ISO 2022 IR 149"]),
    ],
)
def test_what_does_not_fit_is_none(text: str, terms: list[str]) -> None:
    assert encode(text, terms) is None
