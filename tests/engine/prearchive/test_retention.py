# SPDX-License-Identifier: Apache-2.0
"""Sends that have ended are forgotten in parts, once they are old; those that go on never are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from engine.database.connection import Database
from engine.model.remotes import SendState
from engine.prearchive import retention
from engine.prearchive.tables import SendRow

THEN = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def send(id: str, ended: datetime | None) -> SendRow:
    return SendRow(
        id=id,
        remote="PACS1",
        session="pre_a",
        filed=False,
        state=(SendState.DONE if ended else SendState.WAITING).value,
        actor="ada",
        queued=THEN - timedelta(days=99),
        ended=ended,
    )


async def test_sends_are_forgotten_in_parts(
    prearchive: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "MOST", 2)
    async with prearchive.write() as session:
        session.add_all([send(f"snd_{number}", THEN - SECOND) for number in range(3)])
        session.add_all([send("snd_young", THEN), send("snd_waits", None)])
    async with prearchive.write() as session:
        gone = [await retention.forget_sends(session, THEN) for _ in range(3)]
    assert gone == [2, 1, 0]
    async with prearchive.read() as session:
        left = set(await session.scalars(select(SendRow.id)))
    assert left == {"snd_young", "snd_waits"}
