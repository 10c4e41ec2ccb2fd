# SPDX-License-Identifier: Apache-2.0
"""DICOM audit messages (PS3.15 A.5): which event of the trail is told as which, and its XML. Where
messages go is in `audit_syslog`."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from xml.sax.saxutils import quoteattr

from engine.model.archive import AuditEvent

MESSAGE_ID = "DICOM+RFC3881"
"""The MSGID of these messages in syslog (PS3.15 A.6)."""

_SYSTEM = "99ANTEROOM"
"""The coding scheme of our own codes."""

_IDS = {
    "110101": "Audit Log Used",
    "110102": "Begin Transferring DICOM Instances",
    "110103": "DICOM Instances Accessed",
    "110104": "DICOM Instances Transferred",
    "110105": "DICOM Study Deleted",
    "110106": "Export",
    "110113": "Security Alert",
    "110114": "User Authentication",
}
_TYPES = {
    "110122": "Login",
    "110123": "Logout",
    "110128": "Network Configuration",
    "110129": "Security Configuration",
    "110131": "Software Configuration",
    "110132": "Use of Restricted Function",
    "110135": "Object Security Attributes Changed",
    "110136": "Security Roles Changed",
    "110137": "User Security Attributes Changed",
}


@dataclass(frozen=True, slots=True)
class Kind:
    """What DICOM calls an event: its EventID, its EventActionCode (create, read, update, delete,
    execute), and its EventTypeCode, where it has one."""

    id: str
    action: str
    type: str = ""


KINDS: tuple[tuple[str, Kind], ...] = (
    # Who is let in, and who may do what. First, for a refusal is one whatever it was of.
    (r"Signed in|Sign-in refused|Used token", Kind("110114", "E", "110122")),
    (r"Signed out", Kind("110114", "E", "110123")),
    (r"(Refused|Denied).*", Kind("110113", "E", "110132")),
    (r".*\b(role|member|rights?|permission|access)s?\b.*", Kind("110113", "E", "110136")),
    (
        r".*\b(user|person|people|password|token|account|lock-?out)s?\b.*",
        Kind("110113", "E", "110137"),
    ),
    # The trail itself.
    (r"Head sent|Exported the trail", Kind("110101", "R")),
    # What goes in and out.
    (r"Began receiving|Queued sending", Kind("110102", "E")),
    (r"Transferred|Merged.*", Kind("110104", "C")),
    (r"Sent to remote", Kind("110104", "R")),
    (r"Exported.*|Downloaded.*", Kind("110106", "R")),
    (r"Looked at.*|Revealed.*|Originals.*|Saw .*", Kind("110103", "R")),
    (
        r"Deleted into trash|Removed from the trash|Dropped held object|Empty session dropped",
        Kind("110105", "D"),
    ),
    (r"(Released|Retried) held object", Kind("110103", "U")),
    # Who may see a session.
    (
        r"(Activated|Released|Quarantined|Held|Locked|Unlocked|Obsoleted)\b.*",
        Kind("110113", "E", "110135"),
    ),
    # How the system is set up.
    (r".*\b(receiver|remote|certificate|acceptance)s?\b.*", Kind("110113", "E", "110128")),
    (r".*\b(script|rule|setting|project|filter|type)s?\b.*", Kind("110113", "E", "110131")),
    # What is done to sessions.
    (r"(Auto-created|Found|Added) .*", Kind("110103", "C")),
    (r".*", Kind("110103", "U")),
)
"""Which events are told as what: the first pattern that the action matches as a whole."""

_COMPILED = tuple((re.compile(pattern), kind) for pattern, kind in KINDS)
_LEAVES_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_SUCCESS, _MINOR, _SERIOUS = "0", "4", "8"


def kind_of(action: str) -> Kind:
    """Return what DICOM calls an action of the trail."""
    return next(kind for pattern, kind in _COMPILED if pattern.fullmatch(action))


def outcome_of(action: str) -> str:
    """Return the EventOutcomeIndicator of an action: success, or a failure that is minor (somebody
    was refused) or serious."""
    if re.match(r"Refused|Denied|Sign-in refused", action):
        return _MINOR
    return _SERIOUS if re.search(r"\bfail(ed|s)\b", action, re.IGNORECASE) else _SUCCESS


def audit_message(event: AuditEvent, *, site: str) -> str:
    """Return an event as an AuditMessage. It says what the trail says, in base64 what has no place
    of its own; of the prearchive the trail holds no names of patients."""
    kind = kind_of(event.action)
    at = event.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    identification = _element(
        "EventIdentification",
        {
            "EventActionCode": kind.action,
            "EventDateTime": at,
            "EventOutcomeIndicator": outcome_of(event.action),
        },
        _code("EventID", kind.id, "DCM", _IDS[kind.id]),
        _code("EventTypeCode", kind.type, "DCM", _TYPES[kind.type]) if kind.type else "",
        _code("EventTypeCode", _word(event.action), _SYSTEM, event.action),
    )
    source = _element(
        "AuditSourceIdentification",
        {"AuditSourceID": f"anteroom@{site}", "AuditEnterpriseSiteID": site},
        # An application server.
        _element("AuditSourceTypeCode", {"csd-code": "4"}),
    )
    body = "".join((identification, *_participants(event, site), source, *_objects(event)))
    return f'<?xml version="1.0" encoding="UTF-8"?><AuditMessage>{body}</AuditMessage>'


def _participants(event: AuditEvent, site: str) -> Iterator[str]:
    """Name who asked, and between whom objects went."""
    yield _participant(event.actor or "unknown", asked=True)
    own = f"anteroom@{site}"
    remote, receiver = (str(event.detail.get(name) or "") for name in ("remote", "receiver"))
    match event.action:
        case "Began receiving":
            yield _participant(remote or "unknown", role=("110153", "Source Role ID"))
            yield _participant(receiver or own, role=("110152", "Destination Role ID"))
        case "Queued sending" | "Sent to remote":
            yield _participant(own, role=("110153", "Source Role ID"))
            yield _participant(remote or "unknown", role=("110152", "Destination Role ID"))
        case "Transferred":
            yield _participant(own, role=("110152", "Destination Role ID"))
        case _:
            yield _participant(own, role=("110150", "Application"))


def _participant(name: str, *, asked: bool = False, role: tuple[str, str] | None = None) -> str:
    values = {"UserID": name, "UserIsRequestor": "true" if asked else "false"}
    inner = _code("RoleIDCode", role[0], "DCM", role[1]) if role is not None else ""
    return _element("ActiveParticipant", values, inner)


def _objects(event: AuditEvent) -> Iterator[str]:
    """Name what it was done to, with all that the trail says."""
    says = {
        "number": event.number,
        "id": event.id,
        "action": event.action,
        "detail": event.detail,
        "hash": event.hash,
    }
    told = base64.b64encode(json.dumps(says, sort_keys=True).encode("ascii")).decode("ascii")
    values = {
        "ParticipantObjectID": event.object or "-",
        # A system object; a report, which is what a study is, or a resource.
        "ParticipantObjectTypeCode": "2",
        "ParticipantObjectTypeCodeRole": "3" if kind_of(event.action).id < "110107" else "13",
    }
    yield _element(
        "ParticipantObjectIdentification",
        values,
        _code("ParticipantObjectIDTypeCode", "object", _SYSTEM, "Anteroom object"),
        _element("ParticipantObjectDetail", {"type": "anteroom event", "value": told}),
    )
    if event.project and event.project != event.object:
        yield _element(
            "ParticipantObjectIdentification",
            {
                "ParticipantObjectID": event.project,
                "ParticipantObjectTypeCode": "2",
                "ParticipantObjectTypeCodeRole": "13",
            },
            _code("ParticipantObjectIDTypeCode", "project", _SYSTEM, "Anteroom project"),
        )


def _code(name: str, code: str, system: str, text: str) -> str:
    return _element(name, {"csd-code": code, "codeSystemName": system, "originalText": text})


def _element(name: str, values: dict[str, str], *inner: str) -> str:
    attributes = "".join(f" {key}={_quoted(value)}" for key, value in values.items())
    content = "".join(inner)
    return f"<{name}{attributes}>{content}</{name}>" if content else f"<{name}{attributes}/>"


def _quoted(text: str) -> str:
    """Write a value of an attribute; a line end would be lost, and other controls are no XML."""
    escapes = {"\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
    return quoteattr(_LEAVES_XML.sub("\ufffd", text), escapes)


def _word(action: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", action.lower()).strip("-") or "event"
