# SPDX-License-Identifier: Apache-2.0
"""Acts on sessions of the prearchive as users perform them: the question before an act, the
equivalent command, the call that carries it out, and how it is undone. Pure except for `perform`
and `take_back`."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from console.views import contradictions, figures
from console.views.masking import LASTING
from console.views.question import Answers, Field, Question, reason
from console.views.rows import UNASSIGNED
from console.views.text import plain_text
from engine.model.contradictions import Choice
from engine.model.errors import EngineError, NotFound
from engine.model.prearchive import OF_THE_PATIENT, ActOutcome, PrearchiveSession
from engine.model.states import QUEUED_FOR, Verb, why_not, why_not_sent
from engine.service.api import EngineApi

AT_ONCE = 500
"""Sessions of one call: the answer to thousands would be long in coming, and nothing else is asked
by then."""

_TAKEN_ALONG = f"The {OF_THE_PATIENT}: they go along. Relabel it (i) before it is archived."


@dataclass(frozen=True, kw_only=True, slots=True)
class Act:
    """One verb on sessions, as they were before it."""

    verb: Verb
    sessions: tuple[PrearchiveSession, ...]
    project: str = ""
    label: str = ""
    subject: str = ""
    reason: str = ""
    choices: tuple[Choice, ...] = ()
    """What is decided of the contradictions that were `seen`."""
    seen: str = ""

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the sessions."""
        return tuple(session.id for session in self.sessions)

    def kept(self, ids: Collection[str]) -> Act:
        """Return the act as if it were about these only."""
        return replace(self, sessions=tuple(one for one in self.sessions if one.id in ids))

    async def perform(self, engine: EngineApi) -> tuple[ActOutcome, ...]:
        """Do it."""
        return await perform(engine, self)

    def told(self, outcomes: Sequence[ActOutcome]) -> tuple[str, bool]:
        """Say how it went, and whether something was refused."""
        return told(self, outcomes)

    def why_kept(self) -> str:
        """Say why it cannot be taken back; empty where it may be."""
        return why_kept(self)

    def taking_back(self) -> str:
        """Say what taking it back does."""
        return taking_back(self)

    async def take_back(self, engine: EngineApi) -> tuple[ActOutcome, ...]:
        """Take it back."""
        return await take_back(engine, self)

    def taken_back(self, outcomes: Sequence[ActOutcome]) -> tuple[str, bool]:
        """Say how taking it back went, and whether something was refused."""
        return taken_back(self, outcomes)


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """A session with which something cannot be done now."""

    session: PrearchiveSession
    why: str


def refusal(verb: Verb, session: PrearchiveSession) -> str:
    """Say why a verb is not possible for a session now; empty when it is."""
    if verb in (Verb.ARCHIVE, Verb.RELABEL) and session.project is None:
        return "it has no project: move it to one first"
    if verb is Verb.ARCHIVE and session.contradictions:
        return "nobody has decided what contradicts itself in it: w does"
    if verb is Verb.RESOLVE and not session.contradictions:
        return "nothing in it contradicts itself"
    return why_not(verb, session.status, locked=session.locked)


def sort_out(
    verb: Verb, sessions: Sequence[PrearchiveSession]
) -> tuple[tuple[PrearchiveSession, ...], tuple[Refusal, ...]]:
    """Return the sessions with which something can be done, and the others with the reason."""
    refused = tuple(
        Refusal(session=one, why=why) for one in sessions if (why := refusal(verb, one))
    )
    names = {each.session.id for each in refused}
    return tuple(one for one in sessions if one.id not in names), refused


def foretold(
    verb: Verb, sessions: Sequence[PrearchiveSession], outcomes: Sequence[ActOutcome]
) -> tuple[tuple[PrearchiveSession, ...], tuple[Refusal, ...]]:
    """Return the sessions for which the engine would do something, and the others with the reason:
    ours where we know it, which names the key that helps."""
    why = {
        one.id: one.message.replace(f"{one.id} ", "it ").replace(one.id, "it")
        for one in outcomes
        if not one.done
    }
    refused = tuple(
        Refusal(session=one, why=refusal(verb, one) or why[one.id])
        for one in sessions
        if one.id in why
    )
    return tuple(one for one in sessions if one.id not in why), refused


