# SPDX-License-Identifier: Apache-2.0
"""The results of a script run over files, and all their changes merged. Values and names of files
may identify a patient: they are for the user who ran the script."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from engine.model.changes import Change, ChangeKind, FoldedChange, ScriptOutcome, Statement
from engine.model.errors import Problem

_Key = tuple[str, str, ChangeKind, str, Statement]


@dataclass(frozen=True, kw_only=True, slots=True)
class AnonymizedFile:
    """The result for one file."""

    source: str
    target: str = ""
    """Empty when nothing was written."""
    outcome: ScriptOutcome
    error: Problem | None = None
    """What went wrong; it names line and column where the script is at fault."""
    changes: tuple[Change, ...] = ()
    echoes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class ChangeFold:
    """The changes of many files, folded: the same element changed by the same statement is one."""

    def __init__(self) -> None:
        """Begin with no file."""
        self._files: dict[_Key, int] = {}
        self._first: dict[_Key, Change] = {}
        self._before: dict[_Key, set[str]] = {}
        self._after: dict[_Key, set[str]] = {}

    def add(self, changes: Iterable[Change]) -> None:
        """Add the changes of one file."""
        seen: set[_Key] = set()
        for one in changes:
            key = (one.path, one.name, one.kind, one.vr, one.statement)
            self._first.setdefault(key, one)
            self._before.setdefault(key, set()).add(one.before)
            self._after.setdefault(key, set()).add(one.after)
            if key not in seen:
                seen.add(key)
                self._files[key] = self._files.get(key, 0) + 1

    def folded(self) -> tuple[FoldedChange, ...]:
        """Return the changes in the order of their elements; of many values only their number."""
        return tuple(
            FoldedChange(
                change=replace(
                    self._first[key],
                    before=_one_of(self._before[key]),
                    after=_one_of(self._after[key]),
                ),
                files=files,
            )
            for key, files in sorted(self._files.items(), key=lambda item: item[0][0])
        )


def _one_of(values: set[str]) -> str:
    return next(iter(values)) if len(values) == 1 else f"‹{len(values)} values›"
