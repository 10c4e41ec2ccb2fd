# SPDX-License-Identifier: Apache-2.0
"""The keys of the anonymization scripts."""

from __future__ import annotations

from dataclasses import replace

from console.keys.key import EXPORT, NEXT, OPEN, TABS, Column, Key, ScreenKeys, act

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

_AGAIN = act(
    "rerun",
    "r",
    "run again…",
    "run the site script in force over waiting sessions that another version has made",
    6,
)

SCRIPTS = ScreenKeys(
    name="scripts",
    title="Scripts",
    marks=False,
    sorts=False,
    keys=(
        replace(OPEN, label="edit", help="open the script in the editor"),
        _TURN,
        _AGAIN,
        EXPORT,
    ),
)


def _typed(action: str, keys: str, shown: str, label: str, help: str, line: int = 0) -> Key:
    return Key(action=action, keys=keys, shown=shown, label=label, help=help, line=line)


SCRIPT = ScreenKeys(
    name="script",
    title="Script",
    marks=False,
    sorts=False,
    keys=(
        replace(OPEN, label="compare", help="in the versions: what differs from the text", line=0),
        Key(
            action="save",
            keys="ctrl+s",
            shown="ctrl+s",
            label="save…",
            help="save the text as the next version, which runs at once",
            column=Column.ACT,
            line=2,
            acts=True,
        ),
        Key(
            action="trial",
            keys="f5",
            shown="F5",
            label="dry run…",
            help="try the text as it stands on a session; nothing is saved",
            column=Column.ACT,
            line=3,
            acts=True,
        ),
        _typed("problem(1)", "f8", "F8", "next problem", "the next problem", 4),
        _typed("problem(-1)", "f7", "F7", "problem before", "the problem before"),
        replace(_TURN, line=8),
        _typed("versions", "ctrl+o", "ctrl+o", "versions", "all versions of the script", 5),
        act("samples", "ctrl+t", "samples", "run the text over the samples kept with the script"),
        _typed("lookups", "f4", "F4", "lookup table", "the lookup table of the script", 6),
        _typed("find", "ctrl+f", "ctrl+f", "find", "find words in the text", 7),
        _typed("found(1)", "f3", "F3", "next found", "where the words are next"),
        Key(
            action="complete",
            keys="tab",
            shown="tab",
            label="complete",
            help="complete a tag, by keyword or number, a function, a variable or a creator",
            owned=True,
        ),
        Key(
            action="undo_typed",
            keys="ctrl+z",
            shown="ctrl+z",
            label="undo typing",
            help="take back what was typed last; ctrl+y does it again",
            owned=True,
        ),
        *TABS,
        replace(NEXT[0], label="next", help="in the dry run: what differs next"),
        replace(NEXT[1], label="before", help="in the dry run: what differs before"),
        _typed("same", "equals_sign", "=", "same", "in the dry run: show what does not differ"),
        _typed("line", "o", "o", "line", "in the dry run: the line that makes the change"),
        act("other_session", "t", "on another…", "in the dry run: try it on another session"),
        Key(
            action="migrate",
            keys="",
            shown=": to 6",
            label="into version 6…",
            help="turn the text from DicomEdit 4.2 into version 6; what cannot be turned is named",
            column=Column.ACT,
            acts=True,
        ),
        replace(_AGAIN, line=0),
        act("back_to", "b", "bring back…", "make an earlier version the active one again"),
        act("drop", "x", "drop draft…", "give back the text of the version that it began with"),
    ),
)

VERSION = ScreenKeys(
    name="script version",
    title="Version of a script",
    marks=False,
    sorts=False,
    keys=(
        replace(NEXT[0], label="next change", help="the next place that differs", line=2),
        replace(NEXT[1], label="change before", help="the place that differs before", line=3),
        _typed("edit", "o", "o", "edit", "open the active version in the editor", 4),
    ),
)
