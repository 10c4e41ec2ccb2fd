# SPDX-License-Identifier: Apache-2.0
"""Remotes, where the contract does not say it: what waits for one keeps nothing else waiting."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.archive import remotes
from engine.model.remotes import Remote
from engine.service.event_buffer import EventBuffer
from engine.service.remotes import Remotes
from tests.engine.jobs.conftest import fixture  # noqa: F401
from tests.engine.jobs.fixture import Fixture
from tests.engine.jobs.test_send import until
from tests.engine.remotes.peers import silent


def is_called(name: str) -> bool:
    return name in {each.name for each in threading.enumerate()}


async def test_an_echo_that_hangs_keeps_no_thread_of_others(
    fixture: Fixture,  # noqa: F811
) -> None:
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    noun = Remotes(fixture.context, EventBuffer(), "ada")
    with silent() as port:
        remote = Remote(
            name="PACS1", ae_title="PEER", host="127.0.0.1", port=port, connect_timeout=600
        )
        async with fixture.context.archive_db.write() as transaction:
            await remotes.add(transaction, remote, actor="ada")
        task = asyncio.create_task(noun.echo("PACS1"))

        async def begun() -> bool:
            return is_called("echo PACS1")

        await until(begun)
        # A look at the pool, which has one thread here.
        await asyncio.wait_for(asyncio.to_thread(is_called, ""), 30)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        async def ended() -> bool:
            return not is_called("echo PACS1")

        await until(ended)
