# SPDX-License-Identifier: Apache-2.0
"""Two sessions, scans or files side by side, wherever they are, or one of them in two versions."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from engine.model.comparison import STORED, ComparedSide, Comparison, Part, Version
from engine.model.errors import NotFound, Refused
from engine.model.people import Actor
from engine.service.archive import Archive
from engine.service.prearchive import Prearchive
from engine.sessions.headers import Part as HeadersPart
from engine.sessions.headers import compared, one_of

MOST_ROWS = 4_000
"""Rows of one answer."""


class Comparing:
    """Compares on behalf of an actor; the gate has asked whether they may see both."""

    def __init__(self, prearchive: Prearchive, archive: Archive, actor: Actor) -> None:
        """Compare what the two hold."""
        self._sees_originals = actor.sees_originals
        self._prearchive = prearchive
        self._archive = archive

    async def headers(
        self, left: str, right: str, left_part: Part = STORED, right_part: Part = STORED
    ) -> Comparison:
        """Return what differs between two headers."""
        (one, ours), (other, theirs) = (
            await self._read(left, left_part),
            await self._read(right, right_part),
        )
        originals = Version.RECEIVED in (left_part.version, right_part.version)
        if originals and not self._sees_originals and one.session != other.session:
            # Which values are the same would tell them, where those of the other may be chosen.
            raise Refused(
                "originals are compared with another session by those only who may see them",
                hint="ask an administrator of this site",
            )
        return await asyncio.to_thread(_compared, one, ours, other, theirs)

    async def _read(self, name: str, part: Part) -> tuple[ComparedSide, HeadersPart]:
        try:
            session = (await self._archive.show(name)).accession
        except NotFound:
            session = await self._prearchive.find(name)
            found, total = await self._prearchive.parts(session, part)
        else:
            found, total = await self._archive.parts(session, part)
        return await asyncio.to_thread(_side, session, part, found, total)


def _side(
    session: str, part: Part, found: Sequence[HeadersPart], total: int
) -> tuple[ComparedSide, HeadersPart]:
    whole = one_of(found)
    side = ComparedSide(
        session=session,
        part=part,
        files=whole.fold.files,
        total=total,
        unread=tuple(whole.unread),
    )
    return side, whole


def _compared(
    left: ComparedSide, ours: HeadersPart, right: ComparedSide, theirs: HeadersPart
) -> Comparison:
    rows, same = compared(ours.fold, theirs.fold)
    cut = max(ours.fold.cut, theirs.fold.cut)
    return Comparison(
        left=left,
        right=right,
        rows=rows[:MOST_ROWS],
        same=same,
        left_out=max(0, len(rows) - MOST_ROWS) + cut,
    )
