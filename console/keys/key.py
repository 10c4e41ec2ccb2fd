# SPDX-License-Identifier: Apache-2.0
"""What a key is, and the keys that many screens share. Which screen has which keys is in
`console.keys.table`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Column(StrEnum):
    """The columns of the overlay."""

    MOVE = "Move and help"
    VIEW = "Mark and view"
    ACT = "Act"


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """One key, or several that do the same."""

    action: str
    """What it runs: `do_{action}` of the screen, or an action of the widget that owns it."""
    keys: str
    """As Textual names them, with commas between; empty where only the palette has it."""
    shown: str
    label: str
    """One or two words; `…` at the end where a question comes first."""
    help: str
    column: Column = Column.VIEW
    line: int = 0
    """Place in the key line, from the left; 0 is not on it."""
    acts: bool = False
    """Changes something: absent for those who only watch."""
    owned: bool = False
    """Bound by a widget or by the app, and listed here for people only."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ScreenKeys:
    """The keys of one screen."""

    name: str
    title: str
    keys: tuple[Key, ...]
    lists: bool = True
    """The screen has a list: its keys for moving are told as well."""
    marks: bool = True
    """Rows of the list can be marked."""
    sorts: bool = True
    """The list can be sorted."""


def _move(action: str, keys: str, shown: str, label: str, help: str) -> Key:
    return Key(
        action=action,
        keys=keys,
        shown=shown,
        label=label,
        help=help,
        column=Column.MOVE,
        owned=True,
    )


MOVING = (
    _move("cursor(1)", "down,j", "j ↓", "next row", "the next row"),
    _move("cursor(-1)", "up,k", "k ↑", "row before", "the row before"),
    _move("page(1)", "pagedown,ctrl+d", "ctrl+d", "page down", "a page down, also with pgdn"),
    _move("page(-1)", "pageup,ctrl+u", "ctrl+u", "page up", "a page up, also with pgup"),
    _move("edge(-1)", "home,g", "g", "first row", "the first row, also with home"),
    _move("edge(1)", "end,G", "G", "last row", "the last row, also with end"),
    _move("sideways(-1)", "left,h", "h ←", "columns, fold", "columns to the left; folds a branch"),
    _move("sideways(1)", "right,l", "l →", "columns, unfold", "more columns; unfolds a branch"),
)
"""Keys of every list, bound by the list itself."""

MARKING = (
    Key(
        action="mark",
        keys="space",
        shown="space",
        label="mark",
        help="mark the row, or take its mark away",
        owned=True,
        line=4,
    ),
    Key(
        action="range",
        keys="v",
        shown="v",
        label="range",
        help="begin a range here; v or space ends it, esc drops it",
        owned=True,
    ),
    Key(
        action="mark_all",
        keys="asterisk",
        shown="*",
        label="all shown",
        help="mark every row that the list shows, at most 10 000",
        owned=True,
    ),
    Key(
        action="unmark",
        keys="backslash",
        shown="\\",
        label="none",
        help="take all marks away",
        owned=True,
    ),
)
"""Keys of lists whose rows can be marked."""

SORTING = (
    Key(
        action="sort",
        keys="s",
        shown="s",
        label="sort",
        help="sort by the next column",
        owned=True,
    ),
    Key(
        action="reverse",
        keys="S",
        shown="S",
        label="reverse",
        help="the other way round",
        owned=True,
    ),
)

GLOBAL = (
    Key(
        action="keys",
        keys="question_mark,f1",
        shown="?",
        label="help",
        help="the keys of this screen, and why some are off",
        line=1,
        column=Column.MOVE,
    ),
    Key(
        action="palette",
        keys="colon,ctrl+p",
        shown=":",
        label="commands",
        help="everything that can be done, by name; any session by its label",
        line=99,
        column=Column.MOVE,
    ),
    Key(
        action="notices",
        keys="exclamation_mark",
        shown="!",
        label="notices",
        help="what was said lately",
        column=Column.MOVE,
    ),
    Key(
        action="copy",
        keys="y",
        shown="y",
        label="copy…",
        help="copy the row, its id, its command or its REST call",
        column=Column.MOVE,
    ),
    Key(
        action="zoom",
        keys="z",
        shown="z",
        label="zoom",
        help="give the pane the whole screen",
        column=Column.MOVE,
    ),
    Key(
        action="reload",
        keys="ctrl+r",
        shown="ctrl+r",
        label="reload",
        help="ask the engine again for what is shown",
        column=Column.MOVE,
    ),
    Key(
        action="undo",
        keys="u",
        shown="u",
        label="undo",
        help="take back your last act, where that is possible",
        column=Column.ACT,
        acts=True,
    ),
    Key(
        action="pane",
        keys="tab",
        shown="tab",
        label="pane",
        help="the next pane; shift+tab the one before",
        column=Column.MOVE,
        owned=True,
    ),
    Key(
        action="back",
        keys="escape",
        shown="esc",
        label="back",
        help="drop the filter, leave the pane or the screen",
        column=Column.MOVE,
    ),
    Key(
        action="quit",
        keys="q",
        shown="q",
        label="back, quit",
        help="leave the screen; at its root, the console",
        column=Column.MOVE,
    ),
    Key(
        action="leave",
        keys="ctrl+q",
        shown="ctrl+q",
        label="quit",
        help="leave the console from anywhere",
        column=Column.MOVE,
        owned=True,
    ),
)
"""Keys that work on every screen."""

