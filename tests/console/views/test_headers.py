# SPDX-License-Identifier: Apache-2.0
"""A folded header as a tree: what stands under what, how values are told, what a search finds."""

from __future__ import annotations

import pytest

from console.views.headers import HeaderTree, folded_over, value_of, values_of
from engine.model.contents import FoldedHeader, FoldedValue, HeaderRow, RowKind
from tests.memory.contents import header

SEQUENCE, ITEM = "(0008,1140)", "(0008,1140)[1]"


def element(
    path: str, *texts: str, creator: str = "", files: int = 1, distinct: int = 0, depth: int = 0
) -> HeaderRow:
    return HeaderRow(
        path=path,
        tag=path[-11:],
        kind=RowKind.ELEMENT,
        depth=depth,
        vr="LO",
        name="Name",
        creator=creator,
        values=tuple(FoldedValue(text=text, files=1) for text in texts),
        distinct=distinct or len(texts),
        files=files,
    )


def tags(tree: HeaderTree, *unfolded: str) -> list[str]:
    """Return the first cells of what is on show."""
    return [row.cells[0] for row in tree.rows(set(unfolded))]


def test_sequences_and_private_blocks_begin_folded() -> None:
    shown = tags(HeaderTree(header()))
    assert "▸ 0008,1140" in shown
    assert "▸ 0029,10xx" in shown
    assert not any("item" in tag or "0008,1155" in tag for tag in shown)
    assert "0029,1008" not in shown


def test_what_is_unfolded_shows_what_stands_under_it() -> None:
    shown = tags(HeaderTree(header()), SEQUENCE, ITEM)
    begin = shown.index("▾ 0008,1140")
    assert shown[begin : begin + 5] == [
        "▾ 0008,1140",
        "  ▾ item 1",
        "    0008,1150",
        "    0008,1155",
        "  ▸ item 2",
    ]


def test_a_folded_sequence_hides_items_that_were_unfolded() -> None:
    assert tags(HeaderTree(header()), ITEM) == tags(HeaderTree(header()))


def test_private_elements_stand_under_their_creator() -> None:
    rows = (
        element("(0029,0010)", "A"),
        element("(0029,1001)", "x", creator="A"),
        element("(0029,1002)", "y", creator="A"),
        element("(0029,1101)", "z", creator="B"),
        element("(0029,1201)", "w"),
    )
    tree = HeaderTree(FoldedHeader(rows=rows, files=1))
    shown = tree.rows(())
    assert [(row.cells[0], row.cells[1], row.cells[3]) for row in shown] == [
        ("0029,0010", "Name", "A"),
        ("▸ 0029,10xx", "A", "2 elements"),
        ("▸ 0029,11xx", "B", "1 element"),
        ("0029,1201", "Name", "w"),
    ]
    assert [row.key for row in tree.rows({shown[1].key})][2:4] == ["(0029,1001)", "(0029,1002)"]


def test_private_sequences_keep_their_items_apart_from_the_next_block() -> None:
    rows = (
        HeaderRow(
            path="(0029,1001)", tag="(0029,1001)", kind=RowKind.SEQUENCE, depth=0, creator="A"
        ),
        HeaderRow(path="(0029,1001)[1]", tag="", kind=RowKind.ITEM, depth=1),
        element("(0029,1001)[1].(0031,1001)", "deep", creator="C", depth=2),
        element("(0029,1002)", "after", creator="A"),
        element("(0032,1000)", "public"),
    )
    tree = HeaderTree(FoldedHeader(rows=rows, files=1))
    assert tree.above("(0032,1000)") == []
    block = tree.above("(0029,1002)")
    assert len(block) == 1
    deep = tree.above("(0029,1001)[1].(0031,1001)")
    assert deep[1:] == ["(0029,1001)[1]", "(0029,1001)", block[0]]


@pytest.mark.parametrize(
    ("row", "files", "told"),
    [
        (element("(0008,0060)", "MR", files=3), 3, "MR"),
        (element("(0008,0060)", files=3), 3, ""),
        (element("(0008,0060)", "MR", files=2), 3, "MR  · in 2 of 3 files"),
        (element("(0008,0018)", "1", "2", files=48, distinct=48), 48, "48 values: 1 │ 2 …"),
        (element("(0008,0018)", "1", "2", files=2), 2, "2 values: 1 │ 2"),
    ],
)
def test_values_say_in_how_many_files_they_differ(row: HeaderRow, files: int, told: str) -> None:
    assert value_of(row, files) == told


def test_values_to_read_have_their_counts_and_say_what_is_left_out() -> None:
    row = element("(0008,0018)", "a", "b", distinct=1_050)
    assert values_of(row) == [("1 file", "a"), ("1 file", "b"), ("", "… and 1 048 other values")]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("0008,103e", ["(0008,103E)"]),
        ("(0010,0010)", ["(0010,0010)"]),
        ("patientname", ["(0010,0010)"]),
        ("doe^", ["(0010,0010)"]),
        ("1.2.9.2", ["(0008,1140)[2].(0008,1155)"]),
        ("  ", []),
        ("no such thing", []),
    ],
)
def test_a_search_looks_at_tag_name_and_value(words: str, found: list[str]) -> None:
    assert HeaderTree(header()).found(words) == found


def test_a_search_goes_round() -> None:
    tree = HeaderTree(header())
    found = tree.found("patient")
    assert found == ["(0010,0010)", "(0010,0020)"]
    assert tree.step(found, "(0008,0060)", 0) == "(0010,0010)"
    assert tree.step(found, "(0010,0010)", 0) == "(0010,0010)"
    assert tree.step(found, "(0010,0010)", 1) == "(0010,0020)"
    assert tree.step(found, "(0010,0020)", 1) == "(0010,0010)"
    assert tree.step(found, "(0010,0010)", -1) == "(0010,0020)"
    assert tree.step(found, None, 1) == "(0010,0010)"
    assert tree.step([], None, 1) is None


@pytest.mark.parametrize(
    ("header", "told"),
    [
        (FoldedHeader(rows=(), files=1, total=1), "folded over 1 file"),
        (
            FoldedHeader(rows=(), files=48, total=51, unread=("a", "b", "c")),
            "folded over 48 files, 3 could not be read",
        ),
        (FoldedHeader(rows=(), files=500, total=2_310), "folded over 500 of 2 310 files"),
        (FoldedHeader(rows=(), files=2, total=2, cut=7), "folded over 2 files, 7 rows left out"),
    ],
)
def test_a_header_says_what_it_was_read_from(header: FoldedHeader, told: str) -> None:
    assert folded_over(header) == told
