# SPDX-License-Identifier: Apache-2.0
"""An editor for routing rules: tags and targets are highlighted, faults are underlined, and pasted
text is made plain. It knows neither which rules they are nor how they are checked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.widgets import TextArea

from console.views.rules import tidy
from engine.model.errors import Problem

_PARTS = re.compile(
    r"(?P<tag>^\s*\([0-9A-Fa-f]{4},[0-9A-Fa-f]{4}\))|(?P<target>(?<= )t:|(?<= )r:.*$)"
)


class RuleEditor(TextArea):
    """Edits lines; long ones are not wrapped."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"rules--tag", "rules--target", "rules--fault"}
    DEFAULT_CSS = """
    RuleEditor {
        border: round $panel;
        padding: 0;
        & .rules--tag { color: $accent; }
        & .rules--target { color: $success; }
        & .rules--fault { color: $error; text-style: underline; }
        &:ansi .rules--fault { text-style: underline bold; }
    }
    RuleEditor:focus { border: heavy $primary; }
    """

    def __init__(self, *, id: str) -> None:
        """Make an empty editor that nothing can be typed into yet."""
        super().__init__(
            id=id,
            classes="pane",
            soft_wrap=False,
            show_line_numbers=True,
            read_only=True,
        )
        self.cursor_blink = False
        self._faults: dict[int, int] = {}

    @property
    def line(self) -> int:
        """The line of the cursor, from 1."""
        return self.cursor_location[0] + 1

    def put(self, text: str, *, editable: bool) -> None:
        """Show another text, harmless to draw; what can be undone is forgotten."""
        self._faults = {}
        self.read_only = not editable
        self.load_text(tidy(text))

    def mark(self, problems: Sequence[Problem]) -> None:
        """Underline from where each fault is to the end of its line."""
        faults = {one.line - 1: max(0, one.column - 1) for one in reversed(problems)}
        if faults != self._faults:
            self._faults = faults
            # Lines are drawn from a private cache that knows nothing of faults; a test holds it.
            self._line_cache.clear()
            self.refresh()

    def show_fault(self, problem: Problem) -> None:
        """Put the cursor where a fault is."""
        self.move_cursor((max(0, problem.line - 1), max(0, problem.column - 1)))
        self.focus()

    def get_line(self, line_index: int) -> Text:
        """Return a line with its parts and its fault drawn."""
        line = super().get_line(line_index)
        for found in _PARTS.finditer(line.plain):
            name = "tag" if found["tag"] is not None else "target"
            style = self.get_component_rich_style(f"rules--{name}", partial=True)
            line.stylize(style, *found.span())
        if (column := self._faults.get(line_index)) is not None:
            start = min(column, max(0, len(line) - 1))
            line.stylize(self.get_component_rich_style("rules--fault", partial=True), start)
        return line

    def on_paste(self, event: events.Paste) -> None:
        """Change what is pasted before the editor itself sees it."""
        event.text = tidy(event.text)
