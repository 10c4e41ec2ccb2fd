# SPDX-License-Identifier: Apache-2.0
"""What is left out of an answer for an actor who may ask the question: who the patients are, for
those who only watch; values from before anonymization, for those who may not see originals; what
concerns other projects. It is left out here, in the engine: no client can show it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from engine.model.archive import Project
from engine.model.changes import ChangeKind, FoldedChange, SessionChanges
from engine.model.comparison import Comparison, Version
from engine.model.contents import FoldedHeader, HeaderRow, TrashedSession
from engine.model.contradictions import Alternative, Contradictions
from engine.model.live import EngineStatus, EventBatch, ReceiverStatus, Transfer
from engine.model.people import AccessRequest, Actor, Permission, User
from engine.model.prearchive import PrearchivePage, PrearchiveSession
from engine.model.routing import Route
from engine.model.scripts import ScriptSummary, ScriptText


def of(address: str, actor: Actor, result: Any) -> Any:
    """Return what the actor may know of an answer of a verb."""
    redact = _REDACTED.get(address)
    return result if redact is None else redact(actor, result)


def _session(actor: Actor, one: PrearchiveSession) -> PrearchiveSession:
    if actor.may(Permission.TRIAGE, one.project):
        return one
    return replace(
        one,
        label="",
        subject="",
        folder="",
        tag="",
        reason="",
        visit="",
        protocol="",
        scan_date="",
        scan_time="",
        belongs_to="",
    )


def _sessions(actor: Actor, found: tuple[PrearchiveSession, ...]) -> tuple[PrearchiveSession, ...]:
    return tuple(_session(actor, one) for one in found)


def _page(actor: Actor, page: PrearchivePage) -> PrearchivePage:
    return replace(page, rows=tuple(_session(actor, one) for one in page.rows))


def _done(actor: Actor, found: SessionChanges) -> SessionChanges:
    if actor.sees_originals:
        return found
    return replace(found, rows=tuple(_hidden(one) for one in found.rows))


def _hidden(one: FoldedChange) -> FoldedChange:
    # What stays is no original: it is what there is. Of many values only their number is told.
    if one.change.kind is ChangeKind.SAME or one.befores > 1:
        return one
    change = one.change
    return replace(one, change=replace(change, before=_length(change.before, change.vr)))


def _comparison(actor: Actor, found: Comparison) -> Comparison:
    if actor.sees_originals:
        return found
    left, right = (one.part.version is Version.RECEIVED for one in (found.left, found.right))
    if not left and not right:
        return found
    return replace(
        found,
        rows=tuple(
            replace(
                one,
                left=_unvalued(one.left) if left and one.left else one.left,
                right=_unvalued(one.right) if right and one.right else one.right,
            )
            for one in found.rows
        ),
    )


def _route(actor: Actor, route: Route) -> Route:
    if actor.sees_originals:
        return route
    return replace(
        route,
        trace=tuple(
            replace(step, saw=_length(step.saw), found=step.found and _length(step.found))
            for step in route.trace
        ),
        before=None if route.before is None else _route(actor, route.before),
    )


def _held_header(actor: Actor, header: FoldedHeader) -> FoldedHeader:
    """Tell of an object as it was received which elements it has, of what kind and how long: no
    value, but for what kind of object it is."""
    if actor.sees_originals:
        return header
    return replace(
        header,
        rows=tuple(row if row.path in _TECHNICAL else _unvalued(row) for row in header.rows),
    )


def _unvalued(row: HeaderRow) -> HeaderRow:
    values = tuple(replace(one, text=_length(one.text, row.vr)) for one in row.values)
    return replace(row, values=values)


_TECHNICAL = frozenset({"(0002,0002)", "(0002,0010)", "(0008,0016)", "(0008,0060)"})
"""SOP class, transfer syntax and modality."""


def _contradictions(actor: Actor, all: Contradictions) -> Contradictions:
    if actor.sees_originals:
        return all
    return replace(
        all,
        found=tuple(
            replace(one, alternatives=tuple(_alternative(each) for each in one.alternatives))
            for one in all.found
        ),
    )


def _alternative(one: Alternative) -> Alternative:
    if not one.as_received:
        return one
    return replace(
        one,
        name=_length(one.name),
        sex=_length(one.sex),
        birth_date=_length(one.birth_date),
        patient_id=_length(one.patient_id),
    )


def _length(value: str, vr: str = "") -> str:
    """Say how long a value is that is not told, and of which kind."""
    return f"‹{f'{vr} {len(value)}'.strip()}›" if value else ""


def _trash(actor: Actor, found: tuple[TrashedSession, ...]) -> tuple[TrashedSession, ...]:
    return tuple(one for one in found if actor.may(Permission.TRIAGE, one.project))


def _project(actor: Actor, one: Project) -> Project:
    within = (Permission.WATCH, Permission.READ, Permission.CONFIGURE)
    if any(actor.may(each, one.id) for each in within):
        return one
    # Of a protected project its title is told, and nothing else.
    return Project(
        id=one.id,
        title=one.title,
        description="",
        aliases=(),
        prearchive_code=0,
        quarantine_code=0,
        accessibility=one.accessibility,
        current_arc="",
        created=one.created,
        created_by="",
    )


def _transfers(actor: Actor, found: tuple[Transfer, ...]) -> tuple[Transfer, ...]:
    # What a series is called may name a patient, and a transfer is of no one project.
    if actor.may(Permission.ADMINISTER):
        return found
    return tuple(replace(one, series="") for one in found)


def _projects(actor: Actor, found: tuple[Project, ...]) -> tuple[Project, ...]:
    return tuple(_project(actor, one) for one in found if actor.may(Permission.KNOW, one.id))


def _scripts(actor: Actor, found: tuple[ScriptSummary, ...]) -> tuple[ScriptSummary, ...]:
    return tuple(
        one
        for one in found
        if not one.scope.startswith("project:")
        or actor.may(Permission.TRIAGE, one.scope.partition(":")[2])
    )


def _script(actor: Actor, one: ScriptText) -> ScriptText:
    project = one.scope.partition(":")[2] or None
    # A lookup table may tell which patient a subject is.
    return one if actor.may(Permission.CONFIGURE, project) else replace(one, lookups="")


def _users(actor: Actor, found: tuple[User, ...]) -> tuple[User, ...]:
    if actor.may(Permission.ADMINISTER):
        return found
    return tuple(User(login=one.login, name=one.name) for one in found if not one.disabled)


def _requests(actor: Actor, found: tuple[AccessRequest, ...]) -> tuple[AccessRequest, ...]:
    return tuple(one for one in found if actor.may(Permission.CONFIGURE, one.project))


def _status(actor: Actor, one: EngineStatus) -> EngineStatus:
    """Name those projects only that the actor may know of."""
    known = {
        project: seconds
        for project, seconds in one.build_after_of.items()
        if actor.may(Permission.KNOW, project)
    }
    status = replace(one, build_after_of=known, receivers=_receivers(actor, one.receivers))
    if actor.may(Permission.ADMINISTER):
        return status
    # Problems name files and addresses of the machine.
    watches = actor.may_somewhere(Permission.WATCH)
    return replace(status, home="", problems=one.problems if watches else ())


def _receivers(actor: Actor, found: tuple[ReceiverStatus, ...]) -> tuple[ReceiverStatus, ...]:
    """Tell where receivers listen; what they read on this machine and whom they let in is for those
    who configure them."""
    if actor.may(Permission.ADMINISTER):
        return found
    return tuple(
        replace(one, certificate="", key="", client_ca="", crl="", allow=(), account="", note="")
        for one in found
    )


def _events(actor: Actor, batch: EventBatch) -> EventBatch:
    """Tell reasons to those only who decide everywhere: an event is of no one project, and its
    reason may name a session of another. Who watches nowhere hears that something happened."""
    if actor.scope(Permission.TRIAGE).projects is None:
        return batch
    watches = actor.may_somewhere(Permission.WATCH)
    return replace(
        batch,
        events=tuple(
            replace(
                one,
                object=one.object if watches else "",
                text=one.text.partition(": ")[0] if watches else "",
            )
            for one in batch.events
        ),
    )


def _diff(actor: Actor, text: str) -> str:
    """Leave the lookup tables out for those who may not see them: they name patients. Which scope
    it is stands in the first line, which is ours."""
    scope = text.partition(" ")[2].partition(" ")[0]
    project = scope.partition(":")[2] or None
    needed = Permission.CONFIGURE if project else Permission.ADMINISTER
    if actor.may(needed, project):
        return text
    lines = text.splitlines()
    begins = (n for n, line in enumerate(lines) if line.startswith("--- ") and _TABLE in line)
    first = next(begins, None)
    if first is None:
        return text
    return "\n".join([*lines[:first], f"--- {scope}{_TABLE}", "the lookup tables differ"])


_TABLE = " lookup table"
"""As `engine.service.scripts.compare` heads them."""


_REDACTED: Mapping[str, Callable[[Actor, Any], Any]] = {
    "prearchive.list": _page,
    "prearchive.show": _session,
    "prearchive.done": _done,
    "comparison.headers": _comparison,
    "prearchive.route": _route,
    "held.header": _held_header,
    "prearchive.contradictions": _contradictions,
    "prearchive.trash": _trash,
    "desk.look_up": _sessions,
    "live.transfers": _transfers,
    "receivers.list": _receivers,
    "projects.list": _projects,
    "projects.show": _project,
    "scripts.list": _scripts,
    "scripts.show": _script,
    "scripts.diff": _diff,
    "events.after": _events,
    "system.status": _status,
    "people.list": _users,
    "people.requests": _requests,
}
