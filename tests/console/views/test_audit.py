# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from console.views import audit
from engine.model.archive import AuditCount, AuditEvent, AuditPage, AuditQuery
from engine.model.errors import InvalidInput
from engine.model.filters import parse_filter

NOON = datetime(2026, 9, 11, 12, tzinfo=UTC)


def _event(**values: Any) -> AuditEvent:
    plain: dict[str, Any] = {
        "number": 1_234,
        "id": "event",
        "at": NOON,
        "actor": "ada",
        "action": "Moved",
        "object": "pre_a",
        "detail": {},
        "hash": "ab" * 32,
        "previous": "cd" * 32,
    }
    return AuditEvent(**plain | values)


def test_a_filter_becomes_a_query() -> None:
    typed = parse_filter("who:tj action:Moved since:1d wrong project", audit.FIELDS)
    assert audit.query(typed, NOON) == AuditQuery(
        actor="tj", action="Moved", since=NOON - timedelta(days=1), text="wrong project"
    )
    for wrong in ("who<tj", "!who:tj", "who:a who:b", "since:soon"):
        with pytest.raises(InvalidInput):
            audit.query(parse_filter(wrong, audit.FIELDS), NOON)


def test_a_row_says_what_moved_where_and_how_somebody_was_known() -> None:
    detail = {"from": "A", "to": "B", "known": "uid 1001"}
    row = audit.row(_event(project="B", detail=detail))
    assert row.cells[0] == "1 234"
    assert row.cells[2:] == ("ada", "Moved", "pre_a in B, A → B", "uid 1001")
    assert audit.row(_event(actor="", detail={"known": 3})).cells[2::3] == ("–", "–")
    tones = [audit.row(_event(action=one)).tone for one in ("Moved", "Refused", "archive failed")]
    assert tones == ["plain", "look", "look"]


def test_a_card_shows_the_whole_detail_and_the_chain() -> None:
    detail = {
        "reason": "asked",
        "prearchive_code": {"from": 0, "to": 4},
        "aliases": ["X", "Y"],
        "enabled": True,
        "none": None,
    }
    lines = audit.card(_event(detail=detail), True)
    assert ("why", "“asked”") in lines
    assert ("aliases", "X, Y") in lines and ("enabled", "yes") in lines and ("none", "–") in lines
    assert ("", "prearchive_code: from 0, to 4") in lines
    assert ("this", "abab abab abab abab …") in lines
    assert lines[-1] == ("chain", "✓ follows #1233")
    assert audit.card(_event(), False)[-1] == ("chain", "! does not follow")
    assert audit.card(_event(previous=""), None)[-3:] == [
        ("previous", "–"),
        ("this", "abab abab abab abab …"),
        ("chain", "–"),
    ]


def test_counts_are_drawn_within_their_width() -> None:
    counts = [AuditCount(action="A very long name of an action", count=800)]
    counts.append(AuditCount(action="Moved", count=1))
    lines = ["".join(text for text, _ in line) for line in audit.week(counts, 34)]
    assert lines[0].startswith("A very long name") and lines[0].endswith("█" * 10)
    assert lines[1].endswith("  1 ▏")
    assert max(map(len, lines)) <= 34
    assert audit.week((), 34) == [[("nothing happened", "muted")]]


def test_what_is_found_is_counted_within_bounds() -> None:
    assert audit.matches(AuditPage(rows=(), total=1)) == "1 matches"
    said = audit.matches(AuditPage(rows=(), total=10_000, exact=False))
    assert said.startswith("more than 10 000 match")
