# SPDX-License-Identifier: Apache-2.0
"""The lines around the content of every screen: title, modes, what is wrong, status and keys. What
they say is up to the screen and to what is known of the engine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import ClassVar, TypeVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Container
from textual.widget import Widget

from console.keys.table import MODES, SCREENS, told
from console.runtime.context import ConsoleContext
from console.screens.base.focusing import FocusScreen
from console.views import figures, glyphs
from console.views.rows import Piece
from console.widgets.chrome import Line, ModeLine, key_hints

WidgetT = TypeVar("WidgetT", bound=Widget)


def sheets(*names: str) -> list[str | PurePath]:
    """Return the style sheets of a screen: those of the base, then its own."""
    return [Path(__file__).with_name("screen.tcss"), *names]


class LinesScreen(FocusScreen):
    """A screen between lines that say where the person is, how things are and what can be done."""

    NAME: ClassVar[str]
    """In the key table."""

    CSS_PATH = sheets()
    # Otherwise Textual would focus the first widget that can have the focus.
    AUTO_FOCUS = ""

    def __init__(self, context: ConsoleContext) -> None:
        """Show what is known in `context`."""
        super().__init__()
        self.context = context
        self._status: tuple[tuple[Piece, ...], tuple[Piece, ...]] = ((), ())

    # What a screen brings.

    def content(self) -> ComposeResult:
        """Lay out what stands between the lines."""
        raise NotImplementedError

    def crumb(self) -> str:
        """Say where the person is, without the name of the program."""
        return SCREENS[self.NAME].title

    def hinted(self, action: str) -> bool:
        """Whether a verb is for what is on show, so that its key may stand in the key line."""
        return True

    def why_off(self, action: str) -> str:
        """Say why a verb is off, for this person or now; empty where it is possible."""
        raise NotImplementedError

    # What it uses.

    def say(self, *left: Piece, right: Sequence[Piece] = ()) -> None:
        """Show pieces in the status line."""
        self._status = (left, tuple(right))
        self._draw_status()

    def keys_changed(self) -> None:
        """Draw the key line again: what is possible may have changed."""
        self._draw_keys()

    def pane(self, kind: type[WidgetT], name: str) -> WidgetT:
        """Return a widget of this screen by its id."""
        return self.query_one(f"#{name}", kind)

    # How it works.

    def compose(self) -> ComposeResult:
        """Lay the lines out around the content."""
        self._begin_in_size()
        yield Line(id="title")
        yield ModeLine(id="modes")
        yield Line(id="strip")
        with Container(id="content"):
            yield from self.content()
        yield Line(id="room")
        yield Line(id="status")
        yield Line(id="keys")

    def on_mount(self) -> None:
        """Draw the lines."""
        self.query_one("#room", Line).say(((" make the window larger: 80x24 shows all", "look"),))
        self.draw_lines()

    def _begin_in_size(self) -> None:
        """Have the style classes of the terminal's size before there is anything to be styled.

        Textual gives them once all is laid out, and then styles and lays out all of it again.
        """
        width, height = self.app.size
        sizes = ((width, self.app.HORIZONTAL_BREAKPOINTS), (height, self.app.VERTICAL_BREAKPOINTS))
        for cells, breakpoints in sizes:
            reached = [name for least, name in sorted(breakpoints or ()) if cells >= least]
            self.update_classes({name: True for name in reached[-1:]}, update=False)

    @on(events.Resize)
    def _resized(self) -> None:
        self.draw_lines()

    @on(events.DescendantFocus)
    def _focus_moved(self) -> None:
        self._draw_keys()

    def draw_lines(self) -> None:
        """Draw title, modes, strip, status and keys, as far as they have changed."""
        if not self.is_mounted:
            return
        view, width = self.context.status_view, self.app.size.width
        tabs = [
            ModeLine.Tab(number, name, title, view.count(name))
            for number, name, title in MODES
            if not self.context.watching or name == "live"
        ]
        self.query_one("#modes", ModeLine).show(tabs, self.app.current_mode, width)
        strip = self.query_one("#strip", Line)
        strip.display = bool(view.lost)
        self.set_class(bool(view.lost), "-lost")
        strip.say(((f" ! {view.lost}; {view.way or 'what is shown is old'}", "plain"),))
        self._draw_title(width)
        self._draw_status()
        self._draw_keys()

    def _draw_title(self, width: int) -> None:
        view, now = self.context.status_view, self.context.clock()
        right: list[Piece] = []
        if view.lost:
            right.append(("✗ what is shown is old  ", "bad"))
        elif view.status is not None:
            wide = width >= 100
            listening = [str(one.port) for one in view.status.receivers if one.listening]
            shown = f"● {' '.join(listening[:2])}" if listening else "! nobody listens"
            right.append((shown + "  ", "good" if listening else "bad"))
            rate = figures.rate(view.rate(now)) or "0"
            right.append((f"{view.status.associations} in  {rate} img/s ", "plain"))
            if wide:
                history = glyphs.sparkline(view.history(), 8)
                right.append((f"{history}  ", "accent"))
            used = view.disk_used
            disk = f"disk {glyphs.meter(used, 9)} " if wide else "disk "
            right.append((f"{disk}{used:.0%}  ", "bad" if used > 0.9 else "plain"))
        if self.context.notices.unseen:
            right.append((f"!{self.context.notices.unseen}  ", "look"))
        if view.status is not None and width >= 100:
            right.append((f"{view.status.actor}  ", "muted"))
        right.append((f"{now.astimezone():%H:%M} ", "plain"))
        title = self.query_one("#title", Line)
        title.say(((" ANTEROOM ", "strong"), (f"▸ {self.crumb()}", "plain")), right)

    def _draw_status(self) -> None:
        if self.is_mounted:
            left, right = self._status
            if leaving := self.context.outgoing.text:
                right = (*right, (f"  {leaving} ", "accent"))
            self.query_one("#status", Line).say(((" ", "plain"), *left), right)

    def _draw_keys(self) -> None:
        if not self.is_mounted:
            return
        shown = sorted(
            (one for one in told(self.NAME, watching=self.context.watching) if 0 < one.line < 99),
            key=lambda one: one.line,
        )
        verbs = [(one, one.action.partition("(")[0]) for one in shown]
        hints = [
            (one.shown, one.label, not self.why_off(verb))
            for one, verb in verbs
            if self.hinted(verb)
        ]
        left, right = key_hints(hints, self.app.size.width, (":", "commands"))
        self.query_one("#keys", Line).say(left, right)
