# SPDX-License-Identifier: Apache-2.0
"""The ledger in groups, and the lines and held objects of one. All of it is grouped, counted and
ordered by the database. Of what is held two things are known: the line that counted it when it
came, and its own row, which outlives the line and says why it is held by now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    SQLColumnExpression,
    and_,
    false,
    func,
    literal,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession

from engine.database.comparisons import Criterion, criteria, like
from engine.database.comparisons import text as in_text
from engine.dicom import tables
from engine.model.accounts import Place
from engine.model.filters import MOST_WORDS, check_count, check_length
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
from engine.model.live import LedgerEntry
from engine.model.people import Scope
from engine.prearchive.ledger import LONGEST_REASON, entry
from engine.prearchive.rows import within
from engine.prearchive.tables import HeldRow, LedgerRow, SessionRow, TransferRow

_Column = SQLColumnExpression[Any]
_HELD = literal(Place.HELD.value)


class Books:
    """Ledger and held objects, as one person may know them, by the clock of this engine."""

    def __init__(self, session: AsyncSession, scope: Scope, now: datetime) -> None:
        """Read in one transaction; `scope` is of the projects that may be named, and `now` is in
        the time zone whose days are meant."""
        self._session = session
        self._scope = scope
        self._now = now

    async def groups(self, query: LedgerQuery, by: GroupBy, limit: int) -> LedgerGroups:
        """Return the groups of the lines that a query finds.

        Raises:
            InvalidInput: a condition is on no known field, or there are too many.
        """
        lines = union_all(self._lines(query, by), self._objects(query, by)).subquery()
        named = [lines.c[name] for name in _NAMES[by]]
        last = func.max(lines.c.last)
        grouped = select(
            *named,
            func.sum(lines.c.count).label("objects"),
            func.sum(lines.c.held).label("held"),
            func.sum(lines.c.line).label("lines"),
            func.count(lines.c.calling.distinct()).label("senders"),
            func.min(lines.c.calling).label("sender"),
            func.min(lines.c.first).label("first"),
            last.label("last"),
        ).group_by(*named)
        found = await self._session.execute(grouped.order_by(last.desc(), *named).limit(limit))
        rows = tuple(_group(by, row) for row in found.mappings())
        total: int | None = len(rows)
        if len(rows) == limit:
            # All lines are grouped once more for this, so only where there may be more groups.
            total = await self._session.scalar(select(func.count()).select_from(grouped.subquery()))
        return LedgerGroups(rows=rows, total=int(total or 0))

    async def lines(
        self, group: GroupKey, query: LedgerQuery, after: LineAt | None, limit: int
    ) -> tuple[LedgerEntry, ...]:
        """Return the next lines of a group, what was counted last first."""
        row = LedgerRow
        wanted = [*self._of_lines(query), *self._in_group(group, _OF_LINES)]
        if after is not None:
            wanted.append(tuple_(row.last, row.id) < tuple_(after.last, after.id))
        found = select(row).where(*wanted).order_by(row.last.desc(), row.id.desc()).limit(limit)
        return tuple(entry(each) for each in (await self._session.execute(found)).scalars())

    async def held(
        self, group: GroupKey | None, query: LedgerQuery, after: HeldAt | None, limit: int
    ) -> HeldPage:
        """Return the next held objects, of a group or of all."""
        row = HeldRow
        wanted = [~row.waits, *_conditions(query, _OF_OBJECTS)]
        if group is not None:
            wanted += self._in_group(group, _OF_OBJECTS)
        joined = select(row, TransferRow).outerjoin(TransferRow, TransferRow.id == row.transfer)
        found = joined.where(*wanted)
        sums = found.with_only_columns(func.count(), func.coalesce(func.sum(row.size), 0))
        total, size = (await self._session.execute(sums)).one()
        if after is not None:
            found = found.where(tuple_(row.at, row.id) < tuple_(after.at, after.id))
        found = found.order_by(row.at.desc(), row.id.desc()).limit(limit)
        rows = (await self._session.execute(found)).all()
        return HeldPage(
            rows=tuple(_held(one, sender) for one, sender in rows),
            total=int(total),
            bytes=int(size),
        )

    def _lines(self, query: LedgerQuery, by: GroupBy) -> Select[Any]:
        row = LedgerRow
        columns: list[Any] = [
            *(column.label(name) for name, column in self._named(_OF_LINES, by).items()),
            row.first,
            row.last,
            row.count,
            literal(0, BigInteger()).label("held"),
            literal(1, BigInteger()).label("line"),
        ]
        found = select(*columns).where(*self._of_lines(query))
        if by is not GroupBy.PROJECT:
            return found
        return found.outerjoin(SessionRow, and_(SessionRow.id == row.session, *within(self._scope)))

    def _objects(self, query: LedgerQuery, by: GroupBy) -> Select[Any]:
        row = HeldRow
        columns: list[Any] = [
            *(column.label(name) for name, column in self._named(_OF_OBJECTS, by).items()),
            row.at,
            row.at,
            literal(0, BigInteger()),
            literal(1, BigInteger()),
            literal(0, BigInteger()),
        ]
        found = select(*columns).outerjoin(TransferRow, TransferRow.id == row.transfer)
        found = found.where(~row.waits, *_conditions(query, _OF_OBJECTS))
        if by is not GroupBy.PROJECT:
            return found
        return found.outerjoin(SessionRow, false())

    def _named(self, columns: Mapping[str, _Column], by: GroupBy) -> dict[str, _Column]:
        """Return what lines are grouped by, and who sent them."""
        named = {name: columns[name] for name in _NAMES[by] if name in columns}
        if by is GroupBy.PROJECT:
            named["project"] = func.coalesce(SessionRow.project, "")
        if by is GroupBy.DAY:
            named["day"] = self._day(columns["when"])
        return {"calling": columns["calling"], **named}

    def _of_lines(self, query: LedgerQuery) -> list[ColumnElement[bool]]:
        wanted = _conditions(query, _OF_LINES)
        if query.days:
            today = self._now.replace(hour=0, minute=0, second=0, microsecond=0)
            wanted.append(LedgerRow.last >= today - timedelta(days=query.days - 1))
        return wanted

    def _in_group(
        self, group: GroupKey, columns: Mapping[str, _Column]
    ) -> list[ColumnElement[bool]]:
        match group.by:
            case GroupBy.REASON:
                return [columns[name] == getattr(group, name) for name in _NAMES[GroupBy.REASON]]
            case GroupBy.SENDER:
                return [columns["calling"] == group.calling]
            case GroupBy.DAY:
                begins = self._begins(group.day)
                when = columns["when"]
                return [when >= begins, when < begins + timedelta(days=1)]
            case _:
                return [self._in_project(group.project, columns["session"])]

    def _in_project(self, project: str, session: _Column) -> ColumnElement[bool]:
        known = select(SessionRow.id).where(SessionRow.project.is_not(None), *within(self._scope))
        if project:
            return session.in_(known.where(SessionRow.project == project))
        return session.not_in(known)

    def _begins(self, day: str) -> datetime:
        try:
            begins = date.fromisoformat(day)
        except ValueError:
            # A group that nobody was told of: nothing is in it.
            begins = date.min.replace(year=2)
        return datetime(begins.year, begins.month, begins.day, tzinfo=self._now.tzinfo)

    def _day(self, when: _Column) -> _Column:
        """Return the day of a moment, by the present offset of the clock: what happened within an
        hour of midnight before it was last changed stands on the day beside its own."""
        offset = self._now.utcoffset() or timedelta()
        minutes = int(offset.total_seconds()) // 60
        if self._session.get_bind().dialect.name == "sqlite":
            return func.date(when, f"{minutes:+d} minutes")
        return func.to_char(func.timezone("UTC", when) + offset, "YYYY-MM-DD")


_NAMES: Mapping[GroupBy, tuple[str, ...]] = {
    GroupBy.REASON: ("outcome", "reason", "rule"),
    GroupBy.SENDER: ("calling",),
    GroupBy.PROJECT: ("project",),
    GroupBy.DAY: ("day",),
}

_OF_LINES: Mapping[str, _Column] = {
    "outcome": LedgerRow.outcome,
    "reason": LedgerRow.reason,
    "rule": LedgerRow.rule,
    "calling": LedgerRow.calling,
    "receiver": LedgerRow.receiver,
    "peer": LedgerRow.peer,
    "session": LedgerRow.session,
    "when": LedgerRow.last,
}
_OF_OBJECTS: Mapping[str, _Column] = {
    "outcome": _HELD,
    # As the ledger cuts it, so that an object and its line are in one group.
    "reason": func.substr(HeldRow.reason, 1, LONGEST_REASON),
    "rule": HeldRow.rule,
    "calling": func.coalesce(TransferRow.calling, ""),
    "receiver": func.coalesce(TransferRow.receiver, ""),
    "peer": func.coalesce(TransferRow.peer, ""),
    "session": literal(""),
    "when": HeldRow.at,
}


def _conditions(query: LedgerQuery, columns: Mapping[str, _Column]) -> list[ColumnElement[bool]]:
    fields: dict[str, Criterion] = {
        "from": in_text(columns["calling"]),
        **{name: in_text(columns[name]) for name in ("outcome", "peer", "receiver", "rule")},
        "reason": in_text(columns["reason"]),
    }
    check_length(query.text)
    words = query.text.split()
    check_count(len(words), MOST_WORDS, "words")
    anywhere = [columns[name] for name in ("reason", "rule", "calling", "receiver", "peer")]
    found = criteria(query.where, fields)
    return [*found, *(or_(*(like(one, f"*{word}*") for one in anywhere)) for word in words)]


def _group(by: GroupBy, row: Mapping[Any, Any]) -> LedgerGroup:
    held, objects, senders = int(row["held"]), int(row["objects"]), int(row["senders"])
    return LedgerGroup(
        key=GroupKey(by=by, **{name: row[name] for name in _NAMES[by]}),
        # The line of what is held may be forgotten, or tell another reason.
        objects=max(objects, held),
        held=held,
        lines=int(row["lines"]),
        senders=senders,
        sender=row["sender"] if senders == 1 else "",
        first=row["first"],
        last=row["last"],
    )


def _held(row: HeldRow, sender: TransferRow | None) -> HeldEntry:
    return HeldEntry(
        id=row.id,
        at=row.at,
        size=row.size,
        reason=row.reason,
        rule=row.rule,
        sop_class=row.sop_class,
        sop_class_name=tables.uids().get(row.sop_class, (row.sop_class,))[0],
        calling=sender.calling if sender is not None else "",
        peer=sender.peer if sender is not None else "",
        receiver=sender.receiver if sender is not None else "",
        transfer=row.transfer,
    )
