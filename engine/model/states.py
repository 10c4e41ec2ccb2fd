# SPDX-License-Identifier: Apache-2.0
"""The states of a prearchive session and what is allowed in each. Only the rules are here; the rows
are changed in `engine.prearchive`."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """What a prearchive session is doing now, named as XNAT names it."""

    RECEIVING = "RECEIVING"
    RECEIVING_INTERRUPT = "RECEIVING_INTERRUPT"
    QUEUED_BUILDING = "QUEUED_BUILDING"
    BUILDING = "BUILDING"
    READY = "READY"
    CONFLICT = "CONFLICT"
    ERROR = "ERROR"
    QUEUED_ARCHIVING = "QUEUED_ARCHIVING"
    ARCHIVING = "ARCHIVING"
    QUEUED_MOVING = "QUEUED_MOVING"
    MOVING = "MOVING"
    QUEUED_DELETING = "QUEUED_DELETING"
    DELETING = "DELETING"
    QUEUED_SEPARATING = "QUEUED_SEPARATING"
    SEPARATING = "SEPARATING"


class Verb(StrEnum):
    """What a person or the timer may ask of a prearchive session."""

    ARCHIVE = "archive"
    MOVE = "move"
    RELABEL = "relabel"
    RESOLVE = "resolve"
    """Carry out what a person decided on its contradictions."""
    REBUILD = "rebuild"
    DELETE = "delete"
    RESET = "reset"
    RESTORE = "restore"
    """Asked of a deleted session, which has no row until it is put back."""


TAKES_DATA = frozenset(
    {
        Status.RECEIVING,
        Status.RECEIVING_INTERRUPT,
        Status.QUEUED_BUILDING,
        Status.BUILDING,
        Status.READY,
        Status.CONFLICT,
        Status.ERROR,
    }
)
"""Statuses in which a row may be `accepting`: late objects join it."""

QUEUED_FOR = {
    Verb.ARCHIVE: Status.QUEUED_ARCHIVING,
    Verb.MOVE: Status.QUEUED_MOVING,
    Verb.RELABEL: Status.QUEUED_MOVING,
    Verb.RESOLVE: Status.QUEUED_MOVING,
    Verb.REBUILD: Status.QUEUED_BUILDING,
    Verb.DELETE: Status.QUEUED_DELETING,
    Verb.RESTORE: Status.QUEUED_MOVING,
}
WORKING_AT = {
    Verb.ARCHIVE: Status.ARCHIVING,
    Verb.MOVE: Status.MOVING,
    Verb.RELABEL: Status.MOVING,
    Verb.RESOLVE: Status.MOVING,
    Verb.REBUILD: Status.BUILDING,
    Verb.DELETE: Status.DELETING,
    Verb.RESTORE: Status.MOVING,
}
QUEUED = frozenset(QUEUED_FOR.values()) | {Status.QUEUED_SEPARATING}
WORKING = frozenset(WORKING_AT.values()) | {Status.SEPARATING}

RECEIVING = frozenset({Status.RECEIVING, Status.RECEIVING_INTERRUPT})
PROBLEM = frozenset({Status.CONFLICT, Status.ERROR})
"""Statuses in which nothing goes on before a person has looked."""

_SETTLED = PROBLEM | {Status.READY}

SENDABLE = _SETTLED
"""Statuses in which the files stand still, so that they can be sent to a remote."""

ALLOWED = {
    Verb.ARCHIVE: frozenset({Status.READY, Status.CONFLICT}),
    Verb.MOVE: _SETTLED,
    Verb.RELABEL: _SETTLED,
    Verb.RESOLVE: frozenset({Status.CONFLICT}),
    Verb.REBUILD: _SETTLED | RECEIVING,
    Verb.DELETE: _SETTLED | RECEIVING,
    Verb.RESET: QUEUED | _SETTLED | RECEIVING,
    Verb.RESTORE: frozenset(),
}
"""From which statuses each verb may start (an ERROR session is rebuilt first)."""


REVIEWABLE = frozenset({Status.READY, Status.CONFLICT})
"""Statuses in which there is something that can be reviewed."""

SEVERAL = frozenset({Verb.ARCHIVE, Verb.MOVE, Verb.REBUILD, Verb.DELETE, Verb.RESET})
"""Verbs that can be asked of several sessions at once."""


def after_new_data(status: Status) -> Status:
    """Return the status that follows when an object joins a row."""
    if status in (Status.BUILDING, Status.RECEIVING_INTERRUPT):
        return Status.RECEIVING_INTERRUPT
    return Status.RECEIVING


def why_not_sent(status: Status, *, locked: bool) -> str:
    """Say in one sentence why a waiting session cannot be sent now; empty when it can."""
    if locked or status not in SENDABLE:
        return f"the session is {status.value}; only one that is built and at rest can be sent"
    return ""


def why_not(verb: Verb, status: Status, *, locked: bool) -> str:
    """Say in one sentence why `verb` is not possible now; empty when it is."""
    if locked:
        # RECEIVING_INTERRUPT as well: a build that new data has overtaken is still at work.
        doing = status if status in WORKING else Status.BUILDING
        return f"the session is {doing.value.lower()}; wait until that has ended"
    if status in ALLOWED[verb]:
        return ""
    if status in QUEUED:
        return f"the session is queued ({status.value}); reset it to take it out of the queue"
    if verb is Verb.ARCHIVE and status is Status.ERROR:
        return "a session in ERROR is rebuilt before it can be archived"
    if verb is Verb.ARCHIVE and status in RECEIVING:
        return "objects are still arriving; rebuild the session to end the wait"
    if verb is Verb.RESOLVE:
        return "only a session in CONFLICT has something to decide"
    return f"a session in {status.value} cannot do this"
