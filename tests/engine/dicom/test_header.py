# SPDX-License-Identifier: Apache-2.0
"""The header over bytes, against pydicom: its own files and random data sets; values as text and as
numbers; private elements; heads that arrive in pieces."""

from __future__ import annotations

import struct
from pathlib import Path

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from engine.dicom.header import Header, HeaderError, HeaderReader
from engine.dicom.part10 import NOT_WALKED, is_explicit, read_meta
from tests.engine.dicom.datasets import (
    agree,
    datasets,
    element,
    item,
    oracle,
    part10_files,
    sequence,
    tree,
    written,
)

_PIXELS = element(0x7FE00010, "OW", bytes(64))
_NOT_EXACT = {
    "rtplan_truncated.dcm",  # ends within a sequence
    "SC_rgb_jpeg.dcm",  # Implicit VR under a transfer syntax of Explicit VR
    "nested_priv_SQ.dcm",  # has an element of group 0001
    "DICOMDIR-nooffset",  # an item runs over its sequence
}


def _walked_files() -> list[Path]:
    found = []
    for path in part10_files():
        try:
            if read_meta(path.read_bytes()).transfer_syntax not in NOT_WALKED:
                found.append(path)
        except HeaderError:
            assert path.name == "meta_missing_tsyntax.dcm"
    return found


@pytest.mark.parametrize("path", _walked_files(), ids=lambda path: path.name)
def test_real_files_index_as_pydicom_reads_them(path: Path) -> None:
    data = path.read_bytes()
    meta = read_meta(data)
    explicit = is_explicit(meta.transfer_syntax)
    body = data[meta.dataset_offset :]
    if path.name in _NOT_EXACT:
        with pytest.raises(HeaderError):
            tree(Header.index(body, explicit=explicit))
        return
    header = Header.index(body, explicit=explicit)
    assert agree(tree(header), oracle(body, explicit=explicit))


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("path", _walked_files()[:40], ids=lambda path: path.name)
def test_numbers_of_real_files_are_pydicoms(path: Path) -> None:
    data = path.read_bytes()
    meta = read_meta(data)
    if path.name in _NOT_EXACT:
        return
    header = Header.index(data[meta.dataset_offset :], explicit=is_explicit(meta.transfer_syntax))
    expected = pydicom.dcmread(path, stop_before_pixels=True)
    for entry in header.elements():
        if entry.vr in ("IS", "DS", "US", "UL", "FL", "FD", "SL", "SS") and entry.length:
            value = expected[entry.tag].value
            values = (
                list(value) if isinstance(value, list | pydicom.multival.MultiValue) else [value]
            )
            assert header.numbers(entry.tag) == [float(number) for number in values]


@settings(deadline=None)
@given(datasets(), st.booleans())
def test_random_data_sets_index_as_pydicom_reads_them(dataset: Dataset, explicit: bool) -> None:
    data = written(dataset, explicit=explicit)
    header = Header.index(data, explicit=explicit)
    assert agree(tree(header), oracle(data, explicit=explicit))
    assert header.end == len(data)


@settings(deadline=None)
@given(datasets(), st.booleans(), st.booleans(), st.data())
def test_pieces_index_as_the_whole(
    dataset: Dataset, explicit: bool, pixels: bool, data: st.DataObject
) -> None:
    whole = written(dataset, explicit=explicit) + (_PIXELS if pixels else b"")
    expected = Header.index(whole, explicit=explicit)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=12)))
    reader = HeaderReader(explicit)
    held = bytearray()
    done = False
    for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
        held += whole[start:end]
        done = reader.advance(held)
        if done:
            break
    assert reader.advance(held, final=True)
    assert done or not pixels
    header = reader.header(held)
    assert tree(header) == tree(expected)
    assert header.end == expected.end


