# SPDX-License-Identifier: Apache-2.0
"""The only way from data into a widget. A `str` may be markup to Textual and an escape sequence to
the terminal; `plain` returns `Content`, which is neither. Styles are up to the caller."""

from __future__ import annotations

from textual.content import Content

from console.views import glyphs
from console.views.text import plain_text

__all__ = ["plain", "plain_text"]


def plain(text: str, width: int | None = None, style: str = "") -> Content:
    """Show what is harmless in one line, a sign for the rest, cut to `width` cells."""
    return Content.styled(glyphs.drawn(plain_text(text, width)), style)
