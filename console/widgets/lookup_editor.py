# SPDX-License-Identifier: Apache-2.0
"""An editor for the lookup table of a script, `type/key = value` a line. What is in it may name
patients: it is shown to those only to whom the engine gives it."""

from __future__ import annotations

from textual import events
from textual.widgets import TextArea

from console.views.script_draft import tidy


class LookupEditor(TextArea):
    """Edits lines; long ones are not wrapped."""

    DEFAULT_CSS = """
    LookupEditor { border: round $panel; padding: 0; }
    LookupEditor:focus { border: heavy $primary; }
    """

    def __init__(self, *, id: str) -> None:
        """Make an empty editor that nothing can be typed into yet."""
        super().__init__(
            id=id, classes="pane", soft_wrap=False, show_line_numbers=True, read_only=True
        )
        self.cursor_blink = False

    def put(self, text: str, *, editable: bool) -> None:
        """Show another text, harmless to draw; what can be undone is forgotten."""
        self.read_only = not editable
        self.load_text(tidy(text))

    def go_to(self, line: int) -> None:
        """Put the cursor on a line."""
        self.move_cursor((max(0, line - 1), 0), center=True)

    def on_paste(self, event: events.Paste) -> None:
        """Change what is pasted before the editor itself sees it."""
        event.text = tidy(event.text)
