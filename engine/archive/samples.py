# SPDX-License-Identifier: Apache-2.0
"""The samples that are kept with scripts. An object is named, never copied: nothing of a patient is
kept here but a digest under a key of this installation."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from engine.archive.audit.trail import record
from engine.archive.scripts import scope_name
from engine.archive.tables import ScriptSampleRow
from engine.model.changes import ScriptOutcome
from engine.model.errors import Conflict, InvalidInput, NotFound
from engine.model.samples import Sample

MOST = 50
"""Samples of a scope: each is tried whenever the script is saved."""
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")


async def of(session: AsyncSession, scope: str) -> list[tuple[Sample, str]]:
    """Return the samples of a scope by name, with the digests of their expected changes."""
    query = select(ScriptSampleRow).where(ScriptSampleRow.scope == scope)
    rows = await session.scalars(query.order_by(ScriptSampleRow.name))
    return [(_sample(row), row.digest) for row in rows]


async def add(session: AsyncSession, sample: Sample, digest: str) -> None:
    """Keep a sample.

    Raises:
        InvalidInput: the name is none.
        Conflict: there is one of the name, or there are too many.
    """
    if not _NAME.fullmatch(sample.name):
        raise InvalidInput(
            "a sample has a name of small letters, digits, “.”, “-” and “_”, as pt-ct"
        )
    kept = await of(session, sample.scope)
    if any(one.name == sample.name for one, _ in kept):
        raise Conflict(f"{sample.scope} has a sample {sample.name}", hint="remove it first")
    if len(kept) >= MOST:
        raise Conflict(f"a script has at most {MOST} samples")
    session.add(
        ScriptSampleRow(
            scope=sample.scope,
            name=sample.name,
            session=sample.session,
            file=sample.file,
            outcome=sample.outcome.value,
            digest=digest,
            at=sample.at,
            author=sample.author,
        )
    )
    told = {"name": sample.name, "outcome": sample.outcome.value}
    record(session, sample.author, "Added sample", scope_name(sample.scope), told)


async def remove(session: AsyncSession, scope: str, name: str, *, actor: str) -> None:
    """Keep a sample no longer.

    Raises:
        NotFound: there is none of the name.
    """
    row = await session.get(ScriptSampleRow, (scope, name))
    if row is None:
        raise NotFound(
            f"{scope} has no sample of this name", hint="list them: anteroom script sample list"
        )
    await session.delete(row)
    record(session, actor, "Removed sample", scope_name(scope), {"name": name})


def new(scope: str, name: str, session: str, file: str, outcome: ScriptOutcome, by: str) -> Sample:
    """Make a sample of now."""
    return Sample(
        scope=scope,
        name=name,
        session=session,
        file=file,
        outcome=outcome,
        at=datetime.now(UTC),
        author=by,
    )


def _sample(row: ScriptSampleRow) -> Sample:
    return Sample(
        scope=row.scope,
        name=row.name,
        session=row.session,
        file=row.file,
        outcome=ScriptOutcome(row.outcome),
        at=row.at,
        author=row.author,
    )
