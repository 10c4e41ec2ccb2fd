# SPDX-License-Identifier: Apache-2.0
"""What `anteroom status` says of the disk and of accounts that do not add up."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from console.commands.output import say_json
from console.commands.status import _disk
from engine.model.accounts import Imbalance
from tests.console.views.test_system import STATUS

ROOMY = replace(STATUS, disk_free=5_000_000_000, disk_total=10_000_000_000)


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
def test_the_disk(changes: dict[str, float], said: str) -> None:
    assert _disk(replace(ROOMY, **changes)) == said  # type: ignore[arg-type]


def test_what_does_not_add_up_is_in_the_json(capsys: pytest.CaptureFixture[str]) -> None:
    since = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
    wrong = Imbalance(of="sender", name="CT1", received=7, found=6, since=since)
    assert wrong.said() == "from CT1 came 7, and 6 are in their places"
    say_json(replace(ROOMY, imbalances=(wrong,)))
    (told,) = json.loads(capsys.readouterr().out)["imbalances"]
    assert (told["of"], told["name"], told["received"], told["found"]) == ("sender", "CT1", 7, 6)
    assert told["since"].startswith("2026-03-04T05:06:07")
