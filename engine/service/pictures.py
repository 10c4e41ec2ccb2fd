# SPDX-License-Identifier: Apache-2.0
"""Pictures of the images of sessions, on behalf of an actor. They are made in one guarded process
for all, a picture at a time."""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path

from engine.jobs.context import JobContext
from engine.model.errors import InvalidInput, NotFound
from engine.model.pictures import MOST_SIDE, Picture, PictureRequest
from engine.pictures.guard import PictureGuard, Rendered
from engine.pictures.order import slices
from engine.service.archive import Archive
from engine.service.contents import Waiting
from engine.service.nouns.pictures import MIDDLE
from engine.sessions.contents import scan_of, within

_ORDERS = 64
_LARGEST = 2**31


class Picturing:
    """Of one engine: the helper, and the orders of the scans that were looked at last."""

    def __init__(self, context: JobContext) -> None:
        self._context = context
        self._guard = PictureGuard()
        self._turn = asyncio.Lock()
        self._orders: OrderedDict[tuple[str, str, int], tuple[str, ...]] = OrderedDict()

    async def picture(self, folder: Path, asked: PictureRequest, document: str = "") -> Picture:
        """Make a picture of an object of a session's folder; with a document it is a filed one.

        Raises:
            NotFound: if there is no such scan, file or object.
            FileNotFoundError: if there is no such folder.
        """
        scan = scan_of(asked.file) if asked.file else asked.scan
        files = await self._order(folder, scan, document)
        if asked.file:
            path = await asyncio.to_thread(within, folder, asked.file)
            file = asked.file
            number = files.index(file) if file in files else 0
        elif not files:
            return Picture(why="there is no object here")
        else:
            number = len(files) // 2 if asked.number is None else asked.number
            if not 0 <= number < len(files):
                raise NotFound(f"there are {len(files)} objects", hint="they are counted from 0")
            file = files[number]
            path = await asyncio.to_thread(within, folder, file)
        made = await self._made(path, asked)
        return Picture(
            file=file,
            number=number,
            objects=len(files),
            frame=made.frame,
            figures=made.figures,
            window=made.window,
            region=made.region,
            width=made.width,
            height=made.height,
            channels=made.channels,
            pixels=made.pixels,
            why=made.why,
        )

    def close(self) -> None:
        """End the helper."""
        self._guard.close()

    async def _made(self, path: Path, asked: PictureRequest) -> Rendered:
        async with self._turn:
            return await asyncio.to_thread(
                self._guard.render, path, asked, self._context.prearchive
            )

    async def _order(self, folder: Path, scan: str, document: str) -> tuple[str, ...]:
        changed = await asyncio.to_thread(_changed, folder, scan)
        key = (str(folder), scan, changed)
        known = self._orders.get(key)
        if known is None:
            known = await self._context.processes.run(slices, folder, scan, document)
            self._orders[key] = known
            while len(self._orders) > _ORDERS:
                self._orders.popitem(last=False)
        self._orders.move_to_end(key)
        return known


class Pictures:
    """Shows to one actor; the gate has asked whether they may see the session."""

    def __init__(self, picturing: Picturing, waiting: Waiting, archive: Archive) -> None:
        """Show what the two hold."""
        self._picturing = picturing
        self._waiting = waiting
        self._archive = archive

    async def waiting(self, id: str, asked: PictureRequest = MIDDLE) -> Picture:
        """Return a picture of a session of the prearchive."""
        wanted = _checked(asked)
        return await self._waiting.there(id, lambda _, at: self._picturing.picture(at, wanted))

    async def filed(self, id: str, asked: PictureRequest = MIDDLE) -> Picture:
        """Return a picture of a filed session."""
        wanted = _checked(asked)
        document = await self._archive.document((await self._archive.show(id)).accession)
        return await self._archive.inside(
            id, lambda at: self._picturing.picture(at, wanted, document)
        )


def _checked(asked: PictureRequest) -> PictureRequest:
    window, region = asked.window, asked.region
    if window and not (
        math.isfinite(window.centre) and math.isfinite(window.width) and window.width > 0
    ):
        raise InvalidInput("a window has a centre, and a width above 0")
    if min(asked.across, asked.down) < 1:
        raise InvalidInput("a picture has a pixel at least")
    sides = (region.left, region.top, region.right, region.bottom) if region else ()
    if any(not 0 <= one < _LARGEST for one in (*sides, asked.frame or 0, asked.number or 0)):
        raise InvalidInput("pixels, frames and objects are counted from 0")
    return replace(asked, across=min(asked.across, MOST_SIDE), down=min(asked.down, MOST_SIDE))


def _changed(folder: Path, scan: str) -> int:
    """Return when a file last came to a scan, or went: the order holds until then."""
    place = folder / "SCANS" / scan if scan else folder / "SCANS"
    try:
        inside = [each.stat().st_mtime_ns for each in place.iterdir() if each.is_dir()]
        return max((place.stat().st_mtime_ns, *inside))
    except OSError:
        return 0
