"""The object as a script sees it: group 2, the elements before the pixels and those after them, with
the changes so far. It gives the pieces to write; what to change is the plan's affair."""

from __future__ import annotations

from engine.dicom.edit import Piece
from engine.dicom.header import Header
from engine.dicom.walk import Buffer


def index_meta(data: Buffer) -> Header:
    """Index group 2, which begins where the preamble and DICM end."""
    raise NotImplementedError


def index_tail(data: Buffer, *, explicit: bool) -> Header:
    """Index the elements from group 7FE0 on, or those after it."""
    raise NotImplementedError


class Subject:
    """One object; several plans may be applied to it, one after the other."""

    def __init__(
        self, head: Header, *, meta: Header | None = None, tail: Header | None = None
    ) -> None:
        """Begin with no changes. Without `meta` there is no group 2, without `tail` nothing after
        the head, as far as scripts can tell."""
        raise NotImplementedError

    @property
    def changed(self) -> bool:
        """Whether any byte would be written differently."""
        raise NotImplementedError

    def text(self, tag: int) -> str | None:
        """Give the text of an element of the root as it is now."""
        raise NotImplementedError

    def head_pieces(self) -> list[Piece]:
        """Give the elements before group 7FE0."""
        raise NotImplementedError

    def tail_pieces(self) -> list[Piece]:
        """Give the elements after the head; the tail's own when nothing changed them."""
        raise NotImplementedError

    def meta_bytes(self) -> bytes:
        """Give group 2 with its length, to be written after preamble and DICM. Its SOP class and
        instance are those of the data set."""
        raise NotImplementedError
