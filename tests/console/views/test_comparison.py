# SPDX-License-Identifier: Apache-2.0
"""How two headers side by side are told."""

from __future__ import annotations

from dataclasses import replace

from console.views import comparison
from console.views.comparison import Side
from console.views.masking import Masks
from engine.model.comparison import ComparedRow, ComparedSide, Comparison, Part, Version
from engine.model.contents import RowKind
from tests.memory import session
from tests.memory.comparison import differences, element
from tests.memory.facts import card


def found(left: Part, *rows: ComparedRow) -> Comparison:
    return Comparison(
        left=ComparedSide(session="pre_1", part=left, files=12, total=40, unread=("a", "b")),
        right=ComparedSide(session="pre_2", part=Part(), files=1, total=1),
        rows=rows,
        same=1_203,
        left_out=7,
    )


def test_a_row_says_on_which_side_an_element_is() -> None:
    cells = [row.cells for row in comparison.rows(found(Part(), *differences()))]
    assert cells == [
        ("- 0008,0050", "AccessionNumber", "A2204417", "–"),
        ("~ 0010,0010", "PatientName", "DOE^JANE", "SUB-0001"),
        ("+ 0012,0062", "PatientIdentityRemoved", "–", "YES"),
        ("~ 0020,0013", "InstanceNumber", "‹48 values› 1 …", "‹192 values› 1 …"),
    ]
    nested = replace(
        element("(0008,1140)[2]", "", ""), kind=RowKind.ITEM, tag="", depth=1, values=(), distinct=0
    )
    (row,) = comparison.rows(found(Part(), ComparedRow(right=nested)))
    assert row.cells == ("+ ›2", "?", "–", "an item")


def test_how_much_was_read_and_differs_is_told() -> None:
    told = found(Part(), *differences())
    assert comparison.read(told) == "left 12 of 40 files, 2 not read · right 1 file"
    assert comparison.totals(told).startswith("4 differ, 1")
    assert comparison.totals(told).endswith(" the same, 7 more")
    assert comparison.totals(found(Part())).startswith("nothing differs")


def test_a_card_tells_the_values_of_both_sides() -> None:
    row = ComparedRow(left=element("(0020,0013)", "InstanceNumber", "IS", "1", "", distinct=5))
    assert comparison.card(row) == [
        ("Element", "(0020,0013) InstanceNumber"),
        ("VR", "IS"),
        ("Left", "in 17 files"),
        ("", "1"),
        ("", "empty"),
        ("", "and 3 values more"),
        ("Right", "it is not there"),
    ]


def test_what_is_compared_is_chosen_and_named() -> None:
    one = session(1)
    here = Side(session=one, part=Part(scan="4", file="SCANS/4/DICOM/1.dcm"))
    assert [each.part for each in comparison.sides("scan:5", here)] == [
        Part(scan="4"),
        Part(scan="5"),
    ]
    of_scan = Side(session=one, part=Part(scan="4"))
    assert [each.part for each in comparison.sides("both", of_scan)] == [
        Part(scan="4", version=Version.RECEIVED),
        Part(scan="4", version=Version.TO_COME),
    ]
    offered = [each.key for each in comparison.choices(of_scan, ("4", "5"))]
    assert offered == ["received", "to-come", "both", "scan:5", "other"]
    assert len(comparison.choices(Side(session=one), ("4", "5"))) == 4
    # What is filed is there in one version.
    filed = Side(session=card(one))
    assert [each.key for each in comparison.choices(filed, ())] == ["other"]
    assert (comparison.side(filed, Masks()), filed.waiting) == ("MR_1", None)
    assert comparison.side(here, Masks()) == "MR_1, 1.dcm"
    will_be = Side(session=one, part=Part(scan="4", version=Version.TO_COME))
    assert comparison.side(will_be, Masks()) == "MR_1, scan 4, as it will be archived"
    unassigned = Side(session=session(2, project=None))
    assert comparison.side(unassigned, Masks()) == "▒▒▒▒▒▒"


def test_originals_are_told_by_kind_and_length_on_their_side_only() -> None:
    one = session(1)
    told = found(Part(version=Version.RECEIVED), *differences())
    cells = [row.cells for row in comparison.rows(Masks().compared(told, one, one))]
    assert cells[1][2:] == ("‹PN 8›", "SUB-0001")
    assert Masks(revealed=True).compared(told, one, one) == told
    assert Masks().compared(found(Part(), *differences()), one, one).rows == differences()
    watched = Masks(watching=True).compared(told, one, one)
    assert "DOE" not in repr(watched)
    filed_one = found(Part(), *differences())
    assert Masks().compared(filed_one, None, None) == filed_one
