# SPDX-License-Identifier: Apache-2.0
"""Who has which session open, for how long, and who is told."""

from __future__ import annotations

from typing import Any, cast

import pytest

from engine.model.errors import InvalidInput, NotFound
from engine.model.people import Actor, Role, operator
from engine.service.desk import LONGEST_CLIENT, ReviewDesk
from engine.service.event_buffer import EventBuffer
from engine.service.pace import Pace
from engine.service.presence import LASTS, Presence
from tests.engine.jobs.conftest import fixture  # noqa: F401 (a fixture)
from tests.engine.jobs.fixture import Fixture
from tests.engine.jobs.test_archive import ready


async def told(buffer: EventBuffer) -> list[str]:
    return [event.text for event in (await buffer.after(buffer.epoch, 0)).events]


def who(presence: Presence, login: str, session: str = "") -> list[tuple[str, str]]:
    return [(one.session, one.login) for one in presence.others(login, session)]


async def test_others_are_told_who_opens_and_leaves_a_session() -> None:
    buffer, now = EventBuffer(), [0.0]
    presence = Presence(buffer, clock=lambda: now[0])
    presence.opened("1", "ada", "pre_a")
    presence.opened("1", "ada", "pre_a")
    presence.opened("2", "ada", "pre_a")
    presence.opened("1", "bob", "pre_b")
    assert who(presence, "bob") == [("pre_a", "ada")]
    assert who(presence, "ada") == [("pre_b", "bob")]
    assert who(presence, "eve", "pre_b") == [("pre_b", "bob")]
    presence.opened("1", "bob", "pre_a")
    assert who(presence, "eve") == [("pre_a", "ada"), ("pre_a", "bob")]
    presence.closed("1", "bob")
    # Of two consoles of one person one is still there; and nobody closes another's.
    presence.closed("1", "ada")
    presence.closed("2", "eve")
    assert who(presence, "eve") == [("pre_a", "ada")]
    assert await told(buffer) == [
        *("opened by ada", "opened by ada", "opened by bob", "closed by bob"),
        *("opened by bob", "closed by bob", "closed by ada"),
    ]


async def test_whoever_is_silent_is_forgotten() -> None:
    now = [0.0]
    presence = Presence(EventBuffer(), clock=lambda: now[0])
    presence.opened("1", "ada", "pre_a")
    now[0] = LASTS - 1
    presence.opened("1", "ada", "pre_a")
    now[0] = 2 * LASTS - 2
    assert who(presence, "bob") == [("pre_a", "ada")]
    now[0] = 2 * LASTS
    assert who(presence, "bob") == []


async def test_only_who_decides_on_a_session_sees_who_has_it_open(
    fixture: Fixture,  # noqa: F811
) -> None:
    session = await ready(fixture)
    presence = Presence(EventBuffer())

    def desk(actor: Actor) -> ReviewDesk:
        pace, nothing = Pace(9, 9.0), cast("Any", None)
        return ReviewDesk(fixture.context, EventBuffer(), pace, presence, nothing, actor)

    here = Actor(name="ada", roles={"P": frozenset({Role.REVIEWER})})
    elsewhere = Actor(name="bob", roles={"Q": frozenset({Role.OWNER})})
    assert await desk(operator("mk")).open(session, "c1") == ()
    (other,) = await desk(here).open(session, "c1")
    assert (other.login, other.session) == ("mk", session)
    assert [one.login for one in await desk(here).opened()] == ["mk"]
    assert [one.login for one in (await desk(operator("mk")).show(session)).opened] == ["ada"]
    assert await desk(elsewhere).opened() == ()
    await desk(operator("mk")).close("c1")
    assert await desk(here).opened() == ()
    with pytest.raises(NotFound):
        await desk(here).open("pre_aaaaaaaa", "c1")
    for client in ("", "x" * (LONGEST_CLIENT + 1)):
        with pytest.raises(InvalidInput):
            await desk(here).open(session, client)
