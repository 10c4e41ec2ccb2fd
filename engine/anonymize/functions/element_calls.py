# SPDX-License-Identifier: Apache-2.0
"""The functions that search, remove, write or blank elements, and the tests that answer yes or no,
as calls of a running script."""

from __future__ import annotations

from engine.anonymize.faults import Rejected, ScriptError
from engine.anonymize.functions.texts import truth
from engine.anonymize.pixels.regions import parse_blanking
from engine.anonymize.runtime.applied import PixelRequest
from engine.anonymize.runtime.level import CHARSET, Level, is_creator
from engine.anonymize.runtime.matches import found_elements, paths_in
from engine.anonymize.runtime.paths import Path, direct_path
from engine.anonymize.runtime.run import VOID, Run, Value, flat, text_of
from engine.anonymize.runtime.writing import assign, assign_in, delete

_WIDEST = 4
"""Bytes that one character of a text may take in an element."""
_NUMBER_WIDTH = 8


def remove_tags(run: Run, arguments: list[Value]) -> Value:
    """Remove what the paths match."""
    for path in paths_in(run, arguments):
        run.tick()
        delete(run.subject, path)
    return VOID


def delete_direct(run: Run, arguments: list[Value]) -> Value:
    """Remove one element, or what is in one item, by real numbers."""
    path = _direct(run, arguments[0])
    if path.ends_in_item:
        for item in path.items(run.subject):
            item.clear()
    else:
        for level, tag in path.find(run.subject):
            level.remove(tag)
    return VOID


def set_direct(run: Run, arguments: list[Value]) -> Value:
    """Write one element, by real numbers."""
    text = text_of(run, arguments[1])
    if text is not None:
        assign(run, _direct(run, arguments[0]), text)
    return VOID


def replace_items(run: Run, arguments: list[Value]) -> Value:
    """Let all sequences that the paths match have one item, which holds the values that follow,
    each behind its path within the item; or none where no values follow."""
    pairs = [text_of(run, one) or "" for one in arguments[1:]]
    if len(pairs) % 2:
        raise ScriptError("a path within the item stands without its value")
    for level, tag in found_elements(run, arguments[:1]):
        if not pairs and level.vr(tag) == "SQ" and not level.items(tag):
            continue
        level.remove(tag)
        items = level.make_sequence(tag, 1 if pairs else 0)
        for path, text in zip(pairs[::2], pairs[1::2], strict=True):
            assign_in(run, *direct_path(path).create_in(items[0]), text)
    return VOID


def collect_values(run: Run, arguments: list[Value]) -> Value:
    """Return values, and those of all elements that paths match."""
    found: list[Value] = []
    found += _values(run, arguments)
    return found


def blank_values(run: Run, arguments: list[Value]) -> Value:
    """Empty every element whose whole text is one of the values."""
    values = set(_values(run, arguments)) - {""}
    if not values:
        return VOID
    longest = max(max(map(len, values)) * _WIDEST, _NUMBER_WIDTH) + 1
    for part in run.subject.parts():
        for level in part.below():
            run.tick()
            for tag in level.tags():
                if tag == CHARSET or is_creator(tag):
                    continue
                if level.size(tag) > longest and level.bare_size(tag) > longest:
                    continue
                _blank(level, tag, values)
    return VOID


def _blank(level: Level, tag: int, values: set[str]) -> None:
    vr = level.vr(tag)
    if vr != "SQ" and level.text(tag) in values:
        level.put(tag, vr, "")


def _values(run: Run, arguments: list[Value]) -> list[str]:
    found: list[str] = []
    for one in flat(arguments):
        if isinstance(one, Path):
            texts = [level.text(tag) for level, tag in found_elements(run, [one])]
            found += (text for text in texts if text is not None)
        else:
            text = text_of(run, one)
            if text is not None:
                found.append(text)
    return found


def is_present(run: Run, arguments: list[Value]) -> Value:
    """Say whether all elements are there."""
    for one in flat(arguments):
        if not isinstance(one, Path):
            raise ScriptError("isPresent: a path is wanted")
        one.check_singular()
    return all(isinstance(one, Path) and one.present(run.subject) for one in flat(arguments))


def true(run: Run, arguments: list[Value]) -> Value:
    """Say yes."""
    return True


def false(run: Run, arguments: list[Value]) -> Value:
    """Say no."""
    return False


def reject(run: Run, arguments: list[Value]) -> Value:
    """End the run, so that the object is not stored."""
    if arguments and not truth(text_of(run, arguments[0])):
        return VOID
    if run.rejecting:
        raise Rejected
    run.note("reject is switched off here")
    return VOID


def alter_pixels(run: Run, arguments: list[Value]) -> Value:
    """Ask for a part of the image to be blanked."""
    texts = [text_of(run, one) or "" for one in arguments]
    blanking = parse_blanking(texts[0], texts[1], texts[2], texts[3])
    run.pixels.append(PixelRequest(asked=blanking, statement=run.subject.statement))
    return VOID


def _direct(run: Run, value: Value) -> Path:
    return value if isinstance(value, Path) else direct_path(text_of(run, value) or "")
