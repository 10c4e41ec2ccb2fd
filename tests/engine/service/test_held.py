# SPDX-License-Identifier: Apache-2.0
"""Held objects: released by the script in force alone, or dropped; and counted in one place, also
where an attempt is cut off."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pydicom
import pytest
from sqlalchemy import select

from engine.dicom.guard import Guard
from engine.ingest.release import dataset_digest
from engine.intake.journal import Outcome, Record
from engine.intake.originals import Originals
from engine.intake.snapshot import ReceiverConfig, Snapshot
from engine.jobs.held import held_file
from engine.jobs.reconcile import Reconciliation
from engine.model.accounts import Place
from engine.model.errors import NotFound
from engine.model.ledger import GroupKey
from engine.model.scripts import SITE, ScriptInForce
from engine.model.states import Status
from engine.prearchive import accounts, ledger
from engine.prearchive.tables import HeldRow, ObjectRow, OutboxRow, SessionRow, TransferRow
from engine.routing.router import RoutingConfig
from engine.service.configuration import Configuration
from engine.service.event_buffer import EventBuffer
from engine.service.held import Held
from tests.engine.jobs.conftest import either, fixture  # noqa: F401
from tests.engine.jobs.fixture import Fixture
from tests.engine.jobs.scripting import Cut
from tests.engine.jobs.test_archive import files
from tests.engine.jobs.test_build import build, counted
from tests.engine.sessions.build.objects import STUDY, write_object

NAMES = "(0010,0010) := subject"
FAILS = '(0010,0030) := shiftDateByIncrement[(0010,0010), "1"]'


def script(text: str) -> ScriptInForce:
    """Make a script of the site."""
    return ScriptInForce(scope=SITE, version=2, id="scr_aaaaaaaa", text=f'version "6.7"\n{text}\n')


@dataclass
class Configured:
    """What is in force."""

    snapshot: Snapshot | None


@dataclass
class Room:
    """A job context with held objects in it."""

    at: Fixture
    held: Held
    configured: Configured
    guard: Guard

    def force(self, text: str, *, anonymize: bool = True) -> None:
        """Put a site script into force; none for an empty text."""
        self.configured.snapshot = Snapshot(
            number=1,
            receivers=(ReceiverConfig(ae_title="ANTEROOM", port=104, anonymize=anonymize),),
            routing=RoutingConfig(projects={"P": "P"}),
            file_name_template="${StudyInstanceUID}-${SeriesNumber}-${HashSOPClassUIDWithSOPInstanceUID}",
            site_script=script(text) if text else None,
            uid_secret=b"secret",
        )

    async def hold(
        self,
        id: str = "a-1.dcm",
        *,
        rule: str = "site v1:2",
        outcome: Outcome = Outcome.HELD,
        **values: str,
    ) -> Path:
        """Let an object be held, or staged, as a worker would."""
        path = held_file(self.at.context.prearchive, id)
        given = {"PatientName": "Doe^Jane", "PatientID": "S1", "StudyDescription": "P"}
        write_object(path, **(given | {"AccessionNumber": "E1"} | values))
        meta = pydicom.dcmread(path).file_meta
        self.at.journal.append(
            Record(
                at=time.time_ns(),
                transfer="tr_1",
                outcome=outcome,
                file=id,
                sop_class=str(meta.MediaStorageSOPClassUID),
                received_sop=str(meta.MediaStorageSOPInstanceUID),
                sop=str(meta.MediaStorageSOPInstanceUID),
                digest=dataset_digest(path),
                size=path.stat().st_size,
                reason="site v1:2: it fails",
                rule=rule,
                receiver="ANTEROOM",
                calling="MR3T",
                peer="10.0.0.1",
                transfer_syntax=str(meta.TransferSyntaxUID),
            ),
            sync=False,
        )
        await self.at.context.ingester.ingest()
        async with self.at.context.prearchive_db.write() as transaction:
            transfer = await transaction.get_one(TransferRow, "tr_1")
            transfer.port = 104
        return path

    async def session(self) -> SessionRow:
        """Return the one session."""
        async with self.at.context.prearchive_db.read() as transaction:
            (row,) = (await transaction.execute(select(SessionRow))).scalars()
            return row

    async def rows(self) -> list[HeldRow]:
        """Return what is held."""
        async with self.at.context.prearchive_db.read() as transaction:
            return list((await transaction.execute(select(HeldRow))).scalars())

    async def events(self) -> list[tuple[str, str, dict[str, object]]]:
        """Return what the audit will be told of."""
        async with self.at.context.prearchive_db.read() as transaction:
            found = (await transaction.execute(select(OutboxRow).order_by(OutboxRow.at))).scalars()
            return [(event.action, event.object, event.detail) for event in found]

    def left(self) -> list[str]:
        """Name what lies in staging."""
        staging = self.at.context.prearchive / ".staging"
        return sorted(path.relative_to(staging).as_posix() for path in staging.rglob("*"))


@pytest.fixture
async def room(either: Fixture) -> AsyncIterator[Room]:  # noqa: F811
    """A room on each kind of database."""
    configured, guard = Configured(None), Guard()
    held = Held(
        either.context,
        EventBuffer(),
        cast(Configuration, configured),
        guard,
        asyncio.Lock(),
        "person",
    )
    made = Room(at=either, held=held, configured=configured, guard=guard)
    made.force(NAMES)
    yield made
    guard.close()


async def test_a_header_is_as_it_was_received(room: Room) -> None:
    await room.hold()
    header = await room.held.header("a-1.dcm")
    values = {row.name: [one.text for one in row.values] for row in header.rows}
    assert (header.files, header.unread, values["PatientName"]) == (1, (), ["Doe^Jane"])
    with pytest.raises(NotFound, match="nothing is held"):
        await room.held.header("b-2.dcm")


async def test_a_header_that_cannot_be_read_says_where(room: Room) -> None:
    path = await room.hold()
    whole = path.read_bytes()
    # A length that points behind the end of the file.
    path.write_bytes(whole[:200])
    header = await room.held.header("a-1.dcm")
    (why,) = header.unread
    assert (header.rows, header.files) == ((), 0)
    assert why and "a-1" not in why


async def test_held_objects_are_listed_with_who_sent_them(room: Room) -> None:
    await room.hold()
    await room.hold("b-2.dcm", rule="site v1:3")
    page = await room.held.list()
    assert (page.total, {one.calling for one in page.rows}) == (2, {"MR3T"})
    assert page.bytes == sum(one.size for one in page.rows)
    key = GroupKey(outcome="held", reason="site v1:2: it fails", rule="site v1:3")
    assert [one.id for one in (await room.held.list(group=key)).rows] == ["b-2.dcm"]
    assert page.rows[0].sop_class_name.endswith("Image Storage")


async def test_the_script_in_force_releases_an_object_into_its_session(room: Room) -> None:
    path = await room.hold()
    digest = dataset_digest(path)
    (outcome,) = await room.held.retry(("a-1.dcm",), reason="put right")
    row = await room.session()
    assert (outcome.done, outcome.message) == (True, f"published in {row.id}")
    assert (row.project, row.label, row.objects, row.status) == ("P", "S1", 1, Status.RECEIVING)
    folder = room.at.context.prearchive / "P" / row.timestamp / "S1"
    (published,) = folder.rglob("*.dcm")
    found = pydicom.dcmread(published)
    assert found.PatientName == row.subject != "Doe^Jane"
    (entry,) = (await room.at.index(row.id)).values()
    assert (entry.digest, entry.transfer, entry.recovered) == (digest, "tr_1", False)
    assert await room.rows() == []
    assert room.left() == ["held"]
    assert await counted(room.at) == {Place.WAITING: 1}
    assert ("Released held object", "a-1.dcm", {"outcome": "stored", "reason": "put right"}) in (
        await room.events()
    )
    async with room.at.context.prearchive_db.read() as transaction:
        transfer = await transaction.get_one(TransferRow, "tr_1")
    assert transfer.objects == 1
    # What the script changed is kept like that of any other object.
    originals = Originals(room.at.context.prearchive)
    assert [one.digest for one in originals.of(row.id)] == [digest]


async def test_an_object_with_which_the_script_fails_again_stays_with_the_new_reason(
    room: Room,
) -> None:
    path = await room.hold()
    before = path.read_bytes()
    room.force(FAILS)
    (outcome,) = await room.held.retry(("a-1.dcm",))
    assert (outcome.done, outcome.message.startswith("still held: site v2:2: ")) == (False, True)
    (row,) = await room.rows()
    assert row.rule == "site v2:2"
    assert "Jane" not in row.reason + outcome.message
    assert path.read_bytes() == before
    assert room.left() == ["held", "held/a-1.dcm"]
    assert files(room.at.context.prearchive / "P") == []
    assert await counted(room.at) == {Place.HELD: 1}
    assert [action for action, _, _ in await room.events()] == ["Retried held object"]
    # And once more, with a script that does not fail.
    room.force(NAMES)
    assert (await room.held.retry(("a-1.dcm",)))[0].done
    assert await counted(room.at) == {Place.WAITING: 1}


async def test_a_script_that_cannot_even_be_read_keeps_what_is_held(room: Room) -> None:
    await room.hold()
    room.force("no script at all")
    (outcome,) = await room.held.retry(("a-1.dcm",))
    assert (outcome.done, "cannot be run" in outcome.message) == (False, True)
    assert await counted(room.at) == {Place.HELD: 1}
    assert room.left() == ["held", "held/a-1.dcm"]


async def test_what_no_receiver_would_take_any_more_stays_held_and_says_why(room: Room) -> None:
    """Command and data set may tell of two objects: nobody noticed while its header was unclear."""
    path = await room.hold()
    found = pydicom.dcmread(path)
    found.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.UID("1.2.3")
    pydicom.dcmwrite(path, found, enforce_file_format=False)
    (outcome,) = await room.held.retry(("a-1.dcm",))
    assert (outcome.done, "differs" in outcome.message) == (False, True)
    assert await counted(room.at) == {Place.HELD: 1}


async def test_without_a_script_nothing_is_released_that_a_script_has_held(room: Room) -> None:
    await room.hold()
    room.force("")
    (outcome,) = await room.held.retry(("a-1.dcm",))
    assert (outcome.done, "no site script" in outcome.message) == (False, True)
    assert await counted(room.at) == {Place.HELD: 1}
    assert room.left() == ["held", "held/a-1.dcm"]


async def test_of_a_receiver_that_is_exempt_objects_go_as_they_came(room: Room) -> None:
    await room.hold(rule="")
    room.force(NAMES, anonymize=False)
    assert (await room.held.retry(("a-1.dcm",)))[0].done
    row = await room.session()
    assert row.prevent_anon
    (published,) = (room.at.context.prearchive / "P").rglob("*.dcm")
    assert pydicom.dcmread(published).PatientName == "Doe^Jane"


async def test_what_the_script_rejects_is_counted_and_gone(room: Room) -> None:
    path = await room.hold()
    room.force("reject[]")
    (outcome,) = await room.held.retry(("a-1.dcm",))
    assert outcome.done
    assert await counted(room.at) == {Place.REJECTED: 1}
    assert (path.exists(), room.left()) == (False, ["held"])
    async with room.at.context.prearchive_db.read() as transaction:
        (entry,) = await ledger.list_entries(transaction, 0, 10)
    assert (entry.outcome, entry.rule, entry.count) == ("rejected", "site v2:2", 1)


async def test_the_same_object_twice_is_a_duplicate(room: Room) -> None:
    await room.hold(SOPInstanceUID=f"{STUDY}.9.1")
    await room.hold("a-2.dcm", SOPInstanceUID=f"{STUDY}.9.1")
    first, second = await room.held.retry(("a-1.dcm", "a-2.dcm", "a-1.dcm"))
    assert (first.done, second.done) == (True, True)
    assert "already" in second.message
    assert await counted(room.at) == {Place.WAITING: 1, Place.DUPLICATE: 1}
    assert (await room.rows(), room.left()) == ([], ["held"])


async def test_dropping_counts_as_deleted_and_takes_the_file_away(room: Room) -> None:
    path = await room.hold()
    (outcome,) = await room.held.drop(("a-1.dcm",), reason="a phantom")
    assert (outcome.done, outcome.message) == (True, "dropped")
    assert (path.exists(), room.left(), await room.rows()) == (False, ["held"], [])
    assert await counted(room.at) == {Place.DELETED: 1}
    assert await room.events() == [("Dropped held object", "a-1.dcm", {"reason": "a phantom"})]
    async with room.at.context.prearchive_db.read() as transaction:
        (entry,) = await ledger.list_entries(transaction, 0, 10)
    assert (entry.outcome, entry.transfer, entry.calling) == ("deleted", "tr_1", "MR3T")


async def test_what_is_not_held_is_said_so(room: Room) -> None:
    with pytest.raises(NotFound):
        await room.held.show("nothing")
    for outcome in (*await room.held.retry(("nothing",)), *await room.held.drop(("nothing",))):
        assert (outcome.done, "nothing is held" in outcome.message) == (False, True)
    path = await room.hold()
    path.unlink()
    (outcome,) = await room.held.retry(("a-1.dcm",))
    assert "can only be dropped" in outcome.message
    assert (await room.held.drop(("a-1.dcm",)))[0].done


async def test_one_object_is_shown_without_what_its_header_says(room: Room) -> None:
    await room.hold()
    row = await room.held.show("a-1.dcm")
    assert (row.rule, row.transfer, row.calling, row.peer) == (
        "site v1:2",
        "tr_1",
        "MR3T",
        "10.0.0.1",
    )
    assert "Jane" not in repr(row)


async def test_each_of_several_objects_is_announced_before_it_is_published(room: Room) -> None:
    for number in range(3):
        await room.hold(f"a-{number}.dcm", SOPInstanceUID=f"{STUDY}.9.{number}")
    room.at.hook.passed.clear()
    await room.held.retry(("a-0.dcm", "a-1.dcm", "a-2.dcm"))
    passed = [point for point in room.at.hook.passed if point in POINTS]
    assert passed == list(POINTS) * 3
    assert (await room.session()).objects == 3


POINTS = ("held object announced", "held object tried", "held object entered")


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("text", [NAMES, "reject[]", ""])
async def test_a_kill_leaves_an_object_that_is_counted_once(
    room: Room, point: str, text: str
) -> None:
    # Without a script only what no script has failed with may leave.
    path = await room.hold(rule="site v1:2" if text else "")
    room.force(text)
    room.at.hook.faults[point] = Cut()
    try:
        await room.held.retry(("a-1.dcm",))
    except Cut:
        # What comes up at the next start has no part in what was begun.
        await Reconciliation(room.at.context, alone=True).files()
    room.at.hook.faults.clear()
    counts = await counted(room.at)
    assert sum(counts.values()) == 1
    if await room.rows():
        assert (counts, path.exists()) == ({Place.HELD: 1}, True)
        assert (await room.held.retry(("a-1.dcm",)))[0].done
    assert path.exists() is False
    place = Place.REJECTED if text == "reject[]" else Place.WAITING
    assert await counted(room.at) == {place: 1}
    assert await room.rows() == []
    if place is Place.WAITING:
        row = await room.session()
        assert row.objects == len(files(room.at.context.prearchive / "P")) == 1
        assert await build(room.at, row.id) == ""
        async with room.at.context.prearchive_db.read() as transaction:
            (entry,) = (await transaction.execute(select(ObjectRow))).scalars()
            assert await accounts.summed(transaction) == await accounts.total(transaction)
        assert entry.transfer == "tr_1"


async def test_a_retry_ends_what_an_attempt_before_it_has_begun(room: Room) -> None:
    """The engine went on: only the task that released the object was cut off."""
    await room.hold()
    room.at.hook.faults["held object tried"] = Cut()
    with pytest.raises(Cut):
        await room.held.retry(("a-1.dcm",))
    (outcome,) = await room.held.retry(("a-1.dcm",))
    # It is in the session since the first attempt; now it is counted there.
    assert "nothing is held" in outcome.message
    assert await counted(room.at) == {Place.WAITING: 1}
    assert (await room.rows(), room.left()) == ([], ["held"])
    assert len(files(room.at.context.prearchive / "P")) == 1


@pytest.mark.parametrize("killed", [True, False])
async def test_a_drop_that_was_cut_off_leaves_nothing_or_all(room: Room, killed: bool) -> None:
    path = await room.hold()
    room.at.hook.faults["held object dropped"] = Cut()
    with pytest.raises(Cut):
        await room.held.drop(("a-1.dcm",))
    if killed:
        await Reconciliation(room.at.context, alone=True).files()
        assert path.exists() is False
    assert await counted(room.at) == {Place.DELETED: 1}
    assert await room.rows() == []
