# SPDX-License-Identifier: Apache-2.0
"""The reviewer's desk."""

from __future__ import annotations

from typing import Protocol

from engine.model.capsule import Capsule
from engine.model.desk import Desk, Opened
from engine.model.prearchive import ActOutcome, PrearchiveSession
from engine.model.queues import MonthLine, Queue


class DeskApi(Protocol):
    """What people say of sessions that wait: notes, whose they are, and who has reviewed them. Acts
    take prearchive ids and answer for each id."""

    async def show(self, id: str) -> Desk:
        """Return what was said of a session; the note may name a patient."""
        ...

    async def open(self, id: str, client: str) -> tuple[Opened, ...]:
        """Say that a console has a session open, and return who else has; it has to be said again
        within a minute. A console is known by a word that it has drawn."""
        ...

    async def close(self, client: str) -> None:
        """Say that a console has no session open any more."""
        ...

    async def opened(self) -> tuple[Opened, ...]:
        """Return which sessions others have open now."""
        ...

    async def look_up(self, name: str) -> tuple[PrearchiveSession, ...]:
        """Find the sessions that came under a name or a number, such as a person has on paper: a
        name of the patient, an id, an accession number. What was typed is kept nowhere."""
        ...

    async def capsule(self, id: str) -> Capsule:
        """Make a bundle about a session for whoever helps: history, routing, scripts, jobs and
        figures, with nothing in it that may name a patient."""
        ...

    async def queues(self) -> tuple[Queue, ...]:
        """Tell what waits for whom and since when, and how much of it for longer than it is to:
        sessions, held objects and quarantine, of the projects that the actor watches."""
        ...

    async def report(self, month: str) -> tuple[MonthLine, ...]:
        """Tell how the sessions of each project fared in a month, such as `2026-11`, by the clocks
        of the engine's machine: how many came, were reviewed, archived and rejected, and how long
        that took."""
        ...

    async def note(self, ids: tuple[str, ...], text: str) -> tuple[ActOutcome, ...]:
        """Leave a note on sessions, in the place of the one that is there; an empty one removes
        it."""
        ...

    async def assign(self, ids: tuple[str, ...], to: str = "") -> tuple[ActOutcome, ...]:
        """Say who is to look at sessions: a login, or nobody."""
        ...

    async def review(self, ids: tuple[str, ...]) -> tuple[ActOutcome, ...]:
        """Mark sessions as reviewed by the actor. The mark falls when new files come, and when a
        session is not what it was any more."""
        ...

    async def withdraw(self, ids: tuple[str, ...]) -> tuple[ActOutcome, ...]:
        """Take the mark of a review away."""
        ...
