# SPDX-License-Identifier: Apache-2.0
"""Two headers side by side: a row for each element that differs. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace

from console.views import figures
from console.views.masking import Masks
from console.views.question import Field, Option, Question
from console.views.rows import Row, TableColumn
from engine.model.archive import SessionCard
from engine.model.comparison import STORED, ComparedRow, Comparison, Part, Version
from engine.model.contents import HeaderRow, RowKind
from engine.model.prearchive import PrearchiveSession

OTHER = "other"
"""The choice of another session."""
OTHER_QUESTION = Question(
    title="Compare with another session",
    act="Compare",
    fields=(
        Field(
            name="name",
            label="Session",
            hint="id, label, accession ID or PROJECT/LABEL; #3 after it is its scan 3",
            needed=True,
        ),
    ),
    command=lambda given: shlex.join(["anteroom", "compare", "…", given["name"]]),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """What stands on one side: a session that waits or is filed, or a part of it."""

    session: PrearchiveSession | SessionCard
    part: Part = STORED

    @property
    def id(self) -> str:
        """Its prearchive id, or its accession ID."""
        one = self.session
        return one.id if isinstance(one, PrearchiveSession) else one.accession

    @property
    def waiting(self) -> PrearchiveSession | None:
        """The session, if it waits."""
        return self.session if isinstance(self.session, PrearchiveSession) else None


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


def choices(here: Side, scans: Sequence[str]) -> tuple[Option, ...]:
    """Offer the versions of what waits, the other scans beside a scan, and other sessions."""
    scan = here.part.scan
    others = [one for one in scans if scan and one != scan]
    return (
        *(VERSIONS if isinstance(here.session, PrearchiveSession) else ()),
        *(
            Option(key=f"{_OF_SCAN}{one}", title=f"scan {one}", detail=f"beside scan {scan}")
            for one in others
        ),
        Option(key=OTHER, title="another session", detail="that waits or is filed, by its name"),
    )


def sides(key: str, here: Side) -> tuple[Side, Side]:
    """Return both sides of what was chosen of one session."""
    if key.startswith(_OF_SCAN):
        left, right = replace(here.part, file=""), Part(scan=key.removeprefix(_OF_SCAN))
    else:
        before, after = _PAIRS[key]
        left, right = replace(here.part, version=before), replace(here.part, version=after)
    return replace(here, part=left), replace(here, part=right)


def side(one: Side, masks: Masks) -> str:
    """Say what stands on one side."""
    session, part = one.session, one.part
    label = session.label
    if isinstance(session, PrearchiveSession):
        label = masks.session(session).label
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
