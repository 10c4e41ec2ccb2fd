# SPDX-License-Identifier: Apache-2.0
"""Acceptances as they are kept: one open for a sender, and closed ones for ever."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from engine.archive import acceptances
from engine.archive.tables import ArchiveOutboxRow
from engine.database.connection import Database
from engine.model.acceptance import Judgement, Step, StepName, StepState
from engine.model.errors import Conflict, NotFound

STEPS = (
    Step(name=StepName.ECHO, state=StepState.DONE, said="1 echo answered"),
    Step(name=StepName.COUNTS, state=StepState.WRONG, said="19 of 20", details=("waiting: 19",)),
)


async def test_what_is_signed_is_kept_as_it_was_seen(archive: Database) -> None:
    async with archive.write() as session:
        made = await acceptances.start(session, "CT1", receiver="", expected=0, actor="ada")
        with pytest.raises(Conflict, match="is open already"):
            await acceptances.start(session, "CT1", receiver="A", expected=0, actor="bob")
        other = await acceptances.start(session, "MR1", receiver="A", expected=7, actor="ada")
    async with archive.write() as session:
        assert (await acceptances.expect(session, made.id, 20, actor="bob")).expected == 20
        closed = await acceptances.close(
            session, made.id, Judgement.ACCEPTED, note="one is a scout", steps=STEPS, actor="bob"
        )
    async with archive.read() as session:
        assert await acceptances.show(session, made.id) == closed
        assert (closed.steps, closed.closed_by, closed.verdict) == (STEPS, "bob", "accepted")
        assert [one.id for one in await acceptances.listed(session, 9)] == [other.id, made.id]
        assert [one.id for one in await acceptances.listed(session, 9, open_only=True)] == [
            other.id
        ]
        with pytest.raises(NotFound):
            await acceptances.show(session, "acc_none")
        events = await session.scalars(
            select(ArchiveOutboxRow).where(ArchiveOutboxRow.object == made.id)
        )
        assert sorted(event.action for event in events) == [
            "Changed acceptance",
            "Closed acceptance: accepted",
            "Started acceptance",
        ]


async def test_what_is_signed_is_not_changed(archive: Database) -> None:
    async with archive.write() as session:
        made = await acceptances.start(session, "CT1", receiver="", expected=0, actor="ada")
        await acceptances.close(
            session, made.id, Judgement.REJECTED, note="no", steps=(), actor="ada"
        )
        with pytest.raises(Conflict, match="is rejected"):
            await acceptances.expect(session, made.id, 5, actor="ada")
        with pytest.raises(Conflict, match="is rejected"):
            await acceptances.close(
                session, made.id, Judgement.ACCEPTED, note="", steps=(), actor="ada"
            )
        # The next one begins anew.
        again = await acceptances.start(session, "CT1", receiver="", expected=0, actor="ada")
        assert again.id != made.id
