# SPDX-License-Identifier: Apache-2.0
"""Requests to change pixels: the rectangles of `alterPixels`, parsed from its four arguments, and
the bits of overlays. Also their form for another process, and the result for a file. No image is
needed here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from engine.anonymize.faults import ScriptError

_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_SIDES = (("left", "l"), ("top", "t"), ("right", "r"), ("bottom", "b"))
_ONE = ("value", "v")
_COLOURS = (("red", "r"), ("green", "g"), ("blue", "b"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Blanking:
    """One rectangle and what it is filled with; columns and rows count from 0."""

    left: int
    top: int
    right: int
    """The first column that stays."""
    bottom: int
    """The first row that stays."""
    values: tuple[int, ...]
    """One value for all samples, or red, green and blue."""

    def clipped(self, columns: int, rows: int) -> Blanking | None:
        """Return the part that lies in an image of this size, if any does."""
        left, top = max(self.left, 0), max(self.top, 0)
        right, bottom = min(self.right, columns), min(self.bottom, rows)
        if left >= right or top >= bottom:
            return None
        return Blanking(left=left, top=top, right=right, bottom=bottom, values=self.values)


@dataclass(frozen=True, kw_only=True, slots=True)
class OverlayBit:
    """The bit of every pixel that held an overlay, which is gone."""

    group: int
    """That described the overlay, 6000 to 601E."""
    bit: int
    """From 0, the lowest."""


Asked: TypeAlias = Blanking | OverlayBit


def numbers_of(asked: Asked) -> list[int]:
    """Write what is asked for as numbers, for another process."""
    if isinstance(asked, OverlayBit):
        return [asked.group, asked.bit]
    return [asked.left, asked.top, asked.right, asked.bottom, *asked.values]


def asked_in(numbers: Sequence[int]) -> Asked:
    """Read what `numbers_of` wrote."""
    if len(numbers) == 2:
        return OverlayBit(group=numbers[0], bit=numbers[1])
    left, top, right, bottom, *values = numbers
    return Blanking(left=left, top=top, right=right, bottom=bottom, values=tuple(values))


def told(asked: Asked) -> str:
    """Tell a person what is asked for."""
    if isinstance(asked, OverlayBit):
        return f"bit {asked.bit} cleared, an overlay of group {asked.group:04X}"
    return f"{asked.left},{asked.top} to {asked.right},{asked.bottom}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Blanked:
    """The result for a file. Without a change no target was written."""

    changed: bool
    transfer_syntax: str
    """That of the target, or of the source where nothing changed."""
    frames: int = 0
    notes: tuple[str, ...] = ()
    """Sentences for people, without anything from the object."""


def parse_blanking(shape: str, shape_params: str, fill: str, fill_params: str) -> Blanking:
    """Read the four arguments of `alterPixels`.

    Raises:
        ScriptError: if they do not say one rectangle and its filling.
    """
    if _bare(shape) != "rectangle":
        raise ScriptError("alterPixels: the only shape is rectangle")
    if _bare(fill) != "solid":
        raise ScriptError("alterPixels: the only way to fill is solid")
    sides = _pairs(shape_params)
    numbers = []
    for names in _SIDES:
        number = _number(sides, names)
        if number is None:
            raise ScriptError(
                f"alterPixels: the rectangle says no {names[0]}",
                hint="All of left, top, right and bottom are needed, such as l=0,t=0,r=100,b=20.",
            )
        numbers.append(number)
    left, top, right, bottom = numbers
    if right < left or bottom < top:
        raise ScriptError(
            "alterPixels: the rectangle ends before it begins",
            hint="right and bottom are the first column and row that stay.",
        )
    return Blanking(left=left, top=top, right=right, bottom=bottom, values=_filling(fill_params))


def _filling(text: str) -> tuple[int, ...]:
    pairs = _pairs(text)
    value = _number(pairs, _ONE)
    colours = [_number(pairs, names) for names in _COLOURS]
    given = tuple(colour for colour in colours if colour is not None)
    if value is not None and not given:
        return (value,)
    if value is None and len(given) == len(_COLOURS):
        return given
    raise ScriptError(
        "alterPixels: the filling is one value, or red, green and blue",
        hint="Write v=0 or r=0,g=0,b=0.",
    )


def _pairs(text: str) -> dict[str, str]:
    pairs = {}
    for pair in _bare(text).split(","):
        name, sign, value = pair.partition("=")
        if not sign and name:
            raise ScriptError(
                "alterPixels: the parameters are pairs of name=value with commas between them"
            )
        pairs[name] = value
    return pairs


def _number(pairs: dict[str, str], names: Sequence[str]) -> int | None:
    found = [pairs[name] for name in names if name in pairs]
    if len(found) > 1:
        raise ScriptError(f"alterPixels: {names[0]} is said twice")
    if not found:
        return None
    if not _WHOLE.fullmatch(found[0]):
        raise ScriptError(f"alterPixels: {names[0]} is not a whole number")
    return int(found[0])


def _bare(text: str) -> str:
    return "".join(text.split()).lower()
