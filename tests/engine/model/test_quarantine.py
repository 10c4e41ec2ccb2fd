# SPDX-License-Identifier: Apache-2.0
"""The states of filed sessions: a table of what may be done in each, and walks of any length."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from engine.model.archive import SessionStatus
from engine.model.people import Actor, Permission, Role, Roster, User, releases
from engine.model.quarantine import (
    FROM,
    OPPOSITE,
    Act,
    Standing,
    after,
    recorded_as,
    why_not,
)

ACTIVE, QUARANTINE = SessionStatus.ACTIVE, SessionStatus.QUARANTINE
LOCKED, OBSOLETE = SessionStatus.LOCKED, SessionStatus.OBSOLETE

TABLE = {
    (Act.RELEASE, QUARANTINE): (ACTIVE, "Activated"),
    (Act.HOLD, ACTIVE): (QUARANTINE, "Quarantined"),
    (Act.HOLD, QUARANTINE): (QUARANTINE, "Quarantined"),
    (Act.LOCK, ACTIVE): (LOCKED, "Locked"),
    (Act.UNLOCK, LOCKED): (ACTIVE, "Unlocked"),
    (Act.OBSOLETE, ACTIVE): (OBSOLETE, "Obsoleted"),
    (Act.OBSOLETE, QUARANTINE): (OBSOLETE, "Obsoleted"),
    (Act.ACTIVATE, OBSOLETE): (ACTIVE, "Activated"),
}
"""What each act leads to, and what it is called."""


@pytest.mark.parametrize("act", Act)
@pytest.mark.parametrize("status", SessionStatus)
def test_what_may_be_done_in_each_state(act: Act, status: SessionStatus) -> None:
    standing = Standing(status=status)
    refused = why_not(act, standing, "ada", 1)
    assert (not refused) is ((act, status) in TABLE)
    assert (status in FROM[act]) is (not refused)
    if not refused:
        then = after(act, standing, "ada", 1)
        assert (then.status, recorded_as(act, then, 1)) == TABLE[act, status]


@pytest.mark.parametrize(
    ("act", "status", "why"),
    [
        (Act.RELEASE, ACTIVE, "the session is active already"),
        (Act.LOCK, QUARANTINE, "the session is in quarantine: release it first"),
        (Act.HOLD, LOCKED, "the session is locked: unlock it first"),
        (Act.OBSOLETE, LOCKED, "the session is locked: unlock it first"),
        (Act.OBSOLETE, OBSOLETE, "the session is obsolete already"),
        (Act.HOLD, OBSOLETE, "the session is obsolete: activate it first"),
        (Act.ACTIVATE, LOCKED, "the session is locked"),
    ],
)
def test_a_refusal_says_what_would_help(act: Act, status: SessionStatus, why: str) -> None:
    assert why_not(act, Standing(status=status), "ada", 1) == why


def test_two_people_are_two_different_ones() -> None:
    first = after(Act.RELEASE, Standing(status=QUARANTINE), "ada", 2)
    assert (first.status, first.yes) == (QUARANTINE, frozenset({"ada"}))
    assert recorded_as(Act.RELEASE, first, 2) == "Released 1 of 2"
    assert "another person" in why_not(Act.RELEASE, first, "ada", 2)
    second = after(Act.RELEASE, first, "bob", 2)
    assert (second.status, second.yes) == (ACTIVE, frozenset())
    # A project that has come to want one only is content with the one that it has.
    assert why_not(Act.RELEASE, first, "ada", 1) == ""
    assert after(Act.RELEASE, first, "ada", 1).status is ACTIVE
    assert after(Act.HOLD, first, "ada", 2).yes == frozenset()


def test_what_undoes_an_act_is_possible_after_it() -> None:
    for (act, status), _ in TABLE.items():
        if act in OPPOSITE:
            then = after(act, Standing(status=status), "ada", 1)
            assert why_not(OPPOSITE[act], then, "ada", 1) == ""


class Walk(RuleBasedStateMachine):
    """Three people do whatever they may, while the project changes how many it wants."""

    def __init__(self) -> None:
        super().__init__()
        self.standing = Standing(status=QUARANTINE)
        self.people = 2
        self.agreed: set[str] = set()
        self.released = False
        self.locked = False

    @rule(people=st.sampled_from([1, 2]))
    def change_project(self, people: int) -> None:
        """Another number of people is wanted."""
        self.people = people

    @rule(act=st.sampled_from(list(Act)), actor=st.sampled_from(["ada", "bob", "cyd"]))
    def do(self, act: Act, actor: str) -> None:
        """Somebody tries something."""
        before = self.standing
        if why_not(act, before, actor, self.people):
            return
        assert not (self.locked and act is not Act.UNLOCK)
        self.standing = after(act, before, actor, self.people)
        if act is Act.RELEASE:
            self.agreed.add(actor)
            self.released = self.released or len(self.agreed) >= self.people
        elif act is Act.HOLD:
            self.agreed, self.released = set(), False
        elif act is Act.OBSOLETE:
            self.agreed = set()
        self.locked = act is Act.LOCK or (self.locked and act is not Act.UNLOCK)

    @precondition(lambda self: not self.released)
    @invariant()
    def nobody_else_sees_it_before_enough_have_agreed(self) -> None:
        assert self.standing.is_withheld

    @precondition(lambda self: self.released)
    @invariant()
    def everybody_sees_it_afterwards(self) -> None:
        assert not self.standing.is_withheld

    @invariant()
    def who_has_agreed_is_kept_in_quarantine_only(self) -> None:
        assert not self.standing.yes or self.standing.status is QUARANTINE
        assert len(self.standing.yes) < 2
        assert (self.standing.before is None) == (self.standing.status is not OBSOLETE)


TestWalk = Walk.TestCase


@pytest.mark.parametrize("least", [Role.OWNER, Role.MEMBER, Role.COLLABORATOR])
@pytest.mark.parametrize("role", Role)
def test_a_project_says_who_releases(role: Role, least: Role) -> None:
    order = [Role.OWNER, Role.MEMBER, Role.COLLABORATOR]
    wanted = role in order and order.index(role) <= order.index(least)
    assert releases(role, least) is wanted
    actor = Actor(name="ada", roles={"P": frozenset({role})}, release_by={"P": least})
    assert actor.may(Permission.RELEASE, "P") is wanted
    assert actor.scope(Permission.RELEASE).projects == (frozenset({"P"}) if wanted else frozenset())
    assert not actor.may(Permission.RELEASE, "Q") and not actor.may(Permission.RELEASE)


def test_a_roster_tells_its_actors_who_releases() -> None:
    roster = Roster(users={"ada": User(login="ada")}, release_by={"P": Role.MEMBER})
    actor = roster.actor("ada", "test")
    assert actor is not None and actor.release_by == {"P": Role.MEMBER}
    assert not actor.may(Permission.RELEASE, "P")
