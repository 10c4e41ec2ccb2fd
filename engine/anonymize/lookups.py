"""Lookup tables: what a script finds for a type and a key, read from plain text with one entry a
line, `type/key = value`. A line that is no entry is a problem with its number, not silence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from engine.model.errors import Problem

MOST_ENTRIES = 200_000
"""Entries of one table; each costs some hundred bytes in every process that runs scripts."""

LONGEST_LINE = 4_096
"""Characters of one line."""

MOST_PROBLEMS = 100
"""Problems that are told; a file of another kind would have one on every line."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LookupTable:
    """A table that scripts look into; case and inner blanks count."""

    entries: Mapping[tuple[str, str], str] = field(default_factory=lambda: MappingProxyType({}))

    def find(self, kind: str, key: str) -> str | None:
        """Give the value for a type and a key; None where there is none."""
        return self.entries.get((kind, key))


def read_table(text: str) -> tuple[LookupTable, tuple[Problem, ...]]:
    """Read a table and what is wrong with it; with any problem the table should not be used.

    Problems name lines and columns and quote nothing: keys are often the names of patients.
    """
    entries: dict[tuple[str, str], str] = {}
    lines: dict[tuple[str, str], int] = {}
    problems: list[Problem] = []
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        if len(problems) == MOST_PROBLEMS:
            problems.append(Problem(message="there are more problems below", line=number))
            break
        if not line.strip() or line.startswith("//"):
            continue
        entry = _entry(line, number)
        if isinstance(entry, Problem):
            problems.append(entry)
            continue
        kind, key, value = entry
        if entries.setdefault((kind, key), value) != value:
            earlier = lines[kind, key]
            problems.append(
                Problem(message=f"line {earlier} gives another value for this key", line=number)
            )
        lines.setdefault((kind, key), number)
        if len(entries) > MOST_ENTRIES:
            problems.append(
                Problem(message=f"a table may have at most {MOST_ENTRIES:,} entries", line=number)
            )
            break
    return LookupTable(entries=MappingProxyType(entries)), tuple(problems)


def _entry(line: str, number: int) -> tuple[str, str, str] | Problem:
    def problem(message: str, offset: int = 0) -> Problem:
        return Problem(message=message, line=number, column=offset + 1)

    if len(line) > LONGEST_LINE:
        return problem(f"a line may have at most {LONGEST_LINE:,} characters", LONGEST_LINE)
    left, sign, value = line.partition("=")
    if not sign:
        return problem("expected “type/key = value”, but there is no “=”")
    if "=" in value:
        return problem("there is a second “=”", line.rindex("="))
    kind, slash, key = left.partition("/")
    if not slash:
        return problem("expected “type/key = value”, but there is no “/” before the “=”")
    if "/" in key:
        return problem("there is a second “/” before the “=”", left.rindex("/"))
    if not kind.strip():
        return problem("the type before the “/” is missing")
    if not key.strip():
        return problem("the key after the “/” is missing", len(kind) + 1)
    return kind.strip(), key.strip(), value.strip()
