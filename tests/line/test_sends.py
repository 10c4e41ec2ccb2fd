# SPDX-License-Identifier: Apache-2.0
"""An engine that is killed while it sends: after the next start everything has arrived at the
remote, some of it twice."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydicom import dcmread
from pynetdicom import evt
from pynetdicom.events import Event

from engine.model.archive import AuditQuery
from engine.model.remotes import SendState
from engine.model.states import Status
from tests.conftest import Backend
from tests.engine.remotes.peers import scp, storescp
from tests.line.sending import MR, SECONDARY, make_study
from tests.line.sending import send as store
from tests.line.serving import Served, sessions, settled, until

OBJECTS = 40


async def test_a_killed_engine_sends_the_rest_after_the_next_start(
    serve: Callable[..., Served], backend: Backend
) -> None:
    served = serve(backend, build_after=0.2)
    await served.start()
    taken: Counter[str] = Counter()
    middle, over = threading.Event(), threading.Event()

    def take(event: Event) -> int:
        request: Any = event.request
        if len(taken) == OBJECTS // 2 and not middle.is_set():
            middle.set()
            over.wait(60)
        taken[str(request.AffectedSOPInstanceUID)] += 1
        return 0

    with scp(contexts=[MR, SECONDARY], handlers=[(evt.EVT_C_STORE, take)]) as port:
        async with served.asked() as engine:
            wanted = await asyncio.to_thread(store, served.port, make_study(7, OBJECTS))
            (row,) = await settled(engine, objects=OBJECTS)
            assert row.status is Status.READY
            await engine.remotes.add("PEER", "PEER", "127.0.0.1", port)
            (queued,) = await engine.remotes.send("PEER", (row.id,))
            assert queued.done, queued.message
            await asyncio.to_thread(middle.wait, 60)
        await served.kill()
        over.set()
        await served.start()
        async with served.asked() as engine:

            async def done() -> bool:
                return (await engine.remotes.sending(queued.job)).state is SendState.DONE

            await until(engine, done)
            send = await engine.remotes.sending(queued.job)
            # The session is what it was, and no job holds it.
            (after,) = await sessions(engine)
            assert (after.status, after.locked) == (Status.READY, False)
            await until(engine, lambda: _audited(engine, row.id))
    assert (send.sent, send.failed, send.objects) == (OBJECTS, 0, OBJECTS)
    assert set(taken) == set(wanted) and len(wanted) == OBJECTS
    assert await served.stop() == 0


async def _audited(engine: Any, session: str) -> bool:
    found = (await engine.audit.list(AuditQuery(object=session, action="Sent to remote"))).rows
    return [event.detail["outcome"] for event in found] == ["done"]


async def test_an_engine_that_is_told_to_stop_does_not_wait_for_a_silent_remote(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    served = serve(build_after=0.2)
    there = tmp_path / "there"
    there.mkdir()
    await served.start()
    first, over = threading.Event(), threading.Event()

    def hold(_event: Event) -> int:
        first.set()
        over.wait(60)
        return 0

    async with served.asked() as engine:
        await asyncio.to_thread(store, served.port, make_study(8, 3))
        (row,) = await settled(engine, objects=3)
        with scp(contexts=[MR, SECONDARY], handlers=[(evt.EVT_C_STORE, hold)]) as port:
            await engine.remotes.add("PEER", "PEER", "127.0.0.1", port)
            (queued,) = await engine.remotes.send("PEER", (row.id,))
            await asyncio.to_thread(first.wait, 60)
            # Its time-out for an answer is a minute; `stop` waits for less than that.
            assert await served.stop() == 0
            over.set()
    await served.start()
    with storescp(there, "--bit-preserving") as port:
        async with served.asked() as engine:
            await engine.remotes.edit("PEER", {"port": str(port)})

            async def done() -> bool:
                return (await engine.remotes.sending(queued.job)).state is SendState.DONE

            await until(engine, done)
    assert len({dcmread(path).SOPInstanceUID for path in there.iterdir()}) == 3
