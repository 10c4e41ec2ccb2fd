# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from engine.archive.audit import finding
from engine.archive.audit.trail import AuditChain, Recorded
from engine.database.connection import Database
from engine.model.archive import AuditPage, AuditQuery
from engine.model.errors import InvalidInput

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def _event(number: int, **values: Any) -> Recorded:
    plain: dict[str, Any] = {
        "id": f"event-{number}",
        "at": NOON + timedelta(hours=number),
        "actor": "ada",
        "action": "Moved",
        "object": f"pre_{number}",
        "detail": {},
    }
    return Recorded(**plain | values)


def _numbers(page: AuditPage) -> list[int]:
    return [one.number for one in page.rows]


@pytest.fixture
async def chain(archive: Database) -> AuditChain:
    """Ten events of all kinds; the ninth waited in its outbox for three hours."""
    made = AuditChain(archive)
    await made.append(
        [
            _event(1, action="Added project", object="BRAINS"),
            _event(2, detail={"project": "BRAINS", "reason": "wrong subject, see log"}),
            _event(3, actor="bob", detail={"project": "HEARTS"}),
            _event(4, action="Transferred", object="XNAT_E1", detail={"origin": "pre_2"}),
            _event(5, action="Exported", object="XNAT_E1", detail={"reason": "Grüße"}),
            _event(6, object="pre_2"),
            _event(7, actor="bob", action="Refused", object="receiver"),
            _event(8),
            _event(9, at=NOON + timedelta(hours=6), action="Late"),
            _event(10, actor="bob"),
        ]
    )
    return made


HOURS = timedelta(hours=1)


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        (AuditQuery(), [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]),
        (AuditQuery(actor="bob"), [10, 7, 3]),
        (AuditQuery(action="Exported"), [5]),
        (AuditQuery(object="XNAT_E1"), [5, 4]),
        (AuditQuery(project="BRAINS"), [2, 1]),
        (AuditQuery(project="BRAINS", action="Moved"), [2]),
        (AuditQuery(since=NOON + 8 * HOURS), [10, 8]),
        (AuditQuery(until=NOON + 2 * HOURS), [2, 1]),
        (AuditQuery(since=NOON + 6 * HOURS, until=NOON + 7 * HOURS), [9, 7, 6]),
        (AuditQuery(since=NOON + 6 * HOURS, actor="bob"), [10, 7]),
        (AuditQuery(since=NOON + 99 * HOURS), []),
        (AuditQuery(until=NOON), []),
        (AuditQuery(text="moved"), [10, 8, 6, 3, 2]),
        (AuditQuery(text="SUBJ wro"), [2]),
        (AuditQuery(text="grusse"), [5]),
        (AuditQuery(text="pre_2"), [6, 2]),
        (AuditQuery(text="moved", actor="bob"), [10, 3]),
        (AuditQuery(text="moved", since=NOON + 7 * HOURS), [10, 8]),
        (AuditQuery(text="?!"), []),
        (AuditQuery(text='" OR 1'), []),
        (AuditQuery(life="XNAT_E1"), [6, 5, 4, 2]),
        (AuditQuery(life="pre_8"), [8]),
        (AuditQuery(life="XNAT_E1", action="Moved"), [6, 2]),
    ],
)
async def test_events_are_found(chain: AuditChain, query: AuditQuery, numbers: list[int]) -> None:
    page = await chain.find(query, limit=20)
    assert (_numbers(page), page.total, page.exact) == (numbers, len(numbers), True)
    # A page at a time, from both ends.
    down: list[int] = []
    while part := _numbers(await chain.find(query, before=down[-1] if down else None, limit=2)):
        down += part
    up: list[int] = []
    while part := _numbers(await chain.find(query, after=up[0] if up else 0, limit=2)):
        up = part + up
    assert down == up == numbers
    assert _numbers(await chain.find(query, offset=1, limit=3)) == numbers[1:4]


async def test_what_is_counted_is_bounded(
    chain: AuditChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "MOST_COUNTED", 3)
    for query, total, exact in (
        (AuditQuery(), 10, True),
        (AuditQuery(actor="bob"), 3, True),
        (AuditQuery(actor="ada"), 3, False),
        (AuditQuery(text="moved"), 3, False),
    ):
        page = await chain.find(query, limit=1)
        assert (page.total, page.exact) == (total, exact)


async def test_actions_are_counted_since_a_moment(
    chain: AuditChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = {one.action: one.count for one in await chain.counts(NOON + 5 * HOURS)}
    assert counted == {"Moved": 3, "Exported": 1, "Late": 1, "Refused": 1}
    assert (await chain.counts(NOON + 99 * HOURS)) == ()
    monkeypatch.setattr(finding, "MOST_SUMMED", 2)
    newest = await chain.counts(NOON)
    assert [(one.action, one.count) for one in newest] == [("Late", 1), ("Moved", 1)]


async def test_too_many_words_are_refused(chain: AuditChain) -> None:
    for words in (" ".join(f"w{n}" for n in range(200)), "x" * 2_000):
        with pytest.raises(InvalidInput):
            await chain.find(AuditQuery(text=words), limit=1)


@pytest.mark.parametrize("change", ["project = 'HEARTS'", "words = 'nothing'"])
async def test_a_copy_that_was_changed_is_found(
    chain: AuditChain, archive: Database, change: str
) -> None:
    assert (await chain.verify()).ok
    async with archive.write() as session:
        if archive.is_sqlite:
            await session.execute(text("DROP TRIGGER audit_not_changed"))
        else:
            await session.execute(text("ALTER TABLE audit DISABLE TRIGGER ALL"))
        await session.execute(text(f"UPDATE audit SET {change} WHERE number = 2"))
    report = await chain.verify(whole=True)
    assert (report.ok, report.broken) == (False, 2)
    assert "is found by is not what it says" in report.message
