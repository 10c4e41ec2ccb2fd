# SPDX-License-Identifier: Apache-2.0
"""The engine's events as lines."""

from __future__ import annotations

from datetime import timedelta

import pytest

from console.views.events import FIELDS, KEPT, EventLines
from engine.model.filters import Filter, parse_filter
from engine.model.live import Event
from tests.memory import NOON


def event(number: int, text: str, seconds: float = 0, **changes: str) -> Event:
    at = NOON + timedelta(seconds=seconds)
    given = {"kind": "transfer", "object": "tr_1"} | changes
    return Event(number=number, at=at, text=text, **given)


def lines(shown: EventLines, typed: str = "") -> list[tuple[str, str]]:
    found = shown.rows(lambda one: (one.object, one.text), parse_filter(typed, FIELDS))
    return [(row.cells[1], row.cells[3]) for row in found]


def test_the_newest_stands_first_with_a_sign_and_its_kind() -> None:
    shown = EventLines()
    shown.hear(
        [
            event(1, "association accepted"),
            event(2, "built, READY", kind="session"),
            event(3, "idle: build queued", kind="session"),
            event(4, "deleted into the trash", kind="session", severity="warning"),
            event(5, "sweep fails; see the log", kind="engine", severity="error"),
            event(6, "configuration 31 in force", kind="configuration"),
        ]
    )
    assert [kind for kind, _ in lines(shown)] == [
        "· config",
        "✗ engine",
        "! session",
        "◐ session",
        "✓ session",
        "● assoc",
    ]


def test_how_far_something_is_is_one_line() -> None:
    shown = EventLines()
    shown.hear(
        [
            event(1, "association accepted"),
            event(2, "3 objects so far", 1),
            event(3, "4 objects so far", 1, object="tr_2"),
            event(4, "12 objects so far", 2),
        ]
    )
    assert lines(shown) == [
        ("● image", "12 objects so far"),
        ("● image", "4 objects so far"),
        ("● assoc", "association accepted"),
    ]
    shown.hear([event(5, "association released, 14 objects", 3)])
    assert lines(shown)[0] == ("● assoc", "association released, 14 objects")
    assert ("● image", "12 objects so far") not in lines(shown)


def test_a_line_keeps_its_key_while_it_goes_on() -> None:
    shown = EventLines()
    keys = []
    for number in (1, 2, 3):
        shown.hear([event(number, f"{number} objects so far", number)])
        keys.append([row.key for row in shown.rows(lambda one: ("", one.text), Filter())])
    assert keys == [["1"], ["1"], ["1"]]
    assert shown.object_of("1") == "tr_1"
    assert shown.object_of("9") == ""


def test_the_same_news_is_new_again_after_a_minute() -> None:
    shown = EventLines()
    held = {"kind": "engine", "object": "n", "severity": "warning"}
    shown.hear([event(1, "it fails", 0, **held), event(2, "it fails", 60, **held)])
    assert lines(shown) == [("! engine", "it fails, 2 times")]
    shown.hear([event(3, "it fails", 121, **held)])
    assert [text for _, text in lines(shown)] == ["it fails", "it fails, 2 times"]


def test_what_is_counted_by_the_engine_is_one_line_for_each_address() -> None:
    shown = EventLines()
    turned = {"kind": "ledger", "object": "WS", "severity": "warning"}
    told = "refused from WS (10.9.9.{}) to X: no"
    shown.hear(
        [
            event(1, f"1 association {told.format(1)}", 0, **turned),
            event(2, f"1 association {told.format(2)}", 1, **turned),
            event(3, f"12 associations {told.format(1)}", 2, **turned),
            event(4, "2 objects received twice from WS", 3, kind="ledger", object="WS"),
        ]
    )
    assert lines(shown) == [
        ("≡ ledger", "2 objects received twice from WS"),
        ("! ledger", f"12 associations {told.format(1)}"),
        ("! ledger", f"1 association {told.format(2)}"),
    ]


def test_what_is_only_for_screens_is_no_line() -> None:
    shown = EventLines()
    told = shown.hear(
        [
            event(1, "objects taken in"),
            event(2, "objects arrived, RECEIVING", kind="session"),
            event(4, "association accepted"),
        ]
    )
    assert told == 1
    assert lines(shown) == [("● assoc", "association accepted")]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("", ["bad", "odd", "fine"]),
        ("sev:!", ["bad", "odd"]),
        ("sev:✗", ["bad"]),
        ("sev:x", ["bad"]),
        ("!sev:!", ["fine"]),
        ("sev:what", []),
        ("sev:! odd", ["odd"]),
        ("TR_2", ["odd"]),
    ],
)
def test_lines_are_found_by_words_and_severity(typed: str, found: list[str]) -> None:
    shown = EventLines()
    shown.hear(
        [
            event(1, "fine"),
            event(2, "odd", object="tr_2", severity="warning"),
            event(3, "bad", object="tr_3", severity="error"),
        ]
    )
    assert [text for _, text in lines(shown, typed)] == found


def test_only_the_newest_are_kept() -> None:
    shown = EventLines()
    shown.hear(event(n, "association accepted", object=f"tr_{n}") for n in range(KEPT + 5))
    assert len(lines(shown)) == KEPT
