# SPDX-License-Identifier: Apache-2.0
"""A folded header as a readable tree: which rows belong under which, what is folded, how varying
values are shown, what a search finds. Pure: the widget holds the cursor."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from console.views import figures
from console.views.rows import Row, TableColumn
from engine.model.contents import FoldedHeader, HeaderRow, RowKind

COLUMNS = (
    TableColumn(title="Tag", width=15),
    TableColumn(title="Name", width=20),
    TableColumn(title="VR", width=2, priority=1),
    TableColumn(title="Value", width=16, grows=True),
)

_DEEPEST = 3
"""Steps that a row is moved to the right at most: the tag has to stay readable."""

_FEW = 3
"""Values that stand in the row itself where there are several."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Branch:
    """One line of the tree: an element, a sequence, an item, or a block of private elements."""

    key: str
    """The path of the row, or a name for a private block."""
    parent: int
    """The place of the line that this one stands under; -1 for none."""
    depth: int
    tag: str
    name: str
    value: str
    row: HeaderRow | None = None
    """None for a private block."""
    foldable: bool = False


class HeaderTree:
    """The lines of one header."""

    def __init__(self, header: FoldedHeader) -> None:
        """Lay out the rows of a header; blocks of private elements stand under their creator."""
        self._branches = _branches(header)
        self._places = {one.key: place for place, one in enumerate(self._branches)}

    def __getitem__(self, key: str) -> Branch | None:
        """Return the line with a key."""
        place = self._places.get(key)
        return None if place is None else self._branches[place]

    def rows(self, unfolded: Collection[str]) -> list[Row]:
        """Return the lines on show when only these branches are unfolded."""
        hidden: set[int] = set()
        shown = []
        for place, one in enumerate(self._branches):
            parent = self._branches[one.parent] if one.parent >= 0 else None
            if one.parent in hidden or (parent is not None and parent.key not in unfolded):
                hidden.add(place)
            else:
                shown.append(_row(one, unfolded=one.key in unfolded))
        return shown

    def above(self, key: str) -> list[str]:
        """Return the branches that a line stands under, the nearest first."""
        found = []
        place = self._places.get(key, -1)
        while place >= 0 and (place := self._branches[place].parent) >= 0:
            found.append(self._branches[place].key)
        return found

    def found(self, words: str) -> list[str]:
        """Return the keys of the lines in whose tag, name or value a text stands, in order."""
        wanted = words.strip().lower()
        if not wanted:
            return []
        return [one.key for one in self._branches if any(wanted in each for each in _texts(one))]

    def step(self, found: Sequence[str], cursor: str | None, direction: int) -> str | None:
        """Return the next of the lines that were found, after (1), before (-1) or from (0) the
        cursor on; it begins anew at the end."""
        if not found:
            return None
        here = self._places.get(cursor or "", -1 if direction >= 0 else len(self._branches))
        places = [self._places[key] for key in found]
        if direction < 0:
            before = [key for key, at in zip(found, places, strict=True) if at < here]
            return before[-1] if before else found[-1]
        first = here if direction == 0 else here + 1
        return next((key for key, at in zip(found, places, strict=True) if at >= first), found[0])


def value_of(row: HeaderRow, files: int) -> str:
    """Tell the value of a row over so many files."""
    if row.kind is RowKind.ITEM:
        return ""
    if row.distinct > 1:
        texts = " │ ".join(value.text for value in row.values[:_FEW])
        more = " …" if row.distinct > _FEW or row.distinct > len(row.values) else ""
        text = f"{figures.plural(row.distinct, 'value')}: {texts}{more}"
    else:
        text = row.values[0].text if row.values else ""
    if row.files < files:
        text += f"  · in {figures.grouped(row.files)} of {figures.plural(files, 'file')}"
    return text


def values_of(row: HeaderRow) -> list[tuple[str, str]]:
    """Return the values of a row, each with the number of files it stands in, for reading."""
    lines = [(figures.plural(one.files, "file"), one.text) for one in row.values]
    if (more := row.distinct - len(row.values)) > 0:
        lines.append(("", f"… and {figures.plural(more, 'other value')}"))
    return lines


def folded_over(header: FoldedHeader) -> str:
    """Say what a header was read from."""
    parts = [f"folded over {figures.plural(header.files, 'file')}"]
    if header.total > header.files + len(header.unread):
        parts[0] = f"folded over {figures.grouped(header.files)} of {figures.grouped(header.total)}"
        parts[0] += " files"
    if header.unread:
        parts.append(f"{figures.grouped(len(header.unread))} could not be read")
    if header.cut:
        parts.append(f"{figures.plural(header.cut, 'row')} left out")
    return ", ".join(parts)


def as_text(branch: Branch) -> str:
    """Return a line for copying, its columns with tabs between."""
    vr = branch.row.vr if branch.row is not None else ""
    return "\t".join((branch.tag, branch.name, vr, branch.value))


def _branches(header: FoldedHeader) -> list[Branch]:
    branches: list[Branch] = []
    # Lines that may have others under them: (level, place, creator). A private block stands half a
    # step above its elements, an odd level.
    open: list[tuple[int, int, str]] = []
    sizes: dict[int, int] = {}
    for row in header.rows:
        level = 2 * row.depth + 2
        private = f"{row.tag[1:8]}|{row.creator}" if row.creator else ""
        while open and (
            open[-1][0] >= level or (open[-1][0] == level - 1 and open[-1][2] != private)
        ):
            open.pop()
        parent = open[-1][1] if open else -1
        if private and (not open or open[-1][0] != level - 1):
            above = branches[parent].key if parent >= 0 else ""
            open.append((level - 1, len(branches), private))
            branches.append(
                Branch(
                    key=f"{above}{private}|{row.path}",
                    parent=parent,
                    depth=len(open) - 1,
                    tag=f"{row.tag[1:8]}xx",
                    name=row.creator,
                    value="",
                    foldable=True,
                )
            )
            parent = open[-1][1]
        if private:
            sizes[open[-1][1]] = sizes.get(open[-1][1], 0) + 1
        branch = Branch(
            key=row.path,
            parent=parent,
            depth=len(open),
            tag=row.tag.strip("()") or f"item {row.path.rpartition('[')[2].rstrip(']')}",
            name=row.name or ("" if row.kind is RowKind.ITEM else "?"),
            value=value_of(row, header.files),
            row=row,
            foldable=row.kind is not RowKind.ELEMENT,
        )
        if branch.foldable:
            open.append((level, len(branches), ""))
        branches.append(branch)
    for place, size in sizes.items():
        branches[place] = replace(branches[place], value=figures.plural(size, "element"))
    return branches


def _row(one: Branch, *, unfolded: bool) -> Row:
    sign = ("▾ " if unfolded else "▸ ") if one.foldable else ""
    tag = f"{'  ' * min(one.depth, _DEEPEST)}{sign}{one.tag}"
    varies = one.row is not None and one.row.distinct > 1
    return Row(
        key=one.key,
        cells=(tag, one.name, one.row.vr if one.row is not None else "", one.value),
        tones=((2, "dim"), *(((3, "dim"),) if varies or one.row is None else ())),
    )


def _texts(one: Branch) -> tuple[str, ...]:
    if one.row is None:
        return (one.tag.lower(), one.name.lower())
    values = (value.text.lower() for value in one.row.values)
    return (one.tag.lower(), one.row.tag.lower(), one.name.lower(), *values)
