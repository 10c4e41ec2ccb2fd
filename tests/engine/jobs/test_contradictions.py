# SPDX-License-Identifier: Apache-2.0
"""Sessions that contradict themselves: several patients, several objects of one UID. What is told,
what is refused until a person decides, and what becomes of a decision whenever it is cut off."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pydicom
import pytest
from sqlalchemy import select

from engine.jobs import contradictions, decisions
from engine.jobs.archive import ArchiveJob
from engine.jobs.decisions import FILE, Decision, Kept
from engine.jobs.delete import DeleteJob
from engine.jobs.move import MoveJob
from engine.jobs.restore import RestoreJob, put_back
from engine.model.accounts import Place
from engine.model.contradictions import ALL_ONE, Choice, ContradictionKind
from engine.model.scripts import SITE
from engine.model.states import Status, Verb
from engine.prearchive.rows import folder_of
from engine.prearchive.tables import OutboxRow, SessionRow
from tests.engine.jobs.fixture import STUDY, Fixture
from tests.engine.jobs.scripting import in_force, marks, objects, run_cut_at
from tests.engine.jobs.test_build import build, counted
from tests.engine.jobs.test_move_scripts import received

SCRIPT = "(0010,0010) := subject\n(0010,0020) := session"
HIDES = '(0010,0010) := "ANON"\n- (0010,0040)\n- (0010,0030)'
ASIDE = "pre_aaaaaaaa"
ANNA = {"PatientName": "Alpha^Anna", "PatientSex": "F", "PatientBirthDate": "19700101"}
BOB = {"PatientName": "Beta^Bob", "PatientSex": "M", "PatientBirthDate": "20000202"}


async def publish(
    fixture: Fixture,
    session: str,
    name: str,
    values: Mapping[str, Any],
    *,
    subject: str = "",
    sop: str = "",
) -> None:
    """Let an object join a session as the receiver does, the site script run as it was routed."""
    row = await fixture.there(session)
    folder = folder_of(row, fixture.context.prearchive)
    claim = await fixture.claim(row.label, row.project or "")
    assert claim.session == session
    file = f"SCANS/1/DICOM/{name}"
    fixture.publish(claim, name, sop=sop, recorded=False)
    found = pydicom.dcmread(folder / file)
    for keyword, value in values.items():
        setattr(found, keyword, value)
    found.PatientID = values["PatientName"][:1]
    found.save_as(folder / file)
    record = fixture.record(claim, file, folder / file)
    routed = subject or values["PatientName"].replace("^", "_")
    await received(
        fixture, session, folder / file, record.received_sop, record.digest, subject=routed
    )
    await fixture.context.ingester.ingest()


async def two_people(fixture: Fixture, *, project: str = "P") -> str:
    """Make a session of two objects of one person and one of another, built."""
    claim = await fixture.claim(project=project, subject="Alpha_Anna")
    await publish(fixture, claim.session, "1.dcm", ANNA)
    await publish(fixture, claim.session, "2.dcm", ANNA)
    await publish(fixture, claim.session, "3.dcm", BOB)
    assert await build(fixture, claim.session) == ""
    return claim.session


async def two_contents(fixture: Fixture) -> str:
    """Make a session of one object, and of two of one UID with other pixels."""
    claim = await fixture.claim(subject="Alpha_Anna")
    await publish(fixture, claim.session, "0.dcm", ANNA)
    for number, pixels in enumerate((b"\1\2\3\4", b"\4\3\2\1"), start=1):
        values = {**ANNA, "PixelData": pixels}
        name = "1.dcm" if number == 1 else "1-2.dcm"
        await publish(fixture, claim.session, name, values, sop=f"{STUDY}.9.1")
    assert await build(fixture, claim.session) == ""
    return claim.session


async def place(fixture: Fixture, session: str) -> Path:
    """Return the folder of a session."""
    return folder_of(await fixture.there(session), fixture.context.prearchive)


async def kept(fixture: Fixture, session: str) -> Kept:
    """Return what is kept of a session's contradictions."""
    return decisions.read(await place(fixture, session))


