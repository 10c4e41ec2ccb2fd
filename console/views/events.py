# SPDX-License-Identifier: Apache-2.0
"""What has happened, newest first: the engine's events as lines. Events of one kind about one thing
within a minute are folded into one line, that of the newest. Pure: the names that belong to ids are
an argument."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta

from console.views import figures
from console.views.rows import Row, TableColumn
from engine.model.filters import Comparison, Condition, Filter
from engine.model.live import Event

KEPT = 500
"""Lines that are kept."""

FOLDED = timedelta(minutes=1)

FIELDS = frozenset({"sev"})
"""`sev:!` finds what needs a look and what failed, `sev:✗` what failed."""

COLUMNS = (
    TableColumn(title="At", width=8),
    TableColumn(title="Kind", width=9, priority=1),
    TableColumn(title="Of", width=12, priority=2),
    TableColumn(title="What", width=30, grows=True),
)

_SIGNS = {"warning": ("!", "look"), "error": ("✗", "bad")}
_OF_KIND = {
    "transfer": ("●", "good"),
    "session": ("◐", "plain"),
    "ledger": ("≡", "plain"),
}
_SETTLED = ("archived", "built")
_WORDS = {"transfer": "assoc", "configuration": "config", "commitment": "commit"}
_SEVERITIES = {
    "!": ("warning", "error"),
    "warning": ("warning", "error"),
    "✗": ("error",),
    "x": ("error",),
    "error": ("error",),
}
_PROGRESS = "0 objects so far"
"""The shape of what is said of an association while it goes on."""

_INTERNAL = ("objects taken in", "objects arrived")
"""How the text of an event begins that only says that there is something to look at again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EventLine:
    """One line: the newest of the events that it stands for."""

    event: Event
    first: int
    """The number of the oldest of them."""
    times: int = 1


class EventLines:
    """The lines."""

    def __init__(self) -> None:
        """Begin without any."""
        self._lines: list[EventLine] = []
        """The oldest first."""

    def hear(self, events: Iterable[Event]) -> int:
        """Take events, in their order; return how many were for people."""
        told = 0
        for event in events:
            if not event.text.startswith(_INTERNAL):
                self._add(event)
                told += 1
        del self._lines[:-KEPT]
        return told

    def object_of(self, key: str) -> str:
        """Return the object that a row is about."""
        return next((one.event.object for one in self._lines if str(one.first) == key), "")

    def rows(self, told: Callable[[Event], tuple[str, str]], filter: Filter) -> list[Row]:
        """Return the rows that fit a filter, the newest first; `told` says of whom an event is, and
        what may be said of it."""
        rows = (_row(one, *told(one.event)) for one in reversed(self._lines) if _fits(one, filter))
        return [row for row in rows if _has(row, filter.words)]

    def _add(self, event: Event) -> None:
        made = EventLine(event=event, first=event.number)
        for place in reversed(range(len(self._lines))):
            line = self._lines[place]
            if event.at - line.event.at > FOLDED:
                break
            if _replaces(event, line.event):
                made = replace(line, event=event, times=line.times + 1)
                del self._lines[place]
                break
        self._lines.append(made)


def _replaces(new: Event, old: Event) -> bool:
    if (new.kind, new.object) != (old.kind, old.object):
        return False
    if new.kind == "ledger":
        # The newest one counts those before it; another address means another sender.
        return _counted(new.text) == _counted(old.text)
    # Earlier progress is of no interest once there is newer.
    return _shape(old.text) in (_shape(new.text), _PROGRESS)


def _kind(event: Event) -> str:
    if event.kind == "transfer" and _shape(event.text) == _PROGRESS:
        return "image"
    return _WORDS.get(event.kind, event.kind)


def _shape(text: str) -> str:
    return re.sub(r"\d+", "0", text)


def _counted(text: str) -> str:
    return re.sub(r"^\d+ (object|association)s?\b", r"\1", text)


def _row(line: EventLine, named: str, text: str) -> Row:
    event = line.event
    sign, tone = _SIGNS.get(event.severity) or _OF_KIND.get(event.kind, ("·", "dim"))
    if event.severity == "info" and event.text.startswith(_SETTLED):
        sign, tone = "✓", "good"
    often = line.times > 1 and event.severity != "info" and event.kind != "ledger"
    return Row(
        key=str(line.first),
        tone="dim",
        cells=(
            figures.clock(event.at),
            f"{sign} {_kind(event)}",
            named,
            f"{text}, {line.times} times" if often else text,
        ),
        tones=((1, tone),),
    )


def _fits(line: EventLine, filter: Filter) -> bool:
    return all(_holds(line.event, each) for each in filter.conditions)


def _holds(event: Event, condition: Condition) -> bool:
    wanted = _SEVERITIES.get(condition.value.lower(), ())
    found = condition.comparison is Comparison.IS and event.severity in wanted
    return found is not condition.negated


def _has(row: Row, words: tuple[str, ...]) -> bool:
    text = " ".join(row.cells).lower()
    return all(word.lower() in text for word in words)
