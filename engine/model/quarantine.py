# SPDX-License-Identifier: Apache-2.0
"""The states of a filed session, what may be done in each, and when enough people have agreed to
its release. Only the rules are here; rows are changed in `engine.archive.quarantine`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from engine.model.archive import SessionStatus
from engine.model.filters import Condition

MOST_PEOPLE = 2
"""How many different people a project may demand for a release."""


class Act(StrEnum):
    """What may be asked of a filed session."""

    RELEASE = "release"
    """Out of quarantine, once enough people have said so."""
    HOLD = "hold"
    """Into quarantine; one that is in it waits on, and what was agreed is void."""
    LOCK = "lock"
    UNLOCK = "unlock"
    OBSOLETE = "obsolete"
    ACTIVATE = "activate"
    """Back from obsolete, to where it was."""


FROM: Mapping[Act, frozenset[SessionStatus]] = {
    Act.RELEASE: frozenset({SessionStatus.QUARANTINE}),
    Act.HOLD: frozenset({SessionStatus.ACTIVE, SessionStatus.QUARANTINE}),
    # A locked session is read by everybody who may read: none goes there without a release.
    Act.LOCK: frozenset({SessionStatus.ACTIVE}),
    Act.UNLOCK: frozenset({SessionStatus.LOCKED}),
    Act.OBSOLETE: frozenset({SessionStatus.ACTIVE, SessionStatus.QUARANTINE}),
    Act.ACTIVATE: frozenset({SessionStatus.OBSOLETE}),
}
"""From which states each act may start."""

OPPOSITE: Mapping[Act, Act] = {
    Act.RELEASE: Act.HOLD,
    Act.LOCK: Act.UNLOCK,
    Act.UNLOCK: Act.LOCK,
    Act.OBSOLETE: Act.ACTIVATE,
    Act.ACTIVATE: Act.OBSOLETE,
}
"""What undoes an act. A hold is undone by whoever may release, with a reason of their own."""

_LEADS_TO: Mapping[Act, SessionStatus] = {
    Act.RELEASE: SessionStatus.ACTIVE,
    Act.HOLD: SessionStatus.QUARANTINE,
    Act.LOCK: SessionStatus.LOCKED,
    Act.UNLOCK: SessionStatus.ACTIVE,
    Act.OBSOLETE: SessionStatus.OBSOLETE,
}

_WAYS: Mapping[SessionStatus, str] = {
    SessionStatus.ACTIVE: "",
    SessionStatus.QUARANTINE: "release it first",
    SessionStatus.LOCKED: "unlock it first",
    SessionStatus.OBSOLETE: "activate it first",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """How a filed session stands."""

    status: SessionStatus
    before: SessionStatus | None = None
    """Of one that is obsolete, what it was before."""
    yes: frozenset[str] = frozenset()
    """Who has agreed to its release since it was put into quarantine."""

    @property
    def is_withheld(self) -> bool:
        """Whether only those may see it who may release it."""
        return is_withheld(self.status, self.before)


def is_withheld(status: SessionStatus, before: SessionStatus | None) -> bool:
    """Say whether a session waits for a release: also one that was made obsolete meanwhile."""
    waits = SessionStatus.QUARANTINE
    return status is waits or (status is SessionStatus.OBSOLETE and before is waits)


def why_not(act: Act, standing: Standing, actor: str, people: int) -> str:
    """Say in one sentence why an act is not possible now; empty when it is.

    Args:
        people: how many different people have to agree to a release.
    """
    if standing.status not in FROM[act]:
        if standing.status is _LEADS_TO.get(act):
            return f"the session is {_said(standing.status)} already"
        way = _WAYS[standing.status] if act not in (Act.UNLOCK, Act.ACTIVATE, Act.RELEASE) else ""
        return f"the session is {_said(standing.status)}" + (f": {way}" if way else "")
    if act is Act.RELEASE and is_the_same(standing, actor, people):
        return f"{actor} has agreed to the release already: another person has to, too"
    return ""


def is_the_same(standing: Standing, actor: str, people: int) -> bool:
    """Say whether somebody has agreed to a release already that takes other people as well."""
    return actor in standing.yes and len(standing.yes) < people


def after(act: Act, standing: Standing, actor: str, people: int) -> Standing:
    """Return how a session stands after an act that `why_not` does not refuse."""
    match act:
        case Act.RELEASE:
            yes = standing.yes | {actor}
            if len(yes) < people:
                return Standing(status=SessionStatus.QUARANTINE, yes=yes)
            return Standing(status=SessionStatus.ACTIVE)
        case Act.OBSOLETE:
            return Standing(status=SessionStatus.OBSOLETE, before=standing.status)
        case Act.ACTIVATE:
            return Standing(status=standing.before or SessionStatus.ACTIVE)
        case _:
            return Standing(status=_LEADS_TO[act])


def recorded_as(act: Act, after: Standing, people: int) -> str:
    """Return what history and audit trail call an act, as XNAT does."""
    if act is Act.RELEASE and after.status is SessionStatus.QUARANTINE:
        return f"Released {len(after.yes)} of {people}"
    if act is Act.UNLOCK:
        return "Unlocked"
    return {
        SessionStatus.ACTIVE: "Activated",
        SessionStatus.QUARANTINE: "Quarantined",
        SessionStatus.LOCKED: "Locked",
        SessionStatus.OBSOLETE: "Obsoleted",
    }[after.status]


def _said(status: SessionStatus) -> str:
    return "in quarantine" if status is SessionStatus.QUARANTINE else status.value


@dataclass(frozen=True, kw_only=True, slots=True)
class Yes:
    """Somebody who has agreed to a release."""

    actor: str
    at: datetime
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class QuarantinedSession:
    """A filed session as a row of the list of those that are not active."""

    accession: str
    label: str
    project: str
    subject: str
    """Label of the subject."""
    modality: str
    date: str
    status: SessionStatus
    before: SessionStatus | None
    """Of one that is obsolete, what it was before."""
    since: datetime
    """When it came into this state."""
    by: str
    """Who brought it there; whoever archived it where nothing was done since."""
    yes: tuple[Yes, ...] = ()
    people: int = 1
    """How many have to agree to its release."""
    files: int = 0
    scans: int = 0

    @property
    def standing(self) -> Standing:
        """Return how it stands, for the rules."""
        agreed = frozenset(one.actor for one in self.yes)
        return Standing(status=self.status, before=self.before, yes=agreed)

    @property
    def said_yes(self) -> str:
        """Say how many have agreed of how many; nothing of one that waits for no release."""
        waits = self.status is SessionStatus.QUARANTINE
        return f"{len(self.yes)}/{self.people}" if waits else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class QuarantineQuery:
    """Which sessions to list. Empty fields match everything."""

    states: tuple[SessionStatus, ...] = ()
    """None for all that are not active, unless a condition asks for a status."""
    project: str = ""
    text: str = ""
    """Words of which each begins some word of the session's searchable text."""
    where: tuple[Condition, ...] = ()
    """Further conditions, on the fields of `ARCHIVE_FIELDS`; all of them hold."""
    sort: str = "since"
    descending: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class QuarantinePage:
    """A window of sessions, and how many there are in all."""

    rows: tuple[QuarantinedSession, ...]
    total: int
    counts: dict[str, int] = field(default_factory=dict)
    """By state, of all that are not active and that may be seen, whatever was asked for."""
    oldest: datetime | None = None
    """Since when that has been in quarantine which has been there for longest."""
