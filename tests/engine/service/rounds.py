# SPDX-License-Identifier: Apache-2.0
"""The rounds in which an engine does its background works: tests wait for one, and never do it in
its place."""

from __future__ import annotations

import asyncio

import pytest

from tests.line.serving import LONGEST_WAIT


async def a_round(part: object, verb: str) -> None:
    """Wait until a background work was done once more, from its beginning to its end.

    It is known by a verb of one of the engine's parts that it calls once in each round: with the
    second call from now, what the first belongs to is over.
    """
    loop, calls = asyncio.get_running_loop(), asyncio.Queue[None]()
    real = getattr(part, verb)

    def counted(*args: object) -> object:
        loop.call_soon_threadsafe(calls.put_nowait, None)
        return real(*args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(part, verb, counted)
        for _ in range(2):
            await asyncio.wait_for(calls.get(), LONGEST_WAIT)
