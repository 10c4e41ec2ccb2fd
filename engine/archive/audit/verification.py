# SPDX-License-Identifier: Apache-2.0
"""Verifies the audit chain. What the chain must agree with are its witnesses: checkpoints, which
are rows signed with a key outside the database, and heads that were noted elsewhere. A verification
goes on from the newest signed witness that agrees, or walks along every link."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select

from engine.archive.audit import heads as head_file
from engine.archive.audit.key import AuditKey
from engine.archive.audit.links import GENESIS, copies_hold, hash_of
from engine.archive.tables import AuditCheckpointRow, AuditRow
from engine.database.connection import Database, insert_into
from engine.model.archive import AuditReport
from engine.model.audit import AuditHead

_BATCH = 5_000
_LOOKED_UP = 500
_MISSING_SHOWN = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class _Witness:
    """A link as it was once seen."""

    head: AuditHead
    source: str
    signed: bool
    """With our key: what it agrees with need not be walked along again."""
    changed: bool
    """It says that our key has signed it, which has not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Testimony:
    """What all witnesses say of the chain as it is now."""

    heard: int
    start: AuditHead | None
    """The newest signed one that agrees, before the first that does not."""
    against: _Witness | None
    """The first that does not agree."""
    changed: _Witness | None
    newest_checkpoint: int

    def held(self) -> bool:
        return self.against is None and self.changed is None


class Verification:
    """Verifies the chain of one archive."""

    def __init__(self, archive: Database, key: AuditKey | None, heads: Path | None) -> None:
        """Trust the checkpoints of `key`, and compare with the heads of a file; without a key every
        link is walked along."""
        self._archive = archive
        self._key = key
        self._heads = heads

    async def run(self, *, whole: bool, given: Sequence[AuditHead]) -> AuditReport:
        """Verify what came after the newest checkpoint, or everything, and make a checkpoint."""
        testimony = await self._hear(given)
        start = None if whole else testimony.start
        walk = await self._walk(start)
        report = _conclude(testimony, start, walk)
        if report.ok and self._key is not None and walk.last > testimony.newest_checkpoint:
            await self._make_checkpoint(self._key, walk.last, walk.head)
        return report

    async def compare(self) -> AuditReport:
        """Only ask the witnesses, which is quick: links between them are not looked at."""
        testimony = await self._hear(())
        async with self._archive.read() as session:
            last = await session.scalar(select(func.max(AuditRow.number))) or 0
        if testimony.held():
            return AuditReport(ok=True, checked=0, message="", last=last, heads=testimony.heard)
        # Somebody wants to know the link, and it is worth the time now.
        return _conclude(testimony, testimony.start, await self._walk(testimony.start))

    async def _walk(self, start: AuditHead | None) -> _Walk:
        walk = _Walk(start)
        while True:
            # A transaction for each batch: a long one would keep SQLite from shortening its log.
            async with self._archive.read() as session:
                rows = (
                    await session.scalars(
                        select(AuditRow)
                        .where(AuditRow.number > walk.last)
                        .order_by(AuditRow.number)
                        .limit(_BATCH)
                    )
                ).all()
            for row in rows:
                walk.step(row)
            if len(rows) < _BATCH:
                return walk

    async def _hear(self, given: Sequence[AuditHead]) -> _Testimony:
        witnesses: list[_Witness] = []
        newest = 0
        if self._key is not None:
            # Before the links are looked up: what is noted meanwhile is of links that are there.
            kept = await asyncio.to_thread(head_file.read, self._heads) if self._heads else ()
            async with self._archive.read() as session:
                rows = (await session.scalars(select(AuditCheckpointRow))).all()
            checkpoints = [
                AuditHead(number=row.number, hash=row.hash, at=row.at, key=row.key, mac=row.mac)
                for row in rows
            ]
            newest = max((one.number for one in checkpoints), default=0)
            witnesses += self._take(checkpoints, "its checkpoint")
            witnesses += self._take(kept, "its head in the file of heads")
        witnesses += self._take(given, "the head given")
        witnesses.sort(key=lambda one: one.head.number)
        hashes = await self._hashes({one.head.number for one in witnesses})
        against = next(
            (one for one in witnesses if hashes.get(one.head.number) != one.head.hash), None
        )
        limit = against.head.number if against is not None else None
        agreeing = [one.head for one in witnesses if one.signed]
        if limit is not None:
            agreeing = [head for head in agreeing if head.number < limit]
        return _Testimony(
            heard=len(witnesses),
            start=agreeing[-1] if agreeing else None,
            against=against,
            changed=next((one for one in witnesses if one.changed), None),
            newest_checkpoint=newest,
        )

    def _take(self, heads: Iterable[AuditHead], source: str) -> list[_Witness]:
        key = self._key
        witnesses = []
        for head in heads:
            signed = key is not None and key.signed(head)
            changed = key is not None and head.key == key.id and not signed
            witnesses.append(_Witness(head=head, source=source, signed=signed, changed=changed))
        return witnesses

    async def _hashes(self, numbers: set[int]) -> dict[int, str]:
        """Return the hashes of links as the chain has them; before the first link it is fixed."""
        wanted = sorted(numbers)
        found = {0: GENESIS}
        async with self._archive.read() as session:
            for start in range(0, len(wanted), _LOOKED_UP):
                some = wanted[start : start + _LOOKED_UP]
                rows = await session.execute(
                    select(AuditRow.number, AuditRow.hash).where(AuditRow.number.in_(some))
                )
                found |= {row.number: row.hash for row in rows}
        return found

    async def _make_checkpoint(self, key: AuditKey, number: int, hash: str) -> None:
        head = key.sign(number, hash, datetime.now(UTC))
        async with self._archive.write() as session:
            # Another engine may have come this far at the same time.
            await session.execute(
                insert_into(session, AuditCheckpointRow)
                .values(number=number, hash=hash, at=head.at, key=head.key, mac=head.mac)
                .on_conflict_do_nothing()
            )


