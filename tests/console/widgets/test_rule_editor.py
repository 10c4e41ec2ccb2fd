# SPDX-License-Identifier: Apache-2.0
"""The editor of rules: what it draws, and what can be put into it."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import App, ComposeResult

from console.widgets.rule_editor import RuleEditor
from engine.model.errors import Problem
from tests.console.piloting import HOSTILE, until

TEXT = "(0008,1010):(MR15_.*):1 t:.+ r:CARDIO1\n(0008,103E):([a-z:1"


class EditorApp(App[None]):
    """An editor alone."""

    CSS: ClassVar[str] = "RuleEditor { height: 10; }"

    def __init__(self) -> None:
        super().__init__()
        self.editor = RuleEditor(id="editor")

    def compose(self) -> ComposeResult:
        yield self.editor

    def underlined(self, line: int) -> str:
        """Return what is underlined on a line."""
        strip = self.editor.render_line(line)
        return "".join(part.text for part in strip if part.style and part.style.underline).rstrip()


async def test_a_fault_is_underlined_at_once_and_until_it_is_gone() -> None:
    app = EditorApp()
    async with app.run_test(size=(60, 12)) as pilot:
        app.editor.put(TEXT, editable=True)
        await pilot.pause()
        assert app.underlined(1) == ""
        # The line was drawn, and is in the cache of the toolkit.
        app.editor.mark((Problem(message="“[” is not closed", line=2, column=14),))
        assert app.underlined(1) == "[a-z:1"
        assert app.underlined(0) == ""
        app.editor.mark(())
        assert app.underlined(1) == ""


async def test_a_fault_beyond_the_end_of_its_line_is_seen() -> None:
    app = EditorApp()
    async with app.run_test(size=(60, 12)) as pilot:
        app.editor.put("(0008", editable=True)
        await pilot.pause()
        app.editor.mark((Problem(message="it ends here", line=1, column=40),))
        assert app.underlined(0) == "8"


async def test_what_is_put_or_pasted_is_made_plain() -> None:
    app = EditorApp()
    async with app.run_test(size=(60, 12)) as pilot:
        app.editor.put(HOSTILE, editable=True)
        assert all(line.isprintable() for line in app.editor.text.split("\n"))
        app.editor.put("", editable=True)
        app.editor.focus()
        app.editor.post_message(events.Paste(f"one\r\n{HOSTILE}"))
        await until(pilot, lambda: app.editor.text.startswith("one\n"))
        assert all(line.isprintable() for line in app.editor.text.split("\n"))


async def test_nothing_is_typed_into_a_text_that_is_not_there_yet() -> None:
    app = EditorApp()
    async with app.run_test(size=(60, 12)) as pilot:
        app.editor.focus()
        await pilot.press("x")
        assert app.editor.text == ""
        app.editor.put("a", editable=True)
        await pilot.press("x")
        await until(pilot, lambda: app.editor.text == "xa")