FILTER = Key(
    action="filter",
    keys="slash",
    shown="/",
    label="filter",
    help="narrow the list: words, or field:value, field<value, !field:value",
    line=2,
)
SEARCH = Key(
    action="search",
    keys="slash",
    shown="/",
    label="search",
    help="find text; n and N go to the next and the one before",
    line=2,
)
NEXT = (
    Key(action="next", keys="n", shown="n", label="next", help="the next place that was found"),
    Key(action="previous", keys="N", shown="N", label="before", help="the place before"),
)
OPEN = Key(action="open", keys="enter", shown="enter", label="open", help="open it", line=3)
CARD = Key(action="card", keys="c", shown="c", label="card", help="show or hide the card beside")
EXPORT = Key(
    action="export",
    keys="e",
    shown="e",
    label="export…",
    help="write the rows to a file as CSV, TSV or JSON",
)
DOWNLOAD = Key(
    action="export",
    keys="e",
    shown="e",
    label="download…",
    help="write files of the session into a folder of yours, or the rows of the list to a file",
    column=Column.ACT,
    line=5,
)
LOG = Key(
    action="log",
    keys="o",
    shown="o",
    label="log",
    help="what happened to the session so far",
)
SAME = Key(
    action="same",
    keys="equals_sign",
    shown="=",
    label="same",
    help="in Done and To come: show the elements that stay, or hide them",
)
PAUSE = Key(action="pause", keys="p", shown="p", label="pause", help="hold the picture still")
REVEAL = Key(
    action="reveal",
    keys="number_sign",
    shown="#",
    label="reveal",
    help="show masked labels for a minute; it is written to the audit trail",
    acts=True,
)
TABS = (
    Key(
        action="tab(-1)",
        keys="less_than_sign",
        shown="<",
        label="tab before",
        help="the tab before",
        column=Column.MOVE,
    ),
    Key(
        action="tab(1)",
        keys="greater_than_sign",
        shown=">",
        label="next tab",
        help="the next tab",
        column=Column.MOVE,
    ),
)
OBJECTS = (
    Key(
        action="object(-1)",
        keys="left_square_bracket",
        shown="[",
        label="one before",
        help="the object before this one in its list",
        column=Column.MOVE,
    ),
    Key(
        action="object(1)",
        keys="right_square_bracket",
        shown="]",
        label="next one",
        help="the next object of its list",
        column=Column.MOVE,
    ),
)


def act(action: str, keys: str, label: str, help: str, line: int = 0) -> Key:
    """Make the key of an act."""
    return Key(
        action=action,
        keys=keys,
        shown=keys,
        label=label,
        help=help,
        column=Column.ACT,
        line=line,
        acts=True,
    )


SEND = act("send", "t", "send…", "send it to a remote AE; System, Jobs says how far that is")
TRIAGE = (
    act("archive", "a", "archive…", "file the session in the archive", 5),
    act("move", "m", "move…", "put it into another project", 6),
    act("relabel", "i", "relabel…", "give it another label or subject", 7),
    act("rebuild", "r", "rebuild", "build it anew from its files; ends the wait for more", 8),
    act("delete", "x", "delete…", "take it out, into the trash; cancels it while it is queued", 9),
    Key(
        action="resolve",
        keys="w",
        shown="w",
        label="decide…",
        help="show what contradicts itself in the session, and say what is kept",
        column=Column.ACT,
        acts=True,
    ),
    Key(
        action="reset",
        keys="",
        shown=": reset",
        label="reset…",
        help="take it out of the queue, its status found anew from its files",
        column=Column.ACT,
        acts=True,
    ),
)
"""What can be done to a session of the prearchive, in the list and in its own screen."""
DESK = (
    Key(
        action="desk",
        keys="full_stop",
        shown=".",
        label="desk…",
        help="say that you have reviewed it, leave a note, say whose it is; find one by a paper",
        column=Column.ACT,
        acts=True,
    ),
    Key(
        action="look_up",
        keys="",
        shown=": paper",
        label="by a paper…",
        help="find a session by a name, an id or an accession number; nothing of it is kept",
        column=Column.ACT,
        acts=True,
    ),
)
"""What reviewers say of sessions, and how they find one."""

COMPARE = Key(
    action="compare",
    keys="",
    shown=": comp",
    label="compare…",
    help="set two marked sessions side by side; of one its versions, or two of its scans",
    acts=True,
)