async def ask(fixture: Fixture, session: str, *choices: Choice, subject: str = "") -> int:
    """Queue a decision as the service does."""
    found = await kept(fixture, session)
    decisions.check(found, choices)
    wanted = {"wanted_subject": subject} if subject else {}
    if decisions.of_patients(found, choices):
        wanted["wanted_label"] = (await fixture.there(session)).label
    made = Decision(seen=found.seen, choices=choices, aside=ASIDE)
    return await fixture.ask(session, Verb.RESOLVE, decision=decisions.written(made), **wanted)


async def resolve(fixture: Fixture, session: str, *choices: Choice, subject: str = "") -> str:
    """Queue a decision and carry it out; what was put aside goes into the trash."""
    attempt = await ask(fixture, session, *choices, subject=subject)
    said = await fixture.run(MoveJob(fixture.context).work(), session, attempt)
    if fixture.jobs.queued:
        assert fixture.jobs.queued == [f"{ASIDE}:delete:1"]
        assert await fixture.run(DeleteJob(fixture.context).work(), ASIDE, 1) == ""
    return said


def names(folder: Path) -> dict[str, str]:
    """Name the patient of each object below a folder."""
    return {name: str(found.PatientName) for name, found in objects(folder).items()}


async def test_two_people_are_told_side_by_side_and_no_row_or_event_names_one(
    either: Fixture,
) -> None:
    await in_force(either, SCRIPT, SITE)
    session = await two_people(either)
    row = await either.there(session)
    assert (row.status, row.contradictions, row.several_patients) == (Status.CONFLICT, 1, True)
    folder = await place(either, session)
    (one,) = (await contradictions.told(either.context, row, folder)).found
    assert one.kind is ContradictionKind.PATIENT
    assert [
        (each.name, each.sex, each.birth_date, each.patient_id, each.objects, each.scans, each.own)
        for each in one.alternatives
    ] == [
        ("Alpha^Anna", "F", "19700101", "A", 2, ("1",), True),
        ("Beta^Bob", "M", "20000202", "B", 1, ("1",), False),
    ]
    assert all(each.as_received for each in one.alternatives)
    assert [each.subject for each in one.alternatives] == ["Alpha_Anna", "Beta_Bob"]
    path = folder / FILE
    # What the site script has taken away stands with the undo records only.
    assert b"Alpha^Anna" not in path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    async with either.context.prearchive_db.read() as transaction:
        events = [str(each.detail) for each in (await transaction.scalars(select(OutboxRow)))]
    log = "".join(each.read_text() for each in (path.parent / "logs").iterdir())
    for text in (row.reason, one.reason, log, *events, *either.said):
        assert not any(name in text for name in ("Alpha", "Beta", "Anna", "Bob", "1970", "2000"))


async def test_spellings_of_one_name_are_one_patient_also_where_each_made_a_label(
    either: Fixture,
) -> None:
    await in_force(either, SCRIPT, SITE)
    claim = await either.claim(subject="Doe_Jane")
    for name, spelled in (("1", "Doe^Jane"), ("2", "Doe^Jane^^"), ("3", "DOE^JANE")):
        await publish(either, claim.session, f"{name}.dcm", ANNA | {"PatientName": spelled})
    assert await build(either, claim.session) == ""
    row = await either.there(claim.session)
    assert (row.status, row.contradictions, row.several_patients) == (Status.READY, 0, False)
    assert not (Path(claim.folder) / FILE).exists()


async def test_who_was_routed_elsewhere_is_told_where_the_script_left_nothing_else(
    fixture: Fixture,
) -> None:
    await in_force(fixture, HIDES, SITE)
    session = await two_people(fixture)
    row, folder = await fixture.there(session), await place(fixture, session)
    (one,) = (await contradictions.told(fixture.context, row, folder)).found
    assert "routed" in one.reason
    assert [each.name for each in one.alternatives] == ["Alpha^Anna", "Beta^Bob"]


