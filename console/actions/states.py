# SPDX-License-Identifier: Apache-2.0
"""Acts on the states of filed sessions as users perform them: the question before an act, the
equivalent command, the call that carries it out, and how it is undone. Pure except for `perform`
and `take_back`."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from console.views import figures
from console.views.filed import STATES
from console.views.question import Answers, Question, reason
from console.views.text import plain_text
from engine.model.archive import SessionStatus
from engine.model.people import Permission, WhoAmI
from engine.model.prearchive import ActOutcome
from engine.model.quarantine import OPPOSITE, Act, QuarantinedSession, after, why_not
from engine.service.api import EngineApi

NO_GATE = (
    "Archived already: this is a look at quality and no PHI gate. Pixels and metadata are in the "
    "archive for good, and a record stays even after a delete. Look for patients before, in the "
    "prearchive."
)
"""What stands on the screen while it is shown."""

NO_GATE_SHORT = "archived for good: no PHI gate"

_UNDONE = {
    Act.RELEASE: "u holds it again.",
    Act.LOCK: "u unlocks it.",
    Act.UNLOCK: "u locks it again.",
    Act.OBSOLETE: "u brings it back.",
    Act.ACTIVATE: "u marks it as obsolete again.",
}
_NEEDS_REASON = frozenset({Act.RELEASE, Act.HOLD, Act.OBSOLETE})
_TITLES = {
    Act.RELEASE: "Release {} from quarantine?",
    Act.HOLD: "Hold {} in quarantine?",
    Act.LOCK: "Lock {}?",
    Act.UNLOCK: "Unlock {}?",
    Act.OBSOLETE: "Mark {} as obsolete?",
    Act.ACTIVATE: "Bring {} back from obsolete?",
}
_SAYS = {
    Act.RELEASE: "Whoever may read the project sees it then.",
    Act.HOLD: "Only those see it who may release it; what was agreed to is void.",
    Act.LOCK: "It can be read, and nobody changes it until it is unlocked.",
    Act.UNLOCK: "It can be changed again by those who may.",
    Act.OBSOLETE: "It is not to be used: lists leave it out unless they are asked for it.",
    Act.ACTIVATE: "It goes back to where it was, be it into quarantine.",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class StateAct:
    """One act on filed sessions, as they were before it."""

    verb: Act
    sessions: tuple[QuarantinedSession, ...]
    reason: str = ""

    @property
    def ids(self) -> tuple[str, ...]:
        """The accession IDs of the sessions."""
        return tuple(one.accession for one in self.sessions)

    def kept(self, ids: Collection[str]) -> StateAct:
        """Return the act as if it were about these only."""
        return replace(self, sessions=tuple(one for one in self.sessions if one.accession in ids))

    async def perform(self, engine: EngineApi) -> tuple[ActOutcome, ...]:
        """Do it."""
        return await _ask(engine, self.verb, self.ids, self.reason)

    def told(self, outcomes: Sequence[ActOutcome]) -> tuple[str, bool]:
        """Say how it went, and whether something was refused."""
        done = [one for one in outcomes if one.done]
        refused = [one for one in outcomes if not one.done]
        words = f"{self.verb.value}: {figures.plural(len(done), 'session')}"
        if len({one.message for one in done}) == 1:
            # Of a release it says whether another person has to release it, too.
            whom = done[0].id if len(done) == 1 else figures.plural(len(done), "session")
            words = f"{whom}: {done[0].message}"
        if refused:
            words += f"; {len(refused)} refused: {refused[0].message}"
        return words, bool(refused)

    def why_kept(self) -> str:
        """Say why it cannot be taken back; empty where it may be."""
        if self.verb not in OPPOSITE:
            return "a hold is not taken back: release it, with a reason (a)"
        return ""

    def taking_back(self) -> str:
        """Say what taking it back does."""
        return f"{OPPOSITE[self.verb].value} {figures.plural(len(self.sessions), 'session')}"

    async def take_back(self, engine: EngineApi) -> tuple[ActOutcome, ...]:
        """Take it back."""
        return await _ask(engine, OPPOSITE[self.verb], self.ids, "taken back")

    def taken_back(self, outcomes: Sequence[ActOutcome]) -> tuple[str, bool]:
        """Say how taking it back went, and whether something was refused."""
        refused = [one for one in outcomes if not one.done]
        if not refused:
            return f"taken back: {self.taking_back()}", False
        done = figures.plural(len(outcomes) - len(refused), "session")
        return f"taken back for {done}; not taken back: {refused[0].message}", True


def may_release(me: WhoAmI | None, project: str) -> bool:
    """Say whether the person may release in a project, as far as it is known."""
    if me is None:
        return True
    everywhere, here = me.permissions.get("", ()), me.permissions.get(project, ())
    return Permission.RELEASE.value in (*everywhere, *here)


def refusal(act: Act, session: QuarantinedSession, me: WhoAmI | None) -> str:
    """Say why an act is not possible for a session now; empty when it is."""
    if not may_release(me, session.project):
        return f"it needs the permission to release in {session.project}"
    return why_not(act, session.standing, me.login if me is not None else "", session.people)


def sort_out(
    act: Act, sessions: Sequence[QuarantinedSession], me: WhoAmI | None
) -> tuple[tuple[QuarantinedSession, ...], tuple[str, ...]]:
    """Return the sessions for which an act is possible, and why not for each of the others."""
    said = [(one, refusal(act, one, me)) for one in sessions]
    return (
        tuple(one for one, why in said if not why),
        tuple(f"{one.accession}: {why}" for one, why in said if why),
    )


def why_none(act: Act, sessions: Sequence[QuarantinedSession], me: WhoAmI | None) -> str:
    """Say why an act is possible for none of the sessions; empty when it is for one."""
    if not sessions:
        return "there is no session here"
    refused = [refusal(act, one, me) for one in sessions]
    if not all(refused):
        return ""
    return refused[0] if len(refused) == 1 else f"none of the {len(refused)} marked: {refused[0]}"


def accepting(sessions: Sequence[QuarantinedSession]) -> Act:
    """Return what `a` does: what is obsolete is brought back, anything else released."""
    return Act.ACTIVATE if _all(sessions, SessionStatus.OBSOLETE) else Act.RELEASE


def locking(sessions: Sequence[QuarantinedSession]) -> Act:
    """Return what `w` does."""
    return Act.UNLOCK if _all(sessions, SessionStatus.LOCKED) else Act.LOCK


def question(
    act: Act,
    possible: Sequence[QuarantinedSession],
    refused: Sequence[str],
    me: WhoAmI | None,
    note: str = "",
) -> Question:
    """Make the question that comes before an act; `note` is said of the marks."""
    many = len(possible)
    says = [_SAYS[act]]
    if act is Act.RELEASE and any(one.people > 1 for one in possible):
        says = [*_people(possible, me), _SAYS[act]]
    if act in _UNDONE:
        says.append(_UNDONE[act])
    if refused:
        says.append(f"{len(refused)} marked are left out: {refused[0]}")
    return Question(
        title=_TITLES[act].format(figures.plural(many, "session")),
        act=f"{act.value.capitalize()} {many}",
        rows=tuple(map(described, possible)),
        says=(*says, *((note,) if note else ())),
        fields=(reason(needed=act in _NEEDS_REASON),),
        confirm=many if many > 1 and act is Act.RELEASE else 0,
        command=lambda given: command(answered(act, possible, given)),
    )


def answered(act: Act, sessions: Sequence[QuarantinedSession], given: Answers) -> StateAct:
    """Make the act of what was answered."""
    return StateAct(verb=act, sessions=tuple(sessions), reason=given.get("reason", ""))


def command(act: StateAct) -> str:
    """Return the command that does the same."""
    words = ["anteroom", "quarantine", act.verb.value, *act.ids]
    return shlex.join([*words, *(["--reason", act.reason] if act.reason else [])])


def described(session: QuarantinedSession) -> str:
    """Say which session is meant, on one line."""
    label, project = plain_text(session.label, 28), plain_text(session.project, 16)
    yes = f"   {session.said_yes}" if session.people > 1 and session.said_yes else ""
    return f"{label}   {project}   {session.accession}   {STATES[session.status][0]}{yes}"


def _people(possible: Sequence[QuarantinedSession], me: WhoAmI | None) -> list[str]:
    """Say how many people a release takes, and which of them this one is."""
    login = me.login if me is not None else ""
    wanting = [one for one in possible if one.people > 1]
    second = [
        one
        for one in wanting
        if after(Act.RELEASE, one.standing, login, one.people).status is SessionStatus.ACTIVE
    ]
    said = []
    if second:
        names = ", ".join(dict.fromkeys(each.actor for one in second for each in one.yes))
        said.append(f"{names} has agreed: you are the second of 2, and release it.")
    if first := len(wanting) - len(second):
        whom = "it" if first == 1 else f"{first} of them"
        said.append(f"2 different people have to: you agree to {whom}, and another one releases.")
    return said


def _all(sessions: Sequence[QuarantinedSession], status: SessionStatus) -> bool:
    return bool(sessions) and all(one.status is status for one in sessions)


async def _ask(
    engine: EngineApi, act: Act, ids: tuple[str, ...], why: str
) -> tuple[ActOutcome, ...]:
    api = engine.quarantine
    match act:
        case Act.RELEASE:
            return await api.release(ids, why)
        case Act.HOLD:
            return await api.hold(ids, why)
        case Act.LOCK:
            return await api.lock(ids, why)
        case Act.UNLOCK:
            return await api.unlock(ids, why)
        case Act.OBSOLETE:
            return await api.obsolete(ids, why)
        case Act.ACTIVATE:
            return await api.activate(ids, why)
