# SPDX-License-Identifier: Apache-2.0
"""What is told of the header of a held object, and to whom."""

from __future__ import annotations

from engine.model.contents import FoldedHeader, FoldedValue, HeaderRow, RowKind
from engine.model.people import Actor, SiteRole, operator
from engine.service import redaction

NAME = "Planted^Patient"


def test_of_a_held_object_its_kind_is_told_and_no_value() -> None:
    kind = header_row("(0008,0016)", "MR Image Storage")
    name = header_row("(0010,0010)", NAME)
    held = FoldedHeader(rows=(kind, name), files=1)
    blind = Actor(name="ak", site=frozenset({SiteRole.ADMIN}))
    for actor, told in ((operator("op"), NAME), (blind, f"‹{len(NAME)}›")):
        shown = redaction.of("held.header", actor, held)
        assert [row.values[0].text for row in shown.rows] == ["MR Image Storage", told]


def header_row(path: str, value: str) -> HeaderRow:
    return HeaderRow(
        path=path,
        tag=path,
        kind=RowKind.ELEMENT,
        depth=0,
        values=(FoldedValue(text=value, files=1),),
    )