@pytest.mark.parametrize("script", ["", '(0008,1030) := "x"'])
@pytest.mark.parametrize("people", [True, False])
async def test_what_is_undecided_is_not_archived_with_or_without_a_script(
    either: Fixture, people: bool, script: str
) -> None:
    if script:
        await in_force(either, script)
    session = await (two_people if people else two_contents)(either)
    reason = (await either.there(session)).reason
    attempt = await either.ask(session, Verb.ARCHIVE)
    said = await either.run(ArchiveJob(either.context).work(), session, attempt)
    assert said == reason != ""
    assert (await either.there(session)).status == Status.CONFLICT
    assert list(either.context.archive.rglob("*.dcm")) == []
    assert (await counted(either)) == {Place.WAITING: 3}


async def test_one_patient_the_script_runs_again_and_who_contradicts_later_is_told_again(
    either: Fixture,
) -> None:
    await in_force(either, SCRIPT, SITE)
    session = await two_people(either)
    folder = await place(either, session)
    assert names(folder) == {"1.dcm": "Alpha_Anna", "2.dcm": "Alpha_Anna", "3.dcm": "Beta_Bob"}
    assert await resolve(either, session, Choice(contradiction=1, keep=ALL_ONE)) == ""
    row = await either.there(session)
    assert (row.status, row.contradictions, row.decision, row.objects) == (
        *(Status.READY, 0, ""),
        3,
    )
    assert set(names(folder).values()) == {"Alpha_Anna"}
    assert {len(marks(found)) for found in objects(folder).values()} == {1}
    # The sexes still differ: it is decided, and stays so in every build.
    assert await build(either, session) == ""
    assert (await either.there(session)).status == Status.READY
    await publish(either, session, "4.dcm", ANNA)
    assert await build(either, session) == ""
    assert (await either.there(session)).status == Status.READY
    await publish(either, session, "5.dcm", BOB)
    assert await build(either, session) == ""
    assert (await either.there(session)).status == Status.CONFLICT
    (one,) = (await kept(either, session)).found
    assert [each.objects for each in one.alternatives] == [4, 1]


async def test_without_a_script_one_more_of_who_was_accepted_is_told_again(
    fixture: Fixture,
) -> None:
    session = await two_people(fixture)
    assert await resolve(fixture, session, Choice(contradiction=1, keep=ALL_ONE)) == ""
    assert (await fixture.there(session)).status == Status.READY
    await publish(fixture, session, "4.dcm", ANNA)
    assert await build(fixture, session) == ""
    assert (await fixture.there(session)).status == Status.READY
    await publish(fixture, session, "5.dcm", BOB)
    assert await build(fixture, session) == ""
    assert (await fixture.there(session)).status == Status.CONFLICT


async def test_who_is_not_kept_goes_into_the_trash_and_comes_back_as_a_session_of_his_own(
    either: Fixture,
) -> None:
    await in_force(either, SCRIPT, SITE)
    session = await two_people(either)
    assert await resolve(either, session, Choice(contradiction=1, keep=1)) == ""
    row = await either.there(session)
    assert (row.status, row.objects, row.built_objects) == (Status.READY, 2, 2)
    assert sorted(names(await place(either, session))) == ["1.dcm", "2.dcm"]
    assert await counted(either) == {Place.WAITING: 2, Place.DELETED: 1}
    assert len(await either.index(session)) == 2
    job = await put_back(either.context, ASIDE, actor="test")
    attempt = int(job.rpartition(":")[2])
    assert await either.run(RestoreJob(either.context).work(), ASIDE, attempt) == ""
    other = await either.there(ASIDE)
    assert (other.status, other.objects, other.accepting) == (Status.READY, 1, False)
    # He is never filed under the name of who stayed.
    assert (other.subject, row.subject) == ("Beta_Bob", "Alpha_Anna")
    assert names(await place(either, ASIDE)) == {"3.dcm": "Beta_Bob"}
    assert await counted(either) == {Place.WAITING: 3}


