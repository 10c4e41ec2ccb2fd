# SPDX-License-Identifier: Apache-2.0
"""What it takes to browse and to verify the audit trail as it grows from ten thousand events to a
million: the first page, the last one, filters, a verification of what is new, and one of all."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.measure import Result, median
from engine.archive.audit.key import AuditKey
from engine.archive.audit.links import GENESIS, canonical, link_hash, project_of, words_of
from engine.archive.audit.trail import AuditChain
from engine.database.connection import Database
from engine.database.migration import migrate
from engine.model.archive import AuditQuery

SIZES = (10_000, 100_000, 1_000_000)
QUICK = (10_000, 30_000)
GOAL = 100.0
"""Milliseconds for a page, at both ends."""

NEW = 500
"""Events since the last verification."""

_PAGE = 100
_ROUNDS = 9
_END = datetime(2026, 9, 11, 12, tzinfo=UTC)
_YEAR = timedelta(days=365)
_ACTIONS = ("Began receiving", "Queued rebuild", "Queued archive", "Transferred", "Looked at")
_RARE = ("Deleted", "Exported", "Refused", "Modified project", "Moved")
_REASONS = ("wrong project, will be sent again", "compare with the order", "asked by the owner")


def run(*, quick: bool) -> list[Result]:
    """Measure in one SQLite file that grows."""
    columns, rows = asyncio.run(_measure(QUICK if quick else SIZES))
    remarks = (
        f"milliseconds, the median of {_ROUNDS}; a page has {_PAGE} events, counted within bounds",
        f"goal: below {GOAL:.0f} ms for the first and the last page",
    )
    return [Result(name="the audit trail (SQLite)", columns=columns, rows=rows, remarks=remarks)]


async def _measure(
    sizes: tuple[int, ...],
) -> tuple[tuple[str, ...], tuple[tuple[object, ...], ...]]:
    table: dict[str, list[object]] = {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "archive.db"
        await migrate(f"sqlite:///{file}", "archive")
        database = Database.open(f"sqlite+aiosqlite:///{file}")
        events = _events(max(sizes))
        chain = AuditChain(database, AuditKey(b"b" * 32))
        written = 0
        try:
            for size in sizes:
                await asyncio.to_thread(_write, file, events, size - NEW - written)
                began = time.perf_counter()
                report = await AuditChain(database).verify()
                whole = time.perf_counter() - began
                # Makes the checkpoint from which the next one goes on.
                await chain.verify()
                await asyncio.to_thread(_write, file, events, NEW)
                began = time.perf_counter()
                news = await chain.verify()
                new = time.perf_counter() - began
                assert report.ok and news.ok and news.checked == NEW, (report, news)
                written = size
                for name, ask in _questions(chain, size, max(sizes)).items():
                    table.setdefault(name, []).append(await _took(ask))
                table.setdefault(f"verify {NEW} new events", []).append(round(new * 1000, 1))
                table.setdefault("verify all of it", []).append(round(whole * 1000))
                megabytes = file.stat().st_size / 1_000_000
                table.setdefault("file, MB", []).append(round(megabytes))
        finally:
            await database.close()
    heads = tuple(f"{size:,} events" for size in sizes)
    return ("", *heads), tuple((name, *values) for name, values in table.items())


def _questions(chain: AuditChain, size: int, total: int) -> dict[str, Callable[[], Awaitable[Any]]]:
    def ask(query: AuditQuery, **cursor: int) -> Callable[[], Awaitable[Any]]:
        return lambda: chain.find(query, limit=_PAGE, **cursor)

    day = timedelta(days=1)
    # The trail grows through the year: its newest event is then as old as this.
    end = _moment(size, total)
    middle = end - (end - _moment(0, total)) / 2
    return {
        "first page": ask(AuditQuery()),
        "last page": ask(AuditQuery(), after=0),
        "a page in the middle, by its place": ask(AuditQuery(), offset=size // 2),
        "by a busy actor": ask(AuditQuery(actor="engine")),
        "by a busy actor, last page": ask(AuditQuery(actor="engine"), after=0),
        "by a rare actor": ask(AuditQuery(actor="user17")),
        "of one object": ask(AuditQuery(object=f"pre_{size // 7:08d}")),
        "of a project": ask(AuditQuery(project="PROJECT3")),
        "of an action": ask(AuditQuery(action="Deleted")),
        "since a day ago": ask(AuditQuery(since=end - day)),
        "a day in the middle": ask(AuditQuery(since=middle - day, until=middle)),
        "until the middle, by an actor": ask(AuditQuery(until=middle, actor="user17")),
        "text, in few events": ask(AuditQuery(text="sent again deleted")),
        "text, in half of them": ask(AuditQuery(text="queued")),
        "the life of a session": ask(AuditQuery(life=f"pre_{size // 7:08d}")),
    }


async def _took(ask: Callable[[], Awaitable[Any]]) -> float:
    times = []
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        await ask()
        times.append((time.perf_counter() - began) * 1000)
    return round(median(times), 1)


def _moment(number: int, total: int) -> datetime:
    return _END - _YEAR * (1 - number / total)


def _events(total: int) -> Iterator[tuple[Any, ...]]:
    """Make links of a chain as a year of use leaves them."""
    drawn = random.Random(7)
    previous = GENESIS
    for number in range(1, total + 1):
        usual = drawn.random() < 0.9
        session = f"pre_{number // 7:08d}"
        action = _ACTIONS[number % len(_ACTIONS)] if usual else drawn.choice(_RARE)
        detail: dict[str, Any] = {"project": f"PROJECT{drawn.randrange(40)}", "files": number % 900}
        if not usual:
            detail["reason"] = drawn.choice(_REASONS)
        values: dict[str, Any] = {
            "number": number,
            "event": f"{number:032x}",
            "at": _moment(number, total),
            "actor": "engine" if drawn.random() < 0.6 else f"user{drawn.randrange(60)}",
            "action": action,
            "object": session,
            "detail": canonical(detail),
        }
        hash = link_hash(previous=previous, **values)
        yield (
            number,
            values["event"],
            values["at"].strftime("%Y-%m-%d %H:%M:%S.%f"),
            values["actor"],
            action,
            session,
            values["detail"],
            previous,
            hash,
            project_of(action, session, detail),
            words_of(action, session, detail),
        )
        previous = hash


def _write(file: Path, events: Iterator[tuple[Any, ...]], count: int) -> None:
    """Write links as they would have been appended; by hand, for it takes long enough."""
    columns = "number, event, at, actor, action, object, detail, previous, hash, project, words"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.executemany(
            f"INSERT INTO audit ({columns}) VALUES ({', '.join('?' * 11)})",
            (next(events) for _ in range(count)),
        )
