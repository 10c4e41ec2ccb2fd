# SPDX-License-Identifier: Apache-2.0
"""What is known of the series of a session while they arrive, from the records of their objects:
how many there are, which instance numbers they have, and what the sender states. What is not known
for certain is told as unknown, never as complete. Callers hold the row of the session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from engine.database.connection import insert_into
from engine.model import ranges
from engine.model.live import ArrivingSeries
from engine.prearchive.tables import ArrivingSeriesRow, SessionRow

SeriesKey = tuple[str, str]
"""(session, Series Instance UID)."""

_SCAN = 128
_MOST_LISTED = 1_000
_MOST_MISSING = 1_000_000_000
"""Of a whole session: no sender may state what the column does not take."""

_COLUMNS = ArrivingSeriesRow.__table__.c


@dataclass(slots=True)
class Seen:
    """What some records tell of one series."""

    scan: str
    last: datetime
    objects: int = 0
    numbers: list[int] = field(default_factory=list)
    unnumbered: bool = False
    """Whether an object has no number."""
    stated: int = 0

    def take(self, number: int, stated: int) -> None:
        """Take another object."""
        self.objects += 1
        if number < 0:
            self.unnumbered = True
        else:
            self.numbers.append(number)
        self.stated = max(self.stated, stated)


async def add(
    session: AsyncSession, seen: Mapping[SeriesKey, Seen], rows: Mapping[str, SessionRow]
) -> None:
    """Add what was seen to the series, and to what the rows of their sessions say of all series."""
    if not seen:
        return
    query = select(*_COLUMNS).where(
        _COLUMNS.session.in_(sorted({of for of, _ in seen})),
        _COLUMNS.series.in_(sorted({series for _, series in seen})),
    )
    known = {(one.session, one.series): one for one in await session.execute(query)}
    values = []
    for key, news in seen.items():
        row, was = rows[key[0]], known.get(key)
        objects, stated = news.objects, news.stated
        numbers: ranges.Ranges = []
        lacked: int | None = 0
        if was is None:
            row.arriving += 1
        else:
            numbers = ranges.parse(was.ranges)
            lacked = ranges.missing(numbers, objects=was.objects, stated=was.stated)
            objects, stated = was.objects + objects, max(was.stated, stated)
        if news.unnumbered or (was is not None and not was.ranges):
            # A number that is not known now is told by nothing that comes.
            text = ""
        else:
            text = ranges.written(ranges.joined(numbers, news.numbers))
        lacks = ranges.missing(ranges.parse(text), objects=objects, stated=stated)
        if row.missing is not None:
            row.missing = None if lacks is None or lacked is None else row.missing + lacks - lacked
            if row.missing is not None and row.missing > _MOST_MISSING:
                row.missing = None
        values.append(
            {
                "session": key[0],
                "series": key[1],
                "scan": was.scan if was is not None else news.scan[:_SCAN],
                "objects": objects,
                "ranges": text,
                "stated": stated,
                "last": news.last if was is None else max(was.last, news.last),
            }
        )
    statement = insert_into(session, ArrivingSeriesRow)
    new = statement.excluded
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["session", "series"],
            # Nobody else can have changed it: the row of its session is locked.
            set_={name: new[name] for name in ("objects", "ranges", "stated", "last")},
        ),
        values,
    )


async def lose_track(session: AsyncSession, row: SessionRow) -> None:
    """Take it that objects have come or gone of which nobody has read where they stand: what is
    missing is not known any more."""
    row.missing = None
    await session.execute(
        update(ArrivingSeriesRow)
        .where(ArrivingSeriesRow.session == row.id)
        .values(ranges="", stated=0)
    )


async def listed(session: AsyncSession, of: str) -> tuple[ArrivingSeries, ...]:
    """Return the series of a session, in the order of their scans."""
    query = (
        select(ArrivingSeriesRow)
        .where(ArrivingSeriesRow.session == of)
        .order_by(ArrivingSeriesRow.scan, ArrivingSeriesRow.series)
        .limit(_MOST_LISTED)
    )
    found = [_told(row) for row in (await session.execute(query)).scalars()]
    return tuple(sorted(found, key=lambda one: (not one.scan.isdigit(), one.scan.zfill(9))))


def _told(row: ArrivingSeriesRow) -> ArrivingSeries:
    numbers = ranges.parse(row.ranges)
    missing = ranges.missing(numbers, objects=row.objects, stated=row.stated)
    gaps = ranges.written(ranges.gaps(numbers)) if missing is not None else ""
    return ArrivingSeries(
        scan=row.scan,
        objects=row.objects,
        missing=missing,
        gaps=gaps,
        stated=row.stated or None,
        last=row.last,
    )