def why_none(verb: Verb, sessions: Sequence[PrearchiveSession]) -> str:
    """Say why a verb is possible for none of the sessions; empty when it is for one."""
    if not sessions:
        return "there is no session here"
    possible, refused = sort_out(verb, sessions)
    if possible:
        return ""
    if len(refused) == 1:
        return refused[0].why
    return f"none of the {len(refused)} marked: {refused[0].why}"


def sort_out_sends(
    sessions: Sequence[PrearchiveSession],
) -> tuple[tuple[PrearchiveSession, ...], tuple[Refusal, ...]]:
    """Return the sessions that can be sent to a remote, and the others with the reason."""
    possible, refused = [], []
    for one in sessions:
        if why := why_not_sent(one.status, locked=one.locked):
            refused.append(Refusal(session=one, why=why))
        else:
            possible.append(one)
    return tuple(possible), tuple(refused)


def why_none_sent(sessions: Sequence[PrearchiveSession]) -> str:
    """Say why none of the sessions can be sent to a remote; empty when one can."""
    if not sessions:
        return "there is no session here"
    if sort_out_sends(sessions)[0]:
        return ""
    return "only a session that is built and at rest can be sent"


def described(session: PrearchiveSession) -> str:
    """Say which session is meant, on one line."""
    label = session.id if LASTING.hides(session) else plain_text(session.label, 34)
    return (
        f"{label}   {plain_text(session.project or UNASSIGNED, 16)}   "
        f"{figures.plural(session.objects, 'file')}   {session.shown_status.lower()}"
    )


def question(
    verb: Verb,
    possible: Sequence[PrearchiveSession],
    refused: Sequence[Refusal] = (),
    *,
    projects: Sequence[str] = (),
    trash_days: int = 0,
    note: str = "",
) -> Question:
    """Make the question that comes before an act; `note` is said of the marks.

    What is in no project is named by its id, also while labels are revealed: the question may stay
    open for longer than that.
    """
    what = figures.plural(len(possible), "session")
    match verb:
        case Verb.DELETE:
            asked = _delete(what, len(possible), trash_days)
        case Verb.MOVE:
            asked = _move(what, possible, projects)
        case Verb.RELABEL:
            asked = _relabel(possible[0])
        case _:
            asked = _other(verb, what, len(possible))
    return replace(
        asked,
        rows=tuple(map(described, possible)),
        says=(*asked.says, *left_out(refused), *((note,) if note else ())),
        command=lambda given: command(answered(verb, possible, given)),
    )


def _delete(what: str, many: int, trash_days: int) -> Question:
    return Question(
        title=f"Delete {what} from the prearchive?",
        act=f"Delete {many}",
        keep="Keep it" if many == 1 else "Keep them",
        says=(_kept(many, trash_days), "Senders are not told."),
        fields=(reason(needed=True),),
        confirm=many if many > 1 else 0,
        danger=True,
    )


def _move(what: str, possible: Sequence[PrearchiveSession], projects: Sequence[str]) -> Question:
    many = len(possible)
    project = Field(
        name="project",
        label="Project",
        needed=True,
        choices=tuple(projects),
        hint=_some(projects),
    )
    return Question(
        title=f"Move {what} to another project",
        act=f"Move {many}",
        says=("u moves back, but not into Unassigned.",),
        warning=_TAKEN_ALONG if any(one.project is None for one in possible) else "",
        fields=(project, reason(needed=False)),
        fault=lambda given: _no_project(given.get("project", ""), projects),
    )


def _relabel(session: PrearchiveSession) -> Question:
    def fault(given: Answers) -> str:
        act = answered(Verb.RELABEL, (session,), given)
        return "" if act.label or act.subject else "nothing is changed yet"

    return Question(
        title="Relabel a session",
        act="Relabel",
        says=("u gives the old labels back.",),
        fields=(
            Field(name="label", label="Session", value=session.label),
            Field(name="subject", label="Subject", value=session.subject or ""),
            reason(needed=False),
        ),
        fault=fault,
    )


