# SPDX-License-Identifier: Apache-2.0
"""The bundle about one session that goes with a question to whoever helps: what it went through,
why it is where it is, and by which programs and scripts. Everything that could come from a header
is left out, or stands there as a hash."""

from __future__ import annotations

import platform
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import msgspec

from engine.archive import scripts
from engine.archive.audit.relay import Relay
from engine.archive.audit.trail import AuditChain
from engine.jobs.context import JobContext
from engine.model.archive import AuditEvent, AuditQuery
from engine.model.capsule import Capsule, CapsuleFile
from engine.model.contents import SessionContents, Timeline
from engine.model.errors import EngineError
from engine.model.prearchive import PrearchiveSession
from engine.model.routing import Route
from engine.model.scripts import SITE, project_scope
from engine.service.nouns.prearchive import PrearchiveApi
from engine.service.scrubbing import Scrubbing

_EVENTS, _JOBS = 1000, 1000
_PROGRAMS = ("anteroom", "pydicom", "sqlalchemy", "dbos", "textual", "imagecodecs", "numpy")

_READ_ME = """\
About one session of Anteroom, for whoever helps.

There is nothing in it from headers of images, from labels, notes or typed reasons. ‹0a1b2c3d›
stands for a word that may name somebody: the same within this bundle, and another in the next.

session.json   what the session is, in counts, times and states
history.json   its log and its audit events, the oldest first
routing.json   which sources were asked for project, subject and session, and which one won
scripts.json   which versions of scripts there are, without their texts
jobs.json      its jobs
figures.json   its scans and transfers, in counts
programs.json  what runs here
"""


async def made(context: JobContext, prearchive: PrearchiveApi, id: str) -> Capsule:
    """Make the bundle of a session.

    Raises:
        NotFound: there is no such session.
    """
    session = await prearchive.show(id)
    # Actors and projects are the site's own; so are the receivers that it has named.
    events = await _events(context, id)
    people = {event.actor for event in events}
    scrub = Scrubbing({session.project or "", session.receiver, session.assigned, *people})
    parts: dict[str, Any] = {
        "session.json": _session(session, scrub),
        "history.json": {
            "log": [
                {"at": entry.at, "text": scrub.text(entry.text)}
                for entry in await prearchive.log(id)
            ],
            "events": [_event(event, scrub) for event in reversed(events)],
        },
        "routing.json": await _routing(prearchive, id, scrub),
        "scripts.json": await _scripts(context, session.project),
        "jobs.json": [
            asdict(job) | {"error": scrub.text(job.error)}
            for job in await context.runner.list(_JOBS)
            if job.session == id
        ],
        "figures.json": _figures(
            await prearchive.contents(id), await prearchive.timeline(id), scrub
        ),
        "programs.json": _programs(context),
    }
    files = [CapsuleFile(name="README.txt", text=_READ_ME)]
    for name, part in parts.items():
        text = msgspec.json.format(msgspec.json.encode(part), indent=1).decode() + "\n"
        files.append(CapsuleFile(name=name, text=text))
    return Capsule(session=id, files=tuple(files))


def _session(session: PrearchiveSession, scrub: Scrubbing) -> dict[str, Any]:
    return {
        "id": session.id,
        "project": session.project,
        "label": scrub.hash(session.label),
        "subject": scrub.hash(session.subject or ""),
        "study": scrub.hash(session.tag),
        "status": session.status,
        "locked": session.locked,
        "reason": scrub.text(session.reason),
        "autoarchive": session.autoarchive,
        "prevent_anon": session.prevent_anon,
        "uploaded": session.uploaded,
        "lastmod": session.lastmod,
        "last_object": session.last_object,
        "receiver": session.receiver,
        "calling": scrub.hash(session.calling),
        "session_type": scrub.text(session.session_type),
        "modality": scrub.text(session.modality),
        "scans": session.scans,
        "objects": session.objects,
        "bytes": session.bytes,
        "contradictions": session.contradictions,
        "late": bool(session.belongs_to),
        "duplicates": session.duplicates,
        "cut_short": scrub.text(session.cut_short),
        "missing": session.missing,
        "assigned": session.assigned,
        "reviewed_by": session.reviewed_by,
        "reviewed": session.reviewed,
        "made": datetime.now(UTC),
    }


