# SPDX-License-Identifier: Apache-2.0
"""Acts on the states of filed sessions: what is asked before them, and what is said of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.actions import states
from engine.model.archive import SessionStatus
from engine.model.people import WhoAmI
from engine.model.prearchive import ActOutcome
from engine.model.quarantine import Act
from tests.console.views.test_quarantine import AK, WAITS

LOCKED = replace(WAITS, accession="XNAT_E00002", status=SessionStatus.LOCKED)
OBSOLETE = replace(WAITS, accession="XNAT_E00003", status=SessionStatus.OBSOLETE)
ONE = replace(WAITS, people=1)


def me(*permissions: str, login: str = "me") -> WhoAmI:
    return WhoAmI(
        login=login,
        known="",
        site="",
        roles={},
        sees_originals=False,
        permissions={"": (), "NEURO3": permissions},
    )


def test_what_may_not_be_done_says_why() -> None:
    assert states.refusal(Act.HOLD, WAITS, me("release")) == ""
    assert states.refusal(Act.HOLD, WAITS, None) == ""
    reader = states.refusal(Act.HOLD, WAITS, me("read"))
    assert reader == "it needs the permission to release in NEURO3"
    agreed = replace(WAITS, yes=(AK,))
    assert "another person" in states.refusal(Act.RELEASE, agreed, me("release", login="ak"))
    possible, refused = states.sort_out(Act.RELEASE, (WAITS, LOCKED), me("release"))
    assert possible == (WAITS,)
    assert refused == ("XNAT_E00002: the session is locked",)
    assert states.why_none(Act.RELEASE, (), None) == "there is no session here"
    assert states.why_none(Act.RELEASE, (LOCKED, OBSOLETE), None).startswith("none of the 2 marked")


def test_keys_do_what_the_state_asks_for() -> None:
    assert states.accepting((WAITS, OBSOLETE)) is Act.RELEASE
    assert states.accepting((OBSOLETE,)) is Act.ACTIVATE
    assert states.locking((LOCKED,)) is Act.UNLOCK
    assert states.locking((LOCKED, WAITS)) is Act.LOCK


def test_a_question_about_a_release_says_which_of_two_people_one_is() -> None:
    asked = states.question(Act.RELEASE, (WAITS,), (), me("release"))
    assert any("you agree to it, and another one releases" in line for line in asked.says)
    second = replace(WAITS, yes=(AK,))
    asked = states.question(Act.RELEASE, (second, WAITS), ("x: y",), me("release"), "a note")
    assert any("ak has agreed: you are the second of 2" in line for line in asked.says)
    assert asked.confirm == 2 and asked.fields[0].needed
    assert asked.says[-2:] == ("1 marked are left out: x: y", "a note")
    asked = states.question(Act.RELEASE, (ONE,), (), me("release"))
    assert asked.says == ("Whoever may read the project sees it then.", "u holds it again.")


@pytest.mark.parametrize("act", Act)
def test_every_act_has_its_question_and_its_command(act: Act) -> None:
    asked = states.question(act, (ONE,), (), None)
    assert asked.command is not None
    assert asked.command({"reason": "why not"}) == (
        f"anteroom quarantine {act.value} XNAT_E00001 --reason 'why not'"
    )


def test_what_was_done_is_told() -> None:
    act = states.StateAct(verb=Act.RELEASE, sessions=(ONE, LOCKED))
    done = [ActOutcome(id=id, done=True, message="active") for id in act.ids]
    assert act.told(done[:1]) == ("XNAT_E00001: active", False)
    assert act.told(done) == ("2 sessions: active", False)
    no = ActOutcome(id="XNAT_E00002", done=False, message="it is locked")
    assert act.told([done[0], no]) == ("XNAT_E00001: active; 1 refused: it is locked", True)
    assert act.told([no]) == ("release: 0 sessions; 1 refused: it is locked", True)
    assert act.kept(["XNAT_E00001"]).ids == ("XNAT_E00001",)
    assert (act.why_kept(), act.taking_back()) == ("", "hold 2 sessions")
    assert act.taken_back(done) == ("taken back: hold 2 sessions", False)
    assert act.taken_back([done[0], no]) == (
        "taken back for 1 session; not taken back: it is locked",
        True,
    )
