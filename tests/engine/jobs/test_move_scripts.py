# SPDX-License-Identifier: Apache-2.0
"""The site script when a session gets other labels: headers and labels belong together whenever
somebody looks, from the original where it is kept."""

from __future__ import annotations

import re
from pathlib import Path

import pydicom
import pytest
from sqlalchemy import update

from engine.anonymize import hosting
from engine.anonymize.shipped import SITE_DEFAULT, text_of
from engine.anonymize.stored import open_stored, opened, write
from engine.archive import scripts, secrets
from engine.intake.originals import Original, Originals
from engine.jobs.archive import ArchiveJob
from engine.jobs.move import MoveJob
from engine.jobs.scripting import guard, pixels
from engine.model.scripts import SITE
from engine.model.states import Status, Verb
from engine.prearchive.rows import folder_of
from engine.prearchive.tables import ObjectRow, SessionRow
from tests.engine.jobs.fixture import Fixture
from tests.engine.jobs.scripting import in_force, marks, objects, run_cut_at, values
from tests.engine.jobs.test_archive import files
from tests.engine.jobs.test_build import build
from tests.engine.jobs.test_move import move, place


async def waiting(fixture: Fixture, project: str = "") -> str:
    """Make a session of two objects of a patient, as the receiver would have made it."""
    claim = await fixture.claim(project=project)
    for name in ("1.dcm", "2.dcm"):
        file = f"SCANS/1/DICOM/{name}"
        path = Path(claim.folder) / file
        fixture.publish(claim, name, recorded=False)
        found = pydicom.dcmread(path)
        found.PatientName, found.PatientID = "Doe^Jane", "4711"
        found.StudyDescription = "Head"
        found.save_as(path)
        record = fixture.record(claim, file, path)
        await received(fixture, claim.session, path, record.received_sop, record.digest)
    assert await build(fixture, claim.session) == ""
    return claim.session


async def received(
    fixture: Fixture, session: str, path: Path, sop: str, digest: str, *, subject: str = "S1"
) -> None:
    """Let the site script run over a file and keep what it was, as the receiver does."""
    originals = Originals(fixture.context.prearchive)
    originals.begin(session)
    async with fixture.context.archive_db.write() as transaction:
        script = await scripts.in_force(transaction, SITE)
        secret = await secrets.get_or_make(transaction, secrets.UIDS)
    if script is None:
        return
    row = await fixture.there(session)
    given = hosting.variables(project=row.project or "", subject=subject, session=row.label)
    plan = hosting.ready(script, secret=secret)
    found = opened(open_stored(path, guard=guard()), plan.reach)
    applied = plan.apply(found.subject, given, record=hosting.record_id(script.id, given, secret))
    target = path.with_name(f".{path.name}")
    write(target, found, applied, pixels())
    target.replace(path)
    undo = Original(received_sop=sop, digest=digest, sop=sop, undo=applied.undo)
    originals.append(session, "n-w1", undo)


def patients(folder: Path) -> set[tuple[str, str]]:
    """Name the patients of a session's objects."""
    return {(str(one.PatientName), str(one.PatientID)) for one in objects(folder).values()}


async def test_what_gets_a_project_is_known_by_its_labels(either: Fixture) -> None:
    written = await in_force(either, text_of(SITE_DEFAULT).partition("\n\n")[2], SITE)
    session = await waiting(either)
    row = await either.there(session)
    folder = either.context.prearchive / row.timestamp / "E1"
    assert patients(folder) == {("Doe^Jane", "4711")}
    assert await move(either, session, wanted_project="P", wanted_subject="S2") == ""
    folder = await place(either, session)
    assert patients(folder) == {("S2", "E1")}
    assert values(folder, "StudyDescription") == ["Head"] * 2
    for found in objects(folder).values():
        assert written.id in {mark.partition(".")[0] for mark in marks(found)}
    row = await either.there(session)
    assert row.status == Status.READY
    assert row.bytes == sum(path.stat().st_size for path in folder.rglob("*.dcm"))
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []
    log = "".join(path.read_text() for path in (folder / "logs").iterdir())
    assert "site v1 ran again: 2 of 2 files change" in log


