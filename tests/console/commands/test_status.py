# SPDX-License-Identifier: Apache-2.0
"""What `anteroom status` says of the disk and of accounts that do not add up."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from engine.model.accounts import Imbalance
from tests.console.conftest import CommandLine
from tests.memory import Facts

ROOMY = {"disk_free": 5_000_000_000, "disk_total": 10_000_000_000}
WRONG = Imbalance(
    of="sender",
    name="CT1",
    received=7,
    found=6,
    since=datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC),
)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "5.0 GB of 10.0 GB free"),
        (
            {"disk_full_in": 7200.0},
            "5.0 GB of 10.0 GB free, full in 2 hours at the last rate",
        ),
        (
            {"disk_keep": 6_000_000_000, "disk_full_in": 0.0},
            "5.0 GB of 10.0 GB free; senders are refused: 6.0 GB are to stay free",
        ),
    ],
)
async def test_the_disk(
    changes: dict[str, float], said: str, anteroom: CommandLine, facts: Facts
) -> None:
    facts.status = ROOMY | changes
    (line,) = (
        one for one in (await anteroom("status")).out.splitlines() if one.startswith("disk ")
    )
    assert line.removeprefix("disk").strip() == said


async def test_accounts_that_do_not_add_up_are_said(
    anteroom: CommandLine, facts: Facts, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "add up" not in (await anteroom("status")).out
    facts.status = {"imbalances": (WRONG,), "problems": ("the disk is full",)}
    try:
        monkeypatch.setenv("TZ", "UTC-2")
        time.tzset()
        lines = (await anteroom("status")).out.splitlines()
    finally:
        monkeypatch.undo()
        time.tzset()
    assert lines[-2:] == [
        "! the accounts do not add up: from CT1 came 7, and 6 are in their places, "
        "since 2026-03-04 07:06:07",
        "! the disk is full",
    ]


async def test_what_does_not_add_up_is_in_the_json(anteroom: CommandLine, facts: Facts) -> None:
    assert WRONG.said() == "from CT1 came 7, and 6 are in their places"
    facts.status = {"imbalances": (WRONG,)}
    (told,) = (await anteroom("status", "--json")).json["imbalances"]
    assert (told["of"], told["name"], told["received"], told["found"]) == ("sender", "CT1", 7, 6)
    assert told["since"].startswith("2026-03-04T05:06:07")
