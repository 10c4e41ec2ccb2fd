# SPDX-License-Identifier: Apache-2.0
"""Pixels are told from what follows them, however their bytes are cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.intake.tail import TailSplitter
from tests.engine.dicom.datasets import element

NATIVE = element(0x7FE0_0010, "OW", bytes(range(100)))
ITEM, END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0\0\0\0\0"
COMPRESSED = (
    b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff"
    + (ITEM + b"\0\0\0\0")
    + (ITEM + b"\x08\0\0\0" + END)
    + (ITEM + b"\x02\0\0\0ab")
    + END
)
OFFSETS = element(0x7FE0_0001, "OV", bytes(8))
BEHIND = element(0x7FE1_0010, "LO", b"ACME") + element(0xFFFC_FFFC, "OB", b"\0\0")


def passed(data: bytes, cuts: list[int], *, limit: int = 1000) -> tuple[bytes, TailSplitter]:
    """Cut data at places and let it pass; return what was written."""
    splitter = TailSplitter(explicit=True, limit=limit)
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    out = b""
    for start, end in pairwise(places):
        buffer = bytearray(data[start:end])
        out += b"".join(splitter.split([memoryview(buffer)]))
    return out + b"".join(splitter.close()), splitter


@given(
    pixels=st.sampled_from([NATIVE, COMPRESSED, OFFSETS + NATIVE, OFFSETS + COMPRESSED, b""]),
    behind=st.sampled_from([b"", BEHIND]),
    cuts=st.lists(st.integers(1, 250), max_size=40),
)
def test_pixels_pass_and_what_follows_is_kept(
    pixels: bytes, behind: bytes, cuts: list[int]
) -> None:
    out, splitter = passed(pixels + behind, cuts)
    assert out == pixels
    assert bytes(splitter.tail or b"") == behind
    assert not splitter.lost


@given(cuts=st.lists(st.integers(1, 250), max_size=40))
def test_what_is_too_much_to_keep_passes_too(cuts: list[int]) -> None:
    out, splitter = passed(NATIVE + BEHIND, cuts, limit=10)
    assert out == NATIVE + BEHIND
    assert splitter.lost


@given(data=st.binary(max_size=300), cuts=st.lists(st.integers(1, 300), max_size=20))
def test_whatever_comes_nothing_gets_lost(data: bytes, cuts: list[int]) -> None:
    out, splitter = passed(data, cuts)
    assert out + bytes(splitter.tail or b"") == data


@pytest.mark.parametrize("data", [NATIVE[:50], COMPRESSED[:-9], COMPRESSED[:6]])
def test_pixels_that_end_too_early_pass(data: bytes) -> None:
    out, splitter = passed(data, [])
    assert (out, splitter.tail) == (data, None)


def test_fragments_that_are_none_are_told() -> None:
    out, splitter = passed(COMPRESSED[:12] + bytes(64) + BEHIND, [])
    assert out == COMPRESSED[:12] + bytes(64) + BEHIND
    assert splitter.lost


def test_implicit_elements_pass_as_well() -> None:
    splitter = TailSplitter(explicit=False, limit=1000)
    pixels = b"\xe0\x7f\x10\x00\x04\0\0\0abcd"
    out = splitter.split([memoryview(pixels + b"\xe1\x7f\x10\x00\x02\0\0\0xy")])
    assert b"".join(out) == pixels
    assert bytes(splitter.tail or b"") == b"\xe1\x7f\x10\x00\x02\0\0\0xy"
