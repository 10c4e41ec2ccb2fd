# SPDX-License-Identifier: Apache-2.0
"""What the pieces of a line look like: the style of the widget that draws it, and over that what
each tone adds. Component classes of Textual would say the same, but Textual works out all of them
for every widget each time that anything about a screen changes; these wait until one is drawn."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from rich.style import Style as RichStyle
from textual.style import Style
from textual.widget import Widget

VARIABLE = re.compile(r"\$([a-z-]+)")


class Tones:
    """The styles of one widget by the names of tones."""

    def __init__(
        self, widget: Widget, tones: Mapping[str, str], of_terminal: Mapping[str, str]
    ) -> None:
        """Mix tones into the style of a widget.

        Args:
            widget: What draws.
            tones: What each tone adds, as Textual writes it, in variables of the theme.
            of_terminal: The same, of tones that are others in the terminal's own colours.
        """
        self._widget = widget
        self._tones = tones
        self._of_terminal = {**tones, **of_terminal}
        self._mixed: dict[tuple[str, ...], RichStyle] = {}

    def __call__(self, *names: str) -> RichStyle:
        """Return the style of none or several tones, each over those before it."""
        mixed = self._mixed.get(names)
        if mixed is None:
            # Not the rich style of the widget: it does not mix what is half transparent.
            style = self._widget.get_visual_style()
            ansi = self._widget.app.native_ansi_color
            tones = self._of_terminal if ansi else self._tones
            for name in names:
                style += self._added(tones[name])
            mixed = self._mixed[names] = style.rich_style
        return mixed

    def forget(self) -> None:
        """Mix anew: the style of the widget is another now."""
        self._mixed.clear()

    def _added(self, tone: str) -> Style:
        # A variable that Textual puts in itself loses how transparent it is.
        variables = self._widget.app.theme_variables
        style = Style.parse(VARIABLE.sub(lambda found: variables[found[1]], tone))
        if style.background is None:
            return style
        # What is drawn over a widget is no less transparent than the widget.
        return replace(style, background=style.background.multiply_alpha(self._widget.opacity))
