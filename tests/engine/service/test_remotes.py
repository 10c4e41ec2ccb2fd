# SPDX-License-Identifier: Apache-2.0
"""Remotes, where the contract does not say it: what waits for one keeps nothing else waiting."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import cast

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from engine.archive import remotes
from engine.jobs.runner import JobRunner
from engine.model.people import operator
from engine.model.remotes import Remote, SendFailure, SendState
from engine.prearchive import sends
from engine.prearchive.tables import SendRow
from engine.service.event_buffer import EventBuffer
from engine.service.remotes import Remotes
from tests.engine.jobs.conftest import either, fixture  # noqa: F401
from tests.engine.jobs.fixture import Fixture, Jobs
from tests.engine.jobs.test_archive import ready
from tests.engine.jobs.test_send import until
from tests.engine.remotes.peers import silent


def is_called(name: str) -> bool:
    return name in {each.name for each in threading.enumerate()}


async def test_an_echo_that_hangs_keeps_no_thread_of_others(
    fixture: Fixture,  # noqa: F811
) -> None:
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    noun = Remotes(fixture.context, EventBuffer(), operator("ada"))
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


async def test_failures_are_read_of_one_send_only(
    either: Fixture,  # noqa: F811
) -> None:
    noun = Remotes(either.context, EventBuffer(), operator("ada"))
    failure = SendFailure(file="1.dcm", uid="1.2.3", status="A700", reason="out of resources")
    row = SendRow(
        id="snd_aaaaaaaa",
        remote="PACS1",
        session="pre_a",
        filed=False,
        state=SendState.FAILED.value,
        actor="ada",
        queued=datetime.now(UTC),
        failed=1,
    )
    sends.keep_failures(row, (failure,))
    async with either.context.prearchive_db.write() as transaction:
        transaction.add(row)
    (listed,) = await noun.sends()
    assert (listed.failed, listed.failures) == (1, ())
    assert await noun.sending(row.id) == replace(listed, failures=(failure,))


async def test_of_two_who_send_the_same_one_is_told_that_it_is_sent(
    either: Fixture,  # noqa: F811
) -> None:
    session = await ready(either)
    others: list[asyncio.Task[bool]] = []

    async def send() -> bool:
        (outcome,) = await noun.send("PACS1", (session,))
        return outcome.done

    async def the_other_waits_or_has_looked() -> bool:
        if either.context.prearchive_db.is_sqlite or others[0].done():
            # One writer at a time: the other cannot have looked.
            return True
        waiting = (
            "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database "
            "WHERE datname = current_database() AND NOT granted"
        )
        async with either.context.prearchive_db.read() as transaction:
            return bool(await transaction.scalar(text(waiting)))

    class Between(Jobs):
        """Has somebody else send the same between the look and the end of the transaction."""

        async def enqueue(
            self, transaction: AsyncSession, workflow_id: str, *, one_at_a_time: str = ""
        ) -> None:
            await super().enqueue(transaction, workflow_id)
            if not others:
                others.append(asyncio.create_task(send()))
                await until(the_other_waits_or_has_looked)

    context = replace(either.context, runner=cast(JobRunner, Between()))
    noun = Remotes(context, EventBuffer(), operator("ada"))
    async with context.archive_db.write() as transaction:
        new = Remote(name="PACS1", ae_title="PEER", host="127.0.0.1", port=104)
        await remotes.add(transaction, new, actor="ada")
    assert await send()
    assert not await others[0]
    assert len(await noun.sends()) == 1
