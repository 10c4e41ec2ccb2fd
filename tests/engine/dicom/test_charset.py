# SPDX-License-Identifier: Apache-2.0
"""Text by Specific Character Set: pydicom's files, the standard's examples, and broken ones."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.charset import convert_encodings, decode_bytes
from pydicom.valuerep import PN_DELIMS

from engine.dicom.charset import Charset
from engine.dicom.fold import Fold
from engine.dicom.header import Header
from engine.dicom.part10 import FileMeta, read_header
from tests.engine.dicom.datasets import CHARSET_FILES, element

_NAME = 0x00100010


@pytest.mark.parametrize("path", sorted(CHARSET_FILES.glob("*.dcm")), ids=lambda path: path.stem)
def test_names_read_as_pydicom_reads_them(path: Path) -> None:
    _, header = read_header(path)
    expected = pydicom.dcmread(path)
    if _NAME in header:
        assert (header.text(_NAME) or "").rstrip("=") == str(expected.PatientName)
    for entry, other in zip(
        header.items(0x00321064), expected.get("RequestedProcedureCodeSequence", []), strict=True
    ):
        if _NAME in entry:
            assert (entry.text(_NAME) or "") == str(other.PatientName)


@pytest.mark.parametrize(
    ("terms", "data", "text"),
    [
        # PS3.5 H.3.1, H.3.2, I.2, J.1, J.2, K.2 and C.12.1.1.2 of PS3.3.
        (
            "\\ISO 2022 IR 87",
            b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
            "Yamada^Tarou=山田^太郎=やまだ^たろう",
        ),
        (
            "ISO 2022 IR 13\\ISO 2022 IR 87",
            b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J="
            b"\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J",
            "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
        ),
        (
            "\\ISO 2022 IR 149",
            b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7="
            b"\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
            "Hong^Gildong=洪^吉洞=홍^길동",
        ),
        (
            "ISO_IR 192",
            b"Wang^XiaoDong=\xe7\x8e\x8b^\xe5\xb0\x8f\xe6\x9d\xb1",
            "Wang^XiaoDong=王^小東",
        ),
        ("GB18030", b"Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab", "Wang^XiaoDong=王^小东"),
        ("GBK", b"\xcd\xf5^\xd0\xa1\xb6\xab", "王^小东"),
        (
            "\\ISO 2022 IR 58",
            b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab",
            "Zhang^XiaoDong=张^小东",
        ),
        ("ISO_IR 100", b"Buc^J\xe9r\xf4me", "Buc^Jérôme"),
        ("ISO_IR 144", "Люксембург".encode("iso8859_5"), "Люксембург"),
        ("ISO_IR 166", "สมชาย".encode("tis_620"), "สมชาย"),
        ("ISO 2022 IR 100\\ISO 2022 IR 144", b"\xd6\x1b-L\xbb\\\xd6", "ÖЛ"),
        ("ISO_IR 13", b"\xd4\xcf\xc0\xde", "ﾔﾏﾀﾞ"),
    ],
)
def test_first_values(terms: str, data: bytes, text: str) -> None:
    assert Charset(terms.split("\\")).split(data, name=True)[0] == text


def test_bytes_of_kanji_that_look_like_delimiters_are_none() -> None:
    japanese = "日本橋初"
    data = japanese.encode("iso2022_jp")
    assert b"\\" in data and b"=" in data
    charset = Charset(["", "ISO 2022 IR 87"])
    assert charset.split(data + b"\\ASCII", name=True) == [japanese, "ASCII"]


@pytest.mark.parametrize(("term", "codec"), [("GB18030", "gb18030"), ("ISO_IR 13", "shift_jis")])
def test_the_second_byte_of_a_character_may_be_a_backslash(term: str, codec: str) -> None:
    text = next(
        chr(code)
        for code in range(0x4E00, 0x9FFF)
        if chr(code).encode(codec, "ignore")[1:] == b"\\"
    )
    assert Charset([term]).split(text.encode(codec) + b"\\b") == [text, "b"]


@pytest.mark.parametrize(
    "term",
    ["ISO-IR 100", "ISO IR 100", "ISO_IR_100", "iso_ir 100", "ISO2022 IR 100", "ISO_IR 100 "],
)
def test_misspelled_terms_are_understood(term: str) -> None:
    assert Charset([term]).decode(b"M\xfcller \xe7\xe3") == "Müller çã"


def test_a_text_without_a_charset_is_utf_8_or_latin_1() -> None:
    for terms in ([""], [], ["ISO_IR 6"], ["NONSENSE"]):
        assert Charset(terms).decode("Müller".encode()) == "Müller"
        assert Charset(terms).decode(b"M\xfcller") == "Müller"


def test_korean_without_its_escapes_is_still_korean() -> None:
    assert Charset(["", "ISO 2022 IR 149"]).decode("홍^길동".encode("euc_kr")) == "홍^길동"


def test_bytes_that_mean_nothing_are_replaced() -> None:
    assert Charset(["ISO_IR 192"]).decode(b"a\xffb") == "a\ufffdb"
    assert "\ufffd" in Charset(["", "ISO 2022 IR 87"]).decode(b"\x1b$B\xff\xff\x1b(Bx")
    assert Charset(["", "ISO 2022 IR 87"]).decode(b"\x1b$Zx").endswith("x")


def test_an_item_may_have_a_charset_of_its_own() -> None:
    inner = element(0x00080005, "CS", b"ISO_IR 192") + element(_NAME, "PN", "Þór".encode() + b" ")
    plain = element(_NAME, "PN", b"\xdeor ")
    body = b"".join(
        b"\xfe\xff\x00\xe0" + len(part).to_bytes(4, "little") + part for part in (inner, plain)
    )
    data = element(0x00080005, "CS", b"ISO_IR 100") + element(0x00081115, "SQ", body)
    header = Header.index(data, explicit=True)
    assert [entry.text(_NAME) for entry in header.items(0x00081115)] == ["Þór", "Þor"]


# ------------------------------------------- names, whose character set goes back to the first

_FIRST = {
    "ISO 2022 IR 100": ("latin_1", "Müç"),
    "ISO 2022 IR 101": ("iso8859_2", "Łőž"),
    "ISO 2022 IR 144": ("iso8859_5", "Иван"),
}
_MORE = {
    "ISO 2022 IR 126": (b"\x1b-F", "iso8859_7", "Διό"),
    "ISO 2022 IR 138": (b"\x1b-H", "iso8859_8", "קבד"),
    "ISO 2022 IR 149": (b"\x1b$)C", "euc_kr", "김희중"),
    "ISO 2022 IR 58": (b"\x1b$)A", "gb2312", "王小东"),
    "ISO 2022 IR 87": (b"", "iso2022_jp", "山田橋"),
}
_PLAIN = "ab-"


@st.composite
def names(draw: st.DrawFn) -> tuple[str, bytes, str]:
    """Draw terms, a name in them as it has to be written, and its text."""
    first = draw(st.sampled_from(list(_FIRST)))
    more = draw(st.lists(st.sampled_from(list(_MORE)), unique=True, min_size=1, max_size=3))
    data, text = b"", ""
    for number in range(draw(st.integers(1, 6))):
        if number:
            delimiter = draw(st.sampled_from("^="))
            data, text = data + delimiter.encode(), text + delimiter
        escape, codec, letters = b"", *_FIRST[first]
        if draw(st.booleans()):
            escape, codec, letters = _MORE[draw(st.sampled_from(more))]
        part = draw(st.text(letters + _PLAIN, min_size=1, max_size=4))
        data += (b"" if part.isascii() else escape) + part.encode(codec)
        text += part
    return "\\".join([first, *more]), data, text


@settings(derandomize=True, max_examples=200, deadline=None)
@given(names())
def test_every_reading_of_a_name_goes_back_to_the_first_set(name: tuple[str, bytes, str]) -> None:
    terms, data, text = name
    raw = b"".join(
        element(tag, vr, value + b" " * (len(value) % 2))
        for tag, vr, value in ((0x00080005, "CS", terms.encode()), (_NAME, "PN", data))
    )
    if b"\x1b$B" not in data and b"\x1b$)A" not in data:
        # pydicom does not go back after kanji, and does not know the escape of hanzi.
        encodings = convert_encodings(terms.split("\\"))
        groups = [decode_bytes(group, encodings, PN_DELIMS) for group in data.split(b"=")]
        assert "=".join(groups) == text
    header = Header.index(raw, explicit=True)
    assert header.text(_NAME) == text
    assert header.texts(_NAME) == [text]
    assert header.whole_text(_NAME) == text
    made = Fold()
    meta = FileMeta(transfer_syntax="1.2.3", sop_class="", sop_instance="", dataset_offset=0)
    made.add(meta, header)
    (row,) = [row for row in made.rows() if row.tag == "(0010,0010)"]
    assert [value.text for value in row.values] == [text]


def test_other_text_stays_in_the_set_that_an_escape_named() -> None:
    raw = element(0x00080005, "CS", b"ISO 2022 IR 100\\ISO 2022 IR 126 ")
    raw += element(0x00081030, "LO", b"\x1b-F\xc4^\xc4=")
    assert Header.index(raw, explicit=True).whole_text(0x00081030) == "Δ^Δ="
