# SPDX-License-Identifier: Apache-2.0
"""Which elements say who the patient is."""

from __future__ import annotations

import pytest

from engine.anonymize.profile.identifying import identifies


@pytest.mark.parametrize(
    ("tag", "vr"),
    [
        (0x00100010, "PN"),
        (0x00100020, "LO"),
        (0x00100030, "DA"),
        (0x00100040, "CS"),
        (0x00109999, "LO"),
        (0x00080050, "SH"),
        (0x00080094, "SH"),
        (0x00380010, "LO"),
        (0x00401001, "SH"),
        (0x00324000, "LT"),
        (0x00204000, "LT"),
        (0x00291010, "OB"),
        (0x00091001, "LO"),
        (0x00081111, "PN"),
        (0x0040A730, "SQ"),
    ],
)
def test_names_numbers_addresses_comments_and_what_is_private_do(tag: int, vr: str) -> None:
    assert identifies(tag, vr)


@pytest.mark.parametrize(
    "tag",
    [
        0x00080018,
        0x00080020,
        0x00080060,
        0x00080070,
        0x00080080,
        0x00081010,
        0x00081030,
        0x0008103E,
        0x00180050,
        0x00181030,
        0x0020000D,
        0x00290010,
        0x7FE00010,
    ],
)
def test_what_was_done_where_does_not(tag: int) -> None:
    assert not identifies(tag)
