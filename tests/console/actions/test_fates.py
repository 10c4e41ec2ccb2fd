# SPDX-License-Identifier: Apache-2.0
"""What became of a session that is not there any more."""

from __future__ import annotations

from dataclasses import replace

from console.actions import fates
from tests.memory import EngineInMemory, Facts, card, session


async def test_a_session_that_is_gone_was_deleted_or_archived_or_nobody_knows() -> None:
    facts, one = Facts(), session(1)
    engine = EngineInMemory(facts, "me")
    assert await fates.fate(engine, one.id, one) == fates.GONE
    assert await fates.fate(engine, one.id, None) == fates.GONE
    facts.filed[one.id] = card(one)
    assert await fates.fate(engine, one.id, one) == "it was archived as XNAT_E00001"
    facts.filed[one.id] = replace(card(one), origin="pre_somethingelse")
    assert await fates.fate(engine, one.id, one) == fates.GONE
    facts.trashed[one.id] = one
    assert "deleted by me" in await fates.fate(engine, one.id, one)
