# SPDX-License-Identifier: Apache-2.0
"""The themes of the console."""

from __future__ import annotations

from textual.theme import Theme

ANTEROOM_DARK = Theme(
    name="anteroom-dark",
    primary="#2fb5a9",
    secondary="#5f8fb0",
    accent="#2fb5a9",
    warning="#e0a94a",
    error="#e0605a",
    success="#67b968",
    foreground="#cfd6dc",
    background="#0b0f14",
    surface="#131a21",
    panel="#1b242d",
    dark=True,
)
ANTEROOM_LIGHT = Theme(
    name="anteroom-light",
    primary="#0b7d73",
    secondary="#37698a",
    accent="#0b7d73",
    warning="#9a6400",
    error="#b3261e",
    success="#2c7a2e",
    foreground="#1c242b",
    background="#f6f8f9",
    surface="#e9edf0",
    panel="#dde3e7",
    dark=False,
)
STOCK = ANTEROOM_DARK.name
"""The theme of a console whose user has chosen none."""

OURS = (ANTEROOM_DARK, ANTEROOM_LIGHT)
OFFERED = (
    ANTEROOM_DARK.name,
    ANTEROOM_LIGHT.name,
    "ansi-dark",
    "ansi-light",
    "nord",
    "gruvbox",
    "solarized-light",
    "textual-dark",
)
"""What the palette offers. The two of ANSI use the terminal's own colours, and send half the
bytes."""
