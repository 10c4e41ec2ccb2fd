# SPDX-License-Identifier: Apache-2.0
"""Pictures of an engine in memory."""

from __future__ import annotations

from dataclasses import replace

from engine.model.errors import NotFound
from engine.model.pictures import Device, Figures, Picture, PictureRequest, Region, Window
from engine.service.nouns.pictures import MIDDLE
from tests.memory.facts import Asked

OBJECTS, FRAMES = 48, 1
LEVELS = 3
"""Steps of grey: a snapshot names each pair of colours by a letter."""
FIGURES = Figures(
    rows=256,
    columns=256,
    frames=FRAMES,
    samples=1,
    bits=12,
    photometric="MONOCHROME2",
    transfer_syntax="Explicit VR Little Endian",
    device=Device(manufacturer="SIEMENS", model="Prisma", sop_class="1.2.840.10008.5.1.4.1.1.4"),
)


def head(asked: PictureRequest, number: int) -> Picture:
    """Return a bright disc in the dark, whose size tells the slice."""
    region = asked.region or Region(left=0, top=0, right=256, bottom=256)
    side = min(asked.across, asked.down, 256)
    pixels = bytearray()
    for y in range(side):
        for x in range(side):
            across = region.left + (x + 0.5) * (region.right - region.left) / side - 128
            down = region.top + (y + 0.5) * (region.bottom - region.top) / side - 128
            away = (across * across + down * down) ** 0.5
            level = max(0, min(LEVELS, round(LEVELS * (1 - away / (60 + 2 * number)))))
            pixels.append(level * 255 // LEVELS)
    return Picture(
        file=f"SCANS/{asked.scan or '1'}/DICOM/{number}.dcm",
        number=number,
        objects=OBJECTS,
        frame=asked.frame or 0,
        figures=FIGURES,
        window=asked.window or Window(centre=410.0, width=890.0),
        region=region,
        width=side,
        height=side,
        pixels=bytes(pixels),
    )


class Pictures(Asked):
    """Pictures of sessions."""

    async def waiting(self, id: str, asked: PictureRequest = MIDDLE) -> Picture:
        return self._picture(id, asked)

    async def filed(self, id: str, asked: PictureRequest = MIDDLE) -> Picture:
        return self._picture(id, asked)

    def _picture(self, id: str, asked: PictureRequest) -> Picture:
        if id not in (*self.facts.sessions, *self.facts.filed):
            raise NotFound(f"there is no session {id}")
        self.facts.pictured.append((id, asked))
        number = OBJECTS // 2 if asked.number is None else asked.number
        made = head(asked, min(number, OBJECTS - 1))
        return replace(made, **self.facts.picture)
