# SPDX-License-Identifier: Apache-2.0
"""What scripts did and will do, told element by element over the files of a session."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.anonymize.hosting import ready, record_id, variables
from engine.anonymize.stored import open_stored, opened, write
from engine.ingest.release import dataset_digest
from engine.intake.originals import Original, Originals
from engine.intake.site_script import recorded
from engine.jobs.differences import Key, done, to_come
from engine.jobs.scripting import ScriptWork, guard, pixels
from engine.model.changes import ChangeKind, FoldedChange, Statement
from engine.model.errors import InvalidInput, NotFound
from engine.model.scripts import SITE, ScriptInForce, project_scope
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


def by_path(changes: tuple[FoldedChange, ...]) -> dict[str, FoldedChange]:
    """Return changes by their element."""
    return {one.change.path: one for one in changes}


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
    told = by_path(done(folder, "", keys, originals, SESSION))
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
    assert done(folder, "", keys, originals, SESSION) == ()


def test_an_object_is_known_by_what_is_stored_where_the_index_does_not_know_it(
    tmp_path: Path,
) -> None:
    folder, originals = tmp_path / "E1", Originals(tmp_path)
    received(folder, "1.dcm", PatientName="Doe^Jane")
    received(folder, "2.dcm", PatientName="Doe^John")
    scripted(folder, originals, "(0010,0010) := subject", "1.dcm")
    told = by_path(done(folder, "1", {}, originals, SESSION))
    assert (told["(0010,0010)"].change.before, told["(0010,0010)"].files) == ("Doe^Jane", 1)
    # Nothing is kept of a session that nobody began.
    assert done(folder, "1", {}, originals, "pre_bbbbbbbb") == ()


def test_files_that_nobody_can_read_are_left_out(tmp_path: Path) -> None:
    folder, originals = tmp_path / "E1", Originals(tmp_path)
    received(folder, "1.dcm", PatientName="Doe^Jane")
    keys = scripted(folder, originals, "(0010,0010) := subject", "1.dcm")
    (folder / "SCANS" / "1" / "DICOM" / "2.dcm").write_bytes(b"no object")
    assert len(done(folder, "", keys, originals, SESSION)) == 2
    with pytest.raises(NotFound):
        done(folder, "9", keys, originals, SESSION)


def test_what_is_to_come_is_told_and_nothing_written(tmp_path: Path) -> None:
    folder = tmp_path / "E1"
    path = received(folder, "1.dcm", PatientName="Doe^Jane")
    before = path.read_bytes()
    told = by_path(to_come(folder, "", script_work("(0010,0010) := session", project_scope("P"))))
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
    rejected, blanked = to_come(folder, "", script_work(text))
    assert (rejected.change.kind, rejected.files) == (ChangeKind.REJECTED, 1)
    assert rejected.change.statement.line == 2
    assert (blanked.change.kind, blanked.change.after) == (ChangeKind.PIXELS, "1,2 to 30,40")
    assert (blanked.change.path, blanked.change.statement.line) == ("(7FE0,0010)", 3)


def test_what_carries_the_id_is_not_run_over_again(tmp_path: Path) -> None:
    folder, originals = tmp_path / "E1", Originals(tmp_path)
    received(folder, "1.dcm", PatientName="Doe^Jane")
    scripted(folder, originals, "(0010,0010) := subject", "1.dcm")
    assert to_come(folder, "", script_work('(0010,0010) := "another"')) == ()


def test_a_failure_is_told_with_its_place_and_no_value(tmp_path: Path) -> None:
    folder = tmp_path / "E1"
    received(folder, "1.dcm", PatientName="Doe^Jane")
    text = '(0010,0030) := shiftDateByIncrement[(0010,0010), "1"]'
    with pytest.raises(InvalidInput, match=r"the site \(version 4\) failed in line 2") as caught:
        to_come(folder, "", script_work(text))
    assert "Jane" not in caught.value.message