async def _events(context: JobContext, id: str) -> tuple[AuditEvent, ...]:
    # What was done a moment ago is part of it.
    await Relay(context.archive_db, context.prearchive_db).drain()
    page = await AuditChain(context.archive_db).find(AuditQuery(life=id), limit=_EVENTS)
    return page.rows


def _event(event: AuditEvent, scrub: Scrubbing) -> dict[str, Any]:
    """Tell an event without its typed reason; of its details numbers and our own words stay."""
    detail = {
        name: value if isinstance(value, (bool, int, float)) else scrub.text(str(value))
        for name, value in event.detail.items()
        if name != "reason"
    }
    return {
        "at": event.at,
        "actor": event.actor,
        "action": scrub.text(event.action),
        "detail": detail,
    }


async def _routing(prearchive: PrearchiveApi, id: str, scrub: Scrubbing) -> dict[str, Any]:
    try:
        route = await prearchive.route(id)
    except EngineError as error:
        return {"failed": scrub.text(error.message)}
    return _route(route, scrub)


def _route(route: Route, scrub: Scrubbing) -> dict[str, Any]:
    return {
        "project": route.project,
        "subject": scrub.hash(route.subject or ""),
        "session": scrub.hash(route.session),
        "auto_archive": route.auto_archive,
        "trace": [
            {
                "concept": step.concept,
                "source": step.extractor,
                "element": step.element,
                "saw": scrub.hash(step.saw),
                "length": len(step.saw),
                "found": scrub.hash(step.found or ""),
                "verdict": step.verdict,
                "note": scrub.text(step.note),
            }
            for step in route.trace
        ],
        "moves": [{"at": one.at, "text": scrub.text(one.text)} for one in route.moves],
        "before": None if route.before is None else _route(route.before, scrub),
    }


async def _scripts(context: JobContext, project: str | None) -> list[dict[str, Any]]:
    async with context.archive_db.read() as transaction:
        found = [*await scripts.versions(transaction, SITE)]
        if project is not None:
            found += await scripts.versions(transaction, project_scope(project))
    return [
        {
            "scope": one.scope,
            "version": one.version,
            "id": one.id,
            "active": one.active,
            "enabled": one.enabled,
        }
        for one in found
    ]


def _figures(contents: SessionContents, timeline: Timeline, scrub: Scrubbing) -> dict[str, Any]:
    return {
        "built": contents.built,
        "warnings": [scrub.text(one) for one in contents.warnings],
        "scans": [
            {
                "scan": scrub.hash(one.id),
                "uid": scrub.hash(one.uid),
                "type": scrub.text(one.xsi_type),
                "modality": scrub.text(one.modality),
                "files": one.files,
                "frames": one.frames,
                "bytes": one.bytes,
            }
            for one in contents.scans
        ],
        "transfers": [
            {
                "transfer": one.transfer,
                "calling": scrub.hash(one.calling),
                "peer": scrub.hash(one.peer),
                "receiver": one.receiver,
                "opened": one.opened,
                "closed": one.closed,
                "ended": scrub.text(one.ended),
                "objects": one.objects,
                "duplicates": one.duplicates,
            }
            for one in timeline.contributions
        ],
        "arrivals": [
            {
                "scan": scrub.hash(one.scan),
                "first": one.first,
                "last": one.last,
                "objects": one.objects,
                "missing": one.missing,
            }
            for one in timeline.series
        ],
    }


def _programs(context: JobContext) -> dict[str, Any]:
    found = {}
    for name in _PROGRAMS:
        try:
            found[name] = version(name)
        except ModuleNotFoundError:
            continue
    return {
        "python": sys.version.split()[0],
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "database": "sqlite" if context.prearchive_db.is_sqlite else "postgresql",
        "programs": found,
    }
