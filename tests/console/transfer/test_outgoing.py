# SPDX-License-Identifier: Apache-2.0
"""How far that is which leaves."""

from __future__ import annotations

from console.transfer.outgoing import Outgoing, Pacing, Running, progress


def test_progress_is_a_bar_and_two_numbers() -> None:
    assert progress(1340, 1920, 4) == "▓▓▓░ 1 340/1 920"
    assert progress(0, 0, 4) == "▓▓▓▓ 0/0"


def test_pictures_come_at_most_twice_a_second() -> None:
    now = [10.0]
    pacing = Pacing(lambda: now[0])
    assert pacing.due()
    now[0] = 10.4
    assert not pacing.due()
    now[0] = 10.5
    assert pacing.due()
    assert not pacing.due()


def test_all_that_goes_on_is_said() -> None:
    outgoing = Outgoing()
    assert outgoing.text == ""
    outgoing.download = Running(label="MR_1", shown="▓░ 1/2")
    outgoing.rows = "▓▓ 5/5"
    assert outgoing.text == "▓▓ 5/5  ▓░ 1/2"
