# SPDX-License-Identifier: Apache-2.0
"""Threads for what waits for other machines."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.jobs.threads import in_a_thread, or_cut


def fails() -> None:
    raise ValueError("of the work")


async def test_it_gives_what_the_work_gives() -> None:
    assert await in_a_thread(lambda: threading.current_thread().name, "a name") == "a name"
    with pytest.raises(ValueError, match="of the work"):
        await in_a_thread(fails, "fails")


async def test_it_takes_no_thread_of_the_pool() -> None:
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    over = threading.Event()
    waits = in_a_thread(over.wait, "waits")
    await asyncio.wait_for(asyncio.to_thread(over.set), 30)
    assert await waits


async def test_what_nobody_waits_for_is_cut() -> None:
    begun, over = threading.Event(), threading.Event()

    def work() -> bool:
        begun.set()
        return over.wait(60)

    task = asyncio.create_task(or_cut(work, "to be cut", over.set))
    await asyncio.to_thread(begun.wait, 30)
    (thread,) = (each for each in threading.enumerate() if each.name == "to be cut")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    # Whatever it returns then, or fails of, is nobody's concern.
    await asyncio.to_thread(thread.join, 30)
    assert over.is_set() and not thread.is_alive()
