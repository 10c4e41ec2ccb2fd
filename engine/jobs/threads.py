# SPDX-License-Identifier: Apache-2.0
"""Threads of their own for what waits for other machines: it may take hours, and the pools of the
loop are for what is short. They keep no engine from ending."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

Result = TypeVar("Result")


def in_a_thread(work: Callable[[], Result], name: str) -> asyncio.Future[Result]:
    """Begin something that blocks, in a thread of that name."""
    done: Future[Result] = Future()
    # Whoever does not wait for it any more does not end it.
    done.set_running_or_notify_cancel()

    def run() -> None:
        try:
            result = work()
        except BaseException as error:
            done.set_exception(error)
        else:
            done.set_result(result)

    threading.Thread(target=run, name=name, daemon=True).start()
    return asyncio.wrap_future(done)


async def or_cut(work: Callable[[], Result], name: str, cut: Callable[[], None]) -> Result:
    """Do something that blocks in a thread of that name, and `cut` it where whoever waits for it is
    cancelled."""
    try:
        return await in_a_thread(work, name)
    except asyncio.CancelledError:
        cut()
        raise
