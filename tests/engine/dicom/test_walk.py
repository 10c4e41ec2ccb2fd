# SPDX-License-Identifier: Apache-2.0
"""The walk never guesses: what is not exact is a HeaderError, at once, and never anything else."""

from __future__ import annotations

import struct
import tracemalloc
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from engine.dicom.header import Header, HeaderError, HeaderReader
from tests.engine.dicom.datasets import datasets, element, item, paths, sequence, written

_SEQUENCE_END = b"\xfe\xff\xdd\xe0\0\0\0\0"
_ITEM_END = b"\xfe\xff\x0d\xe0\0\0\0\0"


def _raw(tag: int, rest: bytes) -> bytes:
    return struct.pack("<HH", tag >> 16, tag & 0xFFFF) + rest


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (element(0x00100020, "LO", b"a") + element(0x00100010, "PN", b"b"), "out of order"),
        (element(0x00100020, "LO", b"a") * 2, "out of order"),
        (element(0x00020010, "UI", b"1."), "stands in no data set"),
        (element(0x00000002, "UI", b"1."), "stands in no data set"),
        (element(0x00100020, "ZZ", b"ab"), "unknown value representation"),
        (element(0x00100020, "lo", b"ab"), "unknown value representation"),
        (_raw(0x00100020, b"\0\0\0\0ab"), "unknown value representation"),
        (element(0x00100020, "LO", b"abcd")[:-1], "ends within"),
        (element(0x00100020, "LO", b"ab") + b"\0", "ends within"),
        (element(0x00100020, "LO", b"ab") + b"\x10\0\x30\0LO", "ends within"),
        (_raw(0x00420011, b"OB\0\0\xfe\xff\xff\xff"), "ends within"),
        (_raw(0x00420011, b"OB\0\0\xff\xff\xff\xff") + _SEQUENCE_END, "undefined length"),
        (_raw(0x00420011, b"UT\0\0\xff\xff\xff\xff") + _SEQUENCE_END, "undefined length"),
        (sequence(0x00081140, [item(b"")], undefined=True)[:-8], "ends within"),
        (sequence(0x00081140, [item(b"", undefined=True)], undefined=True)[:-16], "ends within"),
        (
            sequence(0x00081140, [b"\xfe\xff\x00\xe0\xf0\xff\xff\x7f"], undefined=True),
            "ends within",
        ),
        (sequence(0x00081140, [_ITEM_END], undefined=True), "delimiter"),
        (
            sequence(0x00081140, [element(0x00080060, "CS", b"MR")], undefined=True),
            "else than an item",
        ),
        (item(b""), "outside of a sequence"),
        (_SEQUENCE_END, "outside of a sequence"),
        (b"\xfe\xff", "outside of a sequence"),
    ],
)
def test_what_is_not_exact(data: bytes, reason: str) -> None:
    with pytest.raises(HeaderError) as caught:
        Header.index(data, explicit=True)
    assert reason in caught.value.reason
    assert 0 <= caught.value.offset <= len(data)


@pytest.mark.parametrize(
    "body",
    [
        b"\xfe\xff\x00\xe0\x10\0\0\0",
        b"\xfe\xff\x00\xe0\xff\xff\xff\xff",
        item(b"") + b"\0\0",
        item(element(0x00080060, "CS", b"MR")[:-1]),
        item(element(0x00080060, "CS", b"MR") * 2),
        item(item(b"")),
        element(0x00080060, "CS", b"MR"),
        _SEQUENCE_END,
    ],
)
def test_a_sequence_that_its_items_do_not_fill(body: bytes) -> None:
    header = Header.index(element(0x00081140, "SQ", body), explicit=True)
    with pytest.raises(HeaderError):
        header.items(0x00081140)


def test_compressed_pixels_within_an_item_are_passed_by() -> None:
    fragments = item(b"") + item(b"abcd") + _SEQUENCE_END
    icon = element(0x00280010, "US", b"\1\0") + element(0x7FE00010, "OB", fragments, undefined=True)
    data = sequence(0x00880200, [item(icon, undefined=True)], undefined=True)
    data += element(0x00880904, "LO", b"ab")
    header = Header.index(data, explicit=True)
    assert header.text(0x00880904) == "ab"
    (inner,) = header.items(0x00880200)
    assert inner[0x7FE00010].undefined
    assert inner.items(0x7FE00010) == []
    assert bytes(inner.raw(0x7FE00010) or b"") == fragments[:-8]


def _undefined_nest(levels: int) -> bytes:
    start = _raw(0x00081140, b"SQ\0\0\xff\xff\xff\xff") + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    return start * levels + (_ITEM_END + _SEQUENCE_END) * levels


