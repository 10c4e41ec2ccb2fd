# SPDX-License-Identifier: Apache-2.0
"""Claims: the agreement on which prearchive session an object joins (intake contract 6). This
module defines the messages and the worker's side; the rows are created in
`engine.ingest.claims`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class ClaimRequest:
    """What a row is found or made by. Empty project means Unassigned."""

    project: str
    study_uid: str
    label: str
    subject: str = ""
    snapshot: int = 0
    scan_date: str = ""
    scan_time: str = ""
    auto_archive: bool | None = None
    prevent_anon: bool = False
    receiver: str = ""
    calling: str = ""
    source: str = ""
    account: str = ""
    file_name_template: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """The session that an object joins; `folder` is the absolute path of its folder."""

    session: str
    folder: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What the session's private index says of a file."""

    received_sop: str
    digest: str


class StaleSnapshot(Exception):
    """The claim was made on an old snapshot: route again on the new one."""


class NoClaim(Exception):
    """There can be no claim now; the text says why."""


class Claims(Protocol):
    """Where claims come from: the engine over a channel, or the database itself."""

    def claim(self, request: ClaimRequest) -> Claim:
        """Find or make the row that accepts; raise `StaleSnapshot` or `NoClaim`."""
        ...

    def known(self, session: str, file: str) -> tuple[Known, ...]:
        """Say what the index knows of a file; empty when it knows nothing (yet)."""
        ...


ClaimKey = tuple[str, str, str]
"""Project or empty, study UID, and the label as it was routed."""

_MOST_HELD = 4096
"""More sessions than are received at once; forgetting them costs a question each."""


class ClaimBook:
    """Claims that this process holds, so that only the first object of a session asks. Reading it
    takes no lock: a dictionary is read and replaced whole entries at a time."""

    def __init__(self, claims: Claims) -> None:
        """Remember answers of `claims`."""
        self._claims = claims
        self._held: dict[ClaimKey, Claim] = {}

    def get(self, key: ClaimKey, request: Callable[[], ClaimRequest]) -> Claim:
        """Return the claim for (project, study UID, label), asking only where none is held."""
        held = self._held.get(key)
        if held is not None:
            return held
        claim = self._claims.claim(request())
        if len(self._held) >= _MOST_HELD:
            self._held.clear()
        self._held[key] = claim
        return claim

    def drop(self, key: ClaimKey, claim: Claim) -> None:
        """Forget a claim whose folder has been taken away."""
        # Another thread may have claimed again already: its newer claim has to stay.
        if self._held.get(key) is claim:
            self._held.pop(key, None)

    def known(self, session: str, file: str) -> tuple[Known, ...]:
        """Ask what the index knows of a file."""
        return self._claims.known(session, file)
