# SPDX-License-Identifier: Apache-2.0
"""The acceptance of a sender: what must have been seen of a scanner before its images are relied
on, and the record that somebody signs. It names sessions by their ids and holds nothing of a
patient."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class StepName(StrEnum):
    """What is looked at, in this order."""

    CONNECTION = "connection"
    ECHO = "echo"
    SERIES = "test series"
    ROUTING = "routing"
    SCRIPT = "script"
    COUNTS = "counts"


class StepState(StrEnum):
    """How a step stands."""

    DONE = "done"
    WAITING = "waiting"
    WRONG = "wrong"


class Judgement(StrEnum):
    """What became of an acceptance."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    ABANDONED = "abandoned"


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One step: what was seen, or what to do."""

    name: StepName
    state: StepState
    said: str
    details: tuple[str, ...] = ()
    sessions: tuple[str, ...] = ()
    """Those in the prearchive that it was judged by, the ones with trouble first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Acceptance:
    """The acceptance of one sender. While it is open its steps follow what arrives; once it is
    closed they are those that were signed."""

    id: str
    calling: str
    """The AE title under which the sender calls."""
    receiver: str = ""
    """The AE title that it has to call; empty for any."""
    expected: int = 0
    """Images of the test series, as its own screen counts them; 0 while nobody has said."""
    started: datetime
    started_by: str
    verdict: Judgement = Judgement.OPEN
    closed: datetime | None = None
    closed_by: str = ""
    note: str = ""
    steps: tuple[Step, ...] = ()

    @property
    def lacking(self) -> tuple[Step, ...]:
        """The steps that are not done. No echo is no fault: some scanners cannot send one."""
        return tuple(
            step
            for step in self.steps
            if step.state is StepState.WRONG
            or (step.state is StepState.WAITING and step.name is not StepName.ECHO)
        )
