# SPDX-License-Identifier: Apache-2.0
"""The ledger of an engine in memory, in groups."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from engine.model.accounts import Place
from engine.model.ledger import (
    GroupBy,
    GroupKey,
    HeldAt,
    HeldEntry,
    HeldPage,
    LedgerGroup,
    LedgerGroups,
    LedgerQuery,
    LineAt,
)
from engine.model.live import HeldObject, LedgerEntry
from tests.memory.facts import Facts


@dataclass(frozen=True, slots=True)
class _Line:
    key: GroupKey
    calling: str
    first: datetime
    last: datetime
    objects: int
    held: int


def groups(facts: Facts, query: LedgerQuery, by: GroupBy, limit: int) -> LedgerGroups:
    """Group the lines that a query finds."""
    found: dict[GroupKey, list[_Line]] = {}
    for line in _lines(facts, query, by):
        found.setdefault(line.key, []).append(line)
    rows = sorted(
        (_group(key, lines) for key, lines in found.items()), key=lambda one: one.last, reverse=True
    )
    return LedgerGroups(rows=tuple(rows[:limit]), total=len(rows))


def lines(
    facts: Facts, group: GroupKey, query: LedgerQuery, after: LineAt | None, limit: int
) -> tuple[LedgerEntry, ...]:
    """Return the next lines of a group."""
    rows = [
        one
        for one in sorted(facts.ledger, key=lambda one: (one.last, one.id), reverse=True)
        if _found(query, one.outcome, one.reason, one.rule, one.calling)
        and _key(facts, group.by, one) == group
        and (after is None or (one.last, one.id) < (after.last, after.id))
    ]
    return tuple(rows[:limit])


def held(
    facts: Facts,
    query: LedgerQuery,
    group: GroupKey | None,
    after: HeldAt | None,
    limit: int,
) -> HeldPage:
    """Return the next held objects."""
    rows = [
        _entry(facts, one)
        for one in sorted(facts.held, key=lambda one: (one.at, one.id), reverse=True)
        if _found(query, Place.HELD.value, one.reason, one.rule, facts.sender_of(one))
        and (group is None or _key_of_held(facts, group.by, one) == group)
    ]
    next = [one for one in rows if after is None or (one.at, one.id) < (after.at, after.id)]
    return HeldPage(rows=tuple(next[:limit]), total=len(rows), bytes=sum(one.size for one in rows))


def _lines(facts: Facts, query: LedgerQuery, by: GroupBy) -> Iterator[_Line]:
    for one in facts.ledger:
        if _found(query, one.outcome, one.reason, one.rule, one.calling):
            key = _key(facts, by, one)
            yield _Line(key, one.calling, one.first, one.last, one.count, 0)
    for each in facts.held:
        calling = facts.sender_of(each)
        if _found(query, Place.HELD.value, each.reason, each.rule, calling):
            yield _Line(_key_of_held(facts, by, each), calling, each.at, each.at, 0, 1)


def _found(query: LedgerQuery, outcome: str, reason: str, rule: str, calling: str) -> bool:
    values = {"outcome": outcome, "reason": reason, "rule": rule, "from": calling}
    said = f"{reason} {rule} {calling}".lower()
    return all(
        (values.get(one.field, "").lower() == one.value.lower()) is not one.negated
        for one in query.where
    ) and all(word in said for word in query.text.lower().split())


def _key(facts: Facts, by: GroupBy, one: LedgerEntry) -> GroupKey:
    session = facts.sessions.get(one.session)
    project = (session.project if session is not None else None) or ""
    return _made(by, one.outcome, one.reason, one.rule, one.calling, project, one.last)


def _key_of_held(facts: Facts, by: GroupBy, one: HeldObject) -> GroupKey:
    calling = facts.sender_of(one)
    return _made(by, Place.HELD.value, one.reason, one.rule, calling, "", one.at)


def _made(
    by: GroupBy, outcome: str, reason: str, rule: str, calling: str, project: str, at: datetime
) -> GroupKey:
    match by:
        case GroupBy.REASON:
            return GroupKey(by=by, outcome=outcome, reason=reason, rule=rule)
        case GroupBy.SENDER:
            return GroupKey(by=by, calling=calling)
        case GroupBy.PROJECT:
            return GroupKey(by=by, project=project)
        case _:
            return GroupKey(by=by, day=at.astimezone().date().isoformat())


def _group(key: GroupKey, lines: list[_Line]) -> LedgerGroup:
    senders = {one.calling for one in lines}
    objects, now = sum(one.objects for one in lines), sum(one.held for one in lines)
    return LedgerGroup(
        key=key,
        objects=max(objects, now),
        held=now,
        lines=sum(not one.held for one in lines),
        senders=len(senders),
        sender=min(senders) if len(senders) == 1 else "",
        first=min(one.first for one in lines),
        last=max(one.last for one in lines),
    )


def _entry(facts: Facts, one: HeldObject) -> HeldEntry:
    return HeldEntry(
        id=one.id,
        at=one.at,
        size=one.size,
        reason=one.reason,
        rule=one.rule,
        sop_class="1.2.840.10008.5.1.4.1.1.4",
        sop_class_name="MR Image Storage",
        calling=facts.sender_of(one),
        peer="10.0.0.1",
        receiver="ANTEROOM",
        transfer=one.transfer,
    )
