# SPDX-License-Identifier: Apache-2.0
"""What a link of the audit chain is: the hash of its event and of the link before it."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

from engine.archive.tables import AuditRow

GENESIS = "0" * 64
"""What the first link calls its previous hash."""


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
