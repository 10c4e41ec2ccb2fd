# SPDX-License-Identifier: Apache-2.0
"""Rows of sessions on their way to remotes. What is sent is in `engine.jobs.send`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import undefer

from engine.model.errors import NotFound
from engine.model.remotes import SEND, UNFINISHED, Send, SendFailure, SendState
from engine.prearchive.tables import SendRow

SENT = "Sent to remote"
"""The act of the audit trail, whatever came of it."""

_LOCK = 0x73656E64
"""The family of PostgreSQL advisory locks that stand for sessions to be sent."""


def job_of(id: str) -> str:
    """Name the job of a send."""
    return f"{id}:{SEND}:1"


async def get(
    session: AsyncSession, id: str, *, lock: bool = False, failures: bool = False
) -> SendRow:
    """Find a row by id; its failures are read where they are wanted.

    Raises:
        NotFound: if there is none.
    """
    query = select(SendRow).where(SendRow.id == id)
    if failures:
        query = query.options(undefer(SendRow.failures))
    row = (await session.execute(query.with_for_update() if lock else query)).scalar_one_or_none()
    if row is None:
        raise missing(id)
    return row


def missing(id: str) -> NotFound:
    """Return what is said of a send that is not there, or that may not be seen."""
    return NotFound(f"nothing is sent as {id}", hint="list it: anteroom remote sends")


async def listed(
    session: AsyncSession, limit: int, *, unfinished: bool = False, of: str = "", by: str = ""
) -> tuple[Send, ...]:
    """Return what was sent, the newest first, without failures; all, or what is unfinished, that of
    a session, or what somebody has asked for."""
    query = select(SendRow).order_by(SendRow.queued.desc(), SendRow.id).limit(limit)
    if unfinished:
        query = query.where(SendRow.state.in_(UNFINISHED))
    if of:
        query = query.where(SendRow.session == of)
    if by:
        query = query.where(SendRow.actor == by)
    return tuple(to_send(row) for row in await session.scalars(query))


async def take_turn(session: AsyncSession, of: str) -> None:
    """Let one transaction at a time decide whether a session is sent: one that is filed has no row
    to lock; on SQLite a writer is alone anyway."""
    if session.get_bind().dialect.name == "postgresql":
        query = text("SELECT pg_advisory_xact_lock(:kind, hashtext(:of))")
        await session.execute(query, {"kind": _LOCK, "of": of})


async def is_on_its_way(
    session: AsyncSession, remote: str, of: str, scans: tuple[str, ...]
) -> bool:
    """Say whether the same scans of a session are being sent to a remote."""
    found = await session.scalars(
        select(SendRow.scans).where(
            SendRow.session == of, SendRow.remote == remote, SendRow.state.in_(UNFINISHED)
        )
    )
    return any(tuple(one.get("ids", ())) == scans for one in found)


async def unfinished(session: AsyncSession) -> list[str]:
    """Name those that have not ended."""
    query = select(SendRow.id).where(SendRow.state.in_(UNFINISHED)).order_by(SendRow.id)
    return list(await session.scalars(query))


async def count_unfinished(session: AsyncSession) -> int:
    """Count those that have not ended."""
    query = select(func.count()).where(SendRow.state.in_(UNFINISHED))
    return await session.scalar(query) or 0


async def failed_since(session: AsyncSession, moment: datetime) -> Counter[str]:
    """Count those that have failed since a moment, by remote."""
    return await _by_remote(
        session, and_(SendRow.state == SendState.FAILED, SendRow.ended > moment)
    )


async def waiting_since(session: AsyncSession, moment: datetime) -> Counter[str]:
    """Count those that wait and have begun before a moment, by remote."""
    began = func.coalesce(SendRow.began, SendRow.queued)
    return await _by_remote(session, and_(SendRow.state == SendState.WAITING, began < moment))


async def _by_remote(session: AsyncSession, which: ColumnElement[bool]) -> Counter[str]:
    query = select(SendRow.remote, func.count()).where(which).group_by(SendRow.remote)
    return Counter({remote: many for remote, many in await session.execute(query)})


def to_send(row: SendRow, *, failures: bool = False) -> Send:
    """Return a row as the outside sees it, with the failures where they were read."""
    return Send(
        id=row.id,
        remote=row.remote,
        session=row.session,
        filed=row.filed,
        scans=tuple(row.scans.get("ids", ())),
        state=SendState(row.state),
        actor=row.actor,
        queued=row.queued,
        began=row.began,
        ended=row.ended,
        objects=row.objects,
        bytes=row.bytes,
        sent=row.sent,
        sent_bytes=row.sent_bytes,
        warnings=row.warnings,
        failed=row.failed,
        statuses=dict(row.statuses),
        failures=failures_of(row) if failures else (),
        tries=row.tries,
        next_try=row.next_try,
        reason=row.reason,
    )


def failures_of(row: SendRow) -> tuple[SendFailure, ...]:
    """Return the failures of a row."""
    kept = row.failures.get("first", ())
    return tuple(
        SendFailure(file=file, uid=uid, status=status, reason=reason)
        for file, uid, status, reason in kept
    )


def keep_failures(row: SendRow, failures: Iterable[SendFailure]) -> None:
    """Keep the failures of a row."""
    kept = [[each.file, each.uid, each.status, each.reason] for each in failures]
    row.failures = {"first": kept}


def end(row: SendRow, state: SendState, reason: str = "") -> None:
    """Let a send end."""
    row.state, row.reason = state.value, reason
    row.ended, row.next_try = datetime.now(UTC), None


def summary(row: SendRow) -> dict[str, Any]:
    """Return what the audit trail is told: what went where; names of files stay here."""
    return {
        "remote": row.remote,
        "objects": row.objects,
        "sent": row.sent,
        "warnings": row.warnings,
        "failed": row.failed,
        "bytes": row.sent_bytes,
        "outcome": row.state,
    }
