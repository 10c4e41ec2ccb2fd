# SPDX-License-Identifier: Apache-2.0
"""Compiled tag paths: the elements that they match in an object, the one element that a singular
path names, and creating it if it is missing. Texts that contain a path are also parsed here."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from engine.anonymize.faults import ScriptError
from engine.anonymize.language.parser6 import read_path
from engine.anonymize.language.tree import Levels, LevelStep, TagPath
from engine.anonymize.runtime.level import Level
from engine.anonymize.runtime.subject import ScriptedObject
from engine.anonymize.runtime.tags import Anything, Exact, Owned, Tag, compile_tag

Found: TypeAlias = tuple[Level, int]
"""An element, by the level that holds it and its tag."""

_DIRECT = re.compile(r"\(([0-9A-Fa-f]{4}),([0-9A-Fa-f]{4})\)(?:\[([0-9]{1,6})\])?")


@dataclass(frozen=True, slots=True)
class _Step:
    """A tag, one level of any name (`tag` is None), or any number of them (`open`)."""

    tag: Tag | None = None
    item: int | None = None
    open: bool = False


class Path:
    """A path that is ready to run. `singular` says whether it names at most one element."""

    __slots__ = (
        "_first",
        "_last",
        "_least",
        "_most",
        "_sought",
        "_steps",
        "ends_in_item",
        "private",
        "singular",
        "tag",
        "text",
    )

    def __init__(
        self,
        steps: Iterable[_Step],
        *,
        text: str,
        singular: bool,
        ends_in_item: bool = False,
        private: bool = False,
    ) -> None:
        self._steps = tuple(steps)
        self._last = len(self._steps) - 1
        self.text = text
        self.singular = singular
        self.ends_in_item = ends_in_item
        self.private = private
        """Whether a private tag, or a wildcard of levels, is its last step."""
        only = self._steps[0].tag if len(self._steps) == 1 and not ends_in_item else None
        self.tag = only.tag if isinstance(only, Exact) else None
        """The number of the tag, where the path is one tag of the root by its number."""
        last = self._steps[-1].tag
        self._sought = last.tag if self.wanders and isinstance(last, Exact) else None
        """The number of the last tag, where it may be at many a depth."""
        self._first, self._least, self._most = _levels_first(self._steps)

    # ------------------------------------------------------------------------------------ finding

    def find(self, subject: ScriptedObject) -> list[Found]:
        """Return all elements that match; of items all that is in them, at every depth."""
        if self.tag is not None:
            part = subject.part(self.tag)
            return [] if part is None or not part.holds(self.tag) else [(part, self.tag)]
        if self.ends_in_item:
            levels = [one for item in self.items(subject) for one in item.below()]
            unique = {id(one): one for one in levels}
            return [(one, tag) for one in unique.values() for tag in one.tags()]
        found: dict[tuple[int, int], Found] = {}
        for level, tag in self._matches(subject):
            found.setdefault((id(level), tag), (level, tag))
        return list(found.values())

    def items(self, subject: ScriptedObject) -> list[Level]:
        """Return the items that match, where the path ends in items."""
        number = self._steps[-1].item
        found: list[Level] = []
        for level, tag in self._matches(subject):
            items = level.items(tag)
            found += items if number is None else items[number : number + 1]
        return found

    def _matches(self, subject: ScriptedObject) -> list[Found]:
        # Long scripts ask for hundreds of tags at every depth, few of which an object has.
        if self._sought is not None and not subject.may_hold(self._sought):
            return []
        found: list[Found] = []
        seen: set[tuple[int, int]] = set()
        first = self._first
        if not first:
            for part in subject.parts():
                self._walk(part, 0, found, seen)
            return found
        tag = self._steps[first].tag
        assert tag is not None
        for level in subject.holders(tag, least=self._least, most=self._most):
            if first < self._last:
                self._walk(level, first, found, seen)
            else:
                found += [(level, one) for one in tag.find(level)]
        return found

    def _walk(
        self, level: Level, index: int, found: list[Found], seen: set[tuple[int, int]]
    ) -> None:
        if (id(level), index) in seen:
            return
        seen.add((id(level), index))
        step = self._steps[index]
        if step.tag is None:
            if step.open:
                self._walk(level, index + 1, found, seen)
            below = index if step.open else index + 1
            for tag in level.sequences():
                for item in level.items(tag):
                    self._walk(item, below, found, seen)
            return
        for tag in step.tag.find(level):
            if index == self._last:
                found.append((level, tag))
                continue
            items = level.items(tag)
            for item in items if step.item is None else items[step.item : step.item + 1]:
                self._walk(item, index + 1, found, seen)

    # ----------------------------------------------------------------------------------- one only

    def read(self, subject: ScriptedObject) -> str | None:
        """Return the text of the one element that the path names."""
        if self.tag is not None:
            part = subject.part(self.tag)
            return None if part is None else part.text(self.tag)
        self.check_singular()
        found = self._one(subject)
        if found is None or self.ends_in_item:
            return None
        return found[0].text(found[1])

    def present(self, subject: ScriptedObject) -> bool:
        """Say whether the one element, or item, is there."""
        self.check_singular()
        found = self._one(subject)
        if found is None:
            return False
        level, tag = found
        if self.ends_in_item:
            return len(level.items(tag)) > (self._steps[-1].item or 0)
        return level.holds(tag)

    def create(self, subject: ScriptedObject) -> Found:
        """Return the one element that the path names, after making all that leads to it."""
        self.check_singular()
        return self.create_in(subject.part_to_write(_certain(self._steps[0].tag).low))

    def create_in(self, level: Level) -> Found:
        """Return the one element that the path names from a data set on, such as that of an
        item."""
        for step in self._steps:
            tag = _certain(step.tag).reserve(level)
            if step.item is None:
                return level, tag
            level_above, level = level, level.make_sequence(tag, step.item + 1)[step.item]
        return level_above, tag

    def check_singular(self) -> None:
        """Refuse a path that may name several elements."""
        if not self.singular:
            raise ScriptError(f"{self.text} may name several elements, but one is wanted")

    def _one(self, subject: ScriptedObject) -> Found | None:
        first = _certain(self._steps[0].tag)
        level = subject.part(first.low)
        if level is None:
            return None
        for step in self._steps[:-1]:
            tag = _certain(step.tag).resolve(level)
            items = [] if tag is None else level.items(tag)
            number = step.item or 0
            if number >= len(items):
                return None
            level = items[number]
        tag = _certain(self._steps[-1].tag).resolve(level)
        return None if tag is None else (level, tag)

    # -------------------------------------------------------------------------------------- reach

    def roots(self) -> list[Tag]:
        """Return the tags that the path may match at the root."""
        found: list[Tag] = []
        for step in self._steps:
            if step.tag is not None:
                found.append(step.tag)
                break
            if not step.open:
                break
        return found

    @property
    def wanders(self) -> bool:
        """Whether it goes through sequences whatever they are called."""
        first = self._steps[0]
        return first.tag is None or isinstance(first.tag, Anything)


def _levels_first(steps: tuple[_Step, ...]) -> tuple[int, int, int | None]:
    """Return how many steps at the begin of a path stand for levels, where that can be said by
    numbers: the fewest and the most levels that they stand for."""
    first = next((number for number, step in enumerate(steps) if step.tag is not None), 0)
    last_open = bool(first) and steps[first - 1].open
    least = first - last_open
    if any(step.open for step in steps[:least]):
        return 0, 0, None
    return first, least, None if last_open else least


def _certain(tag: Tag | None) -> Exact | Owned:
    assert isinstance(tag, Exact | Owned), "a singular path has no wildcards"
    return tag


def compile_path(path: TagPath) -> Path:
    """Make a path ready."""
    steps: list[_Step] = []
    for step in path.steps:
        if not isinstance(step, LevelStep):
            item = None if step.item is None else step.item.number
            steps.append(_Step(compile_tag(step.tag), item))
            continue
        if step.levels is not Levels.ANY:
            steps.append(_Step())
        if step.levels is not Levels.ONE and not (steps and steps[-1].open):
            steps.append(_Step(open=True))
    last = path.last
    if isinstance(last, LevelStep):
        # It stands for everything below.
        steps.append(_Step(Anything()))
    return Path(
        steps,
        text=str(path),
        singular=path.singular,
        ends_in_item=not isinstance(last, LevelStep) and last.item is not None,
        private=isinstance(last, LevelStep) or path.private,
    )


def path_of(text: str) -> Path | None:
    """Make a text ready that holds a path; None if it holds none."""
    path = read_path(text)
    return None if path is None else compile_path(path)


def direct_path(text: str) -> Path:
    """Make a text ready that holds a path with real numbers only, those of private tags too."""
    found = [_DIRECT.fullmatch(part.strip()) for part in text.split("/")]
    steps = [
        _Step(Exact(int(one[1] + one[2], 16)), None if one[3] is None else int(one[3]))
        for one in found
        if one
    ]
    if len(steps) < len(found) or any(step.item is None for step in steps[:-1]):
        raise ScriptError(
            "a path with real numbers is expected, such as (0008,1140)[0]/(0008,1150)"
        )
    return Path(steps, text=text, singular=True, ends_in_item=steps[-1].item is not None)
