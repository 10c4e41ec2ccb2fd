# SPDX-License-Identifier: Apache-2.0
"""What was configured at a moment, and how it differs from now. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from console.views import figures
from console.views.question import Answers, Field, Question
from console.views.rows import Row, TableColumn
from engine.model.configured import ConfigurationChange, Configured, Difference
from engine.model.errors import InvalidInput
from engine.model.measures import read_moment

COLUMNS = (
    TableColumn(title="What", width=14),
    TableColumn(title="Name", width=26, grows=True),
    TableColumn(title="Since then", width=20),
    TableColumn(title="By", width=10, priority=1),
)

Dated = tuple[Configured, ConfigurationChange | None]
"""What was configured, and how it differs from now, if it does."""

_SIGNS = {
    Difference.CHANGED: "≠ changed",
    Difference.REMOVED: "− removed",
    Difference.ADDED: "+ not there then",
}


def merged(then: Sequence[Configured], changes: Sequence[ConfigurationChange]) -> dict[str, Dated]:
    """Return what was there at a moment, each with what has become of it; and at the end what is
    there now only. The keys are those of rows."""
    since = {_key(one): one for one in changes}
    found: dict[str, Dated] = {_key(one): (one, since.get(_key(one))) for one in then}
    for key, change in since.items():
        found.setdefault(key, (Configured(kind=change.kind, name=change.name, values={}), change))
    return found


def row(then: Configured, change: ConfigurationChange | None) -> Row:
    """Show one thing that was configured."""
    thing = (then.kind, then.name)
    if change is None:
        return Row(key=_key(then), cells=(*thing, "as it is now", ""), tones=((2, "dim"),))
    sign = _SIGNS[change.difference]
    return Row(key=_key(then), cells=(*thing, sign, change.by), tones=((2, "look"),))


def _key(one: Configured | ConfigurationChange) -> str:
    return f"{one.kind}\t{one.name}"


def card(then: Configured, change: ConfigurationChange | None) -> list[tuple[str, str]]:
    """Say all values as they were, and beside those that differ what they are now."""
    lines = [("What", then.kind)]
    if change is not None:
        when = figures.moment(change.at)[:16] if change.at is not None else ""
        lines.append(("Since", f"{_SIGNS[change.difference]} by {change.by}, {when}"))
    now: Mapping[str, str] = change.after if change is not None else {}
    lines.append(("", ""))
    for name, value in then.values.items():
        lines.append(("", f"{name}: {value or '–'}"))
        if change is not None and name in change.before:
            lines.append(("", f"  now: {now.get(name) or '–'}"))
    lines += [
        ("", f"{name}: –, now: {value}") for name, value in now.items() if name not in then.values
    ]
    return lines


def said(things: Collection[Dated], moment: datetime, *, only: bool) -> str:
    """Say which moment is shown, and how much has changed since."""
    changed = sum(change is not None for _, change in things)
    shown = "only what differs · " if only else ""
    many = figures.plural(len(things), "thing")
    return f"{shown}{figures.moment(moment)} · {many}, {changed} not as now"


def exported(then: Configured, change: ConfigurationChange | None) -> tuple[str, ...]:
    """Return one thing as a row of a file."""
    since = change.difference.value if change is not None else ""
    values = ", ".join(f"{name}={value}" for name, value in then.values.items())
    return (then.kind, then.name, values, since, change.by if change is not None else "")


EXPORTED = ("kind", "name", "values", "since then", "by")


def question(moment: datetime, clock: datetime) -> Question:
    """Ask for the moment to show."""

    def wrong(given: Answers) -> str:
        try:
            asked = read_moment(given["when"], clock)
        except InvalidInput as error:
            return error.message
        return "that is not over yet" if asked > clock else ""

    return Question(
        title="What was configured?",
        act="Show it",
        says=("Settings, receivers, remotes, projects, rules, scripts, users and roles.",),
        fields=(
            Field(
                name="when",
                label="When",
                value=f"{moment.astimezone():%Y-%m-%dT%H:%M:%S}",
                needed=True,
                hint="a time, a day, or 7d",
            ),
        ),
        command=lambda given: shlex.join(["anteroom", "config", "at", given["when"]]),
        fault=wrong,
        local=True,
    )
