# SPDX-License-Identifier: Apache-2.0
"""The editor of scripts: what it draws, what a key costs, and what can be put into it."""

from __future__ import annotations

from typing import ClassVar

import pytest
from textual import events, on
from textual.app import App, ComposeResult

from console.views.script_completion import Choice
from console.widgets.script_editor import ScriptEditor
from engine.model.remarks import Remark, Severity
from engine.service.script_words import words
from tests.console.piloting import HOSTILE, until

TEXT = 'version "6.7"\n// all\n- (0010,0010)\nx := "a\n'


class EditorApp(App[None]):
    """An editor alone."""

    CSS: ClassVar[str] = "ScriptEditor { height: 20; }"

    def __init__(self) -> None:
        super().__init__()
        self.editor = ScriptEditor(id="editor")
        self.offered: tuple[Choice, ...] = ()

    def compose(self) -> ComposeResult:
        yield self.editor

    @on(ScriptEditor.Offered)
    def note(self, message: ScriptEditor.Offered) -> None:
        self.offered = message.choices

    def underlined(self, line: int) -> str:
        """Return what is underlined on a line."""
        strip = self.editor.render_line(line)
        return "".join(part.text for part in strip if part.style and part.style.underline).rstrip()

    def colours(self, line: int) -> dict[str, object]:
        """Return the colours of the pieces of a line."""
        strip = self.editor.render_line(line)
        return {part.text.strip(): part.style.color for part in strip if part.style}


async def test_pieces_have_colours_of_their_own() -> None:
    app = EditorApp()
    async with app.run_test(size=(60, 22)) as pilot:
        app.editor.put(TEXT, editable=True)
        app.editor.go_to(5)
        await pilot.pause()
        kinds = {
            str(app.colours(row)[text])
            for row, text in ((0, "version"), (0, '"6.7"'), (1, "// all"), (2, "(0010,0010)"))
        }
        assert len(kinds) == 4


async def test_problems_are_underlined_at_once_and_until_they_are_gone() -> None:
    app = EditorApp()
    async with app.run_test(size=(60, 22)) as pilot:
        app.editor.put('version "6.7"\n- (0010,0010) x\n', editable=True)
        await pilot.pause()
        assert app.underlined(1) == ""
        # The line was drawn, and is in the cache of the toolkit.
        app.editor.mark((Remark(message="x", line=2, column=15),), 6)
        assert app.underlined(1) == "x"
        app.editor.mark((Remark(message="x", line=2, column=99, severity=Severity.WARNING),), 6)
        assert app.underlined(1) == "x"
        app.editor.mark((), 6)
        assert app.underlined(1) == ""


async def test_a_key_in_a_long_script_splits_one_line() -> None:
    lines = [f'(0010,{number:04X}) := lowercase["x{number}"]' for number in range(1200)]
    app = EditorApp()
    async with app.run_test(size=(80, 22)) as pilot:
        app.editor.put('version "6.7"\n' + "\n".join(lines), editable=True)
        app.editor.focus()
        app.editor.go_to(600, 1)
        await pilot.pause()
        for key in "abc":
            before = app.editor.lines.split
            await pilot.press(key)
            await pilot.pause()
            assert app.editor.lines.split - before == 1
        before = app.editor.lines.split
        await pilot.press("enter", "ctrl+z")
        await pilot.pause()
        assert app.editor.lines.split - before <= 3


async def test_tab_takes_the_only_word_and_offers_several() -> None:
    app = EditorApp()
    async with app.run_test(size=(60, 22)) as pilot:
        app.editor.put('version "6.7"\n', editable=True)
        app.editor.words = words()
        app.editor.focus()
        app.editor.go_to(2)
        await pilot.press(*"- PatientBirthDa", "tab")
        await until(pilot, lambda: len(app.offered) > 1)
        await pilot.press("tab")
        await until(pilot, lambda: not app.editor.choosing)
        assert app.editor.text.split("\n")[1] == "- (0010,0030)"
        await pilot.press("enter", *"isPres", "tab")
        await until(pilot, lambda: app.editor.text.endswith("\nisPresent["))
        await pilot.press("ctrl+z")
        await until(pilot, lambda: app.editor.text.endswith("\nisPres"))


async def test_what_is_typed_on_narrows_the_choice_and_esc_ends_it() -> None:
    app = EditorApp()
    async with app.run_test(size=(60, 22)) as pilot:
        app.editor.put("", editable=True)
        app.editor.words = words()
        app.editor.focus()
        await pilot.press(*"Patient", "tab")
        await until(pilot, lambda: len(app.offered) > 10)
        many = len(app.offered)
        await pilot.press(*"Na")
        await until(pilot, lambda: 0 < len(app.offered) < many)
        await pilot.press("escape")
        await until(pilot, lambda: not app.offered)
        assert app.editor.text == "PatientNa"


async def test_the_cursor_is_on_a_tag_that_has_a_name() -> None:
    app = EditorApp()
    async with app.run_test(size=(60, 22)) as pilot:
        app.editor.put('- (0010,0030)\n(0029,{SIEMENS CSA HEADER}10) := "x"', editable=True)
        app.editor.words = words()
        app.editor.go_to(1, 5)
        await pilot.pause()
        assert app.editor.under_cursor() == ("(0010,0030)", "PatientBirthDate", "DA")
        app.editor.go_to(2, 5)
        tag, name, vr = app.editor.under_cursor()
        assert (tag, bool(name), vr) == ("(0029,{SIEMENS CSA HEADER}10)", True, "OB")
        app.editor.go_to(1, 1)
        assert app.editor.under_cursor() == ("", "", "")


async def test_words_are_found_round_the_ends() -> None:
    app = EditorApp()
    async with app.run_test(size=(60, 22)) as pilot:
        app.editor.put("one\ntwo ONE\nthree", editable=True)
        await pilot.pause()
        assert app.editor.go_on("one", 1, here=True)
        assert app.editor.place == (1, 1)
        assert app.editor.go_on("one", 1)
        assert app.editor.place == (2, 5)
        assert app.editor.go_on("one", 1)
        assert app.editor.place == (1, 1)
        assert not app.editor.go_on("four", 1)


@pytest.mark.parametrize(
    ("line", "expected"),
    [(2, "a\nnew\nb"), (1, "new\na\nb"), (9, "a\nb\nnew")],
)
async def test_a_proposed_line_is_put_in_and_can_be_undone(line: int, expected: str) -> None:
    app = EditorApp()
    async with app.run_test(size=(60, 22)) as pilot:
        app.editor.put("a\nb", editable=True)
        await pilot.pause()
        app.editor.add_line(line, "new")
        assert app.editor.text == expected
        app.editor.undo()
        assert app.editor.text == "a\nb"


async def test_what_is_put_or_pasted_is_made_plain() -> None:
    app = EditorApp()
    async with app.run_test(size=(60, 22)) as pilot:
        app.editor.put(HOSTILE, editable=True)
        await pilot.pause()
        assert "\x1b" not in app.editor.text
        app.editor.put("", editable=True)
        app.editor.focus()
        app.editor.post_message(events.Paste(HOSTILE))
        await until(pilot, lambda: app.editor.text != "")
        assert not {"\x1b", "\x9b", "\u202e"} & set(app.editor.text)