async def test_keeping_the_other_patient_gives_the_session_his_subject(fixture: Fixture) -> None:
    await in_force(fixture, SCRIPT, SITE)
    session = await two_people(fixture)
    choice = Choice(contradiction=1, keep=2)
    subject = decisions.subject_after(await kept(fixture, session), (choice,))
    assert subject == "Beta_Bob"
    assert await resolve(fixture, session, choice, subject=subject) == ""
    row = await fixture.there(session)
    assert (row.status, row.subject, row.objects) == (Status.READY, "Beta_Bob", 1)
    assert names(await place(fixture, session)) == {"3.dcm": "Beta_Bob"}


@pytest.mark.parametrize("keep", [1, 2])
async def test_one_of_two_objects_of_a_uid_is_kept_and_then_the_session_is_archived(
    either: Fixture, keep: int
) -> None:
    session = await two_contents(either)
    (one,) = (await kept(either, session)).found
    assert one.kind is ContradictionKind.OBJECT
    chosen = one.alternatives[keep - 1]
    data = ((await place(either, session)) / chosen.file).read_bytes()
    assert await resolve(either, session, Choice(contradiction=1, keep=keep)) == ""
    assert (await either.there(session)).status == Status.READY
    assert ((await place(either, session)) / chosen.file).read_bytes() == data
    assert await counted(either) == {Place.WAITING: 2, Place.DELETED: 1}
    attempt = await either.ask(session, Verb.ARCHIVE)
    assert await either.run(ArchiveJob(either.context).work(), session, attempt) == ""
    filed = [path.read_bytes() for path in either.context.archive.rglob("*.dcm")]
    assert len(filed) == 2
    assert data in filed
    assert list(either.context.archive.rglob(FILE)) == []


async def test_a_decision_holds_for_nothing_that_came_after_it(fixture: Fixture) -> None:
    session = await two_people(fixture)
    attempt = await ask(fixture, session, Choice(contradiction=1, keep=1))
    row = await fixture.there(session)
    folder = folder_of(row, fixture.context.prearchive)
    late = folder / "SCANS/1/DICOM/9.dcm"
    found = pydicom.dcmread(folder / "SCANS/1/DICOM/3.dcm")
    found.PatientName, found.SOPInstanceUID = "Gamma^Gus", f"{STUDY}.9.9"
    found.file_meta.MediaStorageSOPInstanceUID = found.SOPInstanceUID
    found.save_as(late)
    said = await fixture.run(MoveJob(fixture.context).work(), session, attempt)
    assert "changed since" in said
    row = await fixture.there(session)
    assert (row.status, row.decision, row.objects) == (Status.CONFLICT, "", 4)
    (one,) = (await kept(fixture, session)).found
    assert len(one.alternatives) == 3


async def test_nothing_makes_one_patient_of_two_that_no_build_has_seen_yet(
    fixture: Fixture,
) -> None:
    await in_force(fixture, SCRIPT, SITE)
    await fixture.project("Q")
    claim = await fixture.claim(subject="Alpha_Anna")
    await publish(fixture, claim.session, "1.dcm", ANNA)
    assert await build(fixture, claim.session) == ""
    attempt = await fixture.ask(claim.session, Verb.MOVE, wanted_project="Q")
    folder = Path(claim.folder)
    found = pydicom.dcmread(folder / "SCANS/1/DICOM/1.dcm")
    found.PatientName, found.PatientSex, found.SOPInstanceUID = "B", "M", f"{STUDY}.9.2"
    found.file_meta.MediaStorageSOPInstanceUID = found.SOPInstanceUID
    found.save_as(folder / "SCANS/1/DICOM/2.dcm")
    said = await fixture.run(MoveJob(fixture.context).work(), claim.session, attempt)
    assert "2 patients" in said
    row = await fixture.there(claim.session)
    assert (row.status, row.project, row.several_patients) == (Status.CONFLICT, "P", True)
    assert names(folder) == {"1.dcm": "Alpha_Anna", "2.dcm": "B"}


