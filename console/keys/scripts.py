# SPDX-License-Identifier: Apache-2.0
"""The keys of the anonymization scripts."""

from __future__ import annotations

from dataclasses import replace

from console.keys.key import EXPORT, OPEN, Column, Key, ScreenKeys

_TURN = Key(
    action="turn",
    keys="f6",
    shown="F6",
    label="enable, disable…",
    help="let the script run, or let none run for the site or the project",
    column=Column.ACT,
    line=5,
    acts=True,
)

SCRIPTS = ScreenKeys(
    name="scripts",
    title="Scripts",
    marks=False,
    sorts=False,
    keys=(
        replace(OPEN, label="versions", help="go to its versions, and who wrote them"),
        _TURN,
        EXPORT,
    ),
)
