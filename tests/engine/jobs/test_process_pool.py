# SPDX-License-Identifier: Apache-2.0
"""The process pool: results, errors, and processes that die."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from engine.jobs.process_pool import ProcessPool
from engine.model.errors import Unavailable


def double(number: int, *, plus: int = 0) -> int:
    return 2 * number + plus


def fail() -> None:
    raise ValueError("of the function")


def process() -> int:
    return os.getpid()


def heeds_interrupts() -> bool:
    return signal.getsignal(signal.SIGINT) is not signal.SIG_IGN


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_once(mark: Path) -> str:
    if not mark.exists():
        mark.touch()
        die()
    return "done"


async def test_functions_run_in_other_processes() -> None:
    processes = ProcessPool(1)
    try:
        assert await processes.run(double, 4, plus=1) == 9
        assert await processes.run(process) != os.getpid()
        assert not await processes.run(heeds_interrupts)
        with pytest.raises(ValueError, match="of the function"):
            await processes.run(fail)
        assert await processes.run(double, 1) == 2
    finally:
        processes.close()
    processes.close()


async def test_a_process_that_dies_is_replaced(tmp_path: Path) -> None:
    processes = ProcessPool(1)
    try:
        assert await processes.run(die_once, tmp_path / "died") == "done"
        assert await processes.run(double, 1) == 2
    finally:
        processes.close()


async def test_what_kills_takes_nobody_with_it() -> None:
    processes = ProcessPool(1)
    try:
        outcomes = await asyncio.gather(
            processes.run(die),
            *(processes.run(double, number) for number in range(3)),
            return_exceptions=True,
        )
    finally:
        processes.close()
    assert isinstance(outcomes[0], Unavailable)
    assert outcomes[1:] == [0, 2, 4]
