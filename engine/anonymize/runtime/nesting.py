# SPDX-License-Identifier: Apache-2.0
"""An index of all levels of one object by the tags that they may hold, built in one pass, because
scripts search for hundreds of tags at every depth. Paths are matched in
`engine.anonymize.runtime.paths`."""

from __future__ import annotations

from collections.abc import Iterable

from engine.anonymize.runtime.journal import ChangeJournal
from engine.anonymize.runtime.level import Items, Level, is_creator
from engine.anonymize.runtime.tags import Anything, Exact, Owned, Tag, Wild


class Nesting:
    """The levels of some parts, each before those in its sequences."""

    __slots__ = (
        "_above",
        "_cut",
        "_depths",
        "_holders",
        "_items",
        "_journal",
        "_levels",
        "_parts",
        "_roots",
        "tags",
    )

    def __init__(self, parts: list[Level], journal: ChangeJournal) -> None:
        """Go through all that is there now.

        Raises:
            HeaderError: if a sequence cannot be indexed exactly.
        """
        self._parts = parts
        self._journal = journal
        self._cut = journal.cut
        journal.added.clear()
        self._levels: list[Level] = []
        self._above: list[int] = []
        """The number of the level that holds the sequence of a level; -1 for a part."""
        self._items: list[Items | None] = []
        """The items among which a level is."""
        self._depths: list[int] = []
        self._holders: dict[int, list[int]] = {}
        """By tag, rising, the levels within sequences that had the element at some time."""
        self.tags: set[int] = set()
        """All tags, those of the parts too. What was removed meanwhile still counts."""
        self._walk()
        self._roots = [number for number, above in enumerate(self._above) if above < 0]

    def _walk(self) -> None:
        levels, above, among, depths = self._levels, self._above, self._items, self._depths
        holders = self._holders
        pending: list[tuple[Level, int, Items | None, int]]
        pending = [(part, -1, None, 0) for part in reversed(self._parts)]
        while pending:
            level, upper, items, depth = pending.pop()
            number = len(levels)
            levels.append(level)
            above.append(upper)
            among.append(items)
            depths.append(depth)
            if depth:
                for tag in level.every_tag():
                    if tag in holders:
                        holders[tag].append(number)
                    else:
                        holders[tag] = [number]
            else:
                self.tags.update(level.every_tag())
            for tag in reversed(level.sequences()):
                found = level.sequence(tag)
                if found is not None:
                    below = reversed(found.levels)
                    pending += [(item, number, found, depth + 1) for item in below]
        self.tags.update(holders)

    def misses(self, tag: Tag, parts: list[Level]) -> bool:
        """Say whether levels may hold such a tag that did not when they were gone through, or were
        not there: all that is made since is found by its tags."""
        added = self._journal.added
        if added and (not isinstance(tag, Exact) or tag.tag in added):
            return True
        return parts != self._parts

    def holders(self, tag: Tag, *, least: int, most: int | None) -> list[Level]:
        """Return the levels that may hold a tag, in their order, and perhaps some that do not;
        `least` and `most` say how many sequences may be above."""
        if isinstance(tag, Anything):
            numbers: Iterable[int] = range(len(self._levels))
        elif isinstance(tag, Exact):
            numbers = self._holders.get(tag.tag, ())
            if not least:
                numbers = sorted((*self._roots, *numbers))
        else:
            numbers = sorted({*self._roots, *self._of_any(tag)})
        depths = self._depths
        if least or most is not None:
            numbers = [
                number
                for number in numbers
                if depths[number] >= least and (most is None or depths[number] <= most)
            ]
        if self._journal.cut != self._cut:
            numbers = [number for number in numbers if self._is_there(number)]
        levels = self._levels
        return [levels[number] for number in numbers]

    def _of_any(self, tag: Wild | Owned) -> Iterable[int]:
        """Yield the numbers of levels that hold an element which counts for the tag: for a private
        one that is what reserves its block."""
        for one, numbers in self._holders.items():
            if isinstance(tag, Wild):
                counts = tag.matches(one)
            else:
                counts = is_creator(one) and tag.groups(range(one >> 16, (one >> 16) + 1))
            if counts:
                yield from numbers

    def _is_there(self, number: int) -> bool:
        """Say whether a level still belongs to the object."""
        while (items := self._items[number]) is not None:
            if items.gone:
                return False
            number = self._above[number]
        return True