def _conclude(testimony: _Testimony, start: AuditHead | None, walk: _Walk) -> AuditReport:
    """Say what is wrong first, of what the walk and the witnesses found."""
    from_number = start.number if start is not None else 0
    against, changed = testimony.against, testimony.changed
    broken, message, missing = walk.broken, walk.message, tuple(walk.missing)
    if against is not None and (broken is None or broken > against.head.number):
        number = against.head.number
        # Nobody vouches for a link after the last witness that agrees.
        vouched = testimony.start.number if testimony.start is not None else 0
        if number > walk.last:
            broken, missing = (
                walk.last + 1,
                tuple(range(walk.last + 1, number + 1))[:_MISSING_SHOWN],
            )
            seen = f"{against.head.at:%Y-%m-%d %H:%M} UTC"
            message = (
                f"the trail ends with link {walk.last}, and {against.source} of link {number} was"
                f" made at {seen}: the newest links are gone"
            )
        else:
            broken = vouched + 1
            message = (
                f"link {number} is not the one that {against.source} was made of: the trail was"
                f" written anew, after link {vouched} at the earliest"
            )
    elif broken is None and changed is not None:
        message = f"{changed.source} of link {changed.head.number} was changed"
    ok = broken is None and testimony.held()
    if ok and start is not None:
        when = f"{start.at:%Y-%m-%d %H:%M} UTC"
        before = f"the {from_number} before held at {when}"
        message = f"no new links; {before}"
        if walk.checked:
            message = f"links {from_number + 1} to {walk.last} hold; {before}"
    return AuditReport(
        ok=ok,
        checked=walk.checked,
        message=message or f"all {walk.checked} links hold",
        broken=broken,
        missing=missing,
        last=walk.last,
        head=walk.head,
        start=from_number,
        heads=testimony.heard,
    )


class _Walk:
    """A walk along the chain: what was seen, and what is wrong with it first."""

    def __init__(self, start: AuditHead | None = None) -> None:
        """Begin after a link that holds, or at the first one."""
        self.last = start.number if start is not None else 0
        self.head = start.hash if start is not None else GENESIS
        self.checked = 0
        self.missing: list[int] = []
        self.broken: int | None = None
        self.message = ""

    def step(self, row: AuditRow) -> None:
        """Check one link against the one before it."""
        # The missing link is blamed, not the one after it, whose `previous` cannot match.
        gap = range(self.last + 1, row.number)
        if gap:
            self.missing.extend(gap[: _MISSING_SHOWN - len(self.missing)])
            self._blame(gap[0], f"link {gap[0]} is missing")
        elif row.previous != self.head:
            self._blame(row.number, f"link {row.number} does not follow the one before it")
        if hash_of(row) != row.hash:
            self._blame(row.number, f"link {row.number} was changed after it had been written")
        elif not copies_hold(row):
            self._blame(row.number, f"what link {row.number} is found by is not what it says")
        self.last, self.head = row.number, row.hash
        self.checked += 1

    def _blame(self, number: int, message: str) -> None:
        if self.broken is None:
            self.broken, self.message = number, message
