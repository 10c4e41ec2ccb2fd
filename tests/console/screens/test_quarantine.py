# SPDX-License-Identifier: Apache-2.0
"""Quarantine, by keys against an engine in memory."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.actions import states
from console.screens.filed import FiledScreen
from engine.model.archive import SessionStatus
from engine.model.people import WhoAmI
from engine.model.quarantine import Act, Yes
from tests.console.piloting import (
    SMALL,
    WIDE,
    console,
    keys,
    painted,
    settled,
    shown,
    table,
    until,
)
from tests.memory import NOON, Facts, session
from tests.memory.configuration import project
from tests.memory.facts import card
from tests.memory.people import People

QUARANTINE, ACTIVE = SessionStatus.QUARANTINE, SessionStatus.ACTIVE
LOCKED, OBSOLETE = SessionStatus.LOCKED, SessionStatus.OBSOLETE

ONE, TWO, THREE, FOUR = (f"XNAT_E0000{number}" for number in range(1, 5))


def held(*statuses: SessionStatus, people: int = 1) -> Facts:
    """Return an engine with a session in each of these states, numbered from 1."""
    facts = Facts()
    facts.projects["NEURO3"] = project("NEURO3", release_people=people)
    for number, status in enumerate(statuses, 1):
        filed = replace(card(session(number)), status=status, withheld=status is QUARANTINE)
        facts.filed[filed.accession] = filed
    return facts


def status(facts: Facts, id: str) -> SessionStatus:
    return facts.filed[id].status


def said(app: object) -> list[str]:
    """Return what was said, the last at the end."""
    return [one.text for one in reversed(app.context.notices.all)]  # type: ignore[attr-defined]


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_what_is_active_is_not_in_the_list(size: tuple[int, int]) -> None:
    app = console(held(ACTIVE), mode="quarantine")
    async with app.run_test(size=size) as pilot:
        await shown(pilot, "every session that")
        await pilot.press("a", "b", "w", "x", "enter", "c", "y")
        await until(pilot, lambda: len(said(app)) >= 5)
        assert "not now: there is no session here" in said(app)


@pytest.mark.parametrize(("size", "note"), [(WIDE, "no PHI gate. Pixels"), (SMALL, "no PHI gate")])
async def test_that_it_is_no_gate_stands_there_all_the_time(
    size: tuple[int, int], note: str
) -> None:
    for facts in (held(), held(QUARANTINE, LOCKED)):
        app = console(facts, mode="quarantine")
        async with app.run_test(size=size) as pilot:
            await shown(pilot, note)
            await pilot.press("slash", *"session", "colon", *"MR_1", "enter", "c")
            await settled(pilot)
            assert note in painted(app)


async def test_a_session_is_released_with_a_reason_and_held_again() -> None:
    facts = held(QUARANTINE, QUARANTINE)
    app = console(facts, mode="quarantine")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "◐ quarantine", "2 wait", "0/1", "◌ one person")
        await pilot.press("a")
        await shown(pilot, "Release 1 session from quarantine?", "reason is needed")
        await pilot.press(*"all fine", "enter", "enter")
        await until(pilot, lambda: status(facts, TWO) is ACTIVE)
        await until(pilot, lambda: keys(app, "states") == [ONE])
        await shown(pilot, "1 waits")
        await pilot.press("u")
        await until(pilot, lambda: status(facts, TWO) is QUARANTINE)
        assert "taken back: hold 1 session" in said(app)
        entries = facts.histories[TWO]
    assert [(one.change, one.reason) for one in entries[1:]] == [
        ("Activated", "all fine"),
        ("Quarantined", "taken back"),
    ]


async def test_two_people_release_and_the_first_is_told_to_wait() -> None:
    facts = held(QUARANTINE, QUARANTINE, people=2)
    facts.agreed[ONE] = (Yes(actor="ak", at=NOON, reason="t1 fine"),)
    app = console(facts, mode="quarantine")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "0/2", "1/2", "◌ 2 different people")
        await pilot.press("j")
        await shown(pilot, "✓ ak", "“t1 fine”", "◌ one more, not ak")
        await pilot.press("k", "a")
        await shown(pilot, "you agree to it, and another one releases")
        await pilot.press(*"fine", "enter", "enter")
        await until(pilot, lambda: TWO in facts.agreed)
        await until(pilot, lambda: table(app, "states").rows[0].cells[5] == "1/2")
        await pilot.press("a")
        await until(pilot, lambda: "another person has to, too" in said(app)[-1])
        await pilot.press("j", "a")
        await shown(pilot, "ak has agreed: you are the second of 2")
        await pilot.press(*"fine", "enter", "enter")
        await until(pilot, lambda: status(facts, ONE) is ACTIVE)
        assert status(facts, TWO) is QUARANTINE


async def test_what_is_marked_is_released_at_once_and_the_rest_is_left_out() -> None:
    facts = held(QUARANTINE, LOCKED, QUARANTINE)
    app = console(facts, mode="quarantine")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "2 wait")
        await pilot.press("asterisk")
        await shown(pilot, "3 sessions marked")
        await pilot.press("a")
        await shown(pilot, "Release 2 sessions", "1 marked are left out: XNAT_E00002")
        await pilot.press(*"fine", "enter", "2", "enter", "enter")
        await until(pilot, lambda: keys(app, "states") == [TWO])
        await settled(pilot)
        assert not table(app, "states").marks
        await pilot.press("u")
        await until(pilot, lambda: status(facts, ONE) is status(facts, THREE) is QUARANTINE)


async def test_sessions_are_held_locked_and_marked_as_obsolete() -> None:
    facts = held(ACTIVE)
    app = console(facts, mode="quarantine")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "f shows those, too")
        await pilot.press("f")
        await shown(pilot, "released, or never held")
        await pilot.press("end", "up", "enter")
        await until(pilot, lambda: keys(app, "states") == [ONE])
        await pilot.press("w")
        await shown(pilot, "Lock 1 session?")
        await pilot.press("enter", "enter")
        await until(pilot, lambda: status(facts, ONE) is LOCKED)
        await pilot.press("escape")
        await until(pilot, lambda: keys(app, "states") == [ONE])
        await pilot.press("b")
        await until(pilot, lambda: said(app)[-1].endswith("the session is locked: unlock it first"))
        await pilot.press("w")
        await shown(pilot, "Unlock 1 session?")
        await pilot.press("enter", "enter")
        await until(pilot, lambda: status(facts, ONE) is ACTIVE)
        await pilot.press("u")
        await until(pilot, lambda: status(facts, ONE) is LOCKED)
        facts.filed[ONE] = replace(facts.filed[ONE], status=ACTIVE)
        facts.states[ONE] = (NOON, "me", None)
        await pilot.press("slash", *"status", "colon", *"active", "enter")
        await until(pilot, lambda: table(app, "states").rows[0].cells[0] == "● active")
        await pilot.press("x")
        await shown(pilot, "Mark 1 session as obsolete?")
        await pilot.press(*"bad coil", "enter", "enter")
        await until(pilot, lambda: status(facts, ONE) is OBSOLETE)
        await pilot.press("escape")
        await shown(pilot, "○ obsolete")
        await pilot.press("a")
        await shown(pilot, "Bring 1 session back from obsolete?")
        await pilot.press("enter", "enter")
        await until(pilot, lambda: status(facts, ONE) is ACTIVE)


async def test_a_hold_is_not_taken_back() -> None:
    facts = held(QUARANTINE)
    app = console(facts, mode="quarantine")
    async with app.run_test(size=SMALL) as pilot:
        await shown(pilot, "◐ quarantine")
        await pilot.press("b")
        await shown(pilot, "Hold 1 session in quarantine?")
        await pilot.press(*"ask mk", "enter", "enter")
        await until(pilot, lambda: len(facts.histories.get(ONE, ())) == 2)
        await pilot.press("u")
        await until(pilot, lambda: "a hold is not taken back" in said(app)[-1])


async def test_who_may_not_release_is_told_why(monkeypatch: pytest.MonkeyPatch) -> None:
    async def reader(self: People) -> WhoAmI:
        return WhoAmI(
            login="me",
            known="",
            site="",
            roles={"NEURO3": "collaborator"},
            sees_originals=False,
            permissions={"": (), "NEURO3": ("know", "read")},
        )

    monkeypatch.setattr(People, "who_am_i", reader)
    facts = held(LOCKED)
    app = console(facts, mode="quarantine")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "▪ locked")
        await pilot.press("w")
        wanted = "not now: it needs the permission to release in NEURO3"
        await until(pilot, lambda: said(app)[-1:] == [wanted])
        await pilot.press("question_mark")
        await shown(pilot, "it needs the permission to release")
    assert status(facts, ONE) is LOCKED


async def test_enter_opens_the_session_and_e_writes_the_rows() -> None:
    app = console(held(QUARANTINE, LOCKED), mode="quarantine")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "◐ quarantine")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, FiledScreen))
        await pilot.press("q")
        await shown(pilot, "◐ quarantine")
        exported = app.screen.exports()  # type: ignore[attr-defined]
        assert exported.name == "quarantine" and len(exported.titles) == 10


async def test_another_persons_release_is_seen_without_asking() -> None:
    facts = held(QUARANTINE, QUARANTINE)
    app = console(facts, mode="quarantine")
    async with app.run_test(size=SMALL) as pilot:
        await shown(pilot, "2 wait")
        facts.filed[ONE] = replace(facts.filed[ONE], status=ACTIVE)
        await facts.tell("archive", ONE, "released")
        await until(pilot, lambda: keys(app, "states") == [TWO])


def test_the_command_of_an_act_does_the_same() -> None:
    act = states.StateAct(verb=Act.LOCK, sessions=(), reason="it's final")
    assert states.command(act) == "anteroom quarantine lock --reason 'it'\"'\"'s final'"
