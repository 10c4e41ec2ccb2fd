# SPDX-License-Identifier: Apache-2.0
"""The keys of the screen that shows people."""

from __future__ import annotations

from dataclasses import replace

from console.keys.key import EXPORT, OPEN, Column, Key, ScreenKeys, act

PEOPLE = ScreenKeys(
    name="people",
    title="People",
    marks=False,
    sorts=False,
    keys=(
        replace(OPEN, help="change a user; answer who asks for access"),
        act("new", "n", "new user…", "add a user, with a role from the start", 4),
        act("grant", "a", "give role…", "give a role; answer who asks with one", 5),
        act("revoke", "x", "take role…", "take a role away; answer who asks with no", 6),
        Key(
            action="ask",
            keys="r",
            shown="r",
            label="ask for access…",
            help="ask the owners of the project for a role in it",
            column=Column.ACT,
            line=7,
        ),
        Key(
            action="events",
            keys="o",
            shown="o",
            label="events",
            help="what they have done, in the audit trail",
            line=8,
        ),
        EXPORT,
    ),
)
"""Of everybody over System, and of the members of a project over Projects."""
