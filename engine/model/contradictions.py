# SPDX-License-Identifier: Apache-2.0
"""Contradictions within one waiting session: objects of several patients, or several objects of one
UID. A user decides between the alternatives. The alternatives are patient data, and are stored and
shown in the prearchive only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

ALL_ONE = 0
"""What is kept where all objects are said to be of one patient."""


class ContradictionKind(StrEnum):
    """What contradicts itself."""

    PATIENT = "patient"
    """The objects of the session name several patients, or were routed to several subjects."""
    OBJECT = "object"
    """Several objects with different content have one SOP Instance UID."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Alternative:
    """One patient of several, or one object of several. Sizes are bytes."""

    number: int
    """From 1: what a decision names."""
    objects: int
    scans: tuple[str, ...]
    name: str = ""
    sex: str = ""
    birth_date: str = ""
    patient_id: str = ""
    as_received: bool = False
    """Whether the four are those of the header as received; else a script may have written them."""
    own: bool = False
    """Whether it is the patient that the session's subject stands for."""
    subject: str = ""
    """The label under which this patient was routed, as far as it can be told."""
    file: str = ""
    """Path of the object below the session's folder; of a patient that of their first."""
    sop_uid: str = ""
    bytes: int = 0
    received: datetime | None = None
    """When the association began that brought it."""
    calling: str = ""
    """The AE title that sent it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Contradiction:
    """What a person has to decide."""

    number: int
    """From 1: what a decision names."""
    kind: ContradictionKind
    reason: str
    """A sentence without patient data."""
    alternatives: tuple[Alternative, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Contradictions:
    """All that is undecided in a session."""

    seen: str
    """Names this state of them: a decision that gives it holds for nothing that came later."""
    found: tuple[Contradiction, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """The decision of one contradiction."""

    contradiction: int
    keep: int
    """The number of the alternative that stays in the session; the others go to the prearchive's
    trash. `ALL_ONE`: all are of the session's own patient, and stay."""
