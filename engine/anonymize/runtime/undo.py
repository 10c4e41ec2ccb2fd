# SPDX-License-Identifier: Apache-2.0
"""Undo: restores, element by element, what scripts changed in an object."""

from __future__ import annotations

from collections.abc import Iterable

from engine.anonymize.runtime.applied import Undo
from engine.dicom.edit import HeaderEdit, Piece
from engine.dicom.header import Header


def restore(stored: Header, undo: Iterable[Undo]) -> list[Piece]:
    """Return a part of an object (group 2, head or tail) as it was, in pieces; `undo` is of that
    part only.

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
