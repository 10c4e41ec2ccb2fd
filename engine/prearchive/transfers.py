# SPDX-License-Identifier: Apache-2.0
"""Rows of transfers: one per association, upload or inbox run, as Live shows them. The sender and
the end come from messages of the workers; objects and bytes are counted from the journals, in the
same transaction as their tallies, never here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import case, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from engine.database.connection import insert_into
from engine.model.accounts import Place
from engine.model.contents import Contribution
from engine.model.live import Transfer
from engine.prearchive.tables import SessionRow, TallyRow, TransferRow

_SERIES = 160
_ENDED = 160
_CERTIFICATE = 160
_MOST_CONTRIBUTIONS = 1_000
_SESSIONS = 20
"""So many sessions of a transfer are named; one that fills more is a migration of an archive."""


async def note(
    session: AsyncSession,
    *,
    id: str,
    node: str,
    opened: datetime,
    worker: str = "",
    kind: str = "dicom",
    receiver: str = "",
    port: int = 0,
    calling: str = "",
    peer: str = "",
    series: str = "",
    last_error: str = "",
    closed: datetime | None = None,
    ended: str = "",
    account: str = "",
    certificate: str = "",
    echoes: int = 0,
) -> None:
    """Note how a transfer stands. A row that a journal has made already is completed; one that has
    ended stays so, whatever comes late. What series it brings is told while it is open only: the
    row outlives the objects, and the scripts that may yet take the description out of them."""
    told = {
        "node": node,
        "worker": worker,
        "kind": kind,
        "receiver": receiver,
        "port": port,
        "calling": calling,
        "peer": peer,
        "opened": opened,
        "account": account,
        "certificate": certificate[:_CERTIFICATE],
        "echoes": echoes,
    }
    row = told | {
        "id": id,
        "closed": closed,
        "ended": ended[:_ENDED],
        "series": "" if closed else series[:_SERIES],
        "last_error": last_error,
        "last_object": None,
        "objects": 0,
        "bytes": 0,
    }
    statement = insert_into(session, TransferRow).values(row)
    new = statement.excluded
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["id"],
            set_=told
            | {
                "closed": case(
                    (TransferRow.closed.is_(None), new.closed), else_=TransferRow.closed
                ),
                "ended": case((TransferRow.closed.is_(None), new.ended), else_=TransferRow.ended),
                "series": case(
                    (or_(TransferRow.closed.is_not(None), new.closed.is_not(None)), ""),
                    # Empty means that there is nothing new to say, not that it was taken back.
                    (new.series != "", new.series),
                    else_=TransferRow.series,
                ),
                "last_error": case(
                    (new.last_error != "", new.last_error), else_=TransferRow.last_error
                ),
            },
        )
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Sender:
    """The sender of a transfer, from its first record."""

    receiver: str
    calling: str
    peer: str
    opened: datetime


async def found_or_made(
    session: AsyncSession, wanted: Mapping[str, Sender]
) -> dict[str, TransferRow]:
    """Return the rows of transfers by id, locked; news of one may make it at the same moment."""
    rows = await _locked(session, wanted)
    missing = sorted(wanted.keys() - rows.keys())
    if missing:
        values = [
            {"id": id, "node": "", "objects": 0, "bytes": 0} | asdict(wanted[id]) for id in missing
        ]
        await session.execute(
            insert_into(session, TransferRow).values(values).on_conflict_do_nothing()
        )
        rows |= await _locked(session, missing)
    return rows


async def _locked(session: AsyncSession, ids: Iterable[str]) -> dict[str, TransferRow]:
    # In one order everywhere: news of the same transfers must not wait for us and we for them.
    query = (
        select(TransferRow)
        .where(TransferRow.id.in_(sorted(ids)))
        .order_by(TransferRow.id)
        .with_for_update()
    )
    return {row.id: row for row in (await session.execute(query)).scalars()}


async def close_left(
    session: AsyncSession, *, node: str, at: datetime, ended: str
) -> tuple[str, ...]:
    """Close what a node left open when its engine died; return the ids."""
    closed = await session.execute(
        update(TransferRow)
        .where(TransferRow.node == node, TransferRow.closed.is_(None))
        .values(closed=at, ended=ended[:_ENDED], series="")
        .returning(TransferRow.id)
    )
    return tuple(closed.scalars())


async def cut_short(
    session: AsyncSession, transfers: Sequence[str], *, closed: datetime, ended: str
) -> None:
    """Note in the sessions that transfers have fed that these broke off; not where somebody has
    looked since. In a transaction of its own after that which closes them: those who count objects
    lock sessions before transfers, and note it themselves where they come later."""
    fed = select(TallyRow.session).where(
        TallyRow.transfer.in_(transfers),
        TallyRow.place == Place.WAITING.value,
        TallyRow.count > 0,
    )
    unseen = or_(SessionRow.looked.is_(None), SessionRow.looked < closed)
    # Several engines lock several sessions at once, so all do it in one order.
    locked = (
        select(SessionRow.id)
        .where(SessionRow.id.in_(fed), unseen)
        .order_by(SessionRow.id)
        .with_for_update()
    )
    await session.execute(
        update(SessionRow).where(SessionRow.id.in_(locked)).values(cut_short=ended[:_ENDED])
    )


async def list_transfers(
    session: AsyncSession, *, limit: int = 100, open_only: bool = False
) -> tuple[Transfer, ...]:
    """List transfers, newest first, each with the sessions that hold most of its objects."""
    query = select(TransferRow).order_by(TransferRow.opened.desc(), TransferRow.id.desc())
    if open_only:
        query = query.where(TransferRow.closed.is_(None))
    rows = (await session.execute(query.limit(limit))).scalars().all()
    holding = await _sessions(session, [row.id for row in rows])
    return tuple(_transfer(row, tuple(holding.get(row.id, ()))) for row in rows)


async def _sessions(session: AsyncSession, ids: Sequence[str]) -> dict[str, list[str]]:
    """Return the prearchive sessions in which objects of each transfer wait."""
    if not ids:
        return {}
    most = (
        func.row_number()
        .over(partition_by=TallyRow.transfer, order_by=(TallyRow.count.desc(), TallyRow.session))
        .label("most")
    )
    ranked = (
        select(TallyRow.transfer, TallyRow.session, most)
        .where(
            TallyRow.transfer.in_(ids),
            TallyRow.session != "",
            TallyRow.place == Place.WAITING.value,
            TallyRow.count > 0,
        )
        .subquery()
    )
    found: dict[str, list[str]] = {}
    for transfer, of in await session.execute(
        select(ranked.c.transfer, ranked.c.session)
        .where(ranked.c.most <= _SESSIONS)
        .order_by(ranked.c.transfer, ranked.c.most)
    ):
        found.setdefault(transfer, []).append(of)
    return found


def _transfer(row: TransferRow, sessions: tuple[str, ...]) -> Transfer:
    return Transfer(
        id=row.id,
        kind=row.kind,
        receiver=row.receiver,
        port=row.port,
        calling=row.calling,
        peer=row.peer,
        opened=row.opened,
        closed=row.closed,
        ended=row.ended,
        last_object=row.last_object,
        objects=row.objects,
        bytes=row.bytes,
        series=row.series,
        last_error=row.last_error,
        sessions=sessions,
        account=row.account,
        certificate=row.certificate,
        echoes=row.echoes,
    )


async def contributions(session: AsyncSession, of: str) -> tuple[Contribution, ...]:
    """Return what each transfer brought to a prearchive session, the oldest first."""
    waiting = func.sum(case((TallyRow.place == Place.WAITING.value, TallyRow.count), else_=0))
    again = func.sum(case((TallyRow.place == Place.DUPLICATE.value, TallyRow.count), else_=0))
    found = await session.execute(
        select(TransferRow, waiting, again)
        .join(TallyRow, TallyRow.transfer == TransferRow.id)
        .where(TallyRow.session == of)
        .group_by(TransferRow.id)
        .order_by(TransferRow.opened, TransferRow.id)
        .limit(_MOST_CONTRIBUTIONS)
    )
    return tuple(
        Contribution(
            transfer=row.id,
            calling=row.calling,
            peer=row.peer,
            receiver=row.receiver,
            opened=row.opened,
            closed=row.closed,
            ended=row.ended,
            account=row.account,
            certificate=row.certificate,
            objects=int(objects),
            duplicates=int(duplicates),
        )
        for row, objects, duplicates in found
    )
