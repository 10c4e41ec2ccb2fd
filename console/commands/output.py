# SPDX-License-Identifier: Apache-2.0
"""The output of commands: tables for people, JSON for programs, and errors as one sentence with a
hint what to do next. All text from data goes through `plain_text`; nothing is coloured."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec
from rich.cells import cell_len

from console.views.text import json_text, plain_text
from engine.model.errors import EngineError
from engine.model.verification import Faults

GAP = "  "

Row = TypeVar("Row")


class Column(NamedTuple, Generic[Row]):
    """One column of a table for people."""

    title: str
    value: Callable[[Row], object]
    right: bool = False
    """Numbers stand at the right."""


def say(line: str = "") -> None:
    """Write one line on stdout."""
    sys.stdout.write(plain_text(line) + "\n")


def complain(error: EngineError) -> None:
    """Write an error on stderr: one sentence, its places, and what to do next."""
    sys.stderr.write(f"anteroom: {plain_text(error.message)}\n")
    for problem in error.problems:
        sys.stderr.write(f"  {plain_text(str(problem))}\n")
    if error.hint:
        sys.stderr.write(f"  {plain_text(error.hint)}\n")


def warn(line: str) -> None:
    """Write one line on stderr, where a command goes on or was left."""
    sys.stderr.write(f"anteroom: {plain_text(line)}\n")
    sys.stderr.flush()


def say_json(value: object) -> None:
    """Write a value as JSON on stdout."""
    sys.stdout.write(json_text(value))


def say_faults(name: str, faults: Faults) -> None:
    """Write what is wrong with the files of something on stderr, a line each."""
    for fault in faults.named:
        sys.stderr.write(f"{plain_text(name)}: {plain_text(str(fault))}\n")
    if (more := faults.counts.total - len(faults.named)) > 0:
        sys.stderr.write(f"{plain_text(name)}: and {more} more\n")


def say_table(rows: Sequence[Row], columns: Sequence[Column[Row]], *, none: str) -> None:
    """Write rows under their titles; `none` is the sentence that stands for an empty list."""
    if not rows:
        say(none)
        return
    cells = [[words(column.value(row)) for column in columns] for row in rows]
    titles = [column.title for column in columns]
    widths = [max(map(cell_len, column)) for column in zip(titles, *cells, strict=True)]
    for line in (titles, *cells):
        padded = (
            _pad(cell, width, column.right)
            for cell, width, column in zip(line, widths, columns, strict=True)
        )
        sys.stdout.write(GAP.join(padded).rstrip() + "\n")


def none_found(none: str, *, filtered: bool) -> str:
    """Return the sentence for an empty list; of one that was narrowed, `none` may be untrue."""
    return "none of these" if filtered else none


def say_rows(
    rows: Sequence[Row],
    columns: Sequence[Column[Row]],
    *,
    none: str,
    as_json: bool,
    built: Callable[[Row], object] = lambda row: row,
) -> None:
    """Write rows as a table, or as JSON of what is `built` of each."""
    if as_json:
        say_json([built(row) for row in rows])
    else:
        say_table(rows, columns, none=none)


def say_facts(facts: Mapping[str, object] | Iterable[tuple[str, object]]) -> None:
    """Write names and values, one a line; what is empty is left out."""
    pairs = [(name, words(value)) for name, value in dict(facts).items()]
    pairs = [(name, value) for name, value in pairs if value]
    width = max((cell_len(name) for name, _ in pairs), default=0)
    for name, value in pairs:
        sys.stdout.write(f"{_pad(name, width, False)}{GAP}{value}\n")


def words(value: object) -> str:
    """Say a value as people write it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return local_time(value)
    if isinstance(value, tuple):
        return ", ".join(words(one) for one in value)
    return plain_text(str(value))


class ProgressLine:
    """One line on a terminal's stderr that is wiped at the end; nothing elsewhere."""

    def __init__(self) -> None:
        self._shows = sys.stderr.isatty()

    def __enter__(self) -> ProgressLine:
        return self

    def show(self, text: str) -> None:
        """Say how far it is."""
        if self._shows:
            sys.stderr.write(f"\r\x1b[K{plain_text(text)}")
            sys.stderr.flush()

    def wipe(self) -> None:
        """Make room for something that stays."""
        self.show("")

    def __exit__(self, *_: object) -> None:
        self.wipe()


def local_time(at: datetime) -> str:
    """Say a moment in the time zone of the one who asks."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def size(number: int) -> str:
    """Say a number of bytes."""
    amount = float(number)
    for unit in ("B", "KB", "MB", "GB"):
        if amount < 1000:
            return (
                f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"
            )
        amount /= 1000
    return f"{amount:.1f} TB"


def columns_of(value: Any) -> dict[str, Any]:
    """Return the fields of a dataclass as JSON has them."""
    built = msgspec.to_builtins(value)
    assert isinstance(built, dict)
    return built


def _pad(text: str, width: int, right: bool) -> str:
    space = " " * (width - cell_len(text))
    return space + text if right else text + space
