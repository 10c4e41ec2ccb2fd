# SPDX-License-Identifier: Apache-2.0
"""Routes the sessions that came last, waiting and filed, by two configurations, from what is kept
of their first objects. It reads files, in the process pool."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from engine.archive.tables import ArchivedSessionRow
from engine.jobs.context import JobContext
from engine.model.what_if import Rerouted, WhatIf
from engine.prearchive.rows import folder_of
from engine.prearchive.tables import SessionRow
from engine.routing.router import RoutingConfig
from engine.sessions.rerouting import Came, route_both

_MOST_PARTS = 4
"""Processes that one question may keep busy: jobs go on meanwhile."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _One:
    id: str
    filed: bool
    label: str
    project: str | None
    at: datetime
    came: Came


async def what_if(
    context: JobContext, now: RoutingConfig, then: RoutingConfig, receiver: str, last: int
) -> WhatIf:
    """Say what would have been otherwise; of one receiver's rules only its sessions are tried."""
    found = [*await _waiting(context, receiver, last), *await _filed(context, receiver, last)]
    newest = sorted(found, key=lambda one: (one.at, one.id), reverse=True)[:last]
    parts = [part for n in range(_MOST_PARTS) if (part := newest[n::_MOST_PARTS])]
    answers = await asyncio.gather(
        *(
            context.processes.run(route_both, [one.came for one in part], now, then)
            for part in parts
        )
    )
    routed = {
        one.id: both
        for part, told in zip(parts, answers, strict=True)
        for one, both in zip(part, told, strict=True)
        if both is not None
    }
    return WhatIf(
        tried=len(routed),
        unread=len(newest) - len(routed),
        adrift=sum(routed[one.id][0].project != one.project for one in newest if one.id in routed),
        moved=tuple(
            Rerouted(
                id=one.id,
                filed=one.filed,
                label=one.label,
                project=one.project,
                came=one.at,
                now=routed[one.id][0],
                then=routed[one.id][1],
            )
            for one in newest
            if one.id in routed and routed[one.id][0] != routed[one.id][1]
        ),
    )


async def _waiting(context: JobContext, receiver: str, last: int) -> Iterator[_One]:
    query = select(SessionRow).order_by(SessionRow.last_object.desc()).limit(last)
    if receiver:
        query = query.where(SessionRow.receiver == receiver)
    async with context.prearchive_db.read() as transaction:
        rows = (await transaction.scalars(query)).all()
    return (
        _One(
            id=row.id,
            filed=False,
            label=row.label,
            project=row.project,
            at=row.last_object,
            came=Came(folder=folder_of(row, context.prearchive), receiver=row.receiver),
        )
        for row in rows
    )


async def _filed(context: JobContext, receiver: str, last: int) -> Iterator[_One]:
    row = ArchivedSessionRow
    columns = (row.id, row.label, row.project, row.added, row.received_to, row.folder, row.receiver)
    query = select(*columns).order_by(row.added.desc()).limit(last)
    if receiver:
        query = query.where(row.receiver == receiver)
    async with context.archive_db.read() as transaction:
        found = (await transaction.execute(query)).all()
    return (
        _One(
            id=id,
            filed=True,
            label=label,
            project=project,
            at=received or added,
            came=Came(folder=context.archive / folder, receiver=of),
        )
        for id, label, project, added, received, folder, of in found
    )
