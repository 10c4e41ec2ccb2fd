"""Undo: what takes back, element by element, what scripts did to an object."""

from __future__ import annotations

from collections.abc import Iterable

from engine.anonymize.applied import Undo
from engine.dicom.edit import HeaderEdit, Piece
from engine.dicom.header import Header
from engine.model.changes import Statement


def restore(stored: Header, undo: Iterable[Undo]) -> list[Piece]:
    """Give a part of an object (group 2, head or tail) as it was, in pieces; `undo` is of that part
    only.

    Raises:
        HeaderError: if a sequence cannot be indexed exactly.
        IndexError: if it is not the undo of this object.
    """
    edit = HeaderEdit(stored)
    # Deepest and last first: item numbers stay true while items go.
    for one in sorted(undo, key=lambda one: one.path, reverse=True):
        if one.element is None:
            edit.remove_in(one.path)
        else:
            edit.put_in(one.path, one.element)
    return edit.write()


def with_group_lengths(header: Header, undo: tuple[Undo, ...]) -> tuple[Undo, ...]:
    """Add the group lengths that go when elements of their group are written anew, so that a part
    comes back byte for byte. `header` is the part as it was.

    Raises:
        HeaderError: if a sequence cannot be indexed exactly.
    """
    first: dict[tuple[int, ...], Statement] = {}
    for path, _, statement in undo:
        for depth in range(0, len(path), 2):
            length = path[depth] & 0xFFFF0000
            where = (*path[:depth], length) if depth else (length,)
            if where not in first:
                first[where] = statement
    known = {one.path for one in undo}
    items: dict[tuple[int, ...], Header | None] = {(): header}
    added = []
    for where, statement in first.items():
        inside = _item(items, where[:-1])
        if inside is None or where[-1] not in inside or where in known:
            continue
        element = inside[where[-1]]
        before = bytes(inside.data[element.start : element.end])
        added.append(Undo(path=where, element=before, statement=statement))
    return (*undo, *added)


def _item(items: dict[tuple[int, ...], Header | None], path: tuple[int, ...]) -> Header | None:
    """Give the item that a path ends with as it was; None for one that was not there."""
    if path not in items:
        above = _item(items, path[:-2])
        found = [] if above is None else above.items(path[-2])
        items[path] = found[path[-1]] if path[-1] < len(found) else None
    return items[path]
