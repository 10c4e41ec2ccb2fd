# SPDX-License-Identifier: Apache-2.0
"""Events of the audit trail as rows and cards, and the filter that finds them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.cells import set_cell_size

from console.views import figures
from console.views.rows import Piece, Row, TableColumn
from console.views.text import plain_text
from engine.model.archive import AuditCount, AuditEvent, AuditPage, AuditQuery, AuditReport
from engine.model.errors import InvalidInput
from engine.model.filters import Comparison, Filter
from engine.model.measures import read_moment

FIELDS = frozenset({"action", "life", "object", "project", "since", "until", "who"})
"""What a filter may name; its words are looked for in action, object and reason."""

COLUMNS = (
    TableColumn(title="#", width=7, right=True, priority=2),
    TableColumn(title="When", width=11),
    TableColumn(title="Who", width=8),
    TableColumn(title="What", width=17),
    TableColumn(title="On", width=22, grows=True),
    TableColumn(title="Known by", width=8, priority=1),
)

EXPORTED = ("number", "at", "who", "action", "object", "project", "detail", "hash")

_NAME = 10
"""Cells of the names of a card, with the gap after them."""

_BAR = 10
_HASH = 16
_BEFORE_AFTER = ("from", "to", "before", "after")


def query(typed: Filter, now: datetime) -> AuditQuery:
    """Return what a filter asks for.

    Raises:
        InvalidInput: it cannot be asked for.
    """
    names = {"who": "actor"}
    given: dict[str, str] = {}
    for one in typed.conditions:
        if one.negated or one.comparison is not Comparison.IS:
            raise InvalidInput(f"write it as {one.field}:value; nothing else is possible here")
        if one.field in given:
            raise InvalidInput(f"{one.field} stands there twice")
        given[one.field] = one.value
    since, until = given.pop("since", ""), given.pop("until", "")
    return AuditQuery(
        **{names.get(name, name): value for name, value in given.items()},
        text=typed.text,
        since=read_moment(since, now) if since else None,
        until=read_moment(until, now, is_end=True) if until else None,
    )


def row(event: AuditEvent) -> Row:
    """Show one event."""
    known = event.detail.get("known")
    refused = any(word in event.action.lower() for word in ("refused", "denied", "failed"))
    return Row(
        key=str(event.number),
        cells=(
            figures.grouped(event.number),
            figures.moment(event.at)[5:16],
            event.actor or "–",
            event.action,
            on(event),
            known if isinstance(known, str) else "–",
        ),
        tone="look" if refused else "plain",
    )


def on(event: AuditEvent) -> str:
    """Say what an event is about, and the part of its detail that tells most."""
    said = event.object
    if event.project and event.project != event.object:
        said += f" in {event.project}"
    before, after = event.detail.get("from"), event.detail.get("to")
    if isinstance(before, str) and isinstance(after, str):
        said += f", {before} → {after}"
    return said


def card(event: AuditEvent, follows: bool | None) -> list[tuple[str, str]]:
    """Show all of an event; `follows` says whether its link follows the one before, None where
    that one is not known here."""
    known, reason = event.detail.get("known"), event.detail.get("reason")
    lines = [
        ("when", figures.moment(event.at)),
        ("who", event.actor or "–"),
        ("known by", _said(known) if known else "–"),
        ("what", event.action),
        ("on", event.object),
    ]
    if event.project:
        lines.append(("project", event.project))
    if reason:
        lines.append(("why", f"“{_said(reason)}”"))
    rest = {name: value for name, value in event.detail.items() if name not in _OWN_LINES}
    lines += [("", "")] if rest else []
    for name, value in sorted(rest.items(), key=_place):
        said = _said(value)
        lines.append((name, said) if len(name) < _NAME else ("", f"{name}: {said}"))
    chain = {None: "–", True: f"✓ follows #{event.number - 1}", False: "! does not follow"}
    lines += [
        ("", ""),
        ("previous", _short(event.previous)),
        ("this", _short(event.hash)),
        ("chain", chain[follows]),
    ]
    return lines


_OWN_LINES = {"known", "reason"}


def exported(event: AuditEvent) -> tuple[str, ...]:
    """Return the cells of an exported event."""
    return (
        str(event.number),
        event.at.isoformat(timespec="microseconds"),
        event.actor,
        event.action,
        event.object,
        event.project,
        " ".join(f"{name}={_said(value)}" for name, value in sorted(event.detail.items())),
        event.hash,
    )


def matches(page: AuditPage) -> str:
    """Say how many events are found."""
    if page.exact:
        return f"{figures.grouped(page.total)} {'matches' if page.total == 1 else 'match'}"
    return f"more than {figures.grouped(page.total)} match, the newest of them are listed"


def verified(report: AuditReport, at: datetime) -> Piece:
    """Say how a verification ended."""
    when = figures.clock(at)[:5]
    if report.ok:
        return f"chain verified to #{figures.grouped(report.last)} at {when}", "good"
    return f"! {report.message} ({when})", "bad"


def week(counts: Sequence[AuditCount], width: int) -> list[list[Piece]]:
    """Draw what happened how often, in lines of a width."""
    if not counts:
        return [[("nothing happened", "muted")]]
    most = max(one.count for one in counts)
    digits = len(figures.grouped(most))
    room = max(8, width - digits - _BAR - 3)
    lines: list[list[Piece]] = []
    for one in counts:
        eighths = max(1, round(one.count * _BAR * 8 / most))
        bar = "█" * (eighths // 8) + ("", *"▏▎▍▌▋▊▉")[eighths % 8]
        number = f"{figures.grouped(one.count):>{digits}}"
        lines.append([(f"{_cut(one.action, room)} ", "plain"), (f"{number} ", "muted")])
        lines[-1].append((bar, "accent"))
    return lines


def _cut(text: str, room: int) -> str:
    return set_cell_size(plain_text(text, room), room)


def _short(hash: str) -> str:
    """Show so much of a hash that two are told apart."""
    part = hash[:_HASH]
    return " ".join(part[at : at + 4] for at in range(0, len(part), 4)) + " …" if part else "–"


def _said(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_said(one)}" for name, one in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_said, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "–" if value is None else str(value)


def _place(item: tuple[str, object]) -> tuple[int, str]:
    """Put what was before beside what is after."""
    name = item[0]
    return (_BEFORE_AFTER.index(name) if name in _BEFORE_AFTER else len(_BEFORE_AFTER), name)
