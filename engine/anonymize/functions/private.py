# SPDX-License-Identifier: Apache-2.0
"""Removal of all private elements, or of all except some. Elements that are kept never move to
another block or change a byte."""

from __future__ import annotations

from engine.anonymize.faults import ScriptError
from engine.anonymize.runtime.level import Level, is_creator
from engine.anonymize.runtime.matches import paths_in
from engine.anonymize.runtime.run import VOID, Run, Value

_PRIVATE = 0x10000


def remove_private(run: Run) -> None:
    """Remove every element of an odd group, at every depth."""
    for part in run.subject.parts():
        _strip(run, part)
    run.stripped = True


def _strip(run: Run, level: Level) -> None:
    pending = [level]
    while pending:
        level = pending.pop()
        run.tick()
        for tag in level.tags():
            if tag & _PRIVATE:
                level.remove(tag)
        for tag in level.sequences():
            pending.extend(level.items(tag))


def retain_private(run: Run, arguments: list[Value]) -> Value:
    """Keep the private elements that the paths match and what belongs to them; remove all
    others."""
    paths = paths_in(run, arguments)
    for path in paths:
        if not path.private:
            raise ScriptError("retainPrivateTags: a path names no private tag")
    wanted: dict[int, set[int]] = {}
    for path in paths:
        for level, tag in path.find(run.subject):
            if tag & _PRIVATE and not is_creator(tag):
                wanted.setdefault(id(level), set()).add(tag)
        if path.ends_in_item:
            for level in path.items(run.subject):
                wanted.setdefault(id(level), set()).update(level.tags())
    for part in run.subject.parts():
        _retain(run, part, wanted)
    return VOID


def _retain(run: Run, level: Level, wanted: dict[int, set[int]]) -> bool:
    """Remove what is not wanted; say whether anything private stays in the level."""
    run.tick()
    mine = wanted.get(id(level), set())
    blocks: set[int] = set()
    stays = False
    sequences = set(level.sequences())
    for tag in level.tags():
        private = bool(tag & _PRIVATE)
        if private and (is_creator(tag) or tag in mine):
            if tag in mine and not is_creator(tag):
                blocks.add(tag >> 8)
            continue
        below = False
        if tag in sequences:
            for item in level.items(tag):
                below |= _retain(run, item, wanted)
        if private and below:
            blocks.add(tag >> 8)
        elif private:
            level.remove(tag)
        stays |= below
    for tag in level.tags():
        if is_creator(tag) and tag not in mine and _block(tag) not in blocks:
            level.remove(tag)
    return stays or bool(blocks)


def _block(creator: int) -> int:
    """Return the number of the block, group included, that a creator reserves."""
    return creator >> 16 << 8 | creator & 0xFF