async def test_it_begins_with_the_original_where_that_is_kept(fixture: Fixture) -> None:
    text = "(0010,0010) := subject\n(0010,4000) := (0010,0010)\n(0008,1030) := (0010,0020)"
    await in_force(fixture, f"(0010,2160) := (0010,0010)\n{text}", SITE)
    await fixture.project("Q")
    session = await waiting(fixture, project="P")
    assert await move(fixture, session, wanted_project="Q", wanted_subject="S2") == ""
    folder = await place(fixture, session)
    # What the script read was the original, not what it had written before.
    assert values(folder, "EthnicGroup") == ["Doe^Jane"] * 2
    assert values(folder, "PatientName") == ["S2"] * 2
    assert {len(marks(found)) for found in objects(folder).values()} == {1}
    # And the undo record still takes all back to that original.
    await move(fixture, session, wanted_subject="S3")
    folder = await place(fixture, session)
    assert values(folder, "EthnicGroup") == ["Doe^Jane"] * 2
    assert values(folder, "PatientName") == ["S3"] * 2
    (first, second) = Originals(fixture.context.prearchive).of(session)
    for kept in (first, second):
        assert {one.path[0] for one in kept.undo} == {
            0x00100010,
            0x00102160,
            0x00104000,
            0x00081030,
            0x00120064,
        }


async def test_without_the_original_it_begins_with_the_header_as_it_is(fixture: Fixture) -> None:
    await in_force(fixture, "(0010,2160) := (0010,0010)\n(0010,0010) := subject", SITE)
    session = await waiting(fixture, project="P")
    Originals(fixture.context.prearchive).drop(session)
    assert await move(fixture, session, wanted_subject="S2") == ""
    folder = await place(fixture, session)
    assert values(folder, "EthnicGroup") == ["S1"] * 2
    assert values(folder, "PatientName") == ["S2"] * 2
    assert list(Originals(fixture.context.prearchive).of(session)) == []


async def test_what_is_exempt_keeps_its_headers(fixture: Fixture) -> None:
    session = await waiting(fixture)
    await in_force(fixture, "(0010,0010) := subject", SITE)
    async with fixture.context.prearchive_db.write() as transaction:
        await transaction.execute(update(SessionRow).values(prevent_anon=True))
    assert await move(fixture, session, wanted_project="P") == ""
    assert patients(await place(fixture, session)) == {("Doe^Jane", "4711")}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('(0010,0030) := shiftDateByIncrement[(0010,0010), "1"]', "failed in line 2"),
        ("reject[]", "rejects 2 of the objects"),
    ],
)
async def test_a_script_that_fails_leaves_labels_and_headers_as_they_were(
    fixture: Fixture, text: str, reason: str
) -> None:
    session = await waiting(fixture)
    before = await fixture.there(session)
    await in_force(fixture, text, SITE)
    assert reason in await move(fixture, session, wanted_project="P", wanted_label="E2")
    row = await fixture.there(session)
    assert (row.status, row.project, row.label) == (Status.ERROR, None, "E1")
    assert (row.wanted_project, row.wanted_label) == (None, None)
    folder = await place(fixture, session)
    assert folder == fixture.context.prearchive / before.timestamp / "E1"
    assert patients(folder) == {("Doe^Jane", "4711")}
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


UIDS = "(0010,0010) := subject\n(0008,0018) := hashUID[(0008,0018)]"


async def test_the_index_follows_uids_that_change(fixture: Fixture) -> None:
    session = await waiting(fixture)
    before = await fixture.index(session)
    await in_force(fixture, UIDS, SITE)
    assert await move(fixture, session, wanted_project="P") == ""
    folder = await place(fixture, session)
    after = await fixture.index(session)
    for file, entry in after.items():
        assert entry.sop_uid == pydicom.dcmread(folder / file).SOPInstanceUID
        assert entry.sop_uid != entry.received_sop_uid
        assert entry.digest == before[file].digest
        assert entry.size == (folder / file).stat().st_size


@pytest.mark.parametrize(
    ("point", "moved"),
    [
        ("file scripted anew", False),
        ("scripted anew", False),
        ("renamed", True),
        ("folder renamed", True),
        ("index follows", True),
        ("undo records follow", True),
        ("file replaced", True),
        ("build recorded", True),
    ],
)
async def test_a_step_that_fails_and_a_build_leave_what_belongs_together(
    fixture: Fixture, point: str, moved: bool
) -> None:
    session = await waiting(fixture)
    await in_force(fixture, UIDS, SITE)
    fixture.hook.faults[point] = OSError(5, "no")
    assert await move(fixture, session, wanted_project="P", wanted_subject="S2") == "OSError"
    assert (await fixture.there(session)).status == Status.ERROR
    assert await build(fixture, session) == ""
    row = await fixture.there(session)
    assert (row.status, row.project) == (Status.READY, "P" if moved else None)
    folder = await place(fixture, session)
    names = {str(found.PatientName) for found in objects(folder).values()}
    assert names == {"S2" if moved else "Doe^Jane"}
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []
    # What the failed attempt wanted is not wanted any more.
    assert (row.wanted_project, row.wanted_subject) == (None, None)
    assert await move(fixture, session, wanted_project="P", wanted_label="E3") == ""
    expected = "S2" if moved else "S1"
    assert values(await place(fixture, session), "PatientName") == [expected] * 2