def test_byte_by_byte_is_as_the_whole() -> None:
    inner = element(0x00080060, "CS", b"MR") + sequence(0x00081140, [item(b"", undefined=True)])
    whole = (
        element(0x00080018, "UI", b"1.2\0")
        + sequence(0x00081115, [item(inner, undefined=True), item(inner)], undefined=True)
        + element(0x00091010, "UN", item(b"") + b"\xfe\xff\xdd\xe0\0\0\0\0", undefined=True)
        + element(0x00204000, "LT", b"odd")
    )
    reader = HeaderReader(True)
    held = bytearray()
    for byte in whole + _PIXELS:
        held.append(byte)
        if reader.advance(held):
            break
    assert len(held) == len(whole) + 2, "group 7FE0 is known by its first two bytes"
    assert tree(reader.header(held)) == tree(Header.index(whole, explicit=True))


def test_the_index_ends_at_the_pixels() -> None:
    head = element(0x00100020, "LO", b"ab")
    for tail in (
        _PIXELS,
        element(0x7FE10010, "LO", b"X "),
        b"\xfc\xff\xfc\xffOB\0\0\xff\xff\xff\xff",
    ):
        header = Header.index(head + tail, explicit=True)
        assert header.end == len(head)
        assert header.tags() == [0x00100020]


def test_an_empty_head_is_a_head() -> None:
    assert len(Header.index(b"", explicit=True)) == 0
    assert Header.index(_PIXELS, explicit=True).end == 0


def test_explicit_vr_under_an_implicit_syntax_is_not_exact() -> None:
    data = element(0x00080005, "CS", b"ISO_IR 100") + _PIXELS * 20_000
    with pytest.raises(HeaderError, match="Explicit VR where Implicit VR was said"):
        Header.index(data, explicit=False)


def test_odd_lengths_are_taken_as_they_are() -> None:
    data = element(0x00100010, "PN", b"abc") + element(0x00100020, "LO", b"x")
    header = Header.index(data, explicit=True)
    assert header.text(0x00100010) == "abc"
    assert header.text(0x00100020) == "x"


def _one(vr: str, value: bytes, tag: int = 0x00189999) -> Header:
    return Header.index(element(tag, vr, value), explicit=True)


_TAG = 0x00189999


@pytest.mark.parametrize(
    ("vr", "value", "text", "texts"),
    [
        ("LO", b" a \\b ", "a", ["a", "b"]),
        ("UI", b"1.2.3\0", "1.2.3", ["1.2.3"]),
        ("LO", b"", "", []),
        ("LO", b"\\x ", "", ["", "x"]),
        ("LT", b" a\\b\r\n", " a\\b\r\n", [" a\\b\r\n"]),
        ("PN", b" a^b^^\\c= ", "a^b", ["a^b", "c"]),
        ("UR", b"http://x\\y", "http://x\\y", ["http://x\\y"]),
        ("US", b"\x01\0\x02\0", "1", ["1", "2"]),
        ("US", b"\x01", "", []),
        ("SS", b"\xff\xff", "-1", ["-1"]),
        ("FD", struct.pack("<d", 0.5), "0.5", ["0.5"]),
        ("AT", b"\x10\0\x20\0\xe0\x7f\x10\0", "(0010,0020)", ["(0010,0020)", "(7FE0,0010)"]),
        ("AT", b"\x10\0", "", []),
        ("DS", b" 1.5\\ 2", "1.5", ["1.5", "2"]),
    ],
)
def test_values_as_text(vr: str, value: bytes, text: str, texts: list[str]) -> None:
    header = _one(vr, value)
    assert header.text(_TAG) == text
    assert header.texts(_TAG) == texts


def test_what_is_absent_has_no_value() -> None:
    header = Header.index(b"", explicit=True)
    assert header.text(_TAG) is None
    assert header.whole_text(_TAG) is None
    assert header.integer(_TAG) is None
    assert header.number(_TAG) is None
    assert header.raw(_TAG) is None
    assert header.get(_TAG) is None
    assert header.texts(_TAG) == []
    assert header.numbers(_TAG) == []
    assert header.items(_TAG) == []
    assert _TAG not in header
    with pytest.raises(KeyError):
        header[_TAG]


def test_a_whole_text_keeps_backslashes_and_leading_blanks() -> None:
    assert _one("UT", b"  a\\b  ").whole_text(_TAG) == "  a\\b"


