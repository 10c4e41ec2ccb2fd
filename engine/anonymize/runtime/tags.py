# SPDX-License-Identifier: Apache-2.0
"""Compiled tags, which may contain wildcards, and searching them in a data set. Paths of several
tags are in `engine.anonymize.runtime.paths`."""

from __future__ import annotations

from typing import TypeAlias

from engine.anonymize.faults import ScriptError
from engine.anonymize.language.tree import TagPattern
from engine.anonymize.runtime.level import Level

_FIRST_BLOCK, _LAST_BLOCK = 0x10, 0xFF


class Exact:
    """One tag, by its number."""

    __slots__ = ("tag",)

    def __init__(self, tag: int) -> None:
        self.tag = tag

    def find(self, level: Level) -> list[int]:
        """Return the tags of a level that match."""
        return [self.tag] if level.holds(self.tag) else []

    def resolve(self, level: Level) -> int | None:
        """Return the number that the tag has in a level, whether the element is there or not."""
        return self.tag

    def reserve(self, level: Level) -> int:
        """Return the number that the tag has in a level, after reserving its block."""
        return self.tag

    @property
    def low(self) -> int:
        """The lowest number that the tag may have."""
        return self.tag

    def groups(self, groups: range) -> bool:
        """Say whether it may match in one of these groups."""
        return self.tag >> 16 in groups


class Wild:
    """Tags by their numbers, some digits of which are left open."""

    __slots__ = ("_mask", "_value")

    def __init__(self, mask: int, value: int) -> None:
        self._mask = mask
        self._value = value

    def find(self, level: Level) -> list[int]:
        """Return the tags of a level that match."""
        mask, value = self._mask, self._value
        return [tag for tag in level.tags() if tag & mask == value]

    def matches(self, tag: int) -> bool:
        """Say whether a tag is one of them."""
        return tag & self._mask == self._value

    def groups(self, groups: range) -> bool:
        """Say whether it may match in one of these groups."""
        mask, value = self._mask >> 16, self._value >> 16
        return any(group & mask == value for group in groups)


class Anything:
    """All that a level holds, what reserves private blocks too: what of that is left alone is
    decided by what is done."""

    __slots__ = ()

    def find(self, level: Level) -> list[int]:
        """Return the tags of a level that match."""
        return level.tags()

    def groups(self, groups: range) -> bool:
        """Say whether it may match in one of these groups."""
        return True


class Owned:
    """Private tags by their creator, in whatever block they are; digits may be left open."""

    __slots__ = ("_creator", "_element", "_group")

    def __init__(self, group: tuple[int, int], creator: str, element: tuple[int, int]) -> None:
        self._group = group
        self._creator = creator
        self._element = element

    def find(self, level: Level) -> list[int]:
        """Return the tags of a level that match."""
        found: list[int] = []
        mask, value = self._element
        for base in self._bases(level):
            if mask == 0xFF:
                if level.holds(base | value):
                    found.append(base | value)
            else:
                tags = (tag for tag in level.tags() if tag & 0xFFFFFF00 == base)
                found += (tag for tag in tags if tag & mask == value)
        return found

    def resolve(self, level: Level) -> int | None:
        """Return the number that the tag has in a level, whether the element is there or not: in
        the first block that has it, else in the first block."""
        value = self._element[1]
        bases = self._bases(level)
        for base in bases:
            if level.holds(base | value):
                return base | value
        return bases[0] | value if bases else None

    @property
    def low(self) -> int:
        """The lowest number that the tag may have."""
        return self._group[1] << 16

    def reserve(self, level: Level) -> int:
        """Return the number that the tag has in a level, after reserving its block."""
        tag = self.resolve(level)
        if tag is not None:
            return tag
        group = self._group[1]
        # Elements without a creator keep their block: they would get a wrong one.
        used = {tag >> 8 & 0xFF for tag in level.tags() if tag >> 16 == group}
        used.update(block for block, _ in level.blocks(group))
        for block in range(_FIRST_BLOCK, _LAST_BLOCK + 1):
            if block not in used and not level.holds(group << 16 | block):
                level.put(group << 16 | block, "LO", self._creator)
                return group << 16 | block << 8 | self._element[1]
        raise ScriptError(f"group {group:04X} has no free block for another creator")

    def groups(self, groups: range) -> bool:
        """Say whether it may match in one of these groups."""
        mask, value = self._group
        return any(group & mask == value for group in groups)

    def _bases(self, level: Level) -> list[int]:
        mask, value = self._group
        groups = [value] if mask == 0xFFFF else level.private_groups()
        return [
            group << 16 | block << 8
            for group in groups
            if group & mask == value
            for block, creator in level.blocks(group)
            if creator == self._creator
        ]


Tag: TypeAlias = Exact | Wild | Anything | Owned


def compile_tag(pattern: TagPattern) -> Exact | Wild | Owned:
    """Make a tag ready."""
    group = _digits(pattern.group)
    if pattern.creator is not None:
        return Owned(group, pattern.creator, _digits(pattern.element))
    element = _digits(pattern.element)
    if pattern.exact:
        return Exact(group[1] << 16 | element[1])
    return Wild(group[0] << 16 | element[0], group[1] << 16 | element[1])


def _digits(digits: str) -> tuple[int, int]:
    """Return the bits that count, and what they have to be."""
    mask = value = 0
    for digit in digits:
        mask <<= 4
        value <<= 4
        if digit == "@":
            mask |= 1
        elif digit == "#":
            mask |= 1
            value |= 1
        elif digit != "X":
            mask |= 0xF
            value |= int(digit, 16)
    return mask, value
