# SPDX-License-Identifier: Apache-2.0
"""Lines that can be searched, all of which are known. What they mean is up to their owner."""

from __future__ import annotations

from collections.abc import Sequence

from console.widgets.searchable import Searchable
from console.widgets.table import RecordTable, Row, TableColumn


class SearchedLines(Searchable):
    """Shows rows, and finds words in them."""

    def __init__(self, columns: Sequence[TableColumn], *, id: str, empty: str) -> None:
        """Make lines under these titles."""
        super().__init__(id=id)
        self._columns = tuple(columns)
        self._empty = empty

    def rows(self) -> RecordTable:
        """Make the table."""
        return RecordTable(self._columns, empty=self._empty, id=f"{self.id}-rows")

    def show(self, rows: Sequence[Row], empty: str) -> None:
        """Show rows; `empty` stands for none."""
        self.table.empty = empty
        self.table.show(rows)
        self.found = self.find()
        self.tell()

    def find(self) -> list[str]:
        """Return the keys of the rows that hold the words."""
        words = self.words.casefold()
        # The numbers at the right are line numbers; nobody searches for them.
        texts = [place for place, column in enumerate(self._columns) if not column.right]
        return [
            row.key
            for row in self.table.rows
            if words and any(words in row.cells[text].casefold() for text in texts)
        ]

    def next_found(self, direction: int) -> str | None:
        """Return what was found next (1), or before (-1), or at the cursor or next (0)."""
        places = {row.key: place for place, row in enumerate(self.table.rows)}
        found, here = self.found, self.table.cursor
        if direction < 0:
            ahead = [key for key in found if places[key] < here][::-1] or found[::-1]
        else:
            first = here + direction
            ahead = [key for key in found if places[key] >= first] or found
        return ahead[0] if ahead else None
