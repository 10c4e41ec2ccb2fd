# SPDX-License-Identifier: Apache-2.0
"""What is promised of an object: that its file is here, wherever jobs and scripts have taken it.
Nothing is promised of what is only written down somewhere."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import update

from engine.archive.received import FILE
from engine.commitment import verdicts
from engine.commitment.verdicts import UNDECIDED, Stores, Verdicts
from engine.dicom.commitment import Reason
from engine.jobs.archive import ArchiveJob
from engine.jobs.delete import DeleteJob
from engine.model.contradictions import Choice
from engine.model.states import Status, Verb
from engine.prearchive.rows import folder_of
from engine.prearchive.tables import HeldRow, ReceiptRow
from tests.engine.jobs.conftest import either, fixture  # noqa: F401
from tests.engine.jobs.fixture import STUDY, Fixture
from tests.engine.jobs.test_archive import archive, filed, ready
from tests.engine.jobs.test_archive_scripts import REJECT_FIRST, UIDS
from tests.engine.jobs.test_build import build
from tests.engine.jobs.test_contradictions import resolve, two_contents, two_people
from tests.engine.jobs.test_delete import delete
from tests.engine.jobs.test_late_objects import again, archived
from tests.engine.jobs.test_move import move
from tests.engine.jobs.test_restore import restore

MR, CT = "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.2"
FIRST, SECOND = f"{STUDY}.9.1", f"{STUDY}.9.2"
HERE, GONE, CONFLICT, UNSURE = (
    Reason.COMMITTED,
    Reason.NO_SUCH_OBJECT,
    Reason.CLASS_INSTANCE_CONFLICT,
    Reason.PROCESSING_FAILURE,
)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look again at once for files that are not where they should be."""
    monkeypatch.setattr(verdicts, "_PAUSE", 0.0)


async def decided(at: Fixture, *uids: str, sop_class: str = MR) -> list[int]:
    """Decide on objects, by default on the two that a session has."""
    context = at.context
    stores = Stores(
        prearchive_db=context.prearchive_db,
        archive_db=context.archive_db,
        prearchive=context.prearchive,
        archive=context.archive,
        receipts=context.receipts,
    )
    wanted: Iterable[str] = uids or (FIRST, SECOND)
    return list(await Verdicts(stores).decide((sop_class, uid) for uid in wanted))


async def waiting(at: Fixture) -> tuple[str, Path]:
    """Make a session; return its id and the file of its first object."""
    session = await ready(at)
    folder = folder_of(await at.there(session), at.context.prearchive)
    (path,) = folder.rglob("1.dcm")
    return session, path


