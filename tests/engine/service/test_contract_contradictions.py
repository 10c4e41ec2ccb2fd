# SPDX-License-Identifier: Apache-2.0
"""The part of the contract about sessions that contradict themselves: refused, shown, decided."""

from __future__ import annotations

import pydicom
import pytest

from engine.model.archive import AuditQuery
from engine.model.contradictions import Choice, ContradictionKind
from engine.model.errors import InvalidInput
from engine.model.states import Status
from engine.service.api import EngineApi
from tests.engine.service.conftest import Opened
from tests.engine.service.test_contract import one_session, reached, store
from tests.line.serving import until

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def conflicting(engine: EngineApi, port: int, study: str) -> str:
    """Send two objects of one UID with other pixels, and build their session in a project."""

    def first(image: pydicom.Dataset) -> None:
        image.StudyInstanceUID = study
        image.StudyDescription = "C"

    def second(image: pydicom.Dataset) -> None:
        first(image)
        image.PixelData = bytes(len(image.PixelData))

    assert await store(port, first) == 0
    assert await store(port, second) == 0
    id = await one_session(engine, study)

    async def whole() -> bool:
        return (await engine.prearchive.show(id)).objects == 2

    await until(engine, whole)
    (built,) = await engine.prearchive.rebuild((id,))
    assert built.done, built.message
    await reached(engine, id, Status.CONFLICT)
    return id


async def test_a_conflict_is_refused_until_it_is_decided_also_after_a_reset(
    opened: Opened,
) -> None:
    engine, port = opened
    await engine.projects.add("C")
    id = await conflicting(engine, port, "1.2.3.7.1")
    assert (await engine.prearchive.show(id)).contradictions == 1

    (refused,) = await engine.prearchive.archive((id,))
    assert not refused.done
    assert "one SOP Instance UID" in refused.message
    assert "prearchive resolve" in refused.message
    (reset,) = await engine.prearchive.reset((id,))
    assert (reset.done, reset.message) == (True, "CONFLICT")
    (refused,) = await engine.prearchive.archive((id,))
    assert not refused.done

    told = await engine.prearchive.contradictions(id)
    (one,) = told.found
    assert (one.kind, len(one.alternatives)) == (ContradictionKind.OBJECT, 2)
    for choices in ((), (Choice(contradiction=1, keep=3),), (Choice(contradiction=2, keep=1),)):
        with pytest.raises(InvalidInput):
            await engine.prearchive.resolve(id, choices)
    both = (Choice(contradiction=1, keep=0),)
    with pytest.raises(InvalidInput, match="cannot both stay"):
        await engine.prearchive.resolve(id, both)

    choice = (Choice(contradiction=1, keep=2),)
    decided = await engine.prearchive.resolve(id, choice, seen=told.seen, reason="the newer one")
    assert decided.done, decided.message
    await reached(engine, id, Status.READY)
    row = await engine.prearchive.show(id)
    assert (row.contradictions, row.objects) == (0, 1)
    assert (await engine.prearchive.contradictions(id)).found == ()

    async def audited() -> bool:
        events = (await engine.audit.list(AuditQuery(object=id))).rows
        reasons = [event.detail for event in events if event.action == "Queued resolve"]
        decided = any(event.action == "Contradiction decided" for event in events)
        return decided and "the newer one" in str(reasons)

    await until(engine, audited)
