# SPDX-License-Identifier: Apache-2.0
"""The simplest statements: they write a constant text to one element before the pixels, or remove
it. Most scripts consist of them, so several in a row become one step."""

from __future__ import annotations

from time import monotonic

from engine.anonymize.faults import ScriptError
from engine.anonymize.language.tree import Position
from engine.anonymize.runtime.level import LONG, Usual
from engine.anonymize.runtime.paths import Path
from engine.anonymize.runtime.run import Run, Step
from engine.anonymize.runtime.subject import in_head
from engine.anonymize.runtime.values import Fresh, fresh
from engine.dicom.dictionary import vr_of
from engine.model.changes import Statement

_OTHERWISE = ("UN", "SQ")


class Plain:
    """What such a statement does: write `value`, or remove where that is None."""

    __slots__ = ("other", "tag", "value")

    def __init__(self, tag: int, value: Fresh | None, other: Step) -> None:
        """Take the way for elements that are not as the dictionary has them, too."""
        self.tag = tag
        self.value = value
        self.other = other

    def __call__(self, run: Run) -> None:
        """Do it."""
        subject = run.subject
        if not subject.head.change_usual(((self.tag, self.value, subject.statement),)):
            self.other(run)


def plain_write(path: Path, text: str, other: Step) -> Plain | None:
    """Make a written text plain, where it can be; `other` is the long way."""
    tag = path.tag
    if tag is None or not in_head(tag) or tag & 0x10000 or len(text) > LONG:
        return None
    vr = vr_of(tag)
    if vr in _OTHERWISE:
        return None
    try:
        return Plain(tag, fresh(vr, text), other)
    except ScriptError:
        # It is told when the script runs, where that is reached at all.
        return None


def plain_removal(path: Path, other: Step) -> Plain | None:
    """Make a removal plain, where it can be."""
    tag = path.tag
    return Plain(tag, None, other) if tag is not None and in_head(tag) else None


def one_step(statements: list[tuple[Position, Statement, Plain]]) -> Step:
    """Make one step of plain statements that follow each other."""

    changes: list[Usual] = [(plain.tag, plain.value, told) for _, told, plain in statements]
    count = len(changes)
    last, last_told, _ = statements[-1]

    def step(run: Run) -> None:
        head, journal = run.subject.head, run.subject.journal
        if monotonic() > run.deadline:
            run.at = statements[0][0]
            run.tick()
        done = head.change_usual(changes)
        while done < count:
            run.at, journal.statement, plain = statements[done]
            plain.other(run)
            done = head.change_usual(changes, done + 1)
        run.at, journal.statement = last, last_told

    return step
