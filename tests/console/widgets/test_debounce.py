# SPDX-License-Identifier: Apache-2.0
"""What comes in bursts is done once, and what was put off can be dropped."""

from __future__ import annotations

from functools import partial

from textual.app import App

from console.widgets.debounce import Debounce
from tests.console.piloting import until


async def test_only_the_last_of_a_burst_is_done() -> None:
    done: list[int] = []
    app: App[None] = App()
    async with app.run_test() as pilot:
        debounce = Debounce(app)
        for number in range(5):
            debounce.after(0.01, partial(done.append, number))
        await until(pilot, lambda: bool(done))
        # Whatever else was put off would be done before this, which comes later.
        debounce.after(0.05, lambda: done.append(9))
        await until(pilot, lambda: 9 in done)
    assert done == [4, 9]


async def test_what_was_put_off_can_be_dropped() -> None:
    done: list[str] = []
    app: App[None] = App()
    async with app.run_test() as pilot:
        debounce = Debounce(app)
        debounce.stop()
        debounce.after(0.01, lambda: done.append("dropped"))
        debounce.stop()
        app.set_timer(0.05, lambda: done.append("later"))
        await until(pilot, lambda: bool(done))
    assert done == ["later"]
