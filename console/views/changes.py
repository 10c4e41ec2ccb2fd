# SPDX-License-Identifier: Apache-2.0
"""What scripts have changed in the objects of a session, and what the next one would change: a row
for each element, and between them those that stay. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from console.views import figures
from console.views.headers import value_of
from console.views.rows import Row, TableColumn
from engine.model.changes import ChangeKind, FoldedChange, Statement
from engine.model.contents import FoldedHeader, HeaderRow
from engine.model.scripts import project_scope


def columns(was: str, now: str) -> tuple[TableColumn, ...]:
    """Return the columns; `was` and `now` say what stands on both sides of the arrow."""
    return (
        TableColumn(title="  Tag", width=13),
        TableColumn(title="Name", width=18),
        TableColumn(title=f"{was} → {now}", width=24, grows=True),
        TableColumn(title="By", width=14),
    )


EXPORTED = ("change", "path", "name", "VR", "before", "after", "by", "files")

_SIGNS = {
    ChangeKind.ADDED: "+",
    ChangeKind.CHANGED: "~",
    ChangeKind.EMPTIED: "~",
    ChangeKind.REMOVED: "-",
    ChangeKind.PIXELS: "▒",
    ChangeKind.SAME: "=",
    ChangeKind.REJECTED: "✗",
}

_TONES = {
    ChangeKind.ADDED: "good",
    ChangeKind.CHANGED: "look",
    ChangeKind.EMPTIED: "look",
    ChangeKind.REMOVED: "bad",
    ChangeKind.PIXELS: "look",
    ChangeKind.SAME: "dim",
    ChangeKind.REJECTED: "bad",
}

_WORDS = (
    (ChangeKind.CHANGED, "changed"),
    (ChangeKind.EMPTIED, "emptied"),
    (ChangeKind.REMOVED, "removed"),
    (ChangeKind.ADDED, "added"),
    (ChangeKind.PIXELS, "in pixels"),
    (ChangeKind.REJECTED, "left out"),
)


def key(one: FoldedChange) -> str:
    """Return the key of a row: an element may be changed by one line here and by another there."""
    change = one.change
    return f"{change.path}|{change.kind.value}|{change.vr}|{change.statement}"


def rows(
    changes: Sequence[FoldedChange], files: int, header: FoldedHeader | None = None
) -> list[Row]:
    """Show changes over so many files; with a header also the elements that stay, in their
    places."""
    shown = [(one.change.path, 0, _row(one, files)) for one in changes]
    if header is not None:
        touched = {one.change.path for one in changes}
        stay = (row for row in header.rows if not row.depth and row.path not in touched)
        shown += [(row.path, 1, _same(row, header.files)) for row in stay]
    return [row for _, _, row in sorted(shown, key=lambda each: each[:2])]


def in_words(one: FoldedChange) -> str:
    """Say what became of the value of an element."""
    change = one.change
    match change.kind:
        case ChangeKind.REJECTED:
            return "the whole object is left out"
        case ChangeKind.PIXELS:
            return f"pixels → {change.after}"
        case ChangeKind.REMOVED:
            return f"{change.before or 'empty'} → removed"
        case ChangeKind.EMPTIED:
            return f"{change.before} → empty"
        case ChangeKind.ADDED:
            return f"– → {change.after or 'empty'}"
        case ChangeKind.SAME:
            return change.after
        case ChangeKind.CHANGED:
            return f"{change.before or 'empty'} → {change.after}"


def totals(changes: Iterable[FoldedChange]) -> str:
    """Say how many elements were changed in which way."""
    found = Counter(one.change.kind for one in changes)
    pieces = [f"{figures.grouped(found[kind])} {word}" for kind, word in _WORDS if found[kind]]
    return ", ".join(pieces) or "nothing"


def card(one: FoldedChange, files: int) -> list[tuple[str, str]]:
    """Tell all of one change, for reading."""
    change = one.change
    lines = [
        ("Element", f"{change.path} {change.name}".strip() or "the whole object"),
        ("VR", change.vr),
        ("Before", change.before),
        ("After", change.after),
        ("By", str(change.statement)),
        ("Files", _share(one.files, files) or f"all {figures.grouped(one.files)}"),
    ]
    return [line for line in lines if line[1]]


def scope_of(statement: Statement) -> str:
    """Return the scope of the script that a statement is of."""
    kind, _, project = statement.script.partition(" ")
    return project_scope(project) if kind == "project" else kind


def exported(one: FoldedChange) -> tuple[str, ...]:
    """Return a change as a row of a file."""
    change = one.change
    return (
        change.kind.value,
        change.path,
        change.name,
        change.vr,
        change.before,
        change.after,
        str(change.statement),
        str(one.files),
    )


def _row(one: FoldedChange, files: int) -> Row:
    change = one.change
    tone = _TONES[change.kind]
    words = in_words(one)
    if share := _share(one.files, files):
        words = f"{share}: {words}"
    return Row(
        key=key(one),
        cells=(f"{_SIGNS[change.kind]} {_tag(change.path)}", change.name or "?", words, _by(one)),
        tone=tone,
        tones=((3, "dim"),),
    )


def _same(row: HeaderRow, files: int) -> Row:
    return Row(
        key=row.path,
        cells=(f"= {_tag(row.path)}", row.name or "?", value_of(row, files), ""),
        tone="dim",
        tones=((1, "dim"), (2, "dim")),
    )


def _by(one: FoldedChange) -> str:
    statement = one.change.statement
    short = statement.script.removeprefix("project ")
    version = f" v{statement.version}" if statement.version else ""
    # A statement without a line is the record of de-identification, which nobody has written.
    return f"{short}{version}:{statement.line}" if statement.line else "record"


def _tag(path: str) -> str:
    """Return the tag of an element in short; what stands in an item is moved to the right."""
    depth = path.count("[")
    return f"{'›' * min(depth, 2)}{path.rpartition('(')[2].rstrip(')')}"


def _share(some: int, files: int) -> str:
    if files <= some:
        return ""
    return f"in {figures.grouped(some)} of {figures.grouped(files)}"
