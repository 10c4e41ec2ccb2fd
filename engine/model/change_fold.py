# SPDX-License-Identifier: Apache-2.0
"""The changes of many files, folded: the same element changed by the same statement is one row.
Files may be folded in parts, in any order, and the parts joined: what is told is the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from hashlib import blake2b

from engine.model.changes import (
    Change,
    ChangeKind,
    FoldedChange,
    FoldedFailure,
    SessionChanges,
    Statement,
)

MOST_NAMED = 20
"""Files that are named of those that are alike."""
MOST_ROWS = 4_000
"""Rows of one answer: a multi-frame object may have a hundred thousand."""

_Key = tuple[str, str, ChangeKind, str, Statement]


@dataclass(slots=True)
class _Values:
    """How many values there are, without holding all of them."""

    first: str
    marks: set[bytes]

    @classmethod
    def of(cls, text: str) -> _Values:
        """Begin with one value."""
        return cls(text, {mark(text)})

    def add(self, text: str) -> None:
        """Add one more."""
        if text != self.first:
            self.marks.add(mark(text))

    def told(self) -> str:
        """Return the value, or how many there are."""
        return self.first if len(self.marks) == 1 else f"‹{len(self.marks):,} values›"


@dataclass(slots=True)
class _Row:
    change: Change
    befores: _Values
    afters: _Values
    files: int = 0
    named: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Files:
    """Files that are alike."""

    count: int = 0
    named: list[str] = field(default_factory=list)

    def add(self, count: int, named: Iterable[str]) -> None:
        """Add others."""
        self.count += count
        self.named = _some(self.named, named)


class ChangeFold:
    """The changes of so many files."""

    def __init__(self) -> None:
        """Begin with no file."""
        self.files = 0
        self.unknown = 0
        self._rows: dict[_Key, _Row] = {}
        self._alike: dict[frozenset[_Key], _Files] = {}
        self._failures: dict[str, _Files] = {}

    def add(self, changes: Iterable[Change], file: str = "") -> None:
        """Add the changes of one file."""
        self.files += 1
        seen: set[_Key] = set()
        for one in changes:
            key = _key(one)
            row = self._rows.get(key)
            if row is None:
                row = _Row(one, _Values.of(one.before), _Values.of(one.after))
                self._rows[key] = row
            else:
                row.befores.add(one.before)
                row.afters.add(one.after)
            if key not in seen:
                seen.add(key)
                row.files += 1
                if len(row.named) < MOST_NAMED or file < row.named[-1]:
                    row.named = _some(row.named, (file,))
        self._alike.setdefault(frozenset(seen), _Files()).add(1, (file,))

    def add_same(self, change: Change, files: int, named: Iterable[str], marks: set[bytes]) -> None:
        """Add an element that stays as it is in so many files, which have been added; `marks` are
        of its values, one of which the change tells."""
        row = self._rows.get(_key(change))
        if row is None:
            values = _Values(change.before, set(marks))
            row = self._rows[_key(change)] = _Row(change, values, values)
        else:
            row.befores.marks |= marks
        row.files += files
        row.named = _some(row.named, named)

    def add_unknown(self) -> None:
        """Count one file of which is not known what it was."""
        self.files += 1
        self.unknown += 1

    def add_failure(self, said: str, file: str = "") -> None:
        """Add a file of which nothing can be told."""
        self.files += 1
        self._failures.setdefault(said, _Files()).add(1, (file,))

    def join(self, other: ChangeFold) -> None:
        """Add all that another has of other files."""
        self.files += other.files
        self.unknown += other.unknown
        for key, theirs in other._rows.items():
            row = self._rows.get(key)
            if row is None:
                row = self._rows[key] = _Row(
                    theirs.change,
                    _Values(theirs.befores.first, set(theirs.befores.marks)),
                    _Values(theirs.afters.first, set(theirs.afters.marks)),
                )
            else:
                row.befores.marks |= theirs.befores.marks
                row.afters.marks |= theirs.afters.marks
            row.files += theirs.files
            row.named = _some(row.named, theirs.named)
        for keys, some in other._alike.items():
            self._alike.setdefault(keys, _Files()).add(some.count, some.named)
        for said, some in other._failures.items():
            self._failures.setdefault(said, _Files()).add(some.count, some.named)

    def folded(self) -> tuple[FoldedChange, ...]:
        """Return the changes in the order of their elements."""
        most: dict[str, int] = {}
        for key, row in self._rows.items():
            most[key[0]] = max(most.get(key[0], 0), row.files)
        return tuple(
            FoldedChange(
                change=replace(row.change, before=row.befores.told(), after=row.afters.told()),
                files=row.files,
                befores=len(row.befores.marks),
                afters=len(row.afters.marks),
                odd=tuple(row.named) if self._is_odd(key, row, most) else (),
            )
            for key, row in sorted(self._rows.items(), key=lambda item: _order(item[0], item[1]))
        )

    def _is_odd(self, key: _Key, row: _Row, most: dict[str, int]) -> bool:
        """Whether something else, or nothing, became of the element in more files."""
        if row.files < most[key[0]]:
            return True
        return key[2] is not ChangeKind.SAME and row.files * 2 <= self.files and self.files > 1

    def told(self, files: int) -> SessionChanges:
        """Return what is known by now of so many files."""
        rows = self.folded()
        alike = sorted(self._alike.values(), key=lambda one: (-one.count, one.named))
        others = [name for one in alike[1:] for name in one.named]
        changed = {row.change.statement for row in self._rows.values()}
        return SessionChanges(
            rows=rows[:MOST_ROWS],
            read=self.files,
            files=files,
            alike=alike[0].count if alike else 0,
            odd=tuple(sorted(others)[:MOST_NAMED]),
            unknown=self.unknown,
            failures=tuple(
                FoldedFailure(said=said, files=one.count, odd=tuple(one.named))
                for said, one in sorted(self._failures.items())
            ),
            left_out=max(0, len(rows) - MOST_ROWS),
            scripts=tuple(sorted({str(replace(one, line=0)) for one in changed if one.script})),
        )


def mark(value: str | bytes) -> bytes:
    """Return what a value is told from others by."""
    data = value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")
    return blake2b(data, digest_size=12).digest()


def _key(change: Change) -> _Key:
    return change.path, change.name, change.kind, change.vr, change.statement


def _order(key: _Key, row: _Row) -> tuple[str, int, str, str, int]:
    """Put what became of an element in most files before the odd ones out."""
    return key[0], -row.files, key[2].value, str(key[4]), key[4].line


def _some(named: list[str], more: Iterable[str]) -> list[str]:
    """Name the first files by name, whatever the order in which they came."""
    return sorted({*named, *more} - {""})[:MOST_NAMED]
