# SPDX-License-Identifier: Apache-2.0
"""Two headers side by side: a row for each element that differs. Pure."""

from __future__ import annotations

from console.views import figures
from console.views.rows import Row, TableColumn
from engine.model.comparison import ComparedRow, ComparedSide, Comparison, Version
from engine.model.contents import HeaderRow, RowKind

COLUMNS = (
    TableColumn(title="  Tag", width=13),
    TableColumn(title="Name", width=18),
    TableColumn(title="Left", width=20, grows=True),
    TableColumn(title="Right", width=20),
)

_VERSIONS = {
    Version.RECEIVED: "as received",
    Version.STORED: "",
    Version.TO_COME: "as it will be archived",
}


def value(row: HeaderRow | None) -> str:
    """Return what an element holds, or how many values it has; a dash where it is not there."""
    if row is None:
        return "–"
    if row.kind is RowKind.ITEM:
        return "an item"
    if row.distinct > 1:
        first = row.values[0].text if row.values else ""
        return f"‹{row.distinct:,} values› {first} …"
    return (row.values[0].text if row.values else "") or "empty"


def rows(found: Comparison, width: int) -> list[Row]:
    """Show what differs; `width` is what the last column has."""
    return [_row(one) for one in found.rows]


def side(one: ComparedSide) -> str:
    """Say what stands on one side."""
    part = one.part
    of = part.file.rpartition("/")[2] if part.file else f"scan {part.scan}" if part.scan else ""
    return " ".join(filter(None, (of, _VERSIONS[part.version])))


def totals(found: Comparison) -> str:
    """Say how much differs."""
    if not found.rows:
        return f"nothing differs, {figures.grouped(found.same)} the same"
    words = f"{figures.grouped(len(found.rows))} differ, {figures.grouped(found.same)} the same"
    if found.left_out:
        words += f", {figures.grouped(found.left_out)} more"
    return words


def _row(one: ComparedRow) -> Row:
    row = one.either
    sign, tone = "~", "look"
    if one.left is None:
        sign, tone = "+", "good"
    elif one.right is None:
        sign, tone = "-", "bad"
    indent = "›" * min(row.depth, 2)
    tag = row.tag.strip("()") or row.path.rpartition("[")[2].rstrip("]")
    return Row(
        key=row.path,
        cells=(f"{sign} {indent}{tag}", row.name or "?", value(one.left), value(one.right)),
        tone=tone,
    )
