# SPDX-License-Identifier: Apache-2.0
"""How the states of filed sessions are shown."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from console.views import quarantine
from engine.model.archive import HistoryEntry, SessionStatus
from engine.model.quarantine import QuarantinedSession, QuarantinePage, Yes
from tests.memory import NOON, session
from tests.memory.facts import card

WAITS = QuarantinedSession(
    accession="XNAT_E00001",
    label="MR_1",
    project="NEURO3",
    subject="SUB-1",
    modality="MR",
    date="2026-09-11",
    status=SessionStatus.QUARANTINE,
    before=None,
    since=NOON,
    by="mk",
    people=2,
)
AK = Yes(actor="ak", at=NOON, reason="t1 fine")


def test_a_row_says_how_many_have_agreed_of_how_many() -> None:
    shown = quarantine.row(replace(WAITS, yes=(AK,)), NOON + timedelta(hours=2))
    assert shown.cells[:6] == ("◐ quarantine", "NEURO3", "MR_1", "XNAT_E00001", "2h", "1/2")
    assert shown.tone == "look"
    locked = quarantine.row(replace(WAITS, status=SessionStatus.LOCKED), NOON)
    assert locked.cells[5] == ""
    assert len(quarantine.exported(WAITS)) == len(quarantine.EXPORTED)


@pytest.mark.parametrize(
    ("yes", "people", "said"),
    [
        ((), 1, ["◌ one person"]),
        ((), 2, ["◌ 2 different people"]),
        ((AK,), 2, ["◌ one more, not ak"]),
        ((AK,), 1, ["◌ one person"]),
    ],
)
def test_a_card_says_what_a_release_needs(
    yes: tuple[Yes, ...], people: int, said: list[str]
) -> None:
    lines = quarantine.card(replace(WAITS, yes=yes, people=people), card(session(1)))
    texts = [value for name, value in lines if not name]
    assert [text for text in texts if text.startswith("◌")] == said
    assert len([text for text in texts if text.startswith("✓ ak")]) == len(yes)


def test_a_card_of_an_obsolete_session_says_what_it_was() -> None:
    was = replace(WAITS, status=SessionStatus.OBSOLETE, before=SessionStatus.QUARANTINE)
    assert ("Before", "◐ quarantine") in quarantine.card(was, card(session(1)))


def test_the_history_is_told_from_its_end_with_reasons() -> None:
    first = HistoryEntry(at=NOON, actor="mk", change="Added", before={})
    last = HistoryEntry(at=NOON, actor="ak", change="Activated", before={}, reason="fine")
    told = quarantine.history((first, last))
    assert [text for _, text in told] == ["ak  Activated: “fine”", "mk  Added"]


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({}, "none waits for a release"),
        ({"quarantine": 1}, "1 waits, the oldest 3d"),
        ({"quarantine": 4, "locked": 2, "obsolete": 1}, "4 wait, the oldest 3d · 2 locked · 1 ob"),
    ],
)
def test_the_line_below_says_how_many_wait(counts: dict[str, int], said: str) -> None:
    oldest = NOON - timedelta(days=3) if "quarantine" in counts else None
    page = QuarantinePage(rows=(), total=0, counts=counts, oldest=oldest)
    assert "".join(text for text, _ in quarantine.told(page, NOON)).startswith(said)
