# SPDX-License-Identifier: Apache-2.0
"""The process pool for computations: parsing of headers and work on the files of whole sessions.
Its processes are spawned, never forked from the event loop. If one dies, the whole pool breaks:
each of its tasks is then run once more, alone, so that a task that kills its process again affects
no other."""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import resource_tracker
from typing import ParamSpec, TypeVar

from engine.model.errors import Unavailable

P = ParamSpec("P")
T = TypeVar("T")


class ProcessPool:
    """Runs functions of module level in other processes."""

    def __init__(self, processes: int) -> None:
        """Start with no process; they come with the first tasks."""
        self._processes = processes
        self._pool: ProcessPoolExecutor | None = None
        self._alone = asyncio.Lock()
        # It inherits stderr. A screen in this process may stand in for that by the time of the
        # first task, and has nothing to inherit.
        resource_tracker.ensure_running()

    @property
    def processes(self) -> int:
        """How many functions can run at once."""
        return self._processes

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function to its end in a process of the pool.

        Raises:
            Unavailable: if the process died twice, by a signal or for want of memory.
        """
        if self._pool is None:
            self._pool = _new_pool(self._processes)
        pool = self._pool
        try:
            return await asyncio.wrap_future(pool.submit(function, *args, **kwargs))
        except BrokenProcessPool:
            # Every task of the broken pool comes here. Only the first may drop it: by the time the
            # others come, a new one may be in its place.
            if self._pool is pool:
                self._pool = None
        # One task and one process: if tasks shared the new pool, the one that kills would fail the
        # others a second time.
        async with self._alone:
            pool = _new_pool(1)
            try:
                return await asyncio.wrap_future(pool.submit(function, *args, **kwargs))
            except BrokenProcessPool:
                raise Unavailable("the process that reads the files died twice") from None
            finally:
                # Not waited for: the loop would stand still until a cancelled task has ended.
                pool.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        """End the processes; tasks that wait are dropped and their jobs resume later."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None


def _new_pool(processes: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(
        max_workers=processes,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_settle_in,
    )


def _settle_in() -> None:
    # Ctrl-C at the terminal goes to the whole group; the engine alone decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