@pytest.mark.parametrize(
    ("vr", "value", "integer", "number", "numbers"),
    [
        ("IS", b" 12 ", 12, 12.0, [12.0]),
        ("IS", b"+7\\-8", 7, 7.0, [7.0, -8.0]),
        ("IS", b"12345678901234567890", 12345678901234567890, 12345678901234567890.0, None),
        ("DS", b"1.0\\.5\\5.", 1, 1.0, [1.0, 0.5, 5.0]),
        ("DS", b"1.5e-3", None, 0.0015, [0.0015]),
        ("DS", b"1e400", None, None, []),
        ("DS", b"NaN", None, None, []),
        ("DS", b"1_0", None, None, []),
        ("DS", b"0x10", None, None, []),
        ("DS", b"", None, None, []),
        ("DS", b"1\\x", 1, 1.0, []),
        ("DS", b"9" * 5000, None, None, []),
        ("US", b"\x01\0\x02\0", 1, 1.0, [1.0, 2.0]),
        ("UL", b"\xff\xff\xff\xff", 0xFFFFFFFF, 4294967295.0, None),
        ("FL", struct.pack("<f", 0.5), None, 0.5, [0.5]),
        ("FD", struct.pack("<d", float("nan")), None, None, []),
        ("FD", struct.pack("<2d", 1, float("inf")), 1, 1.0, []),
        ("LO", b"\xb2", None, None, []),
    ],
)
def test_values_as_numbers(
    vr: str, value: bytes, integer: int | None, number: float | None, numbers: list[float] | None
) -> None:
    header = _one(vr, value)
    assert header.integer(_TAG) == integer
    assert header.number(_TAG) == number
    expected = numbers if numbers is not None else ([] if number is None else [number])
    assert header.numbers(_TAG) == expected


def test_what_is_written_as_un_is_read_by_the_dictionary() -> None:
    data = (
        element(0x00080060, "UN", b"MR")
        + element(0x00081140, "UN", item(struct.pack("<HHI", 8, 0x1155, 4) + b"1.2\0"))
        + element(0x00280010, "UN", b"\0\x01")
    )
    header = Header.index(data, explicit=True)
    assert header[0x00280010].vr == "UN"
    assert header.integer(0x00280010) == 256
    assert header.text(0x00080060) == "MR"
    assert [entry.text(0x00081155) for entry in header.items(0x00081140)] == ["1.2"]


def test_private_elements_are_found_by_their_creator() -> None:
    data = (
        element(0x00190010, "LO", b"OTHER ")
        + element(0x00190011, "LO", b"ACME 1.0")
        + element(0x00191008, "LO", b"no")
        + element(0x00191108, "LO", b"yes ")
    )
    header = Header.index(data, explicit=True)
    found = header.private(0x0019, "ACME 1.0", 0x08)
    assert found is not None and header.text(found.tag) == "yes"
    assert header.private(0x0019, "ACME 1.0", 0x09) is None
    assert header.private(0x0019, "NOBODY", 0x08) is None
    assert header.creator(0x00191108) == "ACME 1.0"
    assert header.creator(0x00190011) == ""
    assert header.creator(0x00100010) == ""


def test_implicit_private_elements_have_the_vr_of_their_creator() -> None:
    def implicit(tag: int, value: bytes) -> bytes:
        return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, len(value)) + value

    data = implicit(0x00190010, b"SIEMENS MR HEADER ") + implicit(0x0019100C, b"1000")
    header = Header.index(data, explicit=False)
    assert header[0x0019100C].vr == "IS"
    assert header.integer(0x0019100C) == 1000


def test_a_head_beyond_the_limit_is_an_error() -> None:
    small, large = element(0x00080005, "CS", b""), element(0x00100020, "UT", bytes(2000))
    for final in (False, True):
        with pytest.raises(HeaderError):
            HeaderReader(True, 1000).advance(small + large, final)
    with pytest.raises(HeaderError):
        HeaderReader(True, 1000).advance((small + large)[:30])
    nested = sequence(0x00081140, [item(bytes(2000))], undefined=True)
    with pytest.raises(HeaderError):
        HeaderReader(True, 1000).advance(nested[:40])


def test_pixels_do_not_count_to_the_limit() -> None:
    head = element(0x00100020, "LO", b"ab")
    reader = HeaderReader(True, 100)
    assert reader.advance(head + element(0x7FE00010, "OW", bytes(5000)))
