# SPDX-License-Identifier: Apache-2.0
"""Which versions applied to a filed session. It is kept when and by which receiver it was received,
and when it was filed; the history says what was in force then (`engine.archive.moments`)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from engine.archive import moments, scripts
from engine.archive.moments import State
from engine.archive.tables import ArchivedSessionRow
from engine.model.configured import Applied, Step


async def applied(session: AsyncSession, accession: str) -> tuple[Applied, ...]:
    """Return what applied to a session, as it was received and as it was filed: rules and scripts
    with their versions, and settings that somebody had set. Of a session that was filed before this
    was kept, nothing is known of its receipt.

    A change while it was being received is told with both versions.
    """
    row = (
        await session.scalars(select(ArchivedSessionRow).where(ArchivedSessionRow.id == accession))
    ).one()
    found: list[Applied] = []
    for moment in dict.fromkeys((row.received_from, row.received_to)):
        if moment is not None:
            state = await moments.state_at(session, moment)
            found += _at_receipt(state, row.receiver, moment)
    state = await moments.state_at(session, row.added)
    found += _of_script(state, f"project:{row.project}", Step.FILED, row.added)
    told: dict[tuple[str, ...], Applied] = {}
    for one in found:
        told.setdefault((one.step, one.kind, one.name, one.version), one)
    return tuple(told.values())


def _at_receipt(state: State, receiver: str, moment: datetime) -> list[Applied]:
    scopes = ("site", f"receiver:{receiver}")

    def make(kind: str, name: str, version: object) -> Applied:
        return Applied(step=Step.RECEIVED, kind=kind, name=name, version=str(version), at=moment)

    return [
        *(
            make("rules", name, kept["version"])
            for (kind, name), kept in sorted(state.items())
            if kind == "rules" and kept["scope"] in scopes and kept["enabled"]
        ),
        *(_of_script(state, "site", Step.RECEIVED, moment) if _anonymizes(state, receiver) else ()),
        *(
            make("setting", name, kept["value"])
            for (kind, name), kept in sorted(state.items())
            if kind == "setting"
        ),
    ]


def _anonymizes(state: State, receiver: str) -> bool:
    """Say whether the site script ran over what a receiver took in: one of the settings file always
    lets it."""
    found = [
        kept
        for (kind, _), kept in state.items()
        if kind == "receiver" and kept["ae_title"] == receiver
    ]
    return not found or any(kept.get("anonymize", True) for kept in found)


def _of_script(state: State, scope: str, step: Step, moment: datetime) -> list[Applied]:
    kept = state.get(("script", scripts.scope_name(scope)))
    if kept is None or not kept["enabled"]:
        return []
    return [Applied(step=step, kind="script", name=scope, version=str(kept["active"]), at=moment)]
