# SPDX-License-Identifier: Apache-2.0
"""What is said of the sessions of an engine in memory."""

from __future__ import annotations

from dataclasses import replace

from engine.model.capsule import Capsule, CapsuleFile
from engine.model.desk import Desk, Opened
from engine.model.errors import InvalidInput
from engine.model.prearchive import ActOutcome, PrearchiveSession
from engine.model.queues import MonthLine, Queue
from engine.model.states import REVIEWABLE
from tests.memory.facts import NOON, Asked


class ReviewDesk(Asked):
    async def show(self, id: str) -> Desk:
        self.facts.found(id)
        known = self.facts.desks.get(id, Desk(session=id))
        opened = tuple(one for one in self.facts.opened if one.session == id)
        return replace(known, opened=opened)

    async def open(self, id: str, client: str) -> tuple[Opened, ...]:
        self.facts.found(id)
        self.facts.here[client] = id
        return tuple(one for one in self.facts.opened if one.session == id)

    async def close(self, client: str) -> None:
        self.facts.here.pop(client, None)

    async def opened(self) -> tuple[Opened, ...]:
        return tuple(self.facts.opened)

    async def look_up(self, name: str) -> tuple[PrearchiveSession, ...]:
        ids = self.facts.on_paper.get(name, ())
        return tuple(self.facts.found(id) for id in ids)

    async def capsule(self, id: str) -> Capsule:
        self.facts.found(id)
        return Capsule(session=id, files=(CapsuleFile(name="README.txt", text="about it\n"),))

    async def queues(self) -> tuple[Queue, ...]:
        return tuple(self.facts.queues)

    async def report(self, month: str) -> tuple[MonthLine, ...]:
        if month not in self.facts.months:
            raise InvalidInput(f"{month!r} is no month", hint="write it as 2026-11")
        return self.facts.months[month]

    async def note(self, ids: tuple[str, ...], text: str) -> tuple[ActOutcome, ...]:
        by, at = (self.actor, NOON) if text else ("", None)
        said = "noted" if text else "the note is removed"
        changes = {"note": text, "noted_by": by, "noted": at}
        return tuple([await self._say(id, said, **changes) for id in ids])

    async def assign(self, ids: tuple[str, ...], to: str = "") -> tuple[ActOutcome, ...]:
        changes = {"assigned": to, "assigned_by": self.actor, "assigned_at": NOON}
        said = f"assigned to {to}" if to else "assigned to nobody"
        return tuple([await self._say(id, said, **changes) for id in ids])

    async def review(self, ids: tuple[str, ...]) -> tuple[ActOutcome, ...]:
        outcomes = []
        for id in ids:
            row = self.facts.found(id)
            if row.locked or row.status not in REVIEWABLE:
                why = f"{id} cannot be reviewed: it is {row.status}, and not at rest"
                outcomes.append(ActOutcome(id=id, done=False, message=why))
                continue
            changes = {"reviewed_by": self.actor, "reviewed": NOON, "fell": ""}
            outcomes.append(await self._say(id, "reviewed", **changes))
        return tuple(outcomes)

    async def withdraw(self, ids: tuple[str, ...]) -> tuple[ActOutcome, ...]:
        fell = f"the mark was taken away by {self.actor}"
        changes = {"reviewed_by": "", "reviewed": None, "fell": fell}
        return tuple([await self._say(id, "no longer reviewed", **changes) for id in ids])

    async def _say(self, id: str, said: str, **changes: object) -> ActOutcome:
        row = self.facts.found(id)
        known = replace(self.facts.desks.get(id, Desk(session=id)), **changes)  # type: ignore[arg-type]
        self.facts.desks[id] = known
        self.facts.sessions[id] = replace(
            row,
            assigned=known.assigned,
            reviewed_by=known.reviewed_by,
            reviewed=known.reviewed,
            noted=bool(known.note),
        )
        await self.facts.tell("session", id, f"{said} by {self.actor}")
        return ActOutcome(id=id, done=True, message=said)
