# SPDX-License-Identifier: Apache-2.0
"""Notes about the changes to one object while scripts run over it, shared by its levels. The
changes themselves are stored in the levels."""

from __future__ import annotations

from engine.model.changes import Statement

NOBODY = Statement(script="")


class ChangeJournal:
    """Shared by all levels of one object. It has no reference to them, so a subject that is no
    longer used is freed at once, without the garbage collector."""

    __slots__ = (
        "added",
        "cut",
        "foreign",
        "mutations",
        "statement",
        "volume",
        "written",
    )

    def __init__(self) -> None:
        self.statement = NOBODY
        """That is running."""
        self.mutations = 0
        self.foreign = False
        """Whether text was written that is not ASCII."""
        self.written: set[int] = set()
        """The tags of all elements that were written or removed."""
        self.added: set[int] = set()
        """The tags of elements that were made, but for most of those outside of sequences."""
        self.cut = 0
        """How often items went, with their sequence."""
        self.volume = 0
        """Characters of the long texts that were written."""