@pytest.mark.parametrize("point", ["objects aside", "row aside", "scripted anew", "build recorded"])
async def test_a_decision_that_a_kill_cuts_off_is_carried_out_once(
    fixture: Fixture, point: str
) -> None:
    await in_force(fixture, SCRIPT, SITE)
    session = await two_people(fixture)
    attempt = await ask(fixture, session, Choice(contradiction=1, keep=2), subject="Beta_Bob")
    await run_cut_at(point, fixture, MoveJob(fixture.context).work(), session, attempt)
    assert fixture.jobs.queued == [f"{ASIDE}:delete:1"]
    assert await fixture.run(DeleteJob(fixture.context).work(), ASIDE, 1) == ""
    row = await fixture.there(session)
    assert (row.status, row.objects) == (Status.READY, 1)
    assert names(await place(fixture, session)) == {"3.dcm": "Beta_Bob"}
    assert await counted(fixture) == {Place.WAITING: 1, Place.DELETED: 2}


async def test_a_decision_that_fails_before_its_row_is_made_leaves_all_where_it_was(
    fixture: Fixture,
) -> None:
    session = await two_people(fixture)
    attempt = await ask(fixture, session, Choice(contradiction=1, keep=1))
    fixture.hook.faults["objects aside"] = OSError(28, "full")
    assert await fixture.run(MoveJob(fixture.context).work(), session, attempt) == "OSError"
    row = await fixture.there(session)
    assert (row.status, row.objects, row.decision) == (Status.ERROR, 3, "")
    assert sorted(names(await place(fixture, session))) == ["1.dcm", "2.dcm", "3.dcm"]
    assert list(fixture.context.prearchive.glob(".working/*")) == []
    assert await build(fixture, session) == ""
    assert (await fixture.there(session)).status == Status.CONFLICT


async def test_a_session_that_a_job_has_taken_accepts_nothing(either: Fixture) -> None:
    claim = await either.claim(subject="Alpha_Anna")
    await publish(either, claim.session, "1.dcm", ANNA)
    assert await build(either, claim.session) == ""
    row = await either.there(claim.session)
    taken = await either.context.take_away(row)
    late = await either.claim(subject="Alpha_Anna")
    # Who comes while the job is at work is given a session of his own, never the taken folder.
    assert late.session != claim.session
    assert not Path(late.folder).is_relative_to(taken)
    async with either.context.prearchive_db.read() as transaction:
        query = select(SessionRow.id).where(SessionRow.accepting)
        assert list((await transaction.execute(query)).scalars()) == [late.session]


@pytest.mark.parametrize("verb", [Verb.MOVE, Verb.ARCHIVE, Verb.DELETE])
async def test_every_job_that_takes_files_away_closes_the_session_first(
    fixture: Fixture, verb: Verb
) -> None:
    claim = await fixture.claim(subject="Alpha_Anna")
    await publish(fixture, claim.session, "1.dcm", ANNA)
    assert await build(fixture, claim.session) == ""
    wanted = {"wanted_label": "E2"} if verb is Verb.MOVE else {}
    attempt = await fixture.ask(claim.session, verb, **wanted)
    context = fixture.context
    jobs = {
        Verb.MOVE: MoveJob(context).work(),
        Verb.ARCHIVE: ArchiveJob(context).work(),
        Verb.DELETE: DeleteJob(context).work(),
    }
    (_, take), *_ = jobs[verb].steps
    await take(claim.session, attempt)
    row = await fixture.there(claim.session)
    assert (row.accepting, bool(row.working_folder)) == (False, True)
    assert (await fixture.claim(subject="Alpha_Anna")).session != claim.session
