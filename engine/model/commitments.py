# SPDX-License-Identifier: Apache-2.0
"""Requests for a storage commitment as users see them: what was asked for, what was decided, and
whether the sender has been told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class CommitmentState(StrEnum):
    """How far a request has come."""

    WAITING = "waiting"
    """It is being decided, or its sender could not be told yet."""
    REPORTED = "reported"
    GIVEN_UP = "given up"
    """The sender could not be told; `retry` begins anew."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Commitment:
    """One request. UIDs are not part of it."""

    id: str
    at: datetime
    receiver: str
    calling: str
    peer: str
    objects: int
    failed: int
    """Of them, those that are not committed."""
    state: CommitmentState
    reason: str = ""
    """Why the sender has not been told."""
    attempts: int = 0
    due: datetime | None = None
    """When it is tried again."""
    decided: datetime | None = None
    ended: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class FailedObject:
    """An object that is not committed, as the sender named it."""

    sop_class: str
    sop_instance: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CommitmentDetail(Commitment):
    """One request with what is not committed of it."""

    transaction_uid: str = ""
    failures: tuple[FailedObject, ...] = ()
    """The first of them."""
