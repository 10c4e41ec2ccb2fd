# SPDX-License-Identifier: Apache-2.0
"""The lines that every screen has: nothing in them is wider than they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App, ComposeResult

from console.keys.key import GLOBAL
from console.keys.table import MODES, SCREENS, told
from console.views.rows import Piece
from console.widgets.chrome import WHOLE_TITLES, Line, ModeLine, key_hints
from tests.console.piloting import HOSTILE, console, painted, settled, until
from tests.console.scenes import normal

WORDS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=20)


def width(pieces: list[Piece]) -> int:
    return sum(cell_len(text) for text, _ in pieces)


@given(
    st.lists(st.tuples(WORDS, WORDS, st.booleans()), max_size=20),
    st.integers(20, 200),
    st.booleans(),
)
def test_hints_never_exceed_the_width(
    hints: list[tuple[str, str, bool]], room: int, last: bool
) -> None:
    left, right = key_hints(hints, room, (":", "commands") if last else None)
    assert width(left) + width(right) <= room
    shown = [text for text, style in left if style in ("strong", "off")][::1]
    keys = [key for key, _, _ in hints]
    # Those that matter most, and no gap between them.
    assert [text for text in shown if not text.startswith(" ")] == [
        key for key in keys[: (len(left) - 1) // 2] if not key.startswith(" ")
    ]


@pytest.mark.parametrize("name", SCREENS)
def test_help_comes_first_on_every_screen(name: str) -> None:
    shown = sorted((key for key in told(name) if 0 < key.line < 99), key=lambda key: key.line)
    left, right = key_hints([(k.shown, k.label, True) for k in shown], 80, (":", "commands"))
    assert left[1] == ("?", "strong")
    assert right[0] == (":", "strong")
    assert GLOBAL[0].line == 1


def test_what_is_off_is_drawn_so() -> None:
    left, _ = key_hints([("a", "archive", False), ("m", "move", True)], 80, None)
    assert [style for _, style in left] == ["plain", "off", "off", "strong", "muted"]


class LineApp(App[None]):
    """A line alone."""

    def compose(self) -> ComposeResult:
        yield Line(id="line")


@pytest.mark.parametrize("room", [1, 7, 20, 80])
async def test_a_line_is_as_wide_as_its_place(room: int) -> None:
    app = LineApp()
    async with app.run_test(size=(room, 3)) as pilot:
        line = app.query_one(Line)
        line.say(((HOSTILE * 9, "plain"), ("山田太郎" * 9, "bad")), ((" right ", "muted"),))
        await pilot.pause()
        strip = line.render_line(0)
        assert cell_len(strip.text) == room
        assert not {"\x1b", "\x9b", "\u202e", "\ud800", "\n"} & set(strip.text)
        if room > 7:
            assert strip.text.endswith(" right ")
            assert strip.text[-8] in " …"


@pytest.mark.parametrize("columns", [60, 70, 80, 111, 112, 120])
async def test_all_modes_stand_on_their_line(columns: int) -> None:
    app = console(normal(), "prearchive")
    async with app.run_test(size=(columns, 24)) as pilot:
        await settled(pilot)
        line = painted(app).splitlines()[1]
        for number, _, title in MODES:
            short = f"{number}{title[: 4 if columns >= 80 else 3 if columns >= 70 else 2]}"
            assert (f"{number} {title}" if columns >= WHOLE_TITLES else short) in line
        assert "▐" in line and "▌" in line
        assert "·12" in line


async def test_a_click_goes_to_a_mode() -> None:
    app = console(normal(), "prearchive")
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        place = painted(app).splitlines()[1].index("4Arch")
        await pilot.click(ModeLine, offset=(place, 0))
        await until(pilot, lambda: app.current_mode == "archive")


async def test_a_line_is_painted_again_only_when_it_says_something_else() -> None:
    app = LineApp()
    async with app.run_test(size=(40, 3)):
        line = app.query_one(Line)
        line.say((("one", "plain"),))
        painted_again = []
        line.refresh = lambda *regions, **options: painted_again.append(regions) or line  # type: ignore[method-assign,func-returns-value]
        line.say((("one", "plain"),))
        assert not painted_again
        line.say((("two", "plain"),))
        assert len(painted_again) == 1
        assert line.text == "two"
