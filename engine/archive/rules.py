# SPDX-License-Identifier: Apache-2.0
"""The texts of routing rules, with every version that was ever in force. They are not interpreted
here."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from engine.archive import history
from engine.archive.audit.trail import record
from engine.archive.configuration import bump, lock
from engine.archive.tables import RuleRow
from engine.model.archive import RuleText
from engine.model.errors import InvalidInput

CONCEPTS = ("project", "subject", "session", "autoarchive")
SITE = "site"

_SCOPE = re.compile(r"site|receiver:[ -\[\]-~]{1,16}")
_KIND = "rules"


async def current(session: AsyncSession, scope: str, concept: str) -> RuleText:
    """Return the text in force; version 0 and empty where nobody has written one.

    Raises:
        InvalidInput: no such scope or concept.
    """
    _check(scope, concept)
    row = await _newest(session, scope, concept)
    return _text(row) if row is not None else RuleText(scope=scope, concept=concept)


async def in_force(session: AsyncSession) -> tuple[RuleText, ...]:
    """Return the newest version of every scope and concept."""
    return tuple(map(_text, await newest(session)))


async def newest(session: AsyncSession) -> tuple[RuleRow, ...]:
    """Return the rows of these."""
    newest = (
        select(RuleRow.scope, RuleRow.concept, func.max(RuleRow.version).label("version"))
        .group_by(RuleRow.scope, RuleRow.concept)
        .subquery()
    )
    rows = await session.scalars(
        select(RuleRow)
        .join(
            newest,
            (RuleRow.scope == newest.c.scope)
            & (RuleRow.concept == newest.c.concept)
            & (RuleRow.version == newest.c.version),
        )
        .order_by(RuleRow.scope, RuleRow.concept)
    )
    return tuple(rows)


async def versions(session: AsyncSession, scope: str, concept: str) -> tuple[RuleText, ...]:
    """Return every version, newest first."""
    rows = await session.scalars(
        select(RuleRow)
        .where(RuleRow.scope == scope, RuleRow.concept == concept)
        .order_by(RuleRow.version.desc())
    )
    return tuple(_text(row) for row in rows)


async def write(
    session: AsyncSession,
    scope: str,
    concept: str,
    text: str,
    *,
    actor: str,
    enabled: bool = True,
    reason: str = "",
) -> RuleText:
    """Put a text in force as the next version; the same text again is no new version.

    Raises:
        InvalidInput: no such scope or concept.
    """
    _check(scope, concept)
    await lock(session)
    before = await _newest(session, scope, concept)
    if before is not None and (before.text, before.enabled) == (text, enabled):
        return _text(before)
    row = RuleRow(
        scope=scope,
        concept=concept,
        version=before.version + 1 if before is not None else 1,
        text=text,
        enabled=enabled,
        at=datetime.now(UTC),
        author=actor,
        reason=reason,
    )
    session.add(row)
    await session.flush()
    name = f"{scope}/{concept}"
    state = history.state(before) if before is not None else None
    history.keep(session, _KIND, name, actor, "Modified" if before else "Added", state)
    record(
        session,
        actor,
        "Modified rules",
        name,
        {"version": row.version, "enabled": enabled, "reason": reason},
    )
    await bump(session)
    return _text(row)


def _check(scope: str, concept: str) -> None:
    if not _SCOPE.fullmatch(scope):
        raise InvalidInput(f"{scope!r} has no rules", hint="use site, or receiver:AE")
    if concept not in CONCEPTS:
        raise InvalidInput(f"{concept!r} has no rules", hint=f"use {', '.join(CONCEPTS)}")


async def _newest(session: AsyncSession, scope: str, concept: str) -> RuleRow | None:
    found: RuleRow | None = await session.scalar(
        select(RuleRow)
        .where(RuleRow.scope == scope, RuleRow.concept == concept)
        .order_by(RuleRow.version.desc())
        .limit(1)
    )
    return found


def _text(row: RuleRow) -> RuleText:
    return RuleText(
        scope=row.scope,
        concept=row.concept,
        version=row.version,
        text=row.text,
        enabled=row.enabled,
        at=row.at,
        author=row.author,
        reason=row.reason,
    )