def _defined_nest(levels: int) -> bytes:
    data = b""
    for _ in range(levels):
        data = sequence(0x00081140, [item(data)])
    return data


def _follow(header: Header) -> int:
    levels = 0
    while items := header.items(0x00081140):
        header = items[0]
        levels += 1
    return levels


@pytest.mark.parametrize("nest", [_undefined_nest, _defined_nest])
def test_64_levels_are_followed(nest: Callable[[int], bytes]) -> None:
    assert _follow(Header.index(nest(64), explicit=True)) == 64


@pytest.mark.parametrize("levels", [65, 1000, 50_000])
def test_deeper_nests_are_refused(levels: int) -> None:
    with pytest.raises(HeaderError, match="nested too deeply"):
        Header.index(_undefined_nest(levels), explicit=True)


def test_a_deep_nest_of_known_lengths_is_refused_when_followed() -> None:
    # Each level costs its bytes anew here, so the depth is what a test can afford to build.
    with pytest.raises(HeaderError, match="nested too deeply"):
        _follow(Header.index(_defined_nest(1000), explicit=True))


def test_a_limit_may_be_named() -> None:
    Header.index(_undefined_nest(3), explicit=True, limit_depth=3)
    with pytest.raises(HeaderError, match="nested too deeply"):
        Header.index(_undefined_nest(3), explicit=True, limit_depth=2)


def test_lengths_that_lie_take_no_memory() -> None:
    data = (
        element(0x00100020, "LO", b"ab") + _raw(0x00420011, b"OB\0\0\xfe\xff\xff\xff") + bytes(99)
    )
    tracemalloc.start()
    try:
        with pytest.raises(HeaderError):
            Header.index(data, explicit=True)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_an_index_does_not_grow_without_end() -> None:
    elements = b"".join(
        struct.pack("<HH2sH", 8 + number // 65_536, number % 65_536, b"LO", 0)
        for number in range(70_000)
    )
    assert len(Header.index(elements[: 65_536 * 8], explicit=True)) == 65_536
    with pytest.raises(HeaderError, match="too many elements"):
        Header.index(elements, explicit=True)
    header = Header.index(sequence(0x00081140, [item(b"")] * 140_000), explicit=True)
    with pytest.raises(HeaderError, match="too many items"):
        header.items(0x00081140)


def test_a_sequence_arriving_in_pieces_is_walked_once() -> None:
    class Counting(bytearray):
        touched = 0

        def __getitem__(self, key):  # type: ignore[no-untyped-def]
            Counting.touched += 1
            return super().__getitem__(key)

    inner = element(0x00080060, "CS", b"MR") * 1
    whole = sequence(0x00081140, [item(inner, undefined=True)] * 500, undefined=True)
    reader = HeaderReader(True)
    held = Counting()
    for start in range(0, len(whole), 64):
        held += whole[start : start + 64]
        reader.advance(held)
    assert reader.advance(held, final=True)
    # One look at the VR of each of 500 elements, and a few at the ends of pieces.
    assert Counting.touched < 2000


@settings(deadline=None, max_examples=200)
@given(datasets(), st.booleans(), st.data())
def test_damaged_bytes_raise_nothing_but_header_errors(
    dataset: Dataset, explicit: bool, data: st.DataObject
) -> None:
    whole = bytearray(written(dataset, explicit=explicit))
    for _ in range(data.draw(st.integers(1, 6))):
        if whole:
            whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    del whole[data.draw(st.integers(0, len(whole))) :]
    with suppress(HeaderError):
        _read_everything(Header.index(whole, explicit=explicit))


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=400), st.booleans())
def test_noise_raises_nothing_but_header_errors(noise: bytes, explicit: bool) -> None:
    with suppress(HeaderError):
        _read_everything(Header.index(noise, explicit=explicit))


@settings(deadline=None, max_examples=200)
@given(datasets(), st.booleans(), st.data())
def test_a_truncated_head_is_refused(dataset: Dataset, explicit: bool, data: st.DataObject) -> None:
    whole = written(dataset, explicit=explicit)
    header = Header.index(whole, explicit=explicit)
    ends = {0} | {entry.end for entry in header.elements()}
    cut = data.draw(st.integers(0, len(whole)))
    if cut in ends:
        assert Header.index(whole[:cut], explicit=explicit).end == cut
    else:
        with pytest.raises(HeaderError):
            Header.index(whole[:cut], explicit=explicit)


def _read_everything(header: Header) -> None:
    for tag in header.tags():
        header.text(tag)
        header.texts(tag)
        header.whole_text(tag)
        header.integer(tag)
        header.numbers(tag)
    for entry in header.elements():
        assert header.start <= entry.start < entry.value <= entry.end <= header.end
    with suppress(HeaderError):
        list(paths(header))
