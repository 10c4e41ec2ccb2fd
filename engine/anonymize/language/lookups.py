# SPDX-License-Identifier: Apache-2.0
"""Lookup tables: the texts that a script finds for a type and a key. They are read from plain text
with one entry per line, `type/key = value`. Lines that are not entries are ignored with a
warning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from engine.model.errors import InvalidInput
from engine.model.remarks import Remark, Severity

MOST_ENTRIES = 200_000
"""Entries of one table; each costs some hundred bytes in every process that runs scripts."""

LONGEST_LINE = 4_096
"""Characters of one line."""

MOST_PROBLEMS = 100
"""Errors, and warnings, that are told; a file of another kind would have one on every line."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LookupTable:
    """A table that scripts look into; case and inner blanks count."""

    entries: Mapping[tuple[str, str], str] = field(default_factory=lambda: MappingProxyType({}))

    def find(self, kind: str, key: str) -> str | None:
        """Return the value for a type and a key; None where there is none."""
        return self.entries.get((kind, key))


def read_table(text: str) -> tuple[LookupTable, tuple[Remark, ...]]:
    """Read a table and what there is to say about it, by line. Lines that are no entry are left out
    with a warning; with an error the table should not be used.

    Remarks name lines and columns and quote nothing: keys are often the names of patients.
    """
    entries: dict[tuple[str, str], str] = {}
    lines: dict[tuple[str, str], int] = {}
    remarks = _Remarks()
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        written = line.strip()
        if not written or written.startswith("//"):
            continue
        if len(line) > LONGEST_LINE:
            message = f"a line may have at most {LONGEST_LINE:,} characters"
            remarks.note(Severity.ERROR, message, number, LONGEST_LINE)
            continue
        entry = _entry(line)
        if isinstance(entry, _NoEntry):
            remarks.note(Severity.WARNING, f"left out: {entry.reason}", number, entry.offset)
            continue
        kind, key, value = entry
        if entries.setdefault((kind, key), value) != value:
            message = f"line {lines[kind, key]} gives another value for this key"
            remarks.note(Severity.ERROR, message, number)
        lines.setdefault((kind, key), number)
        if len(entries) > MOST_ENTRIES:
            message = f"a table may have at most {MOST_ENTRIES:,} entries"
            remarks.note(Severity.ERROR, message, number)
            break
    return LookupTable(entries=MappingProxyType(entries)), remarks.told()


def usable_table(text: str) -> LookupTable:
    """Read a table to be used, without the lines that are no entry.

    Raises:
        InvalidInput: it has errors.
    """
    table, remarks = read_table(text)
    errors = tuple(one for one in remarks if one.severity is Severity.ERROR)
    if errors:
        raise InvalidInput("the lookup table has faults", problems=errors)
    return table


class _Remarks:
    """What is said about a table; so much of each severity that no file of another kind fills the
    memory, and that warnings hide no error."""

    def __init__(self) -> None:
        self._found: dict[Severity, list[Remark]] = {severity: [] for severity in Severity}

    def note(self, severity: Severity, message: str, line: int, offset: int = 0) -> None:
        found = self._found[severity]
        if len(found) == MOST_PROBLEMS:
            found.append(
                Remark(message="there is more like this below", line=line, severity=severity)
            )
        elif len(found) < MOST_PROBLEMS:
            found.append(Remark(message=message, line=line, column=offset + 1, severity=severity))

    def told(self) -> tuple[Remark, ...]:
        found = [one for remarks in self._found.values() for one in remarks]
        return tuple(sorted(found, key=lambda one: one.line))


class _NoEntry(NamedTuple):
    reason: str
    offset: int = 0


def _entry(line: str) -> tuple[str, str, str] | _NoEntry:
    left, sign, value = line.partition("=")
    if not sign:
        return _NoEntry("expected “type/key = value”, but there is no “=”")
    if "=" in value:
        return _NoEntry("there is a second “=”", line.rindex("="))
    kind, slash, key = left.partition("/")
    if not slash:
        return _NoEntry("expected “type/key = value”, but there is no “/” before the “=”")
    if "/" in key:
        return _NoEntry("there is a second “/” before the “=”", left.rindex("/"))
    if not kind.strip():
        return _NoEntry("the type before the “/” is missing")
    if not key.strip():
        return _NoEntry("the key after the “/” is missing", len(kind) + 1)
    return kind.strip(), key.strip(), value.strip()
