# SPDX-License-Identifier: Apache-2.0
"""An editor for anonymization scripts: lines are coloured, problems are underlined, and what may
follow can be chosen. It knows neither whose script it is nor how it is checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import TextArea

from console.views import script_lines
from console.views.script_completion import Choice, Offer, offer, variables
from console.views.script_draft import tidy
from console.views.script_lines import ScriptLines
from engine.model.remarks import Remark, Severity
from engine.service.script_words import Kind, Words, language_of, told

COLOURS = """
    & .script--comment { text-style: dim italic; }
    & .script--string { color: $success; }
    & .script--tag { color: $accent; }
    & .script--number { color: $warning; }
    & .script--keyword { color: $primary; text-style: bold; }
    & .script--function { color: $secondary; }
    & .script--fault { color: $error; text-style: underline; }
    & .script--warning { text-style: underline; }
    & .script--found { background: $primary 40%; }
    &:ansi .script--fault { text-style: underline bold; }
    &:ansi .script--found { text-style: reverse; }
"""
COMPONENTS = {
    *script_lines.TONES.values(),
    *("script--fault", "script--warning", "script--found"),
}
_OURS = {"f6", "f7", "ctrl+f"}
"""Keys that mean something to the screen, and to editors of Textual something else."""


def _theirs() -> list[BindingType]:
    kept: list[BindingType] = []
    for one in TextArea.BINDINGS:
        assert isinstance(one, Binding)
        keys = [key for key in one.key.split(",") if key not in _OURS]
        if keys:
            kept.append(Binding(",".join(keys), one.action, one.description, show=False))
    return kept


class ScriptEditor(TextArea, inherit_bindings=False):
    """Edits a script; long lines are not wrapped."""

    COMPONENT_CLASSES: ClassVar[set[str]] = COMPONENTS
    DEFAULT_CSS = f"""
    ScriptEditor {{
        border: round $panel;
        padding: 0;
        scrollbar-size-vertical: 1;
        scrollbar-size-horizontal: 0;
        {COLOURS}
    }}
    ScriptEditor:focus {{ border: heavy $primary; }}
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        *_theirs(),
        Binding("tab", "complete", show=False),
        Binding("escape", "close", show=False),
    ]

    @dataclass
    class Offered(Message):
        """What the script may go on with is to be shown; none, it no longer is."""

        editor: ScriptEditor
        choices: tuple[Choice, ...]

        @property
        def control(self) -> ScriptEditor:
            """The editor."""
            return self.editor

    @dataclass
    class Stepped(Message):
        """Another of the choices is wanted: the next (1) or the one before (-1)."""

        editor: ScriptEditor
        step: int

        @property
        def control(self) -> ScriptEditor:
            """The editor."""
            return self.editor

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
        self.lines = ScriptLines()
        self.words: Words | None = None
        """What can be completed; None until it is known."""
        self.chosen = 0
        """Which of the choices would be taken now."""
        self._remarks: dict[int, list[Remark]] = {}
        self._find = ""
        self._offer: Offer | None = None
        """What is offered while the person chooses."""

    # What the screen uses.

    @property
    def line(self) -> int:
        """The line of the cursor, from 1."""
        return self.cursor_location[0] + 1

    @property
    def place(self) -> tuple[int, int]:
        """Line and column of the cursor, from 1."""
        row, column = self.cursor_location
        return row + 1, column + 1

    def put(self, text: str, *, editable: bool) -> None:
        """Show another text, harmless to draw; what can be undone is forgotten."""
        self.read_only = not editable
        self._remarks = {}
        self.close()
        self.lines.edited()
        self.lines.language = language_of(text)
        self.load_text(tidy(text))

    def mark(self, remarks: Sequence[Remark], language: int) -> None:
        """Underline from where each problem is to the end of its line."""
        by_row: dict[int, list[Remark]] = {}
        for one in remarks:
            by_row.setdefault(one.line - 1, []).append(one)
        if by_row != self._remarks or language != self.lines.language:
            self._remarks, self.lines.language = by_row, language
            self.lines.edited()
            self._redraw()

    def search(self, words: str) -> None:
        """Show where these words are; empty for none."""
        if words != self._find:
            self._find = words
            self._redraw()

    def go_to(self, line: int, column: int = 1) -> None:
        """Put the cursor on a place, in the middle of the editor where it was out of view."""
        self.move_cursor((max(0, line - 1), max(0, column - 1)), center=True)

    def go_on(self, words: str, direction: int, *, here: bool = False) -> bool:
        """Go to where the words are next (1) or before (-1), round the ends; False for nowhere.
        `here` takes the place of the cursor as well."""
        sought, (row, column) = words.casefold(), self.cursor_location
        count = self.document.line_count
        for step in range(count + 1):
            at = (row + direction * step) % count
            line = self.document.get_line(at).casefold()
            if direction > 0:
                first = 0 if step else column + (0 if here else 1)
                found = line.find(sought, first)
            else:
                last = len(line) if step else max(0, column - 1) + len(sought)
                found = line.rfind(sought, 0, last) if step or column else -1
            if found >= 0:
                self.go_to(at + 1, found + 1)
                return True
        return False

    def add_line(self, line: int, text: str) -> None:
        """Put a line of its own before a line, as something that can be undone."""
        count = self.document.line_count
        row = min(max(0, line - 1), count)
        if row >= count:
            end = self.document.end
            self.insert(f"\n{tidy(text)}" if self.document.get_line(count - 1) else tidy(text), end)
        else:
            self.insert(f"{tidy(text)}\n", (row, 0))
        self.go_to(row + 1)

    def under_cursor(self) -> tuple[str, str, str]:
        """Return the tag under the cursor with its name and VR; empty where there is none, or
        where nobody knows it."""
        row, column = self.cursor_location
        here = script_lines.at(self.lines.of(self.document.lines, row), column)
        if here is None or here.kind is not Kind.TAG:
            return "", "", ""
        # Before all words are known the dictionary would first have to be read.
        return (here.text, *told(here.text)) if self.words is not None else ("", "", "")

    @property
    def choosing(self) -> bool:
        """Whether the person chooses what to go on with."""
        return self._offer is not None

    def take(self, number: int) -> None:
        """Go on with one of the choices."""
        if (offered := self._offer) is None or number >= len(offered.choices):
            return
        self.close()
        self._insert(offered, offered.choices[number])

    def close(self) -> None:
        """Offer nothing any more."""
        if self._offer is not None:
            self._offer = None
            self.post_message(self.Offered(self, ()))

    # How it works.

    def get_line(self, line_index: int) -> Text:
        """Return a line with its pieces and its problems drawn."""
        line = super().get_line(line_index)
        for piece in self.lines.of(self.document.lines, line_index):
            if (tone := script_lines.TONES.get(piece.kind)) is not None:
                line.stylize(self._tone(tone), piece.start, piece.end)
        if self._find:
            line.highlight_words([self._find], self._tone("script--found"), case_sensitive=False)
        for remark in self._remarks.get(line_index, ()):
            bad = remark.severity is Severity.ERROR
            start = min(max(0, remark.column - 1), max(0, len(line) - 1))
            line.stylize(self._tone("script--fault" if bad else "script--warning"), start)
        return line

    def on_text_area_changed(self) -> None:
        """Offer what fits now while the person chooses."""
        self.lines.edited()
        if self._offer is not None:
            self._renew_offer()

    def on_text_area_selection_changed(self) -> None:
        """Choose no more where the cursor has left the word."""
        if self._offer is not None:
            self._renew_offer()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Let tab and esc through to the screen where they have nothing to do here."""
        if action == "complete":
            return not self.read_only and self._wanted() is not None
        if action == "close":
            return self._offer is not None
        return True

    def action_complete(self) -> None:
        """Go on with the only choice, or with the one that is chosen; offer several."""
        if self._offer is not None:
            self.take(self.chosen)
        elif (wanted := self._wanted()) is not None:
            if len(wanted.choices) == 1:
                self._insert(wanted, wanted.choices[0])
            else:
                self._offer, self.chosen = wanted, 0
                self.post_message(self.Offered(self, wanted.choices))

    def action_close(self) -> None:
        """Offer nothing any more."""
        self.close()

    def action_cursor_down(self, select: bool = False) -> None:
        """Go down, in the choices where there are some."""
        if self._offer is not None and not select:
            self.post_message(self.Stepped(self, 1))
        else:
            super().action_cursor_down(select)

    def action_cursor_up(self, select: bool = False) -> None:
        """Go up, in the choices where there are some."""
        if self._offer is not None and not select:
            self.post_message(self.Stepped(self, -1))
        else:
            super().action_cursor_up(select)

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "enter" and self._offer is not None:
            event.stop()
            event.prevent_default()
            self.take(self.chosen)
            return
        await super()._on_key(event)

    def on_paste(self, event: events.Paste) -> None:
        """Change what is pasted before the editor itself sees it."""
        event.text = tidy(event.text)

    def on_blur(self) -> None:
        """Choose no more."""
        self.close()

    def _wanted(self) -> Offer | None:
        if self.words is None or self.selection.start != self.selection.end:
            return None
        row, column = self.cursor_location
        line, lines = self.document.get_line(row), self.document.lines
        here = script_lines.at(self.lines.of(lines, row), column)
        return offer(self.words, line, column, here, variables(lines), self.lines.language)

    def _renew_offer(self) -> None:
        wanted = self._wanted()
        if wanted == self._offer:
            return
        if wanted is None:
            self.close()
        else:
            self._offer, self.chosen = wanted, 0
            self.post_message(self.Offered(self, wanted.choices))

    def _insert(self, offered: Offer, choice: Choice) -> None:
        row, _ = self.cursor_location
        self.replace(choice.text, (row, offered.start), (row, offered.end))
        self.move_cursor((row, offered.start + len(choice.text)))

    def _redraw(self) -> None:
        # Lines are drawn from a private cache that knows nothing of problems; a test holds it.
        self._line_cache.clear()
        self.refresh()

    def _tone(self, name: str) -> Style:
        return self.get_component_rich_style(name, partial=True)
