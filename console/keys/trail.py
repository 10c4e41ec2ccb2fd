# SPDX-License-Identifier: Apache-2.0
"""The keys of the audit trail, and of what was configured at a moment of it."""

from __future__ import annotations

from dataclasses import replace

from console.keys.key import CARD, EXPORT, FILTER, OPEN, Column, Key, ScreenKeys

AUDIT = ScreenKeys(
    name="audit",
    title="Audit",
    marks=False,
    sorts=False,
    keys=(
        replace(
            FILTER,
            help="find events: words, or who: action: object: project: since: until:",
        ),
        replace(OPEN, label="detail", help="the whole event"),
        Key(
            action="life",
            keys="o",
            shown="o",
            label="its whole life",
            help="everything that happened to the object, under all its names",
            line=4,
        ),
        Key(
            action="verify",
            keys="t",
            shown="t",
            label="verify",
            help="verify the chain from its newest checkpoint on",
            column=Column.ACT,
            line=5,
        ),
        Key(
            action="views",
            keys="f",
            shown="f",
            label="views…",
            help="choose a view, or save the filter as one",
            line=6,
        ),
        Key(
            action="moment",
            keys="m",
            shown="m",
            label="settings then…",
            help="what was configured at the event, or at any other moment",
            line=8,
        ),
        CARD,
        replace(EXPORT, line=7),
    ),
)

MOMENT = ScreenKeys(
    name="moment",
    title="Settings at a moment",
    marks=False,
    sorts=False,
    keys=(
        replace(OPEN, label="values", help="the values as they were and as they are"),
        Key(
            action="only",
            keys="f",
            shown="f",
            label="what differs",
            help="only what is otherwise now, or everything",
            line=4,
        ),
        EXPORT,
    ),
)
