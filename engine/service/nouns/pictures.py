# SPDX-License-Identifier: Apache-2.0
"""Pictures of the images of sessions."""

from __future__ import annotations

from typing import Protocol

from engine.model.pictures import Picture, PictureRequest

MIDDLE = PictureRequest()


class PicturesApi(Protocol):
    """One frame of one object as a small picture, or why there is none."""

    async def waiting(self, id: str, asked: PictureRequest = MIDDLE) -> Picture:
        """Return a picture of a session of the prearchive."""
        ...

    async def filed(self, id: str, asked: PictureRequest = MIDDLE) -> Picture:
        """Return a picture of a filed session."""
        ...
