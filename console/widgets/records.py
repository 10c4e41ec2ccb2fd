# SPDX-License-Identifier: Apache-2.0
"""The rows of a list that are known so far, by their position, and which of them are marked. A list
may have more rows than have been fetched. Pure: the widget draws, its owner asks the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from console.views.rows import Row

WINDOW = 100
"""Rows that are asked for at once."""

KEPT = 30
"""Windows that are kept; those that were not looked at for the longest time go."""

MOST_MARKS = 10_000

LOOKED_FOR = 1_000
"""Marks that are compared with the list after news; of more, what has left the list is found when
something is to be done with them."""


class Records:
    """Rows by place, in windows of `WINDOW`."""

    def __init__(self) -> None:
        """Begin without rows."""
        self.total = 0
        self._windows: dict[int, tuple[Row, ...]] = {}
        self._old: dict[int, tuple[Row, ...]] = {}
        """Windows as they were before news: to be looked at until they come anew, and no more."""
        self._asked: set[int] = set()
        self._expired = False

    def __getitem__(self, place: int) -> Row | None:
        """Return the row at a place; None where it is not known."""
        return _at(self._windows, place)

    def seen(self, place: int) -> Row | None:
        """Return what is to be drawn at a place: where no row is known, the one that was there."""
        number = place // WINDOW
        return _at(self._windows if number in self._windows else self._old, place)

    def is_near(self, place: int, other: int) -> bool:
        """Whether two places are known, and no further from each other than a window is long."""
        return None not in (self[place], self[other]) and abs(place - other) <= WINDOW

    @property
    def whole(self) -> bool:
        """Whether every row is known."""
        return sum(map(len, self._windows.values())) >= self.total

    def known(self) -> Iterable[Row]:
        """Yield all rows that are known, in order."""
        for number in sorted(self._windows):
            yield from self._windows[number]

    def place_of(self, key: str) -> int | None:
        """Return the place of a row that is known, where it came last."""
        for number, window in reversed(self._windows.items()):
            for inside, row in enumerate(window):
                if row.key == key:
                    return number * WINDOW + inside
        return None

    def show(self, rows: Sequence[Row]) -> None:
        """Take these for the whole list."""
        self.total = len(rows)
        self._expired = False
        self._asked.clear()
        self._old.clear()
        self._windows = {
            start // WINDOW: tuple(rows[start : start + WINDOW])
            for start in range(0, len(rows), WINDOW)
        }

    def remake(self, made: Callable[[Row], Row]) -> None:
        """Put another row in the place of each that is known; old ones would stay as they are, so
        they go."""
        self._old.clear()
        self._windows = {
            number: tuple(map(made, window)) for number, window in self._windows.items()
        }

    def put(self, offset: int, rows: Sequence[Row], total: int) -> None:
        """Take rows from `offset` on, a multiple of `WINDOW`, of a list of `total`."""
        if self._expired:
            self._windows.clear()
            self._old.clear()
        elif total != self.total:
            # The others have moved; those that are being fetched will come anew.
            self._doubt(self._asked)
        self._expired = False
        self.total = total
        for start in range(0, max(1, len(rows)), WINDOW):
            number = (offset + start) // WINDOW
            self._asked.discard(number)
            self._windows.pop(number, None)
            self._old.pop(number, None)
            if window := tuple(rows[start : start + WINDOW]):
                self._windows[number] = window
        for windows in (self._windows, self._old):
            for number in list(windows):
                windows[number] = windows[number][: max(0, total - number * WINDOW)]
                if not windows[number]:
                    del windows[number]
            while len(windows) > KEPT:
                del windows[next(iter(windows))]

    def wanted(self, first: int, last: int) -> list[int]:
        """Return the windows between two places that are neither known nor asked for; they count as
        asked for from now on."""
        found = []
        for number in range(
            max(0, first) // WINDOW, max(0, min(last, self.total - 1)) // WINDOW + 1
        ):
            if number in self._windows:
                # Moved to the end: the first in the dictionary is the one not looked
                # at for longest.
                self._windows[number] = self._windows.pop(number)
            elif number not in self._asked:
                self._asked.add(number)
                found.append(number)
        return found

    def outdate(self, first: int, last: int, cursor: int) -> list[int]:
        """Doubt every window but those between two places and the one of the cursor; return these:
        they are to be asked for again."""
        # The window of the cursor stays known, so that the cursor can follow its object.
        seen = {*range(max(0, first) // WINDOW, max(0, last) // WINDOW + 1), cursor // WINDOW}
        self._doubt(seen)
        self._asked = set(self._windows) or {0}
        return sorted(self._asked)

    def expire(self) -> None:
        """Let what is put next be of another list: until then the rows stay, to be looked at."""
        self._expired = True
        self._old.clear()
        self._asked = {0}

    def _doubt(self, but: set[int]) -> None:
        """Know only these windows from now on; the others are to be seen still."""
        for number in [number for number in self._windows if number not in but]:
            self._old.pop(number, None)
            self._old[number] = self._windows.pop(number)


def _at(windows: dict[int, tuple[Row, ...]], place: int) -> Row | None:
    window = windows.get(place // WINDOW)
    inside = place % WINDOW
    return window[inside] if window is not None and inside < len(window) else None


class Marks:
    """The marked rows of a list, and the range that is being marked."""

    def __init__(self) -> None:
        """Begin without marks."""
        self._rows: dict[str, Row] = {}
        self.anchor: int | None = None
        """Where a range was begun."""

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, key: str) -> bool:
        return key in self._rows

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of the marked rows, in the order of marking."""
        return tuple(self._rows)

    def toggle(self, row: Row) -> bool:
        """Mark a row, or take its mark away; False where no more can be marked."""
        if self._rows.pop(row.key, None) is not None:
            return True
        if len(self._rows) >= MOST_MARKS:
            return False
        self._rows[row.key] = row
        return True

    def add(self, rows: Iterable[Row]) -> None:
        """Mark rows, up to `MOST_MARKS` in all."""
        for row in rows:
            if len(self._rows) >= MOST_MARKS:
                return
            self._rows[row.key] = row

    def clear(self) -> None:
        """Take all marks away."""
        self._rows.clear()
        self.anchor = None

    def keep(self, keys: Iterable[str]) -> int:
        """Keep only marks of these rows; return how many went."""
        shown = set(keys)
        gone = [key for key in self._rows if key not in shown]
        for key in gone:
            del self._rows[key]
        return len(gone)

    def in_range(self, place: int, cursor: int) -> bool:
        """Whether a place lies in the range that is being marked."""
        if self.anchor is None:
            return False
        return min(self.anchor, cursor) <= place <= max(self.anchor, cursor)
