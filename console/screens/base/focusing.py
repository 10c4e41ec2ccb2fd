# SPDX-License-Identifier: Apache-2.0
"""Screens whose focus stays where the user put it, however the terminal is resized: a focused pane
that has to be hidden gets the focus back when it is shown again. Where the focus is at first is up
to the screen."""

from __future__ import annotations

from textual import events, on
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input, TextArea


class FocusScreen(Screen[None]):
    """A screen that gives the focus back once there is room again."""

    def __init__(self) -> None:
        """Begin without a pane that lost the focus."""
        super().__init__()
        self._focused_before: Widget | None = None
        """What had the focus before the terminal was resized; None once the person went on."""

    def hold_focus(self) -> None:
        """Remember what has the focus: the terminal is about to get another size."""
        self._focused_before = self._focused_before or self.focused

    def let_focus_go(self) -> None:
        """Leave the focus where it is, if somewhere: the person goes on from there."""
        if self.focused in self.focus_chain:
            self._focused_before = None

    @on(events.Resize)
    @on(events.ScreenResume)
    @on(events.DescendantBlur)
    def _mind_focus(self) -> None:
        if self._focused_before is not None:
            # Which panes are hidden is known then.
            self.call_after_refresh(self._give_focus_back)

    def _give_focus_back(self) -> None:
        before, chain = self._focused_before, self.focus_chain
        if before is None or not self.is_current:
            return
        if before in chain:
            self.set_focus(before)
        elif chain and self.focused not in chain:
            # Not into a field: the next key would be typed there instead of run as a verb.
            written = (Input, TextArea)
            self.set_focus(next((one for one in chain if not isinstance(one, written)), chain[0]))