def _other(verb: Verb, what: str, many: int) -> Question:
    says = {
        Verb.ARCHIVE: "What is filed leaves the prearchive, and is not put back from here.",
        Verb.REBUILD: "It is built anew from its files, and not archived by itself after that.",
        Verb.RESET: "It leaves the queue; its status is found anew from its files.",
    }
    return Question(
        title=f"{verb.value.capitalize()} {what}?",
        act=f"{verb.value.capitalize()} {many}",
        says=(says[verb],),
        fields=(reason(needed=False),),
        confirm=many if verb is Verb.ARCHIVE and many > 1 else 0,
    )


def answered(verb: Verb, sessions: Sequence[PrearchiveSession], given: Answers) -> Act:
    """Make the act of what was answered."""
    label, subject = given.get("label", ""), given.get("subject", "")
    if verb is Verb.RELABEL:
        # What stays as it is, as a field shows it, is not sent.
        label = "" if label == plain_text(sessions[0].label) else label
        subject = "" if subject == plain_text(sessions[0].subject or "") else subject
    return Act(
        verb=verb,
        sessions=tuple(sessions),
        project=given.get("project", ""),
        label=label,
        subject=subject,
        reason=given.get("reason", ""),
    )


def command(act: Act) -> str:
    """Return the command that does the same."""
    words = ["anteroom", "prearchive", act.verb.value, *act.ids]
    if act.project:
        words += ["--project", act.project]
    if act.verb is Verb.MOVE and any(one.project is None for one in act.sessions):
        words += ["--yes"]
    if act.label:
        words += ["--label", act.label]
    if act.subject:
        words += ["--subject", act.subject]
    words += contradictions.words(act.choices)
    if act.reason:
        words += ["--reason", act.reason]
    return shlex.join(words)


async def perform(engine: EngineApi, act: Act) -> tuple[ActOutcome, ...]:
    """Do it.

    Raises:
        EngineError: nothing was done.
    """
    outcomes: list[ActOutcome] = []
    for start in range(0, len(act.sessions), AT_ONCE):
        some_of_it = replace(act, sessions=act.sessions[start : start + AT_ONCE])
        try:
            outcomes += await _perform(engine, some_of_it)
        except EngineError as error:
            if not outcomes:
                raise
            # What was done so far can be taken back.
            left = act.ids[start:]
            outcomes += [ActOutcome.refused(id, error) for id in left]
            break
    return tuple(outcomes)


async def _perform(engine: EngineApi, act: Act) -> tuple[ActOutcome, ...]:
    api, ids, why = engine.prearchive, act.ids, act.reason
    match act.verb:
        case Verb.ARCHIVE:
            return await api.archive(ids, why)
        case Verb.MOVE:
            return await api.move(ids, act.project, why)
        case Verb.RELABEL:
            done = await api.relabel(ids[0], label=act.label, subject=act.subject, reason=why)
            return (done,)
        case Verb.RESOLVE:
            done = await api.resolve(ids[0], act.choices, act.subject, act.seen, why)
            return (done,)
        case Verb.REBUILD:
            return await api.rebuild(ids, why)
        case Verb.DELETE:
            return await api.delete(ids, why)
        case _:
            return await api.reset(ids, why)


def told(act: Act, outcomes: Sequence[ActOutcome]) -> tuple[str, bool]:
    """Say how an act went, and whether something was refused."""
    done = [one for one in outcomes if one.done]
    refused = [one for one in outcomes if not one.done]
    words = f"{act.verb.value}: {figures.plural(len(done), 'session')}"
    if act.project:
        words += f" to {act.project}"
    if refused:
        words += f"; {len(refused)} refused: {refused[0].message}"
    return words, bool(refused)


