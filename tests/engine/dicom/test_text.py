# SPDX-License-Identifier: Apache-2.0
"""What counts of a text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.dicom.header import Header
from engine.dicom.text import significant, significant_text
from tests.engine.dicom.datasets import element

_VRS = ["AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "SH", "TM", "UI", "UN"]
_KEPT = ["LT", "ST", "UC", "UR", "UT"]
_TAG = 0x00189999


@pytest.mark.parametrize("vr", _VRS)
def test_blanks_around_short_text_do_not_count(vr: str) -> None:
    assert significant(vr, " \0 a b^= \0") == "a b^="
    assert significant_text(vr, " a \\ b\\ ") == "a\\b\\"


@pytest.mark.parametrize("vr", _KEPT)
def test_leading_blanks_and_delimiters_of_long_text_do(vr: str) -> None:
    assert significant(vr, " a^= \0") == " a^="


@pytest.mark.parametrize("vr", ["LT", "ST", "UR", "UT"])
def test_long_text_is_one_value(vr: str) -> None:
    assert significant_text(vr, " a \\ b ") == " a \\ b"


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("DOE^JANE^^", "DOE^JANE"),
        (" DOE^JANE ^^= ^ \0", "DOE^JANE"),
        ("^^Dr", "^^Dr"),
        ("=山田^太郎^^^=", "=山田^太郎"),
        ("^^=^", ""),
        ("A^^\\ =B=\\^", "A\\=B\\"),
    ],
)
def test_delimiters_at_the_end_of_a_name_do_not_count(name: str, counts: str) -> None:
    assert significant_text("PN", name) == counts


@settings(derandomize=True)
@given(
    vr=st.sampled_from([*_VRS, "LT", "ST", "UC", "UR", "UT", "PN"]),
    text=st.text(" ^=\\\0ab", max_size=12),
)
def test_a_header_reads_by_the_same_rule(vr: str, text: str) -> None:
    header = Header.index(element(_TAG, vr, text.encode()), explicit=True)
    whole = header.whole_text(_TAG)
    assert whole == text.rstrip(" \0")
    counts = significant_text(vr, whole)
    assert significant_text(vr, counts) == counts
    assert "\\".join(header.texts(_TAG)) == counts
    assert (header.text(_TAG) or "") == (header.texts(_TAG) or [""])[0]
