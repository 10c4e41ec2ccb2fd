# SPDX-License-Identifier: Apache-2.0
"""What scripts have changed in the objects of a session, and what the next one would change: a row
for each element, and between them those that stay. Pure."""

from __future__ import annotations

from console.views import figures
from console.views.rows import Row, TableColumn
from engine.model.changes import (
    NOBODY,
    ChangeKind,
    FoldedChange,
    FoldedFailure,
    SessionChanges,
    Statement,
)
from engine.model.scripts import project_scope


def columns(was: str, now: str) -> tuple[TableColumn, ...]:
    """Return the columns; `was` and `now` say what stands on both sides of the arrow."""
    return (
        TableColumn(title="  Tag", width=13),
        TableColumn(title="Name", width=18),
        TableColumn(title=f"{was} → {now}", width=24, grows=True),
        TableColumn(title="By", width=14),
    )


FOLDED, FAILED = "folded", "failed:"
"""Keys of the rows that are no elements."""

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


def rows(told: SessionChanges, *, same: bool = False) -> list[Row]:
    """Show what scripts do, with `same` also the elements that stay. An element that stays in a few
    files only is shown in any case: they are the odd ones out."""
    shown = [_row(one, told.read) for one in told.rows if same or not stays(one)]
    shown += [_failure(one, told.read) for one in told.failures]
    if shown:
        shown.append(_folded(told))
    return shown


def stays(one: FoldedChange) -> bool:
    """Whether an element stays in all files that have it."""
    return one.change.kind is ChangeKind.SAME and not one.odd


def changed(told: SessionChanges) -> tuple[FoldedChange, ...]:
    """Return the rows that are not of elements that stay."""
    return tuple(one for one in told.rows if not stays(one))


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


def totals(told: SessionChanges) -> str:
    """Say how many elements are changed in which way, and how far that has been found out."""
    found = told.totals
    pieces = [f"{figures.grouped(found[kind])} {word}" for kind, word in _WORDS if found[kind]]
    words = ", ".join(pieces) or "nothing"
    return words if told.is_whole else f"{progress(told)}: {words}"


def progress(told: SessionChanges) -> str:
    """Say how many files have been read."""
    return f"{figures.grouped(told.read)} of {figures.plural(told.files, 'file')} read"


def card(one: FoldedChange, files: int) -> list[tuple[str, str]]:
    """Tell all of one change, for reading."""
    change = one.change
    lines = [
        ("Element", f"{change.path} {change.name}".strip() or "the whole object"),
        ("VR", change.vr),
        ("Before", change.before),
        ("After", change.after),
        ("By", str(change.statement) or "untouched"),
        ("Files", _share(one.files, files) or f"all {figures.grouped(one.files)}"),
        *(("", file) for file in one.odd),
    ]
    if len(one.odd) < one.files and one.odd:
        lines.append(("", f"and {figures.grouped(one.files - len(one.odd))} more"))
    return [line for line in lines if line[1]]


def about(told: SessionChanges) -> list[tuple[str, str]]:
    """Name the files that are not like the others, for reading."""
    lines = [("Files", f"{_read(told)}, {_alike(told)}")]
    lines += [("Unlike", file) for file in told.odd]
    if told.unknown:
        lines.append(("Unknown", f"what {figures.plural(told.unknown, 'file')} held before"))
    for one in told.failures:
        lines.append(("Fails", one.said))
        lines += [("", file) for file in one.odd]
    return lines


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
    words = in_words(one)
    if share := _share(one.files, files):
        words = f"{share}: {words}"
    quiet = stays(one)
    return Row(
        key=key(one),
        cells=(f"{_SIGNS[change.kind]} {_tag(change.path)}", change.name or "?", words, _by(one)),
        tone=_TONES[change.kind] if quiet or change.kind is not ChangeKind.SAME else "look",
        tones=((1, "dim"), (2, "dim"), (3, "dim")) if quiet else ((3, "dim"),),
    )


def _failure(one: FoldedFailure, files: int) -> Row:
    share = _share(one.files, files) or f"in all {figures.grouped(one.files)}"
    cells = ("✗", "fails", f"{share}: {one.said}", "")
    return Row(key=f"{FAILED}{one.said}", cells=cells, tone="bad")


def _folded(told: SessionChanges) -> Row:
    """Say at the end what was folded."""
    words = _alike(told)
    if told.odd:
        words += f": {', '.join(told.odd)}"
    sign, tone = ("≠", "look") if told.odd else ("", "dim")
    return Row(key=FOLDED, cells=(sign, _read(told), words, ""), tone=tone, tones=((2, tone),))


def _read(told: SessionChanges) -> str:
    of = "" if told.is_whole else f" of {figures.grouped(told.files)}"
    return f"{figures.grouped(told.read)}{of} files" if told.read != 1 or of else "1 file"


def _alike(told: SessionChanges) -> str:
    known = told.read - told.unknown - sum(one.files for one in told.failures)
    words = "all alike"
    if told.alike < known:
        words = f"{figures.grouped(known - told.alike)} unlike the others"
    if told.unknown:
        words += f", {figures.grouped(told.unknown)} unknown"
    if told.left_out:
        words += f", {figures.grouped(told.left_out)} more elements"
    return words


def _by(one: FoldedChange) -> str:
    statement = one.change.statement
    if statement == NOBODY:
        return "" if stays(one) else "untouched"
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