class TestWaiting:
    """Objects of sessions that wait for review."""

    async def test_what_is_there_is_committed(self, either: Fixture) -> None:  # noqa: F811
        await waiting(either)
        assert await decided(either, FIRST, "1.2.3.99", SECOND, FIRST) == [HERE, GONE, HERE, HERE]
        assert await decided(either, sop_class=CT) == [CONFLICT, CONFLICT]
        assert await decided(either, "1.2.3.99", sop_class=CT) == [GONE]

    async def test_a_row_alone_promises_nothing(self, fixture: Fixture) -> None:  # noqa: F811
        _, path = await waiting(fixture)
        path.unlink()
        assert await decided(fixture) == [GONE, HERE]

    @pytest.mark.parametrize("content", [b"", b"something else"])
    async def test_nor_does_a_file_that_is_no_object(
        self,
        fixture: Fixture,  # noqa: F811
        content: bytes,
    ) -> None:
        _, path = await waiting(fixture)
        path.write_bytes(content)
        assert await decided(fixture) == [UNSURE, HERE]

    async def test_wherever_a_job_has_taken_it(self, fixture: Fixture) -> None:  # noqa: F811
        await fixture.project("Q")
        session, _ = await waiting(fixture)
        attempt = await fixture.ask(session, Verb.ARCHIVE)
        take, *_ = ArchiveJob(fixture.context).work().steps
        await take[1](session, attempt)
        assert await decided(fixture) == [HERE, HERE]
        await fixture.context.give_back(session, Status.READY, "")
        assert await build(fixture, session) == ""
        assert await move(fixture, session, wanted_project="Q", wanted_label="E2") == ""
        assert await decided(fixture) == [HERE, HERE]

    async def test_one_that_a_job_takes_at_this_moment_is_looked_for_again(
        self,
        fixture: Fixture,  # noqa: F811
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        _, path = await waiting(fixture)
        path.rename(path.with_suffix(".away"))
        looks = []

        async def sleep(_: float) -> None:
            looks.append(path)
            if len(looks) == 2:
                path.with_suffix(".away").rename(path)

        monkeypatch.setattr("engine.commitment.verdicts.asyncio.sleep", sleep)
        assert await decided(fixture) == [HERE, HERE]
        assert len(looks) == 2

    async def test_several_objects_of_one_uid(self, fixture: Fixture) -> None:  # noqa: F811
        session = await two_contents(fixture)
        uids = {entry.received_sop_uid for entry in (await fixture.index(session)).values()}
        assert set(await decided(fixture, *sorted(uids))) == {HERE}


class TestLeaving:
    """Objects of sessions that are deleted, and come back."""

    async def test_the_trash_is_no_promise(self, either: Fixture) -> None:  # noqa: F811
        session, _ = await waiting(either)
        attempt = await either.ask(session, Verb.DELETE)
        assert await decided(either) == [GONE, GONE]
        assert await either.run(DeleteJob(either.context).work(), session, attempt) == ""
        assert await decided(either) == [GONE, GONE]
        assert await restore(either, session) == ""
        assert await decided(either) == [HERE, HERE]
        assert await delete(either, session) == ""
        assert await decided(either) == [GONE, GONE]

    async def test_what_a_decision_puts_aside_is_promised_no_more(
        self,
        fixture: Fixture,  # noqa: F811
    ) -> None:
        session = await two_people(fixture)
        uids = [f"{STUDY}.9.{number}" for number in (1, 2, 3)]
        assert await decided(fixture, *uids) == [HERE] * 3
        assert await resolve(fixture, session, Choice(contradiction=1, keep=1)) == ""
        assert await decided(fixture, *uids) == [HERE, HERE, GONE]

    async def test_what_is_held_is_not_promised_before_it_is_released(
        self,
        fixture: Fixture,  # noqa: F811
    ) -> None:
        async with fixture.context.prearchive_db.write() as transaction:
            for id, waits in (("1", False), ("2", True)):
                transaction.add(
                    HeldRow(
                        id=id,
                        transfer="tr_1",
                        at=datetime.now(UTC),
                        reason="",
                        received_sop_uid=f"{STUDY}.9.{id}",
                        size=1,
                        waits=waits,
                    )
                )
        assert await decided(fixture) == [UNSURE, UNDECIDED]
        # The same object in a session is what counts.
        await ready(fixture)
        assert await decided(fixture) == [HERE, HERE]


class TestArchived:
    """Objects of sessions that are filed."""

    @pytest.mark.parametrize("script", ["", f'{UIDS}\n(0020,0011) := "77"'])
    async def test_by_the_uid_that_was_sent(self, either: Fixture, script: str) -> None:  # noqa: F811
        row = await archived(either, script=script)
        assert await decided(either) == [HERE, HERE]
        assert await decided(either, sop_class=CT) == [CONFLICT, CONFLICT]
        (lost,) = (either.context.archive / row.folder).rglob("1.dcm")
        lost.unlink()
        assert await decided(either) == [GONE, HERE]
        # Somebody may just have forgotten to mount the archive.
        shutil.rmtree(either.context.archive / row.folder)
        assert await decided(either) == [UNSURE, UNSURE]

    async def test_after_the_site_script_has_given_it_another_uid(
        self,
        fixture: Fixture,  # noqa: F811
    ) -> None:
        claim = await fixture.claim()
        for name in ("1.dcm", "2.dcm"):
            record = fixture.publish(claim, name, sop=f"2.25.{name[0]}", recorded=False)
            sent = f"{STUDY}.9.{name[0]}"
            record = replace(record, received_sop=sent, script="changed")
            fixture.journal.append(record, sync=False)
        await fixture.context.ingester.ingest()
        assert await build(fixture, claim.session) == ""
        assert await decided(fixture, FIRST, SECOND, "2.25.1") == [HERE, HERE, GONE]
        assert await archive(fixture, claim.session) == ""
        assert await decided(fixture, FIRST, SECOND, "2.25.1") == [HERE, HERE, GONE]

    async def test_at_every_moment_on_the_way(self, fixture: Fixture) -> None:  # noqa: F811
        session, _ = await waiting(fixture)
        attempt = await fixture.ask(session, Verb.ARCHIVE)
        for _, step in ArchiveJob(fixture.context).work().steps:
            await step(session, attempt)
            assert await decided(fixture) == [HERE, HERE]
        assert len(await filed(fixture)) == 1

    async def test_what_the_script_rejects_is_gone(self, fixture: Fixture) -> None:  # noqa: F811
        await archived(fixture, script=REJECT_FIRST)
        assert await decided(fixture) == [GONE, HERE]

    @pytest.mark.parametrize("change", ["truncated", "replaced"])
    async def test_a_file_that_the_catalog_does_not_mean(
        self,
        fixture: Fixture,  # noqa: F811
        change: str,
    ) -> None:
        row = await archived(fixture)
        (path,) = (fixture.context.archive / row.folder).rglob("1.dcm")
        size = path.stat().st_size
        path.write_bytes(path.read_bytes()[:-4] if change == "truncated" else bytes(size))
        assert await decided(fixture) == [GONE if change == "truncated" else UNSURE, HERE]

    @pytest.mark.parametrize("lost", ["key", FILE])
    async def test_where_the_file_cannot_be_told_the_whole_session_vouches(
        self,
        fixture: Fixture,  # noqa: F811
        lost: str,
    ) -> None:
        row = await archived(fixture)
        folder = fixture.context.archive / row.folder
        if lost == "key":
            async with fixture.context.prearchive_db.write() as transaction:
                await transaction.execute(update(ReceiptRow).values(object=""))
        else:
            (folder / FILE).unlink()
        assert await decided(fixture) == [HERE, HERE]
        next(folder.rglob("2.dcm")).unlink()
        assert await decided(fixture) == [UNSURE, UNSURE]

    async def test_late_objects_beside_what_is_filed(self, fixture: Fixture) -> None:  # noqa: F811
        await archived(fixture)
        claim = await again(fixture, "3.dcm")
        third = f"{STUDY}.9.3"
        assert await decided(fixture, FIRST, SECOND, third) == [HERE] * 3
        # What is in the archive already is dropped from the waiting session.
        assert await build(fixture, claim.session) == ""
        assert await decided(fixture, FIRST, SECOND, third) == [HERE] * 3
        assert await delete(fixture, claim.session) == ""
        assert await decided(fixture, FIRST, SECOND, third) == [HERE, HERE, GONE]


async def test_a_thousand_objects_are_asked_for_in_a_few_queries(
    fixture: Fixture,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await archived(fixture)
    read = type(fixture.context.prearchive_db).read
    asked = []

    def counted(database: object) -> object:
        asked.append(database)
        return read(database)  # type: ignore[arg-type]

    monkeypatch.setattr(type(fixture.context.prearchive_db), "read", counted)
    uids = [FIRST, SECOND, *(f"1.2.3.99.{number}" for number in range(998))]
    assert (await decided(fixture, *uids)).count(HERE) == 2
    # Of each batch the receipts; of the rest once the index, the receipts and what is held; besides
    # that the sessions of the sender, and one archived session.
    assert len(asked) == 2 * 1 + 3 + 2
