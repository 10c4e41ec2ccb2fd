# SPDX-License-Identifier: Apache-2.0
"""Pictures of a session's images: small, already windowed, 8 bits a sample. What they show may be a
patient, so they are for users who may see the session, and never for logs."""

from __future__ import annotations

from dataclasses import dataclass

MOST_SIDE = 2_048
"""Pixels of the longest side that is ever answered."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Region:
    """A rectangle in pixels of the image; right and bottom lie outside it."""

    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """Which values are told apart: below all is black, above all is white."""

    centre: float
    width: float


@dataclass(frozen=True, kw_only=True, slots=True)
class PictureRequest:
    """Which picture is wanted: without anything, the middle of the whole session."""

    scan: str = ""
    file: str = ""
    """A path below the session's folder; it comes before `number`."""
    number: int | None = None
    """Which object of the scan, from 0 in the order of slices; without one, the middle."""
    frame: int | None = None
    """Which frame of the object, from 0; without one, the middle."""
    window: Window | None = None
    """Without one that of the header, or one that the pixels give."""
    region: Region | None = None
    """What of the image to show; without one all of it."""
    across: int = 256
    """The picture is at most so many pixels wide…"""
    down: int = 256
    """…and so many high."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    """What names the kind of images of a device, as conditions of scripts ask for it."""

    manufacturer: str = ""
    model: str = ""
    sop_class: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """What the header says of an image."""

    rows: int
    columns: int
    frames: int
    samples: int
    """1 for grey, 3 for colours, as they are stored."""
    bits: int
    photometric: str
    transfer_syntax: str
    """Its name."""
    burned_in: str = ""
    """Burned In Annotation: YES, NO or nothing."""
    device: Device = Device()


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """One frame, or why there is none."""

    file: str = ""
    number: int = 0
    objects: int = 0
    """Objects of the scan; `number` is among them."""
    frame: int = 0
    figures: Figures | None = None
    """None where the header cannot be read."""
    window: Window | None = None
    """What was applied; None for colours."""
    region: Region | None = None
    """What of the image is shown."""
    width: int = 0
    height: int = 0
    channels: int = 1
    """1 for grey, 3 for red, green and blue."""
    pixels: bytes = b""
    """Row by row from the top, a byte a channel."""
    why: str = ""
    """Why there is no picture; empty where there is one."""

    @property
    def may_contain_text(self) -> bool:
        """Whether nobody has said that no text is burned into it."""
        return self.figures is None or self.figures.burned_in != "NO"
