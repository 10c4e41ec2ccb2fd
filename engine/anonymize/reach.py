"""How far a script reaches, told from its text alone: what has to be at hand before it runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """What a run may need beside the head of an object."""

    meta: bool = False
    """It may read or change elements of group 2."""
    tail: bool = False
    """It names elements of groups above 7FE0: it must not run without them."""
    wanders: bool = False
    """It goes through all sequences and so into those after the pixels, if there are any: of an
    object that has some it must not run without them."""
    strips: bool = False
    """It may remove all private elements, those after the pixels too; `Applied.stripped` says
    whether it did, so that they can be left out as they come by."""
    pixel_group: bool = False
    """It reads or changes elements of group 7FE0: the tail has to begin with them."""
    pixels: bool = False
    """It blanks parts of the image."""
    urls: bool = False
    """It fetches texts from web servers."""
