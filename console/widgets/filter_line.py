# SPDX-License-Identifier: Apache-2.0
"""The line in which a list is filtered: what is typed is checked as it is typed, and applied when
typing pauses. It stores nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static

from console.plain import plain
from console.widgets.debounce import Debounce
from console.widgets.dialogs import PlainInput
from engine.model.errors import InvalidInput
from engine.model.filters import Filter, parse_filter

PAUSE = 0.25
"""Seconds without a key after which what was typed is asked for."""


class FilterLine(Horizontal):
    """A filter being typed, and beside it what is wrong with it or a remark of its owner."""

    DEFAULT_CSS = """
    FilterLine {
        height: 1;
        display: none;
        & .slash { width: 3; color: $accent; }
        & PlainInput { width: 1fr; background: $background; }
        & .note { width: auto; max-width: 60%; color: $text-muted; }
        & .note.bad { color: $warning; }
    }
    FilterLine.open { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "drop", show=False),
        Binding("down", "leave", show=False),
    ]

    @dataclass
    class Changed(Message):
        """Another filter holds."""

        line: FilterLine
        filter: Filter

        @property
        def control(self) -> FilterLine:
            """The line."""
            return self.line

    @dataclass
    class Left(Message):
        """The person goes back to the list; the filter holds."""

        line: FilterLine

        @property
        def control(self) -> FilterLine:
            """The line."""
            return self.line

    def __init__(self, fields: frozenset[str], *, id: str) -> None:
        """Filter by these fields."""
        super().__init__(id=id)
        self._fields = fields
        self._apply_soon = Debounce(self)
        self._note = ""
        self.filter = Filter()
        """What holds now."""

    def compose(self) -> ComposeResult:
        """Lay the line out."""
        yield Static(plain(" / "), classes="slash")
        yield PlainInput(compact=True, select_on_focus=False)
        yield Static(plain(""), classes="note")

    def open(self) -> None:
        """Let the person type."""
        self.add_class("open")
        self.query_one(PlainInput).focus()

    def set(self, text: str) -> None:
        """Let a filter hold that was not typed here."""
        self.set_class(bool(text), "open")
        self.query_one(PlainInput).value = text
        self._apply()

    def clear(self) -> bool:
        """Let no filter hold; False when none did."""
        held = bool(self.query_one(PlainInput).value)
        self.set("")
        return held

    def note(self, text: str) -> None:
        """Say something beside the filter."""
        self._note = text
        self._say(text, bad=False)

    @on(Input.Changed)
    def wait(self, message: Input.Changed) -> None:
        """Wait for the end of the typing."""
        message.stop()
        self._apply_soon.after(PAUSE, self._apply)

    @on(Input.Submitted)
    def enter(self, message: Input.Submitted) -> None:
        """Go back to the list with what was typed."""
        message.stop()
        self.action_leave()

    def action_leave(self) -> None:
        """Go back to the list with what was typed."""
        self._apply()
        if not self.query_one(PlainInput).value:
            self.remove_class("open")
        self.post_message(self.Left(self))

    def action_drop(self) -> None:
        """Drop the filter and go back to the list."""
        self.clear()
        self.action_leave()

    def _apply(self) -> None:
        self._apply_soon.stop()
        try:
            found = parse_filter(self.query_one(PlainInput).value, self._fields)
        except InvalidInput as error:
            self._say(error.message, bad=True)
            return
        self._say(self._note, bad=False)
        if found != self.filter:
            self.filter = found
            self.post_message(self.Changed(self, found))

    def _say(self, text: str, *, bad: bool) -> None:
        note = self.query_one(".note", Static)
        note.set_class(bad, "bad")
        note.update(plain(f" {text}"))
