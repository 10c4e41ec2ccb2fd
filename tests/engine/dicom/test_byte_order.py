# SPDX-License-Identifier: Apache-2.0
"""Big endian made little endian; pydicom, which writes a data set both ways, is the oracle."""

from __future__ import annotations

from array import array
from io import BytesIO

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.config import IGNORE
from pydicom.dataset import Dataset

from engine.dicom.byte_order import turn
from engine.dicom.header import HeaderError
from engine.dicom.part10 import read_meta
from tests.engine.dicom.datasets import (
    EXPLICIT,
    FILES,
    datasets,
    element,
    item,
    part10,
    sequence,
    turned_about,
    written,
)

BIG_FILES = (
    "ExplVR_BigEnd.dcm",
    "MR_small_bigendian.dcm",
    "MR_small_expb.dcm",
    "SC_rgb_small_odd_big_endian.dcm",
    "liver_expb_1frame.dcm",
    "rtdose_expb.dcm",
    "rtdose_expb_1frame.dcm",
)


def swapped(words: bytes) -> bytes:
    """Turn words of 16 bits about."""
    numbers = array("H", words)
    numbers.byteswap()
    return numbers.tobytes()


def big(tag: int, vr: str, value: bytes, length: int | None = None) -> bytes:
    """Write an element in Explicit VR Big Endian, with a length that may lie."""
    said = len(value) if length is None else length
    head = tag.to_bytes(4, "big") + vr.encode()
    if vr in ("OB", "OF", "OW", "SQ", "UN", "UT"):
        return head + bytes(2) + said.to_bytes(4, "big") + value
    return head + said.to_bytes(2, "big") + value


@given(datasets())
def test_what_pydicom_writes_big_endian_becomes_what_it_writes_turned_about(
    dataset: Dataset,
) -> None:
    turned = turned_about(written(dataset, explicit=True, little=False))
    assert turned == written(dataset, explicit=True)


@pytest.mark.parametrize("name", BIG_FILES)
def test_real_files_say_the_same_afterwards(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pydicom.config.settings, "reading_validation_mode", IGNORE)
    data = (FILES / name).read_bytes()
    turned = turned_about(data[read_meta(data).dataset_offset :])
    before = pydicom.dcmread(FILES / name)
    after = pydicom.dcmread(BytesIO(part10(turned, EXPLICIT)))
    pixels, turned_pixels = before.pop("PixelData", None), after.pop("PixelData", None)
    assert before == after
    if pixels is not None:
        assert isinstance(pixels.value, bytes) and turned_pixels is not None
        expected = swapped(pixels.value) if pixels.VR == "OW" else pixels.value
        assert turned_pixels.value == expected


def test_numbers_of_every_width_are_turned_and_all_else_stays() -> None:
    given = [
        (0x00080005, "CS", b"ISO_IR 100", b"ISO_IR 100"),
        (0x00280010, "US", b"\1\2\3\4", b"\2\1\4\3"),
        (0x00280009, "AT", b"\0\x18\x10\x63", b"\x18\0\x63\x10"),
        (0x00289001, "UL", b"\1\2\3\4", b"\4\3\2\1"),
        (0x00289110, "FD", b"\1\2\3\4\5\6\7\x08", b"\x08\7\6\5\4\3\2\1"),
        (0x00420011, "OB", b"\1\2\3\4", b"\1\2\3\4"),
        (0x00431029, "UN", b"\1\2\3\4", b"\1\2\3\4"),
        # More than is turned at once.
        (0x00660016, "OF", b"\1\2\3\4" * 300_000, b"\4\3\2\1" * 300_000),
        # An odd end belongs to no number.
        (0x7FE00010, "OW", b"\1\2\3", b"\2\1\3"),
    ]
    data = b"".join(big(tag, vr, value) for tag, vr, value, _ in given)
    expected = b"".join(element(tag, vr, value) for tag, vr, _, value in given)
    assert turned_about(data) == expected


def test_zeros_at_the_end_are_padding() -> None:
    data = big(0x00280010, "US", b"\1\2") + bytes(100)
    assert turned_about(data) == element(0x00280010, "US", b"\2\1") + bytes(100)
    assert turned_about(b"") == b""


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (big(0x00280010, "US", b"\1\2")[:7], "ends within"),
        (big(0x00280010, "US", b"\1\2", 4), "ends within"),
        (big(0x00420011, "OB", b"")[:10], "ends within"),
        (big(0x00420011, "OB", b"\1\2", 0xFFFFFFFF), "undefined length"),
        (big(0x00431029, "UN", b"\1\2", 0xFFFFFFFF), "undefined length"),
        (big(0x00431029, "ZZ", b"\1\2"), "unknown value representation"),
        (big(0x00081140, "SQ", b"", 8), "longer than"),
        (big(0x00081140, "SQ", big(0x00280010, "US", b"\1\2")), "no item"),
        (big(0x00081140, "SQ", b"", 0xFFFFFFFF), "ends within"),
        (b"\xff\xfe\xe0\0\0\0\0\0", "outside of a sequence"),
        (b"\xff\xfe\xe0\x0d\0\0\0\0", "outside of a sequence"),
        (bytes(12) + b"\1" + bytes(12), "unknown value representation"),
        (sequence(0x00081140, [item(b"")]), "longer than"),
    ],
)
def test_what_cannot_be_followed_exactly_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(HeaderError, match=reason):
        turn(bytearray(data))


@given(st.binary(max_size=80), st.data())
def test_whatever_comes_is_turned_whole_or_refused(noise: bytes, data: st.DataObject) -> None:
    whole = written(data.draw(datasets(1)), explicit=True, little=False)
    at = data.draw(st.integers(0, len(whole)))
    spoilt = whole[:at] + noise + whole[at + len(noise) :]
    try:
        assert len(turned_about(spoilt)) == len(spoilt)
    except HeaderError:
        return
