# SPDX-License-Identifier: Apache-2.0
"""Sessions that wait for review, and objects that are held."""

from __future__ import annotations

from typing import Protocol

from engine.model.changes import SessionChanges
from engine.model.contents import (
    FilePage,
    FoldedHeader,
    SessionContents,
    Timeline,
    Tombstone,
    TrashedSession,
)
from engine.model.contradictions import Choice, Contradictions
from engine.model.findings import Findings
from engine.model.held import HeldDetail
from engine.model.ledger import ALL_LEDGER, GroupKey, HeldAt, HeldPage, LedgerQuery
from engine.model.prearchive import (
    ActOutcome,
    LogEntry,
    PrearchivePage,
    PrearchiveQuery,
    PrearchiveSession,
)
from engine.model.routing import Route
from engine.model.states import Verb

ALL_WAITING = PrearchiveQuery()


class PrearchiveApi(Protocol):
    """Sessions that wait for review. Acts take prearchive ids and answer for each id."""

    async def list(
        self, query: PrearchiveQuery = ALL_WAITING, offset: int = 0, limit: int = 100
    ) -> PrearchivePage: ...
    async def show(self, id: str) -> PrearchiveSession: ...
    async def find(self, name: str) -> str:
        """Return the id for an id, a URL, or a label that only one session has."""
        ...

    async def archive(
        self, ids: tuple[str, ...], reason: str = "", quarantine: bool = False
    ) -> tuple[ActOutcome, ...]:
        """Queue the archiving of sessions, with `quarantine` into quarantine whatever their
        projects say."""
        ...

    async def move(
        self, ids: tuple[str, ...], project: str, reason: str = ""
    ) -> tuple[ActOutcome, ...]: ...
    async def claim(
        self, ids: tuple[str, ...], project: str, reason: str = ""
    ) -> tuple[ActOutcome, ...]:
        """Queue the move of Unassigned sessions to a project; who decides on its sessions may do
        that where the site lets them, without seeing whose these are."""
        ...

    async def would(
        self, verb: Verb, ids: tuple[str, ...], project: str = ""
    ) -> tuple[ActOutcome, ...]:
        """Say for each session whether a verb would be queued for it now, and if not why; nothing
        is changed. `project` is where a move would go."""
        ...

    async def relabel(
        self, id: str, label: str = "", subject: str = "", reason: str = ""
    ) -> ActOutcome: ...
    async def contradictions(self, id: str) -> Contradictions:
        """Return what a person has to decide before a session can be archived: patient data."""
        ...

    async def resolve(
        self,
        id: str,
        choices: tuple[Choice, ...],
        subject: str = "",
        seen: str = "",
        reason: str = "",
    ) -> ActOutcome:
        """Carry out a decision: what is not kept goes into the trash, and where patients were told
        apart the site script runs again. With `seen` it holds for no other contradictions."""
        ...

    async def rebuild(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]: ...
    async def delete(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]: ...
    async def reset(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]: ...
    async def look(self, ids: tuple[str, ...]) -> tuple[ActOutcome, ...]:
        """Say that the actor has looked at sessions; those that a transfer has cut short are no
        longer told apart from others."""
        ...

    async def log(self, id: str) -> tuple[LogEntry, ...]: ...
    async def done(
        self, id: str, scan: str = "", seen: int = 0, wait: float = 0.0
    ) -> SessionChanges:
        """Tell what the site script has done to a session's objects, as far as it is kept. It is
        found out in the background; this answers once more than `seen` files have been read, or
        all, or `wait` seconds have passed."""
        ...

    async def to_come(
        self, id: str, scan: str = "", seen: int = 0, wait: float = 0.0
    ) -> SessionChanges:
        """Tell what the project's script would do to them on the way to the archive, in the same
        way; of no files where no script would run."""
        ...

    async def contents(self, id: str) -> SessionContents: ...
    async def files(
        self, id: str, scan: str = "", offset: int = 0, limit: int = 100
    ) -> FilePage: ...
    async def header(self, id: str, scan: str = "", file: str = "") -> FoldedHeader:
        """Fold the headers of one file, of a scan, or of the whole session into one."""
        ...

    async def route(self, id: str) -> Route:
        """Route the session's first object by what is in force now, with a trace."""
        ...

    async def timeline(self, id: str) -> Timeline: ...
    async def trash(self) -> tuple[TrashedSession, ...]:
        """Return the deleted sessions that can be put back, the newest first."""
        ...

    async def gone(self, offset: int = 0, limit: int = 100) -> tuple[Tombstone, ...]:
        """What was removed for good, the newest first."""
        ...

    async def restore(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]:
        """Put deleted sessions back to where they were."""
        ...

    async def empty_trash(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]:
        """Remove deleted sessions for good: nothing brings them back."""
        ...


class FindingsApi(Protocol):
    """Where patients may still shine through in sessions that wait; values are patient data."""

    async def list(self, id: str) -> Findings:
        """Return the findings of a session, the highest level first."""
        ...

    async def acknowledge(self, id: str, keys: tuple[str, ...], reason: str) -> Findings:
        """Say of findings that they are none, and why; with other values they are open again."""
        ...

    async def reopen(self, id: str, keys: tuple[str, ...], reason: str = "") -> Findings:
        """Take back what was said of findings."""
        ...


class HeldApi(Protocol):
    """Objects that a script error or a limit keeps in staging; `live.held` lists them."""

    async def list(
        self,
        query: LedgerQuery = ALL_LEDGER,
        group: GroupKey | None = None,
        after: HeldAt | None = None,
        limit: int = 100,
    ) -> HeldPage:
        """Return the held objects, of a group of the ledger or of all, that come after one; the
        newest first."""
        ...

    async def show(self, id: str) -> HeldDetail: ...
    async def header(self, id: str) -> FoldedHeader:
        """Read the header as it was received; if it cannot be read, `unread` says why and where."""
        ...

    async def retry(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]:
        """Run the script in force over them; what comes of it is published, or it stays held."""
        ...

    async def drop(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]:
        """Take them out of staging, for good."""
        ...
