# SPDX-License-Identifier: Apache-2.0
"""Overlays that are stored in unused bits of the pixels (PS3.5 8.1.2, retired): which exist, and
which a script has removed. Overlays with data of their own are ordinary elements. The bits are
cleared in `engine.anonymize.pixels.overlay_bits`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from engine.anonymize.pixels.regions import OverlayBit
from engine.anonymize.runtime.applied import PixelRequest
from engine.anonymize.runtime.subject import ScriptedObject
from engine.dicom.header import Header

GROUPS = range(0x6000, 0x6020, 2)
_ALLOCATED, _POSITION, _DATA = 0x0100, 0x0102, 0x3000
_BITS_ALLOCATED, _BITS_STORED, _HIGH_BIT = 0x00280100, 0x00280101, 0x00280102


class _Texts(Protocol):
    def text(self, tag: int) -> str | None: ...


def removed(subject: ScriptedObject) -> list[PixelRequest]:
    """Return what has to be cleared because a script took out the group that described it."""
    head = subject.head
    found = []
    for group in GROUPS:
        tag = group << 16 | _POSITION
        if tag not in head.header:
            continue
        bit = _bit(head.header, group)
        if bit is not None and _bit(head, group) != bit:
            statement = head.by.get(tag, subject.statement)
            found.append(PixelRequest(asked=OverlayBit(group=group, bit=bit), statement=statement))
    return found


def _bit(level: _Texts, group: int) -> int | None:
    """Return the bit that an overlay without data of its own lies in."""
    start = group << 16
    position = _number(level.text(start | _POSITION))
    if position is None or level.text(start | _DATA) is not None:
        return None
    # Bit 0 and one bit allocated are what overlays have that lie elsewhere.
    return position if position or (_number(level.text(start | _ALLOCATED)) or 1) > 1 else None


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() else None


def unused_bits(header: Header, asked: Iterable[OverlayBit]) -> int:
    """Return the mask of those bits of a pixel, allocated as the header says, which the image
    itself does not use. An overlay that is said to lie in others is none: they are the image."""
    allocated = header.integer(_BITS_ALLOCATED) or 0
    stored = header.integer(_BITS_STORED) or allocated
    high = header.integer(_HIGH_BIT)
    top = stored - 1 if high is None else high
    used = range(top + 1 - stored, top + 1)
    bits = {one.bit for one in asked if one.bit < allocated}.difference(used)
    return sum(1 << bit for bit in bits)
