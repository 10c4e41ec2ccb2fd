# SPDX-License-Identifier: Apache-2.0
"""What a link of the audit chain is: the hash of its event and of the link before it, and copies of
parts of the event, by which it is found."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime
from typing import Any

from engine.archive.search import words
from engine.archive.tables import AuditRow

GENESIS = "0" * 64
"""What the first link calls its previous hash."""

_PROJECT, _WORD = 64, 64
_ASCII_WORD = re.compile("[a-z0-9]+")


def link_hash(
    *,
    previous: str,
    number: int,
    event: str,
    at: datetime,
    actor: str,
    action: str,
    object: str,
    detail: str,
) -> str:
    """Return the SHA-256 of a link in hex: of a JSON array, so that no field can run into the next.

    Args:
        at: written as UTC with microseconds, which both databases keep.
        detail: canonical JSON, as stored.
    """
    moment = at.astimezone(UTC).isoformat(timespec="microseconds")
    # json.dumps escapes whatever is not ASCII: the bytes do not depend on an encoding.
    covered = json.dumps([previous, number, event, moment, actor, action, object, detail])
    return hashlib.sha256(covered.encode("ascii")).hexdigest()


def canonical(detail: dict[str, Any]) -> str:
    """Write a detail so that the same values always give the same bytes."""
    return json.dumps(detail, sort_keys=True, separators=(",", ":"), allow_nan=False)


def hash_of(row: AuditRow) -> str:
    """Return the hash that a link has to have."""
    return link_hash(
        previous=row.previous,
        number=row.number,
        event=row.event,
        at=row.at,
        actor=row.actor,
        action=row.action,
        object=row.object,
        detail=row.detail,
    )


def project_of(action: str, object: str, detail: dict[str, Any]) -> str:
    """Return the project that an event is found by; empty if it is of none."""
    project = detail.get("project")
    if not isinstance(project, str):
        project = object if action.endswith(" project") else ""
    return project[:_PROJECT]


def words_of(action: str, object: str, detail: dict[str, Any]) -> str:
    """Return the words that an event is found by."""
    reason = detail.get("reason")
    said = f"{action} {object} {reason if isinstance(reason, str) else ''}"
    if said.isascii():
        # The same words, many times as fast.
        found = dict.fromkeys(word[:_WORD] for word in _ASCII_WORD.findall(said.lower()))
        return " ".join(found)
    return " ".join(words(said))


def copies_hold(row: AuditRow) -> bool:
    """Say whether what an event is found by is what it says."""
    try:
        detail = json.loads(row.detail)
        project = project_of(row.action, row.object, detail)
        return (row.project, row.words) == (project, words_of(row.action, row.object, detail))
    except (ValueError, AttributeError):
        return False
