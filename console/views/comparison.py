# SPDX-License-Identifier: Apache-2.0
"""Two headers side by side: a row for each element that differs. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from console.views import figures
from console.views.question import Option
from console.views.rows import Row, TableColumn
from engine.model.comparison import ComparedRow, Comparison, Part, Version
from engine.model.contents import HeaderRow, RowKind

EXPORTED = ("element", "name", "VR", "left", "right")

VERSIONS = (
    Option(key="received", title="site script", detail="as received, and as it is now"),
    Option(
        key="to-come", title="project script", detail="as it is now, and as it will be archived"
    ),
    Option(key="both", title="both scripts", detail="as received, and as it will be archived"),
)
"""What of one session can be set side by side."""

_PAIRS = {
    "received": (Version.RECEIVED, Version.STORED),
    "to-come": (Version.STORED, Version.TO_COME),
    "both": (Version.RECEIVED, Version.TO_COME),
}
_OF_SCAN = "scan:"

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


def columns(left: str, right: str) -> tuple[TableColumn, ...]:
    """Return the columns, headed by what stands on both sides."""
    return (
        TableColumn(title="  Tag", width=13),
        TableColumn(title="Name", width=18),
        TableColumn(title=left, width=18, grows=True),
        TableColumn(title=right, width=24),
    )


def rows(found: Comparison) -> list[Row]:
    """Show what differs."""
    return [_row(one) for one in found.rows]


def card(one: ComparedRow) -> list[tuple[str, str]]:
    """Tell all of one element, for reading."""
    row = one.either
    lines = [("Element", f"{row.path} {row.name}".strip()), ("VR", row.vr)]
    for title, side in (("Left", one.left), ("Right", one.right)):
        if side is None:
            lines.append((title, "it is not there"))
            continue
        lines.append((title, f"in {figures.plural(side.files, 'file')}"))
        lines += [("", each.text or "empty") for each in side.values]
        if side.distinct > len(side.values):
            more = side.distinct - len(side.values)
            lines.append(("", f"and {figures.plural(more, 'value')} more"))
    return lines


def exported(one: ComparedRow) -> tuple[str, ...]:
    """Return an element as a row of a file."""
    row = one.either
    return row.path, row.name, row.vr, value(one.left), value(one.right)


def choices(scan: str, scans: Sequence[str]) -> tuple[Option, ...]:
    """Offer the versions of a session or of a scan, and the other scans beside it."""
    others = [one for one in scans if scan and one != scan]
    return (
        *VERSIONS,
        *(
            Option(key=f"{_OF_SCAN}{one}", title=f"scan {one}", detail=f"beside scan {scan}")
            for one in others
        ),
    )


def parts(key: str, here: Part) -> tuple[Part, Part]:
    """Return both sides of what was chosen."""
    if key.startswith(_OF_SCAN):
        return replace(here, file=""), Part(scan=key.removeprefix(_OF_SCAN))
    left, right = _PAIRS[key]
    return replace(here, version=left), replace(here, version=right)


def side(label: str, part: Part) -> str:
    """Say what stands on one side."""
    of = part.file.rpartition("/")[2] if part.file else f"scan {part.scan}" if part.scan else ""
    return ", ".join(filter(None, (label, of, _VERSIONS[part.version])))


def totals(found: Comparison) -> str:
    """Say how much differs."""
    if not found.rows:
        return f"nothing differs, {figures.grouped(found.same)} the same"
    words = f"{figures.grouped(len(found.rows))} differ, {figures.grouped(found.same)} the same"
    if found.left_out:
        words += f", {figures.grouped(found.left_out)} more"
    return words


def read(found: Comparison) -> str:
    """Say how many files were read on each side, and how many could not be."""
    words = []
    for one in (found.left, found.right):
        of = "" if one.files == one.total else f" of {figures.grouped(one.total)}"
        said = f"{figures.grouped(one.files)}{of} files" if one.total != 1 else "1 file"
        words.append(f"{said}, {len(one.unread)} not read" if one.unread else said)
    return f"left {words[0]} · right {words[1]}"


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
