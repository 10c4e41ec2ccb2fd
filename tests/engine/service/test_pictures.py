# SPDX-License-Identifier: Apache-2.0
"""Pictures of sessions that wait and of filed ones."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from engine.archive.audit.relay import Relay
from engine.archive.audit.trail import AuditChain
from engine.model.archive import AuditQuery
from engine.model.errors import InvalidInput, NotFound, Refused
from engine.model.people import operator
from engine.model.pictures import Picture, PictureRequest, Window
from engine.prearchive import rows
from engine.service.archive import Archive
from engine.service.contents import Waiting
from engine.service.pictures import Pictures, Picturing
from engine.service.verifying import Verifying
from engine.service.witness import Witness
from tests.engine.anonymize.images import describe, native
from tests.engine.jobs.conftest import fixture  # noqa: F401 (a fixture)
from tests.engine.jobs.fixture import Fixture
from tests.engine.jobs.test_archive import archive, filed, ready


@pytest.fixture
async def pictures(fixture: Fixture) -> AsyncIterator[Pictures]:  # noqa: F811
    context, actor = fixture.context, operator("root")
    picturing = Picturing(context)
    yield Pictures(picturing, Waiting(context), Archive(context, Verifying(context), actor))
    picturing.close()


def drawn(path: Path, grey: int, along: float, number: int) -> None:
    """Put an image of one grey there."""
    array = np.full((1, 8, 8, 1), grey, "<u2")
    dataset = describe(array)
    dataset.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    dataset.ImagePositionPatient = ["0", "0", str(along)]
    dataset.InstanceNumber = str(number)
    native(path, array, dataset)


async def folder(fixture: Fixture, session: str) -> Path:  # noqa: F811
    async with fixture.context.prearchive_db.read() as transaction:
        row = await rows.get(transaction, session)
    return rows.folder_of(row, fixture.context.prearchive)


def grey(made: Picture) -> int:
    assert made.why == ""
    (only,) = set(made.pixels)
    return only


async def test_slices_are_in_the_order_of_space(
    fixture: Fixture,  # noqa: F811
    pictures: Pictures,
) -> None:
    session = await ready(fixture)
    place = await folder(fixture, session) / "SCANS" / "1" / "DICOM"
    for number, (name, along) in enumerate((("1", 30.0), ("2", 10.0), ("3", 20.0))):
        drawn(place / f"{name}.dcm", int(along), along, number)
    window = Window(centre=128, width=256)

    async def at(number: int | None) -> Picture:
        asked = PictureRequest(scan="1", number=number, window=window)
        return await pictures.waiting(session, asked)

    assert [grey(await at(number)) for number in (0, 1, 2)] == [9, 19, 29]
    middle = await at(None)
    assert (middle.number, middle.objects) == (1, 3)
    assert middle.file == "SCANS/1/DICOM/3.dcm"
    named = await pictures.waiting(session, PictureRequest(file="SCANS/1/DICOM/1.dcm"))
    assert named.number == 2
    with pytest.raises(NotFound, match="3 objects"):
        await at(3)
    with pytest.raises(NotFound, match="scan"):
        await pictures.waiting(session, PictureRequest(scan="7"))
    with pytest.raises(Refused):
        await pictures.waiting(session, PictureRequest(file="../../x"))
    with pytest.raises(InvalidInput, match="window"):
        await pictures.waiting(session, PictureRequest(window=Window(centre=0, width=0)))
    with pytest.raises(InvalidInput, match="counted"):
        await pictures.waiting(session, PictureRequest(frame=-1))


async def test_a_filed_session_shows_too_and_says_why_not(
    fixture: Fixture,  # noqa: F811
    pictures: Pictures,
) -> None:
    session = await ready(fixture)
    assert await archive(fixture, session) == ""
    (row,) = await filed(fixture)
    made = await pictures.filed(row.id)
    assert made.objects == 2 and made.why.startswith("its header does not say")
    (path,) = fixture.context.archive.rglob(Path(made.file).name)
    drawn(path, 200, 1.0, 1)
    window = Window(centre=128, width=256)
    shown = await pictures.filed(row.id, PictureRequest(file=made.file, window=window))
    assert grey(shown) == 199


async def test_looking_is_one_event_a_person_session_and_hour(
    fixture: Fixture,  # noqa: F811
) -> None:
    context = fixture.context
    witness = Witness(context.archive_db)
    for _ in range(3):
        await witness.answered("pictures.waiting", operator("mk"), {"id": "S"}, Picture())
    await witness.answered("pictures.filed", operator("ak"), {"id": "S"}, Picture())
    await Relay(context.archive_db, context.prearchive_db).drain()
    events = (await AuditChain(context.archive_db).find(AuditQuery(action="Looked at"))).rows
    looks = [(one.actor, one.object, one.detail["what"]) for one in events]
    assert sorted(looks) == [("ak", "S", "pictures"), ("mk", "S", "pictures")]
