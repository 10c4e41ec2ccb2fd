# SPDX-License-Identifier: Apache-2.0
"""The states of filed sessions in an engine in memory, by the rules of the real one."""

from __future__ import annotations

from dataclasses import replace

from engine.model.archive import HistoryEntry, SessionCard, SessionStatus
from engine.model.prearchive import ActOutcome
from engine.model.quarantine import (
    Act,
    QuarantinedSession,
    QuarantinePage,
    QuarantineQuery,
    Standing,
    Yes,
    after,
    recorded_as,
    why_not,
)
from engine.service.nouns.archive import NOT_ACTIVE
from tests.memory.archive import Archive, summary
from tests.memory.facts import NOON, Asked
from tests.memory.where import FILED, holds


class Quarantine(Asked):
    async def list(
        self, query: QuarantineQuery = NOT_ACTIVE, offset: int = 0, limit: int = 100
    ) -> QuarantinePage:
        inactive = [one for one in self.facts.filed.values() if _is_inactive(one)]
        asks = any(one.field == "status" and not one.negated for one in query.where)
        states = query.states or tuple(SessionStatus)[0 if asks else 1 :]
        found = [
            self._row(one)
            for one in self.facts.filed.values()
            if one.status in states
            and query.project in ("", one.project)
            and query.text.lower() in f"{one.label} {one.accession} {one.project}".lower()
            and holds(summary(one), query.where, FILED)
        ]
        found.sort(key=lambda row: row.accession, reverse=query.descending)
        found.sort(key=lambda row: getattr(row, query.sort), reverse=query.descending)
        counts: dict[str, int] = {}
        for one in inactive:
            counts[one.status.value] = counts.get(one.status.value, 0) + 1
        waiting = [self._row(one).since for one in inactive if one.status.value == "quarantine"]
        return QuarantinePage(
            rows=tuple(found[offset : offset + limit]),
            total=len(found),
            counts=counts,
            oldest=min(waiting, default=None),
        )

    async def release(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]:
        return tuple([await self._act(Act.RELEASE, id, reason) for id in ids])

    async def hold(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]:
        return tuple([await self._act(Act.HOLD, id, reason) for id in ids])

    async def lock(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]:
        return tuple([await self._act(Act.LOCK, id, reason) for id in ids])

    async def unlock(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]:
        return tuple([await self._act(Act.UNLOCK, id, reason) for id in ids])

    async def obsolete(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]:
        return tuple([await self._act(Act.OBSOLETE, id, reason) for id in ids])

    async def activate(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]:
        return tuple([await self._act(Act.ACTIVATE, id, reason) for id in ids])

    async def _act(self, act: Act, id: str, reason: str) -> ActOutcome:
        if (found := self.facts.filed.get(self._key(id))) is None:
            return ActOutcome(id=id, done=False, message="there is no such session in the archive")
        row = self._row(found)
        if why := why_not(act, row.standing, self.actor, row.people):
            return ActOutcome(id=id, done=False, message=f"cannot {act.value} {id}: {why}")
        then = after(act, row.standing, self.actor, row.people)
        entry = HistoryEntry(
            at=NOON,
            actor=self.actor,
            change=recorded_as(act, then, row.people),
            before={},
            reason=reason,
        )
        known = await Archive(self.facts, self.actor).history(id)
        self.facts.histories[id] = (*known, entry)
        self._set(id, then, reason)
        await self.facts.tell("archive", id, f"{id}: {then.status.value}, by {self.actor}")
        said = "agreed to" if then.yes else then.status.value
        return ActOutcome(id=id, done=True, message=said)

    def _set(self, id: str, then: Standing, reason: str) -> None:
        if then.yes:
            mine = Yes(actor=self.actor, at=NOON, reason=reason)
            self.facts.agreed[id] = (*self.facts.agreed.get(id, ()), mine)
            return
        self.facts.agreed.pop(id, None)
        self.facts.states[id] = (NOON, self.actor, then.before)
        key = self._key(id)
        self.facts.filed[key] = replace(
            self.facts.filed[key], status=then.status, withheld=then.is_withheld
        )

    def _key(self, accession: str) -> str:
        filed = self.facts.filed.items()
        return next((key for key, one in filed if one.accession == accession), "")

    def _row(self, one: SessionCard) -> QuarantinedSession:
        since, by, before = self.facts.states.get(one.accession, (one.added, one.added_by, None))
        project = self.facts.projects.get(one.project)
        return QuarantinedSession(
            accession=one.accession,
            label=one.label,
            project=one.project,
            subject=one.subject,
            modality=one.modality,
            date=one.date,
            status=one.status,
            before=before,
            since=since,
            by=by,
            yes=self.facts.agreed.get(one.accession, ()),
            people=project.release_people if project is not None else 1,
            files=one.files,
            scans=len(one.scans),
        )


def _is_inactive(one: SessionCard) -> bool:
    return one.status is not SessionStatus.ACTIVE
