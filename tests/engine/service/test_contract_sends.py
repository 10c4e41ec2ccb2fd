# SPDX-License-Identifier: Apache-2.0
"""The contract for sending to remotes, in both forms of an engine: sessions that wait and sessions
that are filed, what is refused, and what is listed."""

from __future__ import annotations

import threading
from typing import Any

import pydicom
import pytest
from pynetdicom import evt
from pynetdicom.events import Event

from engine.model.archive import AuditQuery, SessionQuery
from engine.model.errors import Conflict, NotFound
from engine.model.remotes import Send, SendState
from engine.model.states import Status
from engine.service.api import EngineApi
from tests.engine.remotes.peers import scp
from tests.engine.service.conftest import Opened
from tests.engine.service.test_contract import one_session, reached, store
from tests.line.serving import until

CT = "1.2.840.10008.5.1.4.1.1.2"

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def waiting(engine: EngineApi, port: int, study: str) -> str:
    """Receive a session of one object, and build it."""

    def mark(image: pydicom.Dataset) -> None:
        image.StudyInstanceUID, image.SOPInstanceUID = study, f"{study}.1"
        image.StudyDescription = "P1"

    assert await store(port, mark) == 0
    id = await one_session(engine, study)
    await engine.prearchive.rebuild((id,))
    await reached(engine, id, Status.READY)
    return id


async def ended(engine: EngineApi, id: str) -> Send:
    async def there() -> bool:
        return (await engine.remotes.sending(id)).ended is not None

    await until(engine, there)
    return await engine.remotes.sending(id)


async def test_waiting_and_filed_sessions_are_sent(opened: Opened) -> None:
    engine, port = opened
    await engine.projects.add("P1")
    await engine.projects.set("P1", {"prearchive_code": "0"})
    id = await waiting(engine, port, "1.2.3.6.1")
    taken: list[str] = []
    over = threading.Event()

    def take(event: Event) -> int:
        request: Any = event.request
        taken.append(str(request.AffectedSOPInstanceUID))
        over.wait(60)
        return 0

    with scp(contexts=[CT], handlers=[(evt.EVT_C_STORE, take)]) as there:
        await engine.remotes.add("PEER", "PEER", "127.0.0.1", there)
        missing, queued = await engine.remotes.send("peer", ("pre_aaaaaaaa", id), reason="asked")
        assert not missing.done and "pre_aaaaaaaa" in missing.message
        (again,) = await engine.remotes.send("PEER", (id,))
        assert not again.done and "already" in again.message
        assert [one.id for one in await engine.remotes.sends(unfinished=True)] == [queued.job]
        # It holds up no other job.
        await engine.prearchive.rebuild((id,))
        await reached(engine, id, Status.READY)
        over.set()
        send = await ended(engine, queued.job)
        assert (send.state, send.sent, send.filed) == (SendState.DONE, 1, False)
        with pytest.raises(Conflict, match="nothing to cancel"):
            await engine.remotes.cancel(queued.job)

        await engine.prearchive.archive((id,))

        async def filed() -> bool:
            return (await engine.archive.list(SessionQuery(project="P1"))).total == 1

        await until(engine, filed)
        accession = (await engine.archive.list(SessionQuery(project="P1"))).rows[0].accession
        (queued,) = await engine.remotes.send("PEER", (accession,), ("9",))
        send = await ended(engine, queued.job)
        assert (send.state, send.reason) == (
            SendState.FAILED,
            "there is no such scan in the session",
        )
        (queued,) = await engine.remotes.send("PEER", (accession,))
        send = await ended(engine, queued.job)
        assert (send.state, send.sent, send.filed) == (SendState.DONE, 1, True)
    assert len(taken) == 2
    assert len(await engine.remotes.sends(session=accession)) == 2
    assert await engine.remotes.sends(unfinished=True) == ()

    sent = AuditQuery(object=accession, action="Sent to remote")

    async def audited() -> bool:
        return len((await engine.audit.list(sent)).rows) == 2

    await until(engine, audited)
    event = (await engine.audit.list(sent)).rows[0]
    assert event.actor == "root" and "withheld" not in event.detail
    assert (event.detail["remote"], event.detail["sent"]) == ("PEER", 1)


async def test_what_arrives_or_is_disabled_is_not_sent(opened: Opened) -> None:
    engine, port = opened

    def mark(image: pydicom.Dataset) -> None:
        image.StudyInstanceUID, image.SOPInstanceUID = "1.2.3.6.2", "1.2.3.6.2.1"

    assert await store(port, mark) == 0
    id = await one_session(engine, "1.2.3.6.2")
    await engine.remotes.add("OFF", "OFF", "127.0.0.1", 104)
    (refused,) = await engine.remotes.send("OFF", (id,))
    assert not refused.done and "the session is RECEIVING" in refused.message
    await engine.remotes.edit("OFF", {"enabled": "no"})
    with pytest.raises(Conflict, match="is disabled"):
        await engine.remotes.send("OFF", (id,))
    with pytest.raises(NotFound):
        await engine.remotes.send("NOBODY", (id,))
    with pytest.raises(NotFound):
        await engine.remotes.sending("snd_aaaaaaaa")


async def test_what_waits_for_its_remote_is_cancelled_and_does_not_keep_the_engine(
    opened: Opened,
) -> None:
    engine, port = opened
    id = await waiting(engine, port, "1.2.3.6.3")
    await engine.remotes.add("DOWN", "DOWN", "127.0.0.1", 1)
    before = (await engine.system.status()).unfinished_jobs
    first, second = [
        (await engine.remotes.send("DOWN", (id,), scans))[0].job for scans in ((), ("1",))
    ]

    async def waits() -> bool:
        return (await engine.remotes.sending(first)).state is SendState.WAITING

    await until(engine, waits)
    # One at a time: the second is not called before the first has ended.
    assert (await engine.remotes.sending(second)).state is SendState.QUEUED
    assert (await engine.system.status()).unfinished_jobs == before + 2
    await engine.remotes.cancel(second)
    assert (await engine.remotes.sending(second)).state is SendState.CANCELLED
    await engine.jobs.cancel(f"{first}:send:1")
    assert (await ended(engine, first)).state is SendState.CANCELLED
    (left,) = await engine.remotes.send("DOWN", (id,))
    assert left.done
