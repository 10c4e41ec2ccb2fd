# SPDX-License-Identifier: Apache-2.0
"""The styles of tones: what they are mixed with, and that they follow it."""

from __future__ import annotations

import pytest
from rich.style import Style
from textual.app import App, ComposeResult
from textual.color import Color
from textual.containers import Container
from textual.geometry import Size

from console.theme import ANTEROOM_DARK, ANTEROOM_LIGHT, OFFERED, OURS
from console.widgets.chrome import IN_ANSI, TONES, Line
from console.widgets.tones import Tones


class Lines(App[None]):
    """One line on the app, and one in what can become half transparent."""

    CSS = "#plain { background: $panel; } Container { height: 3; &.faint { opacity: 50%; } }"

    def compose(self) -> ComposeResult:
        yield Line(id="plain")
        with Container():
            yield Line(id="inner")

    def on_mount(self) -> None:
        for theme in OURS:
            self.register_theme(theme)
        self.theme = ANTEROOM_DARK.name

    def line(self, name: str = "plain") -> Line:
        return self.query_one(f"#{name}", Line)


def drawn(line: Line, tone: str) -> Style:
    """Return the style in which a line draws a piece of a tone."""
    line.say([("x", tone)])
    first = next(iter(line.render_line(0)))
    assert first.text == "x"
    return first.style or Style()


async def test_a_tone_is_mixed_with_the_style_of_what_draws_it() -> None:
    app = Lines()
    async with app.run_test() as pilot:
        await pilot.pause()
        panel, white = Color.parse(app.theme_variables["panel"]), Color(255, 255, 255)
        assert drawn(app.line(), "strong").bold
        for tone, part in (("muted", 0.6), ("off", 0.38)):
            style = drawn(app.line(), tone)
            assert style.bgcolor == panel.rich_color
            assert style.color == panel.blend(white, part).rich_color


@pytest.mark.parametrize("theme", OFFERED)
async def test_every_tone_is_drawn_in_every_theme(theme: str) -> None:
    app = Lines()
    async with app.run_test() as pilot:
        app.theme = theme
        await pilot.pause()
        ansi = IN_ANSI if app.native_ansi_color else {}
        for tone, added in (TONES | ansi).items():
            assert bool(drawn(app.line(), tone).bold) == ("bold" in added)
            assert bool(drawn(app.line(), tone).dim) == ("dim" in added)


async def test_a_tone_follows_the_theme() -> None:
    app = Lines()
    async with app.run_test() as pilot:
        for theme in (ANTEROOM_DARK, ANTEROOM_LIGHT, ANTEROOM_DARK):
            app.theme = theme.name
            await pilot.pause()
            error = Color.parse(app.theme_variables["error"])
            assert drawn(app.line(), "bad").color == error.rich_color


async def test_what_is_drawn_over_a_widget_is_as_transparent_as_the_widget() -> None:
    app = Lines()
    async with app.run_test() as pilot:
        await pilot.pause()
        line, accent = app.line("inner"), Color.parse(app.theme_variables["accent"])
        assert drawn(line, "chosen").bgcolor == accent.rich_color
        app.query_one(Container).add_class("faint")
        await pilot.pause()
        below = Color.parse(app.theme_variables["background"])
        assert drawn(line, "chosen").bgcolor == below.blend(accent, 0.5).rich_color


async def test_a_tone_that_is_not_known_is_an_error() -> None:
    app = Lines()
    async with app.run_test(size=Size(20, 5)) as pilot:
        await pilot.pause()
        with pytest.raises(KeyError):
            Tones(app.line(), TONES, {})("loud")
