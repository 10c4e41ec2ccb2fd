# SPDX-License-Identifier: Apache-2.0
"""A script that is only tried: what it would do beside the one in force, how it fails, and that one
that does not end is stopped."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.anonymize.runtime.applied import Undo
from engine.dicom.guard import Guard
from engine.intake.originals import Original, Originals
from engine.intake.trial import SECONDS, TrialWork, run
from engine.intake.trial_guard import TrialGuard
from engine.model.changes import ChangeKind, ScriptOutcome, Statement
from engine.model.trials import Standing, Trial
from tests.engine.anonymize.images import describe, native
from tests.engine.dicom.datasets import element
from tests.engine.intake.scripting import SECRET, site

ACTIVE = '(0010,0010) := "A"\n(0010,0020) := "B"\n(0008,0080) := "C"'
DRAFT = '(0010,0010) := "A"\n(0010,0020) := "other"\n(0008,1030) := subject'
FILES = ("1.dcm", "2.dcm")


def work(folder: Path, draft: str, active: str = "", files: tuple[str, ...] = FILES) -> TrialWork:
    return TrialWork(
        draft=site(draft, version=0),
        active=site(active) if active else None,
        variables={"project": "P1", "subject": "S1", "session": "S1_MR"},
        folder=str(folder),
        files=files,
        total=len(files),
        secret=SECRET,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with an MR and a CT image."""
    for number, modality in ((1, "MR"), (2, "CT")):
        image = np.zeros((1, 4, 4, 1), np.uint8)
        dataset = describe(image)
        dataset.SOPInstanceUID = f"2.25.{number}"
        dataset.Modality, dataset.PatientName = modality, "Doe^Jane"
        dataset.PatientID, dataset.InstitutionName = f"ID{number}", "H"
        native(tmp_path / f"{number}.dcm", image, dataset)
    return tmp_path


def standings(told: Trial) -> dict[str, Standing]:
    return {one.row.change.name: one.standing for one in told.rows}


def test_every_change_is_told_beside_that_of_the_script_in_force(
    folder: Path, guard: Guard
) -> None:
    before = {file: (folder / file).read_bytes() for file in FILES}
    told = run(work(folder, DRAFT, ACTIVE), guard)
    assert standings(told) == {
        "InstitutionName": Standing.GONE,
        "StudyDescription": Standing.NEW,
        "PatientName": Standing.SAME,
        "PatientID": Standing.OTHER,
    }
    (other,) = (one for one in told.rows if one.standing is Standing.OTHER)
    assert other.was is not None
    assert (other.row.change.after, other.was.after, other.row.files) == ("other", "B", 2)
    assert other.row.change.statement.line == 3
    assert (told.version, told.files, told.read, told.as_received) == (7, 2, 2, 0)
    assert {file: (folder / file).read_bytes() for file in FILES} == before


def test_outcomes_are_told_by_modality_and_faults_by_line_and_column(
    folder: Path, guard: Guard
) -> None:
    draft = (
        '(0008,0060) = "MR" ? reject[]\n(0008,0060) = "CT" ? (0010,0020) := substring["abc", 5, 9]'
    )
    told = run(work(folder, draft, ACTIVE), guard)
    assert [(kind.modality, kind.tried, kind.active) for kind in told.kinds] == [
        ("CT", {"error": 1}, {"changed": 1}),
        ("MR", {"rejected": 1}, {"changed": 1}),
    ]
    assert told.outcomes == {ScriptOutcome.ERROR: 1, ScriptOutcome.REJECTED: 1}
    (failure,) = told.failures
    assert (failure.problem.line, failure.files, failure.named) == (3, 1, ("2.dcm",))
    assert failure.problem.column > 0
    kinds = {one.row.change.kind for one in told.rows if one.standing is Standing.NEW}
    assert kinds == {ChangeKind.REJECTED}


def test_without_a_script_in_force_all_is_new(folder: Path, guard: Guard) -> None:
    told = run(work(folder, DRAFT), guard)
    assert set(standings(told).values()) == {Standing.NEW}
    assert told.version == 0


def test_objects_are_tried_as_they_were_received_where_that_is_known(
    folder: Path, guard: Guard
) -> None:
    (folder / "prearchive").mkdir()
    originals = Originals(folder / "prearchive")
    originals.begin("pre_1")
    name = element(0x00100010, "PN", b"Roe^Rita")
    done = Undo(path=(0x00100010,), element=name, statement=Statement(script="site"))
    originals.append(
        "pre_1",
        "worker",
        Original(received_sop="2.25.1", digest="d" * 64, sop="2.25.1", undo=(done,)),
    )
    asked = replace(
        work(folder, '(0010,0010) ~ "Roe.*" ? (0010,0010) := "found"'),
        prearchive=str(folder / "prearchive"),
        session="pre_1",
    )
    told = run(asked, guard)
    (row,) = told.rows
    assert (row.row.change.before, row.row.change.after, row.row.files) == ("Roe^Rita", "found", 1)
    assert told.as_received == 1


def test_no_other_file_is_begun_once_the_time_is_used(folder: Path, guard: Guard) -> None:
    moments = iter((0.0, 0.0, SECONDS + 1))
    told = run(work(folder, DRAFT), guard, now=lambda: next(moments))
    assert (told.read, told.files) == (1, 2)


def test_a_folder_that_has_gone_is_not_told_as_a_fault_of_the_script(tmp_path: Path) -> None:
    trials = TrialGuard()
    try:
        with pytest.raises(FileNotFoundError):
            trials.run(work(tmp_path / "nowhere", DRAFT))
    finally:
        trials.close()


def test_a_text_that_loops_or_explodes_is_stopped_and_the_next_one_is_tried(
    folder: Path,
) -> None:
    program = folder / "server.py"
    program.write_text(
        "import runpy, sys\n"
        "from engine.intake import trial_worker\n"
        "inner = trial_worker.run\n"
        "def outer(work, guard):\n"
        "    text = work.draft.text\n"
        "    while 'loops' in text: pass\n"
        "    if 'explodes' in text: x = bytearray(2 ** 36)\n"
        "    if 'dies' in text: import os; os._exit(1)\n"
        "    return inner(work, guard)\n"
        "trial_worker.run = outer\n"
        "runpy.run_module('engine.sandbox.server', run_name='__main__')\n",
        encoding="utf-8",
    )
    trials = TrialGuard(seconds=2, command=(sys.executable, str(program)))
    try:
        for text, said in (("loops", "time"), ("explodes", "memory"), ("dies", "limits")):
            told = trials.run(work(folder, f"// {text}", ACTIVE))
            assert said in told.stopped, text
            assert (told.version, told.files, told.read, told.rows) == (7, 2, 0, ())
        assert trials.run(work(folder, DRAFT, ACTIVE)).read == 2
    finally:
        trials.close()
        assert trials.pid is None