@pytest.mark.parametrize(
    "point",
    ["file scripted anew", "scripted anew", "renamed", "index follows", "file replaced"],
)
async def test_a_step_that_is_run_again_ends_what_was_begun(fixture: Fixture, point: str) -> None:
    session = await waiting(fixture)
    await in_force(fixture, UIDS, SITE)
    attempt = await fixture.ask(session, Verb.MOVE, wanted_project="P", wanted_subject="S2")
    await run_cut_at(point, fixture, MoveJob(fixture.context).work(), session, attempt)
    folder = await place(fixture, session)
    assert values(folder, "PatientName") == ["S2"] * 2
    assert (await fixture.there(session)).status == Status.READY
    for file, entry in (await fixture.index(session)).items():
        assert entry.sop_uid == pydicom.dcmread(folder / file).SOPInstanceUID


async def test_what_was_moved_is_archived_under_its_labels(fixture: Fixture) -> None:
    session = await waiting(fixture)
    await in_force(fixture, "(0010,0010) := subject\n(0010,0020) := session", SITE)
    assert await move(fixture, session, wanted_project="P", wanted_label="E7") == ""
    attempt = await fixture.ask(session, Verb.ARCHIVE)
    assert await fixture.run(ArchiveJob(fixture.context).work(), session, attempt) == ""
    assert files(fixture.context.archive) == ["1.dcm", "2.dcm"]
    assert patients(fixture.context.archive) == {("S1", "E7")}


async def test_recovered_objects_have_no_original_and_run_as_they_are(fixture: Fixture) -> None:
    session = await waiting(fixture)
    async with fixture.context.prearchive_db.write() as transaction:
        await transaction.execute(update(ObjectRow).values(digest="0" * 64, recovered=True))
    await in_force(fixture, "(0010,0010) := subject", SITE)
    assert await move(fixture, session, wanted_project="P") == ""
    assert values(await place(fixture, session), "PatientName") == ["S1"] * 2
    assert list(Originals(fixture.context.prearchive).of(session)) == []


async def test_files_are_named_by_what_the_script_leaves_of_their_headers(fixture: Fixture) -> None:
    fixture = fixture.as_stored()
    uids = (
        'project = "P" ? (0020,000D) := hashUID[(0020,000D)]\n'
        'project = "P" ? (0008,0018) := hashUID[(0008,0018)]'
    )
    await in_force(fixture, uids, SITE)
    session = await waiting(fixture)
    row = await fixture.there(session)
    before = set(objects(fixture.context.prearchive / row.timestamp / "E1"))
    assert all(name.startswith(row.received_study_uid) for name in before)
    assert await move(fixture, session, wanted_project="P") == ""
    row = await fixture.there(session)
    folder = folder_of(row, fixture.context.prearchive)
    found = objects(folder)
    assert len(found) == 2 and all(name.startswith(f"{row.study_uid}-") for name in found)
    assert row.study_uid != row.received_study_uid
    index = await fixture.index(session)
    for file, entry in index.items():
        assert pydicom.dcmread(folder / file).SOPInstanceUID == entry.sop_uid
    assert len(index) == 2


async def test_files_are_filed_under_what_the_projects_script_leaves(fixture: Fixture) -> None:
    fixture = fixture.as_stored()
    session = await waiting(fixture, "P")
    row = await fixture.there(session)
    await in_force(fixture, "(0020,000D) := hashUID[(0020,000D)]")
    attempt = await fixture.ask(session, Verb.ARCHIVE)
    assert await fixture.run(ArchiveJob(fixture.context).work(), session, attempt) == ""
    told = {path.name: path for path in fixture.context.archive.rglob("*") if path.is_file()}
    assert len(objects(fixture.context.archive)) == 2
    # UIDs of series and objects, which the script leaves, begin with that of the study.
    received = re.compile(rf"{re.escape(row.received_study_uid)}(?![.\d])")
    assert not any(name.startswith(f"{row.received_study_uid}-") for name in told)
    assert not any(received.search(path.read_text("latin-1")) for path in told.values())
