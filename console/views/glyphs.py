# SPDX-License-Identifier: Apache-2.0
"""The signs for statuses, marks and meters, and plain ones for terminals whose font lacks them. A
status is always a sign and a word, never a colour alone."""

from __future__ import annotations

POINTER = "▸"
MARK = "▣"
MASK = "▒▒▒▒▒▒"
"""Stands for a label that is not shown, whatever its length."""

_BARS = "▁▂▃▄▅▆▇█"
_ASCII = str.maketrans(
    {
        "●": "*",
        "◐": "~",
        "◌": ".",
        "◑": "%",
        "✗": "x",
        "≠": "#",
        "≡": "=",
        "✓": "v",
        "○": "o",
        "▪": "L",
        "†": "D",
        "▸": ">",
        "▾": "v",
        "▣": "X",
        "□": "_",
        "▒": "?",
        "▓": "#",
        "░": "-",
        "…": "~",
        "→": ">",
        "←": "<",
        "↑": "^",
        "↓": "v",
        "·": ".",
        "–": "-",
        "│": "|",
        "─": "-",
        "└": "+",
        "▐": "[",
        "▌": "]",
        "‹": "<",
        "›": ">",
        "»": ">",
        "\N{REPLACEMENT CHARACTER}": "?",
        **{bar: " .:-=+*#"[place] for place, bar in enumerate(_BARS)},
    }
)
_plain = False


def use_ascii(wanted: bool) -> None:
    """Draw with ASCII only from now on, or with all signs. One process draws on one terminal."""
    global _plain
    _plain = wanted


def drawn(text: str) -> str:
    """Return a text as this terminal can draw it."""
    return text.translate(_ASCII) if _plain else text


def sparkline(numbers: list[float], width: int) -> str:
    """Draw numbers as bars, the last at the right, the highest as a full one."""
    shown = numbers[-width:] if width > 0 else []
    top = max(shown, default=0.0)
    if top <= 0:
        return _BARS[0] * len(shown)
    steps = len(_BARS) - 1
    return "".join(_BARS[min(steps, round(steps * max(0.0, one) / top))] for one in shown)


def meter(part: float, width: int) -> str:
    """Draw a part of one as a bar of `width` cells."""
    full = round(max(0.0, min(1.0, part)) * width)
    return "▓" * full + "░" * (width - full)
