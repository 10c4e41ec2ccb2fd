# SPDX-License-Identifier: Apache-2.0
"""The key table: every key of the console as data. Bindings, the key line, the overlay of keys, the
palette and `docs/keys.md` are all made from it, so that they cannot disagree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from textual.binding import Binding, BindingType

from console.keys.key import (
    CARD,
    COMPARE,
    DESK,
    DOWNLOAD,
    EXPORT,
    FILTER,
    GLOBAL,
    LOG,
    MARKING,
    MOVING,
    NEXT,
    OBJECTS,
    OPEN,
    PAUSE,
    REVEAL,
    SAME,
    SEARCH,
    SEND,
    SORTING,
    TABS,
    TRIAGE,
    Column,
    Key,
    ScreenKeys,
    act,
)
from console.keys.ledger import HELD, LEDGER
from console.keys.people import PEOPLE
from console.keys.pictures import IMAGES, PICTURES
from console.keys.scripts import SCRIPT, SCRIPTS, VERSION
from console.keys.trail import AUDIT, MOMENT

MODES = (
    ("1", "live", "Live"),
    ("2", "prearchive", "Prearchive"),
    ("3", "quarantine", "Quarantine"),
    ("4", "archive", "Archive"),
    ("5", "scripts", "Scripts"),
    ("6", "projects", "Projects"),
    ("7", "ledger", "Ledger"),
    ("8", "audit", "Audit"),
    ("0", "system", "System"),
)
"""Number, name and title of the modes. Numbers never shift: a mode that is not there leaves its
own free."""

_SCANNERS = Key(
    action="scanners",
    keys="d",
    shown="d",
    label="scanners",
    help="acceptances: try a scanner step by step, and sign what was seen",
    column=Column.ACT,
    line=12,
)

_PEOPLE = Key(
    action="people",
    keys="u",
    shown="u",
    label="people",
    help="users, their roles, and who asks for access",
    column=Column.ACT,
    line=13,
)

SCREENS = {
    one.name: one
    for one in (
        ScreenKeys(
            name="live",
            title="Live",
            marks=False,
            sorts=False,
            keys=(
                FILTER,
                # Both of these show labels, which the watch screen must not.
                replace(OPEN, acts=True),
                Key(
                    action="follow",
                    keys="f",
                    shown="f",
                    label="follow",
                    help="keep the cursor on the newest row",
                    line=4,
                ),
                Key(
                    action="pause",
                    keys="p",
                    shown="p",
                    label="pause",
                    help="hold the picture still; what comes meanwhile is counted",
                    line=5,
                ),
                Key(
                    action="why",
                    keys="o",
                    shown="o",
                    label="why there",
                    help="how routing found project, subject and session",
                    line=6,
                    acts=True,
                ),
                replace(_SCANNERS, line=7, acts=True),
                replace(EXPORT, acts=True),
                replace(
                    CARD,
                    label="right column",
                    help="show or hide rates, receivers and senders beside the list",
                ),
            ),
        ),
        ScreenKeys(
            name="prearchive",
            title="Prearchive",
            keys=(
                FILTER,
                OPEN,
                *TRIAGE,
                *DESK,
                COMPARE,
                LOG,
                Key(
                    action="views",
                    keys="f",
                    shown="f",
                    label="views…",
                    help="choose a view, or save the filter and order as one",
                ),
                Key(
                    action="trash",
                    keys="d",
                    shown="d",
                    label="trash",
                    help="deleted sessions, and putting them back",
                    column=Column.ACT,
                ),
                SEND,
                CARD,
                REVEAL,
                EXPORT,
            ),
        ),
        ScreenKeys(
            name="session",
            title="Session",
            marks=False,
            sorts=False,
            keys=(
                SEARCH,
                *NEXT,
                TABS[0],
                replace(TABS[1], line=4),
                OBJECTS[0],
                replace(OBJECTS[1], line=10),
                OPEN,
                *TRIAGE,
                *DESK,
                COMPARE,
                SEND,
                replace(
                    LOG,
                    label="log, line",
                    help="the script line of a change, or that mends a finding; elsewhere the log",
                ),
                act(
                    "acknowledge",
                    "c",
                    "acknowledge…",
                    "say that a finding is none, or open it again (Findings)",
                ),
                SAME,
                PICTURES,
                REVEAL,
                EXPORT,
            ),
        ),
        ScreenKeys(
            name="compare",
            title="Compare",
            marks=False,
            sorts=False,
            keys=(replace(OPEN, help="tell all values of both sides"), REVEAL, EXPORT),
        ),
        ScreenKeys(
            name="trash",
            title="Trash",
            marks=False,
            sorts=False,
            keys=(
                act("restore", "u", "put back…", "put the session back to where it was", 4),
                REVEAL,
                EXPORT,
            ),
        ),
        ScreenKeys(
            name="quarantine",
            title="Quarantine",
            keys=(
                FILTER,
                replace(OPEN, label="session", help="open the archived session"),
                PICTURES,
                act(
                    "accept",
                    "a",
                    "release…",
                    "release it from quarantine, or agree to that; bring back what is obsolete",
                    5,
                ),
                act("hold", "b", "hold…", "into quarantine, or wait on in it with a reason", 6),
                act("lock", "w", "lock…", "let nobody change it; unlock one that is locked", 7),
                act("obsolete", "x", "obsolete…", "mark it as not to be used; it stays", 8),
                Key(
                    action="views",
                    keys="f",
                    shown="f",
                    label="states…",
                    help="choose which states are shown, or save the filter and order as a view",
                    line=9,
                ),
                CARD,
                EXPORT,
            ),
        ),
        ScreenKeys(
            name="archive",
            title="Archive",
            marks=False,
            keys=(
                Key(
                    action="filter",
                    keys="slash",
                    shown="/",
                    label="query",
                    help="find sessions: words, or field:value, field<value, !field:value",
                    line=2,
                ),
                OPEN,
                DOWNLOAD,
                Key(
                    action="views",
                    keys="f",
                    shown="f",
                    label="views…",
                    help="choose a view, or save the query and order as one",
                ),
                replace(SEND, line=6),
                CARD,
            ),
        ),
        ScreenKeys(
            name="filed",
            title="Filed session",
            marks=False,
            sorts=False,
            keys=(
                SEARCH,
                *NEXT,
                *TABS,
                *OBJECTS,
                OPEN,
                DOWNLOAD,
                PICTURES,
                replace(
                    COMPARE,
                    help="set the session, scan or file beside another, filed or waiting",
                ),
                replace(SEND, line=6),
            ),
        ),
        IMAGES,
        LEDGER,
        HELD,
        SCRIPTS,
        SCRIPT,
        VERSION,
        ScreenKeys(
            name="projects",
            title="Projects",
            marks=False,
            sorts=False,
            keys=(
                OPEN,
                *TABS,
                *OBJECTS,
                act("new", "n", "new project…", "add a project", 4),
                Key(
                    action="try",
                    keys="t,f5",
                    shown="t",
                    label="try…",
                    help="route a session of the prearchive by these rules; f5 while typing",
                    column=Column.ACT,
                    line=6,
                ),
                Key(
                    action="save",
                    keys="ctrl+s",
                    shown="ctrl+s",
                    label="save…",
                    help="put the edited rules in force",
                    column=Column.ACT,
                    line=7,
                    acts=True,
                ),
                act("drop", "x", "drop edits…", "give back the rules that are in force", 8),
                replace(
                    _PEOPLE,
                    keys="m",
                    shown="m",
                    label="members",
                    help="who has a role in the project, and who asks for one",
                    line=9,
                ),
                EXPORT,
            ),
        ),
        AUDIT,
        MOMENT,
        ScreenKeys(
            name="system",
            title="System",
            marks=False,
            sorts=False,
            keys=(
                *TABS,
                OPEN,
                Key(
                    action="check",
                    keys="r",
                    shown="r",
                    label="check, retry",
                    help="run the checks again, the long ones too; retry a job that failed",
                    column=Column.ACT,
                    line=5,
                ),
                act("new", "n", "new…", "add a receiver; below them a remote AE", 4),
                act("start", "a", "start", "let a receiver take associations; enable a remote", 6),
                act(
                    "stop",
                    "x",
                    "stop, delete…",
                    "stop a receiver; delete a remote; cancel a job or a send; unset a setting",
                    7,
                ),
                act(
                    "limits", "i", "limits…", "transfer syntaxes, limits of a receiver or remote", 8
                ),
                act("storing", "o", "storage…", "file names, classes, account of a receiver", 11),
                act("tls", "w", "TLS…", "certificates of a receiver, its senders, a remote", 9),
                Key(
                    action="echo",
                    keys="t",
                    shown="t",
                    label="echo",
                    help="ask the receiver or the remote for a C-ECHO",
                    column=Column.ACT,
                    line=10,
                ),
                _SCANNERS,
                _PEOPLE,
                PAUSE,
                EXPORT,
            ),
        ),
        PEOPLE,
        ScreenKeys(
            name="acceptances",
            title="Acceptances",
            marks=False,
            sorts=False,
            keys=(
                OPEN,
                act(
                    "new", "n", "begin…", "try another scanner; what it does from then on counts", 4
                ),
                act("expect", "i", "images…", "say how many images its own screen counts", 5),
                act("sign", "a", "sign…", "accept or reject it; what is signed stays", 6),
                Key(
                    action="session",
                    keys="o",
                    shown="o",
                    label="session",
                    help="open what it has fed: Routing says why it is there; [ and ] the others",
                    line=9,
                ),
                act("drop", "x", "give up…", "end it without a verdict on the scanner", 7),
                replace(
                    EXPORT,
                    help="write the record to a file, to be signed by hand or as JSON, or the rows",
                    line=8,
                ),
            ),
        ),
    )
}
"""The screens by name."""


def bindings(name: str) -> list[BindingType]:
    """Return the bindings of a screen: its own keys, then those of every screen."""
    own = SCREENS[name].keys
    taken = {key for one in own for key in one.keys.split(",")}
    made: list[BindingType] = [_binding(one, one.keys) for one in own if one.keys]
    for one in GLOBAL:
        free = [key for key in one.keys.split(",") if key not in taken]
        if free and not one.owned:
            made.append(_binding(one, ",".join(free)))
    return made


def widget_bindings(keys: Iterable[Key]) -> list[Binding]:
    """Return the bindings of a widget that owns its keys."""
    return [Binding(one.keys, one.action, one.label, show=False) for one in keys]


def told(name: str, *, watching: bool = False) -> Iterator[Key]:
    """Yield all keys of a screen for people, its own first; those that act only to who may act."""
    screen = SCREENS[name]
    marking = MARKING if screen.marks else ()
    lists = (*MOVING, *marking, *(SORTING if screen.sorts else ())) if screen.lists else ()
    taken: set[str] = set()
    for one in (*screen.keys, *lists, *GLOBAL):
        if one.shown not in taken and not (watching and one.acts):
            taken.add(one.shown)
            yield one


def _binding(key: Key, keys: str) -> Binding:
    action, bracket, rest = key.action.partition("(")
    arguments = f", {rest}" if bracket else ")"
    return Binding(keys, f"do('{action}'{arguments}", key.label, show=False)
