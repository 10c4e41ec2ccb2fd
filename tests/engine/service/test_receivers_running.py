# SPDX-License-Identifier: Apache-2.0
"""Receivers that are changed while an association is open: it goes on with the old values, and the
next one has the new ones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import FileDataset
from pynetdicom import AE
from pynetdicom.association import Association

from engine.jobs import forgetting
from engine.model.archive import Durability
from engine.model.errors import Refused
from engine.model.home import Home
from engine.model.states import Status
from engine.service.api import EngineApi
from engine.service.engine import Engine
from engine.service.requestor import associate
from tests.engine.service.rounds import a_round
from tests.line.serving import Served, until

CT, PRIVATE = "1.2.840.10008.5.1.4.1.1.2", "1.2.752.24.3.3"
PORT = 14130
SETTINGS = {
    "dicom": {"workers": 1},
    "node": {"name": "running"},
    "session": {"build_after": 0.2, "check_every": 0.1},
    "anonymization": {"site_script": False},
}


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    served = Served(tmp_path / "home", SETTINGS)
    found = Home.find(served.home, {})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.service.engine._BURY_EVERY", 0.05)
        made = await Engine.start(found, found.ensure().override({"dicom.port": 0}))
    yield made
    await made.stop()


def image(series: int) -> FileDataset:
    """Return an image of a study for the project NEURO, in a series of its own."""
    source = get_testdata_file("CT_small.dcm")
    assert isinstance(source, str)
    made = pydicom.dcmread(source)
    made.PatientComments = "Project:NEURO Subject:S1 Session:S1_CT"
    made.SeriesNumber = series
    made.SeriesInstanceUID = f"1.2.3.{series}"
    made.SOPInstanceUID = f"1.2.3.{series}.1"
    return made


async def opened() -> Association:
    entity = AE(ae_title="SCANNER")
    for sop_class in (CT, PRIVATE):
        entity.add_requested_context(sop_class, "1.2.840.10008.1.2.1")
    association = await asyncio.to_thread(associate, entity, "127.0.0.1", PORT, called="MRI")
    assert association.is_established
    return association


async def stored(association: Association, series: int) -> int:
    response = await asyncio.to_thread(association.send_c_store, image(series))
    return int(response.Status)


def accepted(association: Association) -> set[str]:
    return {str(context.abstract_syntax) for context in association.accepted_contexts}


async def archived(api: EngineApi) -> bool:
    return (await api.archive.list()).total == 1


async def test_an_open_association_goes_on_and_the_next_has_the_new_values(engine: Engine) -> None:
    api = engine.acting("root")
    await api.projects.add("NEURO")
    await api.receivers.add("MRI", PORT)
    first = await opened()
    assert accepted(first) == {CT}
    assert await stored(first, 1) == 0
    values = {
        "file_name_template": "own-${SOPInstanceUID}",
        "storage_classes": PRIVATE,
        "account": "mri-service",
        "durability": "group",
    }
    status = await api.receivers.edit("MRI", PORT, values)
    assert (status.account, status.durability) == ("mri-service", Durability.GROUP)
    assert await stored(first, 2) == 0
    with pytest.raises(Refused, match="may lose objects that were answered"):
        await api.receivers.edit("MRI", PORT, {"durability": "none"})
    await asyncio.to_thread(first.release)
    await until(api, lambda: archived(api))
    second = await opened()
    assert accepted(second) == {CT, PRIVATE}
    assert await stored(second, 3) == 0
    await asyncio.to_thread(second.release)

    async def built() -> bool:
        rows = (await api.prearchive.list(limit=9)).rows
        return any(row.status is Status.CONFLICT for row in rows)

    # It waits for a decision: a build has named its files by what they say by then.
    await until(api, built)
    names = {path.name for path in engine.settings.paths.prearchive.glob("**/SCANS/*/DICOM/*.dcm")}
    assert names == {"own-1.2.3.3.1.dcm"}
    transfers = {one.account: one for one in await api.live.transfers()}
    assert transfers.keys() == {"", "mri-service"}
    assert transfers["mri-service"].objects <= 1
    (filed,) = (await api.archive.list()).rows
    # What an association began before is still the engine's own doing.
    assert filed.added_by == "auto-archive"


async def test_what_a_receiver_brings_in_is_its_accounts_doing(engine: Engine) -> None:
    api = engine.acting("root")
    await api.projects.add("NEURO")
    await api.receivers.add("MRI", PORT, values={"account": "mri-service"})
    association = await opened()
    assert await stored(association, 1) == 0
    await asyncio.to_thread(association.release)
    await until(api, lambda: archived(api))
    (filed,) = (await api.archive.list()).rows
    assert filed.added_by == "mri-service"

    async def audited() -> bool:
        return any(
            entry.actor == "mri-service" and entry.action.startswith("Archived")
            for entry in (await api.audit.list()).rows
        )

    await until(api, audited)


async def buried(engine: Engine) -> None:
    """Wait until the engine has looked at the journals, and put away what is over."""
    await a_round(engine.context.ingester, "left_behind")


async def test_a_long_journal_is_put_away_once_it_is_posted(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = engine.acting("root")
    await api.receivers.add("MRI", PORT)
    association = await opened()
    (old,) = engine.pool.journals
    folder = engine.settings.paths.prearchive / ".journals"
    assert await stored(association, 1) == 0
    await buried(engine)
    assert engine.pool.journals == (old,)
    monkeypatch.setattr("engine.service.housekeeping.LONG_JOURNAL", 1)
    # The worker may still be about to follow.
    assert await stored(association, 2) == 0

    async def followed() -> bool:
        return old not in engine.pool.journals

    await until(api, followed)
    monkeypatch.undo()
    assert await stored(association, 3) == 0

    async def put_away() -> bool:
        return [path.name for path in folder.iterdir()] == list(engine.pool.journals)

    await until(api, put_away)
    (new,) = engine.pool.journals
    assert new != old
    await asyncio.to_thread(association.release)

    async def counted() -> bool:
        return (await api.system.status()).accounts.received == 3

    await until(api, counted)
    assert await engine.balance.look() == ()


async def test_what_is_old_is_forgotten_and_written_down(engine: Engine) -> None:
    api = engine.acting("root")
    await api.projects.add("NEURO")
    await api.receivers.add("MRI", PORT)
    association = await opened()
    assert await stored(association, 1) == 0
    await asyncio.to_thread(association.release)
    await until(api, lambda: archived(api))

    async def ended() -> bool:
        return all(one.closed for one in await api.live.transfers())

    await until(api, ended)
    soon = datetime.now(UTC) + timedelta(days=370)
    gone = await forgetting.forget(engine.context, now=soon)
    assert (gone.transfers, gone.receipts, gone.hours) == (1, 0, 1)
    gone = await forgetting.forget(engine.context, now=soon + timedelta(days=40))
    assert (gone.transfers, gone.receipts) == (0, 1)
    assert await api.live.transfers() == ()
    assert (await api.system.status()).accounts.received == 1
    assert await engine.balance.look() == ()

    async def audited() -> bool:
        details = [
            one.detail for one in (await api.audit.list()).rows if one.action == forgetting.EVENT
        ]
        gone = {"transfers": 1, "ledger": 0, "receipts": 0, "hours": 1}
        return gone | {"sends": 0, "commitments": 0, "departures": 0} in details

    await until(api, audited)
