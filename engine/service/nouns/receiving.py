# SPDX-License-Identifier: Apache-2.0
"""What receives and sends: receivers, remotes, acceptances, what arrives, storage commitments."""

from __future__ import annotations

from typing import Protocol

from engine.model.acceptance import Acceptance
from engine.model.commitments import Commitment, CommitmentDetail
from engine.model.ledger import (
    ALL_LEDGER,
    DayAccounts,
    GroupBy,
    GroupKey,
    LedgerGroups,
    LedgerQuery,
    LineAt,
)
from engine.model.live import (
    ArrivingSeries,
    HeldObject,
    LedgerEntry,
    ReceiverStatus,
    SenderSeen,
    Throughput,
    ThroughputBy,
    Transfer,
)
from engine.model.prearchive import ActOutcome
from engine.model.remotes import Echo, Remote, Send


class ReceiversApi(Protocol):
    """DICOM receivers."""

    async def list(self) -> tuple[ReceiverStatus, ...]: ...
    async def add(
        self,
        ae_title: str,
        port: int,
        allow: tuple[str, ...] = (),
        anonymize: bool = True,
        rules: bool = False,
        values: dict[str, str] | None = None,
    ) -> ReceiverStatus:
        """Add a receiver; `values` are those of `edit`, in force from the first connection."""
        ...

    async def edit(self, ae_title: str, port: int, values: dict[str, str]) -> ReceiverStatus: ...
    async def remove(self, ae_title: str, port: int) -> None: ...
    async def start(self, ae_title: str, port: int) -> ReceiverStatus: ...
    async def stop(self, ae_title: str, port: int) -> ReceiverStatus: ...
    async def reload(self, ae_title: str, port: int) -> ReceiverStatus:
        """Read the certificates of a receiver again and put them into force."""
        ...

    async def echo(self, ae_title: str, port: int) -> str:
        """Send a C-ECHO to a receiver of this engine and say how it answered."""
        ...


class RemotesApi(Protocol):
    """Remote application entities, by name: where sessions can be sent."""

    async def list(self) -> tuple[Remote, ...]: ...
    async def show(self, name: str) -> Remote: ...
    async def add(
        self,
        name: str,
        ae_title: str,
        host: str,
        port: int,
        values: dict[str, str] | None = None,
    ) -> Remote:
        """Add a remote; `values` are those of `edit`. Nothing is asked of it yet."""
        ...

    async def edit(self, name: str, values: dict[str, str]) -> Remote: ...
    async def delete(self, name: str) -> None: ...
    async def echo(self, name: str) -> Echo:
        """Send a C-ECHO, also to a remote that is disabled, and keep how it answered."""
        ...

    async def send(
        self,
        name: str,
        sessions: tuple[str, ...],
        scans: tuple[str, ...] = (),
        reason: str = "",
    ) -> tuple[ActOutcome, ...]:
        """Queue sessions to be sent, by accession ID or as `prearchive.find` takes them; `job` of
        an outcome is the id of the send."""
        ...

    async def sends(
        self, limit: int = 100, unfinished: bool = False, session: str = ""
    ) -> tuple[Send, ...]:
        """Return what is sent and was sent within the last weeks, the newest first."""
        ...

    async def sending(self, id: str) -> Send:
        """Return one send."""
        ...

    async def cancel(self, id: str) -> None:
        """End a send after the object that is on its way."""
        ...


class AcceptancesApi(Protocol):
    """Acceptances of senders: a scanner is tried before it is relied on."""

    async def start(self, calling: str, receiver: str = "", expected: int = 0) -> Acceptance:
        """Begin with the sender of this AE title; what it does from now on counts."""
        ...

    async def list(self, limit: int = 100, open_only: bool = False) -> tuple[Acceptance, ...]:
        """Return acceptances, the newest first; open ones without their steps."""
        ...

    async def show(self, id: str) -> Acceptance: ...
    async def expect(self, id: str, images: int) -> Acceptance:
        """Say how many images the sender's own screen counts."""
        ...

    async def close(self, id: str, verdict: str, note: str = "") -> Acceptance:
        """Sign what was seen: accepted, rejected or abandoned."""
        ...


class LiveApi(Protocol):
    """Transfers, newest first; what is known of what arrives; the ledger; what is held."""

    async def transfers(
        self, limit: int = 100, open_only: bool = False
    ) -> tuple[Transfer, ...]: ...
    async def ledger(
        self, offset: int = 0, limit: int = 100, outcome: str = ""
    ) -> tuple[LedgerEntry, ...]: ...
    async def ledger_groups(
        self, query: LedgerQuery = ALL_LEDGER, by: GroupBy = GroupBy.REASON, limit: int = 1000
    ) -> LedgerGroups:
        """Group the ledger and what is held, what was counted last first."""
        ...

    async def ledger_lines(
        self,
        group: GroupKey,
        query: LedgerQuery = ALL_LEDGER,
        after: LineAt | None = None,
        limit: int = 100,
    ) -> tuple[LedgerEntry, ...]:
        """Return the lines of a group that come after one, what was counted last first."""
        ...

    async def accounts(self, days: int = 1) -> DayAccounts:
        """Return where the objects are that senders have brought within the last days, today
        among them."""
        ...

    async def held(self) -> tuple[HeldObject, ...]: ...
    async def series(self, session: str) -> tuple[ArrivingSeries, ...]:
        """Return what is known of a prearchive session's series from the objects that have come."""
        ...

    async def throughput(
        self, hours: int = 24, by: ThroughputBy = ThroughputBy.ALL
    ) -> tuple[Throughput, ...]:
        """Return what came within each of the last hours, this one too, the oldest first. Hours in
        which nothing came are left out."""
        ...

    async def senders(self, days: int = 31) -> tuple[SenderSeen, ...]:
        """Return who has sent within the last days, and to which receiver."""
        ...


class CommitmentsApi(Protocol):
    """Requests for a storage commitment, the newest first."""

    async def list(
        self, offset: int = 0, limit: int = 100, state: str = ""
    ) -> tuple[Commitment, ...]: ...
    async def show(self, id: str) -> CommitmentDetail: ...
    async def retry(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]:
        """Decide anew and tell the senders, now and as often as for a new request."""
        ...
