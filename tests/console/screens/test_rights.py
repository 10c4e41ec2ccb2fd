# SPDX-License-Identifier: Apache-2.0
"""What somebody sees who may not do everything: each list that is not theirs is empty and says why,
and nobody is told again and again what they may not do."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from console.app import ConsoleApp
from console.keys.table import MODES
from engine.model.errors import Refused
from engine.model.people import Actor, Permission, Role
from engine.service.permissions import NEEDS, About
from engine.service.wire import VERBS
from tests.console.piloting import SMALL, console, painted, settled, until
from tests.console.scenes import normal


def acting(app: ConsoleApp, actor: Actor) -> None:
    """Let the engine refuse what an actor may do nowhere."""
    engine = app.context.engine

    class Guarded:
        def __init__(self, noun: str) -> None:
            self._noun, self._inner = noun, getattr(engine, noun)

        def __getattr__(self, verb: str) -> Any:
            inner = getattr(self._inner, verb)
            return partial(self._ask, f"{self._noun}.{verb}", inner)

        async def _ask(self, address: str, inner: Any, *args: Any, **kwargs: Any) -> Any:
            for need in NEEDS[address]:
                everywhere = need.about in (About.SITE, About.TRAIL)
                if need.about is About.SELF:
                    continue
                if everywhere and not actor.may(need.permission):
                    raise Refused(f"it needs the permission to {need.permission}")
                if not everywhere and not actor.may_somewhere(need.permission):
                    raise Refused(f"it needs the permission to {need.permission}")
            return await inner(*args, **kwargs)

    for noun in VERBS:
        setattr(engine, noun, Guarded(noun))


def who(role: Role | None) -> Actor:
    roles = {"NEURO3": frozenset({role})} if role is not None else {}
    return Actor(name="mk", roles=roles)


@pytest.mark.parametrize("role", [None, *Role])
async def test_every_screen_is_calm_for_every_role(role: Role | None) -> None:
    app = console(normal(), "live")
    acting(app, who(role))
    async with app.run_test(size=SMALL) as pilot:
        for number, name, _ in MODES:
            await pilot.press(number)
            await until(pilot, lambda: "asking the engine" not in painted(app))
            await settled(pilot)
            app.screen.look()  # type: ignore[attr-defined]
            await settled(pilot)
            assert [one.text for one in app.context.notices.all] == [], name


@pytest.mark.parametrize(
    ("mode", "role", "needed"),
    [
        ("prearchive", None, Permission.WATCH),
        ("archive", Role.REVIEWER, Permission.READ),
        ("quarantine", Role.WATCHER, Permission.READ),
        ("audit", Role.MEMBER, Permission.CONFIGURE),
        ("system", Role.OWNER, Permission.WATCH),
    ],
)
async def test_a_list_that_is_not_theirs_says_why_it_is_empty(
    mode: str, role: Role | None, needed: Permission
) -> None:
    app = console(normal(), mode)
    acting(app, who(role))
    async with app.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: f"it needs the permission to {needed}" in painted(app))
        assert [one.text for one in app.context.notices.all] == []