def taking_back(act: Act) -> str:
    """Say what taking an act back does."""
    match act.verb:
        case Verb.DELETE:
            return f"put {figures.plural(len(act.sessions), 'session')} back from the trash"
        case Verb.MOVE:
            return f"move {figures.plural(len(act.sessions), 'session')} back"
        case Verb.RELABEL:
            return "give the session its old labels back"
        case _:
            return f"take the {act.verb.value} out of the queue"


def taken_back(act: Act, outcomes: Sequence[ActOutcome]) -> tuple[str, bool]:
    """Say how taking an act back went, and whether something was refused."""
    refused = [one for one in outcomes if not one.done]
    done = len(outcomes) - len(refused)
    if not refused:
        return f"taken back: {taking_back(act)}", False
    words = f"not taken back: {refused[0].message}"
    return (f"taken back for {figures.plural(done, 'session')}; {words}" if done else words), True


def why_kept(act: Act) -> str:
    """Say why an act cannot be taken back; empty where it may be."""
    if act.verb is Verb.RESET:
        return "a reset cannot be taken back; do again what was queued"
    if act.verb is Verb.MOVE and any(one.project is None for one in act.sessions):
        return "nothing is moved back into Unassigned"
    return ""


async def take_back(engine: EngineApi, act: Act) -> tuple[ActOutcome, ...]:
    """Take an act back: what is still queued leaves the queue, what is done is done the other way.

    Raises:
        EngineError: nothing was done.
    """
    queued = await _still_queued(engine, act)
    outcomes = await engine.prearchive.reset(queued, "taken back") if queued else ()
    begun = tuple(one for one in act.sessions if one.id not in queued)
    return (*outcomes, *await _other_way(engine, replace(act, sessions=begun)))


async def _other_way(engine: EngineApi, act: Act) -> tuple[ActOutcome, ...]:
    if not act.sessions:
        return ()
    match act.verb:
        case Verb.DELETE:
            return await engine.prearchive.restore(act.ids, "taken back")
        case Verb.MOVE:
            outcomes: list[ActOutcome] = []
            for project in dict.fromkeys(one.project for one in act.sessions):
                ids = tuple(one.id for one in act.sessions if one.project == project)
                outcomes += await engine.prearchive.move(ids, project or "", "taken back")
            return tuple(outcomes)
        case Verb.RELABEL:
            one = act.sessions[0]
            back = await engine.prearchive.relabel(
                one.id, label=one.label, subject=one.subject or "", reason="taken back"
            )
            return (back,)
        case _:
            words = f"the {act.verb.value} has begun: it cannot be taken back"
            return tuple(ActOutcome(id=id, done=False, message=words) for id in act.ids)


async def _still_queued(engine: EngineApi, act: Act) -> tuple[str, ...]:
    found = []
    for id in act.ids:
        try:
            now = await engine.prearchive.show(id)
        except NotFound:
            # It has left the prearchive, and with it the queue.
            continue
        # Queued for something else by now, it is another's act.
        if now.status is QUEUED_FOR.get(act.verb) and not now.locked:
            found.append(id)
    return tuple(found)


def left_out(refused: Sequence[Refusal]) -> tuple[str, ...]:
    """Say which of the marked sessions an act is not about, and why."""
    if not refused:
        return ()
    # The commonest reason only: a small terminal has no room for more.
    ((why, _),) = Counter(each.why for each in refused).most_common(1)
    return (f"{len(refused)} marked are left out: {why}",)


def _kept(many: int, days: int) -> str:
    whom = "It leaves" if many == 1 else "They leave"
    verb = "stays" if many == 1 else "stay"
    back = "it" if many == 1 else "them"
    length = f" for {figures.plural(days, 'day')}" if days else ""
    return f"{whom} the prearchive and {verb} in the trash{length}; u brings {back} back."


def _no_project(project: str, projects: Sequence[str]) -> str:
    return f"there is no project {project}" if project and project not in projects else ""


def _some(projects: Sequence[str]) -> str:
    shown = ", ".join(projects[:6])
    return f"{shown}, …" if len(projects) > 6 else shown
