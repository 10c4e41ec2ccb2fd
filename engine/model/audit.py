# SPDX-License-Identifier: Apache-2.0
"""Heads of the audit trail as they are kept outside the database: number and hash of a link, each
on a line of its own that a file of heads, a log of syslog and a person can hold alike."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

_MARK = '{"audit_head":'
_HASH = re.compile(r"[0-9a-f]{64}")
_HIGHEST = 2**63 - 1


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditHead:
    """The newest link of the chain at a moment, and the proof of who noted it."""

    number: int
    hash: str
    at: datetime
    key: str = ""
    """Which key `mac` was made with; not the key."""
    mac: str = ""


def head_line(head: AuditHead) -> str:
    """Write a head as one line, without its end."""
    at = head.at.astimezone(UTC).isoformat(timespec="microseconds")
    values = {
        "audit_head": head.number,
        "hash": head.hash,
        "at": at,
        "key": head.key,
        "mac": head.mac,
    }
    return json.dumps(values, separators=(",", ":"))


def read_heads(text: str) -> Iterator[AuditHead]:
    """Find the heads in a text, one a line, whatever else stands on the line. A line that was torn
    or is of something else is passed over."""
    for line in text.splitlines():
        start = line.find(_MARK)
        if start >= 0 and (head := _head(line[start:])) is not None:
            yield head


def _head(text: str) -> AuditHead | None:
    try:
        values, _ = json.JSONDecoder().raw_decode(text)
        number, at = values["audit_head"], datetime.fromisoformat(values["at"])
        found, key, mac = values["hash"], values["key"], values["mac"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    words = all(isinstance(word, str) for word in (found, key, mac))
    is_number = type(number) is int and 0 <= number <= _HIGHEST
    if not is_number or not words or not _HASH.fullmatch(found) or at.tzinfo is None:
        return None
    return AuditHead(number=number, hash=found, at=at, key=key, mac=mac)
