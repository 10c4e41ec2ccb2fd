# SPDX-License-Identifier: Apache-2.0
"""What opens over any screen for a moment: the keys of the screen, recent notices, a text, and the
blank screen of a console that nobody is looking at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from console.keys.key import Column, Key
from console.keys.table import SCREENS, told
from console.plain import plain, plain_text
from console.runtime import notices
from console.runtime.context import ConsoleContext
from console.views import figures
from console.views.text import wrapped
from console.widgets.dialogs import PlainInput
from console.widgets.table import RecordTable, Row, TableColumn

if TYPE_CHECKING:
    from console.screens.base.screen import BaseScreen

COLUMN_WIDTHS = {Column.MOVE: 24, Column.VIEW: 24, Column.ACT: 24}


def key_lines(keys: Sequence[Key]) -> list[str]:
    """Lay the keys out in the columns of the overlay, under their titles."""
    columns = {
        column: [f"{one.shown:<7} {one.label}" for one in keys if one.column is column]
        for column in Column
    }
    height = max(len(lines) for lines in columns.values())
    lines = ["".join(f"{column.value:<{width}}" for column, width in COLUMN_WIDTHS.items())]
    for place in range(height):
        cells = (
            f"{columns[column][place] if place < len(columns[column]) else '':<{width}}"
            for column, width in COLUMN_WIDTHS.items()
        )
        lines.append("".join(cells))
    return lines


class KeysScreen(ModalScreen[str | None]):
    """The keys of a screen: to read, to search, to run one. Gives the action that was chosen."""

    CSS_PATH = "overlays.tcss"
    # While the keys are only read, nothing is typed into the field, which is not shown yet.
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", show=False),
        Binding("escape,q,question_mark,f1", "close", show=False),
        Binding("down,j", "scroll(1)", show=False),
        Binding("up,k", "scroll(-1)", show=False),
    ]

    def __init__(self, below: BaseScreen) -> None:
        """Show the keys of the screen below."""
        super().__init__()
        self._below = below
        self._keys = tuple(told(below.NAME, watching=below.context.watching))

    def compose(self) -> ComposeResult:
        """Lay the overlay out."""
        with Vertical(id="keys-overlay"):
            for line in key_lines(self._keys):
                yield Static(plain(line), classes="column-line")
            for line in self._off():
                yield Static(plain(line), classes="off-line")
            yield PlainInput(id="words", compact=True, placeholder="what is to be done?")
            columns = (
                TableColumn(title="Key", width=8),
                TableColumn(title="Does", width=30, grows=True),
            )
            yield RecordTable(columns, empty="no key does that", id="found", header=False)

    def on_mount(self) -> None:
        """Begin as something to read."""
        box = self.query_one("#keys-overlay", Vertical)
        box.border_title = plain(f"{SCREENS[self._below.NAME].title} · keys")
        zone = figures.time_zone(self._below.context.clock())
        box.border_subtitle = plain(f"/ searches · enter runs it · esc closes · times in {zone}")
        self._find("")

    def action_search(self) -> None:
        """Search instead of reading."""
        self.add_class("searching")
        self.query_one(PlainInput).focus()

    def action_scroll(self, lines: int) -> None:
        """Show what does not fit."""
        self.query_one("#keys-overlay", Vertical).scroll_relative(y=lines, animate=False)

    def action_close(self) -> None:
        """Go back to the screen."""
        self.dismiss(None)

    @on(Input.Changed)
    def find(self, message: Input.Changed) -> None:
        """Show the keys that fit."""
        self._find(message.value)

    @on(Input.Submitted)
    def run_first(self) -> None:
        """Run the first that was found."""
        self._give(self.query_one(RecordTable).cursor_key)

    @on(RecordTable.RowChosen)
    def run_this(self, message: RecordTable.RowChosen) -> None:
        """Run the one that was chosen."""
        self._give(message.key)

    def on_key(self, event: events.Key) -> None:
        """Let arrows move in the list while words are typed."""
        if event.key in ("down", "up") and isinstance(self.focused, Input):
            self.query_one(RecordTable).action_cursor(1 if event.key == "down" else -1)
            event.stop()

    def _give(self, shown: str | None) -> None:
        chosen = next((one for one in self._keys if one.shown == shown), None)
        self.dismiss(None if chosen is None else chosen.action)

    def _find(self, words: str) -> None:
        wanted = words.lower().split()
        rows = [
            Row(
                key=one.shown,
                cells=(one.shown, self._said(one)),
                tone="dim" if self._why(one) else "plain",
            )
            for one in self._keys
            if all(word in f"{one.label} {one.help} {one.shown}".lower() for word in wanted)
        ]
        self.query_one(RecordTable).show(rows)

    def _said(self, key: Key) -> str:
        why = self._why(key)
        return f"{key.label}: not now, {why}" if why else f"{key.label}: {key.help}"

    def _why(self, key: Key) -> str:
        return "" if key.owned else self._below.why_off(key.action.partition("(")[0])

    def _off(self) -> list[str]:
        off = [(one, self._why(one)) for one in self._keys]
        lines = [f"{one.shown:<7} {one.label.rstrip('…')}: {why}" for one, why in off if why]
        return ["Not now", *lines] if lines else []


class NoticesScreen(ModalScreen[None]):
    """What was said lately, newest first."""

    CSS_PATH = "overlays.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,exclamation_mark", "close", show=False)
    ]

    def __init__(self, context: ConsoleContext) -> None:
        """Show the notices of a console."""
        super().__init__()
        self.context = context

    def compose(self) -> ComposeResult:
        """Lay the list out."""
        columns = (
            TableColumn(title="At", width=10),
            TableColumn(title="What", width=40, grows=True),
        )
        yield RecordTable(columns, empty="nothing was said yet", id="list", header=False)

    def on_mount(self) -> None:
        """Show them; they count as seen."""
        self.context.notices.seen()
        table = self.query_one(RecordTable)
        table.border_title = plain("Notices")
        table.border_subtitle = plain("newest first · esc closes")
        table.show(
            [
                Row(
                    key=str(place),
                    cells=(f"{notices.SIGNS[one.severity]} {figures.clock(one.at)}", one.text),
                    tone=notices.TONES[one.severity],
                )
                for place, one in enumerate(self.context.notices.all)
            ]
        )
        table.focus()

    def action_close(self) -> None:
        """Go back to the screen."""
        self.dismiss(None)


class TextScreen(ModalScreen[None]):
    """Lines to read: a log, an error."""

    CSS_PATH = "overlays.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "close", show=False)]

    def __init__(
        self,
        title: str,
        lines: Sequence[tuple[str, str]],
        *,
        empty: str,
        bad: bool = False,
        labelled: bool = False,
    ) -> None:
        """Show lines, each with what stands before it: when, or where.

        Args:
            title: What they are.
            lines: What is to be read.
            empty: The sentence that stands for no lines.
            bad: They tell of a failure.
            labelled: There may be labels in them that are masked at other times; with the next
                change of masks they go.
        """
        super().__init__()
        self._title = title
        self._lines = tuple(lines)
        self._empty = empty
        self._bad = bad
        self._labelled = labelled

    def compose(self) -> ComposeResult:
        """Lay the lines out."""
        first = max((len(before) for before, _ in self._lines), default=0)
        columns = (
            TableColumn(title="", width=max(1, min(first, 20))),
            TableColumn(title="", width=40, grows=True),
        )
        yield RecordTable(columns, empty=self._empty, id="list", header=False)

    def on_mount(self) -> None:
        """Show them."""
        table = self.query_one(RecordTable)
        table.border_title = plain(self._title, 60)
        table.border_subtitle = plain("esc closes")
        table.set_class(self._bad, "danger")
        self._draw()
        table.focus()

    def masks_changed(self) -> None:
        """Show nothing any more that may be masked by now."""
        if self._labelled:
            self._lines = (("", "the masks have changed: open it again"),)
            if self.is_mounted:
                self._draw()

    def _draw(self) -> None:
        table = self.query_one(RecordTable)
        room = table.growing_room
        rows = []
        for number, (before, text) in enumerate(self._lines):
            for place, line in enumerate(_lines(text, room)):
                key = f"{number}.{place}"
                rows.append(Row(key=key, cells=("" if place else before, line)))
        table.show(rows)

    @on(RecordTable.RowChosen)
    def action_close(self) -> None:
        """Go back to the screen."""
        self.dismiss(None)


class BlankScreen(ModalScreen[None]):
    """Hides what a console shows that nobody uses; any key brings it back."""

    CSS_PATH = "overlays.tcss"

    def compose(self) -> ComposeResult:
        """Show nothing but that it is there."""
        yield Static(plain("Anteroom  ·  any key goes on"), id="resting")

    def on_key(self, event: events.Key) -> None:
        """Go back; the key does nothing else."""
        event.stop()
        self.dismiss(None)

    def on_click(self) -> None:
        """Go back."""
        self.dismiss(None)


def _lines(text: str, width: int) -> list[str]:
    return [
        piece for line in text.splitlines() or [""] for piece in wrapped(plain_text(line), width)
    ]
