# SPDX-License-Identifier: Apache-2.0
"""What scripts did and will do, told element by element over the files of a session."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.anonymize.hosting import ready, record_id, variables
from engine.anonymize.stored import open_stored, opened, write
from engine.ingest.release import dataset_digest
from engine.intake.kept import Key
from engine.intake.originals import Original, Originals
from engine.intake.site_script import recorded
from engine.jobs.differences import Folds, done, to_come
from engine.jobs.scripting import ScriptWork, guard, pixels
from engine.model.change_fold import ChangeFold
from engine.model.changes import ChangeKind, FoldedChange, SessionChanges, Statement
from engine.model.scripts import SITE, ScriptInForce, project_scope
from engine.sessions.contents import object_paths
from tests.engine.sessions.build.objects import item, received

SESSION = "pre_aaaaaaaa"


def script_work(text: str, scope: str = SITE) -> ScriptWork:
    """Make a script in force."""
    script = ScriptInForce(
        scope=scope, version=4, id="scr_aaaaaaaa", text=f'version "6.7"\n{text}\n'
    )
    given = variables(project="P", subject="S1", session="E1")
    return ScriptWork(
        script=script, variables=given, record=record_id(script.id, given, b"s"), secret=b"s"
    )


def scripted(folder: Path, originals: Originals, text: str, *names: str) -> dict[str, Key]:
    """Let a script run over files as they are received; return the keys of the index."""
    work = script_work(text)
    plan = ready(work.script, secret=work.secret)
    keys = {}
    originals.begin(SESSION)
    for name in names:
        path = folder / "SCANS" / "1" / "DICOM" / name
        digest = dataset_digest(path)
        found = opened(open_stored(path, guard=guard()), plan.reach)
        sop = found.subject.text(0x00080018) or ""
        applied = plan.apply(found.subject, work.variables, record="")
        undo = recorded(found.subject, work.record, plan)
        write(path.with_suffix(".new"), found, applied, pixels())
        path.with_suffix(".new").replace(path)
        kept = Original(received_sop=sop, digest=digest, sop=sop, undo=undo)
        originals.append(SESSION, "n-w1", kept)
        keys[f"SCANS/1/DICOM/{name}"] = (sop, digest)
    return keys


def told(folds: Folds) -> SessionChanges:
    """Return what is told of all scans."""
    whole = ChangeFold()
    for fold in folds.values():
        whole.join(fold)
    return whole.told(whole.files)


def by_path(told: SessionChanges) -> dict[str, FoldedChange]:
    """Return what changes by its element."""
    return {one.change.path: one for one in told.rows if one.change.kind is not ChangeKind.SAME}


def what_was_done(folder: Path, originals: Originals, keys: dict[str, Key]) -> SessionChanges:
    """Tell it of all objects."""
    files = object_paths(folder)
    return told(done(folder, files, keys, originals.root.parent, SESSION, str(keys)))


def what_will_be(folder: Path, work: ScriptWork) -> SessionChanges:
    """Tell it of all objects."""
    return told(to_come(folder, object_paths(folder), work))


def test_each_kind_of_change_is_told_with_its_statement_and_files(tmp_path: Path) -> None:
    folder, originals = tmp_path / "E1", Originals(tmp_path)
    for number in (1, 2):
        received(
            folder,
            f"{number}.dcm",
            PatientName=f"Doe^{number}",
            PatientID="4711",
            StudyDescription="Head",
            RequestAttributesSequence=[item(PatientComments="hers")],
        )
    text = (
        '(0010,0010) := subject\n- (0010,0020)\n(0008,1030) := ""\n'
        '(0010,4000) := "new"\n(0040,0275)[0]/(0010,4000) := "his"'
    )
    keys = scripted(folder, originals, text, "1.dcm", "2.dcm")
    told = by_path(what_was_done(folder, originals, keys))
    assert {path: one.change.kind for path, one in told.items()} == {
        "(0010,0010)": ChangeKind.CHANGED,
        "(0010,0020)": ChangeKind.REMOVED,
        "(0008,1030)": ChangeKind.EMPTIED,
        "(0010,4000)": ChangeKind.ADDED,
        "(0040,0275)[0].(0010,4000)": ChangeKind.CHANGED,
        "(0012,0064)": ChangeKind.ADDED,
    }
    assert {one.files for one in told.values()} == {2}
    name = told["(0010,0010)"].change
    # Of what differs from file to file only the number is told.
    assert (name.before, name.after, name.vr) == ("‹2 values›", "S1", "PN")
    assert name.statement == Statement(script="site", version=4, line=2)
    nested = told["(0040,0275)[0].(0010,4000)"].change
    assert (nested.before, nested.after, nested.name) == ("hers", "his", "PatientComments")
    assert told["(0012,0064)"].change.after == "1 item"


def test_what_was_put_back_is_no_change_any_more(tmp_path: Path) -> None:
    folder, originals = tmp_path / "E1", Originals(tmp_path)
    path = received(folder, "1.dcm", PatientName="Doe^Jane")
    before = path.read_bytes()
    keys = scripted(folder, originals, "(0010,0010) := subject", "1.dcm")
    path.write_bytes(before)
    assert by_path(what_was_done(folder, originals, keys)) == {}


def test_an_object_is_known_by_what_is_stored_where_the_index_does_not_know_it(
    tmp_path: Path,
) -> None:
    folder, originals = tmp_path / "E1", Originals(tmp_path)
    received(folder, "1.dcm", PatientName="Doe^Jane")
    received(folder, "2.dcm", PatientName="Doe^John")
    scripted(folder, originals, "(0010,0010) := subject", "1.dcm")
    told = what_was_done(folder, originals, {})
    name = by_path(told)["(0010,0010)"]
    assert (name.change.before, name.files) == ("Doe^Jane", 1)
    # The other one was left alone, and is the odd one out.
    same = [one for one in told.rows if one.change.path == "(0010,0010)" and one is not name]
    assert [(one.change.after, one.files) for one in same] == [("Doe^John", 1)]
    assert told.unknown == 0


def test_what_scripts_did_while_nothing_was_kept_is_not_known(tmp_path: Path) -> None:
    folder, originals = tmp_path / "E1", Originals(tmp_path)
    received(folder, "1.dcm", PatientName="Doe^Jane")
    keys = scripted(folder, originals, "(0010,0010) := subject", "1.dcm")
    originals.drop(SESSION)
    told = what_was_done(folder, originals, keys)
    assert (told.rows, told.read, told.unknown) == ((), 1, 1)


def test_what_stays_is_told_once_for_all_files(tmp_path: Path) -> None:
    folder, originals = tmp_path / "E1", Originals(tmp_path)
    for number in (1, 2):
        received(
            folder,
            f"{number}.dcm",
            PatientName="Doe^Jane",
            StudyDescription="Kopf" + " " * number,
            InstanceNumber=str(number),
            RequestAttributesSequence=[item(PatientComments="hers")],
            Rows=number,
        )
    keys = scripted(folder, originals, "(0010,0010) := subject", "1.dcm", "2.dcm")
    rows = {one.change.name: one for one in what_was_done(folder, originals, keys).rows}
    stays = {name: one for name, one in rows.items() if one.change.kind is ChangeKind.SAME}
    assert "PatientName" not in stays and "PixelData" not in stays
    assert {one.files for one in stays.values()} == {2}
    # What pads a text is no difference; every byte of a number is.
    assert stays["StudyDescription"].change.after == "Kopf"
    assert stays["InstanceNumber"].change.after == "‹2 values›"
    assert (stays["Rows"].befores, stays["Rows"].change.vr) == (2, "US")
    assert stays["RequestAttributesSequence"].change.after == "1 item"


def test_files_that_nobody_can_read_are_named(tmp_path: Path) -> None:
    folder, originals = tmp_path / "E1", Originals(tmp_path)
    received(folder, "1.dcm", PatientName="Doe^Jane")
    keys = scripted(folder, originals, "(0010,0010) := subject", "1.dcm")
    (folder / "SCANS" / "1" / "DICOM" / "2.dcm").write_bytes(b"no object")
    told = what_was_done(folder, originals, keys)
    assert by_path(told).keys() == {"(0010,0010)", "(0012,0064)"}
    (bad,) = told.failures
    assert (bad.files, bad.odd) == (1, ("SCANS/1/DICOM/2.dcm",))
    files = [*object_paths(folder), "SCANS/1/DICOM/3.dcm"]
    gone = done(folder, files, keys, tmp_path, SESSION, "")["1"].told(3).failures
    assert [one.said for one in gone] == ["it has gone", bad.said]
    with pytest.raises(FileNotFoundError):
        done(tmp_path / "E2", files, keys, tmp_path, SESSION, "")


def test_what_is_to_come_is_told_and_nothing_written(tmp_path: Path) -> None:
    folder = tmp_path / "E1"
    path = received(folder, "1.dcm", PatientName="Doe^Jane")
    before = path.read_bytes()
    told = by_path(what_will_be(folder, script_work("(0010,0010) := session", project_scope("P"))))
    change = told["(0010,0010)"].change
    assert (change.before, change.after, str(change.statement)) == (
        "Doe^Jane",
        "E1",
        "project P v4:2",
    )
    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == ["1.dcm"]


def test_a_rejection_and_a_rectangle_are_told(tmp_path: Path) -> None:
    folder = tmp_path / "E1"
    received(folder, "1.dcm", InstanceNumber="1")
    received(folder, "2.dcm", InstanceNumber="2")
    text = (
        'if ((0020,0013) = "1") { reject[] }\n'
        'alterPixels["rectangle", "l=1, t=2, r=30, b=40", "solid", "v=0"]'
    )
    rows = by_path(what_will_be(folder, script_work(text)))
    rejected, blanked = rows[""], rows["(7FE0,0010)"]
    assert rejected.odd == ("SCANS/1/DICOM/1.dcm",)
    assert (rejected.change.kind, rejected.files) == (ChangeKind.REJECTED, 1)
    assert rejected.change.statement.line == 2
    assert (blanked.change.kind, blanked.change.after) == (ChangeKind.PIXELS, "1,2 to 30,40")
    assert (blanked.change.path, blanked.change.statement.line) == ("(7FE0,0010)", 3)


def test_what_carries_the_id_is_not_run_over_again(tmp_path: Path) -> None:
    folder, originals = tmp_path / "E1", Originals(tmp_path)
    received(folder, "1.dcm", PatientName="Doe^Jane")
    scripted(folder, originals, "(0010,0010) := subject", "1.dcm")
    assert by_path(what_will_be(folder, script_work('(0010,0010) := "another"'))) == {}


def test_a_failure_is_told_with_its_place_and_no_value(tmp_path: Path) -> None:
    folder = tmp_path / "E1"
    received(folder, "1.dcm", PatientName="Doe^Jane")
    text = '(0010,0030) := shiftDateByIncrement[(0010,0010), "1"]'
    (failure,) = what_will_be(folder, script_work(text)).failures
    assert failure.said.startswith("the script of the site (version 4) failed in line 2: ")
    assert (failure.files, failure.odd) == (1, ("SCANS/1/DICOM/1.dcm",))
    assert "Jane" not in failure.said
    # One that cannot run at all fails for each.
    (failure,) = what_will_be(folder, script_work("(0010,0030) := nonsense")).failures
    assert failure.files == 1


def test_a_script_must_leave_what_an_object_needs(tmp_path: Path) -> None:
    folder = tmp_path / "E1"
    received(folder, "1.dcm")
    (failure,) = what_will_be(folder, script_work("- (0008,0018)")).failures
    assert "leaves no SOP Instance UID" in failure.said
