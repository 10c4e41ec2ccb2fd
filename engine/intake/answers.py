# SPDX-License-Identifier: Apache-2.0
"""The data around an object: where it comes from, the contents of its command set, and the answer
to its sender."""

from __future__ import annotations

from dataclasses import dataclass

from engine.intake.journal import Outcome

SUCCESS = 0x0000
OUT_OF_RESOURCES = 0xA700
MISMATCH = 0xA900
CANNOT_UNDERSTAND = 0xC000
"""Statuses of C-STORE (PS3.4 B.2.3)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Where objects come from."""

    transfer: str
    receiver: str = ""
    calling: str = ""
    peer: str = ""
    prevent_anon: bool = False
    refuse_failed: bool = False
    """An object for which the site script fails is refused, instead of held."""
    source: str = ""
    account: str = ""
    """Who is the actor of what becomes of the session by itself."""
    file_name_template: str = ""
    """Empty: that of the snapshot."""
    durable: bool | None = None
    """None: as the snapshot says."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectContext:
    """What the command set said of the object that follows."""

    sop_class: str
    sop_instance: str
    transfer_syntax: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What the sender is told. `comment` is at most 64 characters and holds no patient data."""

    status: int
    comment: str
    outcome: Outcome
    session: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """The answer to a message that brings no object; `comment` as of an `Answer`."""

    status: int
    comment: str = ""


class Refusal(Exception):
    """Nothing of the object is kept; the sender gets the reason."""

    def __init__(
        self, status: int, reason: str, outcome: Outcome = Outcome.REFUSED, *, rule: str = ""
    ) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.outcome = outcome
        self.rule = rule


class Held(Exception):
    """The object is kept in staging for review."""

    def __init__(self, reason: str, *, rule: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.rule = rule
