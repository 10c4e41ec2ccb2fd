# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import multiprocessing
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from engine.dicom.guard import Guard
from engine.model.imaging import ResourceDocument
from engine.model.settings import PetMr
from engine.sessions.build.assemble import BuildError, BuildOptions, BuildResult, assemble
from engine.sessions.build.catalog import read_catalog
from engine.sessions.build.document import read_session, write_session
from engine.sessions.build.layout import list_files
from tests.engine.sessions.build.objects import CT, MR, PET, RAW, RTSTRUCT, SC, received

Build = Callable[..., BuildResult]


class Killed(Exception):
    """Stands for a kill at one instant."""


@pytest.fixture(scope="module")
def guard() -> Iterator[Guard]:
    guard = Guard()
    yield guard
    guard.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "S1_MR1"
    folder.mkdir()
    return folder


@pytest.fixture
def build(folder: Path, guard: Guard) -> Build:
    def run(**options: object) -> BuildResult:
        given = BuildOptions(**options)  # type: ignore[arg-type]
        return assemble(
            folder, project="P", label="S1_MR1", subject="S1", options=given, guard=guard
        )

    return run


def on_disk(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder.parent).as_posix(): path.read_bytes()
        for path in folder.parent.rglob("*")
        if path.is_file()
    }


def test_a_session_is_built_where_it_lies(folder: Path, build: Build) -> None:
    for number in (1, 2):
        received(
            folder,
            f"{number}.dcm",
            scan="4",
            SeriesNumber="4",
            InstanceNumber=str(3 - number),
            SOPInstanceUID=f"1.2.{number}",
            SeriesDescription="t1_mpr",
            PatientName="Sample^Patient",
        )
    result = build()
    document = result.document
    assert (document.type, document.project, document.label) == (
        "xnat:mrSessionData",
        "P",
        "S1_MR1",
    )
    assert (document.subject, document.uid) == ("S1", "1.2.3.4")
    assert document.patient_name == "Sample^Patient"
    scan = document.scans[0]
    assert (scan.id, scan.type, scan.quality, scan.frames) == ("4", "t1_mpr", "usable", 2)
    assert result.moves == ()
    assert result.covered == {"SCANS/4/DICOM/1.dcm": "1.2.1", "SCANS/4/DICOM/2.dcm": "1.2.2"}
    assert result.file_count == 2
    assert result.bytes == sum(path.stat().st_size for path in folder.rglob("*.dcm"))
    catalog = read_catalog(
        (folder / "SCANS/4/DICOM/scan_4_catalog.xml").read_bytes(), catalog="scan_4_catalog.xml"
    )
    assert [entry.uri for entry in catalog.entries] == ["2.dcm", "1.dcm"]
    assert all(len(entry.digest) == 32 for entry in catalog.entries)
    assert scan.resources == (catalog,)
    written = read_session(folder.with_name("S1_MR1.xml").read_bytes())
    assert write_session(written) == write_session(document)


def test_building_again_changes_nothing(folder: Path, build: Build) -> None:
    received(folder, "a.dcm", SeriesNumber="3", SOPInstanceUID="1.1")
    received(folder, "b.dcm", SeriesNumber="3", SeriesInstanceUID="1.2.3.4.2", SOPInstanceUID="1.2")
    first = build()
    before = on_disk(folder)
    second = build()
    assert on_disk(folder) == before
    assert second.moves == ()
    assert second.document == first.document


def test_series_that_share_a_number_get_names_of_their_own(folder: Path, build: Build) -> None:
    received(folder, "a.dcm", scan="3", SeriesNumber="3", SeriesInstanceUID="1.1")
    received(folder, "b.dcm", scan="3", SeriesNumber="3", SeriesInstanceUID="1.2", sop_class=SC)
    received(folder, "c.dcm", scan="3", SeriesNumber="3", SeriesInstanceUID="1.3")
    result = build()
    assert [scan.id for scan in result.document.scans] == ["3-MR1", "3-MR2", "3-SC1"]
    assert [scan.xsi_type for scan in result.document.scans] == [
        "xnat:mrScanData",
        "xnat:mrScanData",
        "xnat:scScanData",
    ]
    assert set(list_files(folder).files) == {
        "SCANS/3-MR1/DICOM/a.dcm",
        "SCANS/3-MR2/DICOM/c.dcm",
        "SCANS/3-SC1/secondary/b.dcm",
    }
    assert not (folder / "SCANS/3").exists()


def test_a_late_series_may_shift_the_names_of_others(folder: Path, build: Build) -> None:
    received(folder, "1.dcm", scan="3", SeriesNumber="3", SeriesInstanceUID="1.2")
    received(folder, "2.dcm", scan="3", SeriesNumber="3", SeriesInstanceUID="1.3")
    build()
    received(folder, "1.dcm", scan="3", SeriesNumber="3", SeriesInstanceUID="1.1")
    result = build()
    found = {scan.uid: scan.id for scan in result.document.scans}
    assert found == {"1.1": "3-MR1", "1.2": "3-MR2", "1.3": "3-MR3"}
    assert len(list_files(folder).files) == 3
    assert not (folder / "SCANS/3").exists()


def test_derived_objects_are_filed_apart(folder: Path, build: Build) -> None:
    received(folder, "image.dcm", SOPInstanceUID="1.1")
    received(folder, "raw.dcm", sop_class=RAW, Modality="MR", SOPInstanceUID="1.2")
    result = build()
    scan = result.document.scans[0]
    assert scan.xsi_type == "xnat:mrScanData"
    assert [(each.label, each.content, each.catalog) for each in scan.resources] == [
        ("DICOM", "RAW", "scan_1_catalog.xml"),
        ("secondary", "secondary", "scan_1_secondary_catalog.xml"),
    ]
    assert (folder / "SCANS/1/secondary/scan_1_secondary_catalog.xml").is_file()
    assert scan.frames == 2
    together = build(separate_secondary=False)
    assert [each.label for each in together.document.scans[0].resources] == ["DICOM"]
    assert not (folder / "SCANS/1/secondary").exists()


@pytest.mark.parametrize(
    ("objects", "session", "scans"),
    [
        ([(CT, "CT"), (SC, "CT")], "xnat:ctSessionData", ["xnat:ctScanData", "xnat:scScanData"]),
        ([(SC, "CT")], "xnat:ctSessionData", ["xnat:scScanData"]),
        ([(SC, "SC")], "xnat:otherDicomSessionData", ["xnat:scScanData"]),
        (
            [(RTSTRUCT, "RTSTRUCT"), (MR, "MR")],
            "xnat:mrSessionData",
            ["xnat:rtImageScanData", "xnat:mrScanData"],
        ),
        ([(MR, None)], "xnat:mrSessionData", ["xnat:mrScanData"]),
        ([(PET, "PT"), (CT, "CT")], "xnat:petSessionData", ["xnat:petScanData", "xnat:ctScanData"]),
    ],
)
def test_types_from_files(
    folder: Path,
    build: Build,
    objects: list[tuple[str, str | None]],
    session: str,
    scans: list[str],
) -> None:
    for number, (sop_class, modality) in enumerate(objects, 1):
        received(
            folder,
            f"{number}.dcm",
            sop_class=sop_class,
            Modality=modality,
            SeriesNumber=str(number),
            SeriesInstanceUID=f"1.{number}",
        )
    result = build()
    assert result.document.type == session
    assert [scan.xsi_type for scan in result.document.scans] == scans


def test_pet_with_mr_is_marked_for_separation(folder: Path, build: Build) -> None:
    received(folder, "a.dcm", sop_class=PET, SeriesInstanceUID="1.1", SeriesNumber="1")
    received(folder, "b.dcm", SeriesInstanceUID="1.2", SeriesNumber="2", MagneticFieldStrength="3")
    assert not build().split
    result = build(pet_mr=PetMr.SEPARATE)
    assert result.split
    assert result.document.type == "xnat:petmrSessionData"
    assert result.document.field_strength == "3.0"


def test_two_studies_are_no_session(folder: Path, build: Build) -> None:
    received(folder, "a.dcm")
    received(folder, "b.dcm", StudyInstanceUID="1.2.3.5")
    before = on_disk(folder)
    with pytest.raises(BuildError) as error:
        build()
    assert error.value.code == "two studies"
    assert str(error.value) == "the files belong to 2 studies"
    assert on_disk(folder) == before
    again = pickle.loads(pickle.dumps(error.value))
    assert (again.code, again.reason) == (error.value.code, error.value.reason)


def test_a_session_without_a_type_or_files_or_folder(folder: Path, build: Build) -> None:
    with pytest.raises(BuildError) as error:
        build()
    assert error.value.code == "empty"
    (folder / "SCANS/1/DICOM").mkdir(parents=True)
    (folder / "SCANS/1/DICOM/x").write_text("no image")
    with pytest.raises(BuildError) as error:
        build()
    assert error.value.code == "empty"
    assert error.value.problems[0].code == "unreadable"
    shutil.rmtree(folder)
    with pytest.raises(BuildError) as error:
        build()
    assert error.value.code == "gone"
    assert not folder.exists()


def test_files_that_cannot_be_read_are_reported_and_left(folder: Path, build: Build) -> None:
    received(folder, "a.dcm", scan="7")
    bad = folder / "SCANS/7/DICOM/notes.txt"
    bad.write_text("not an image")
    result = build()
    assert [(each.code, each.paths) for each in result.problems] == [
        ("unreadable", ("SCANS/7/DICOM/notes.txt",))
    ]
    assert bad.read_text() == "not an image"
    assert result.covered["SCANS/7/DICOM/notes.txt"] == ""
    assert [scan.id for scan in result.document.scans] == ["1"]
    assert result.conflicts == ()


def test_the_same_object_twice_is_a_duplicate(folder: Path, build: Build) -> None:
    path = received(folder, "a.dcm", scan="1", SOPInstanceUID="1.1")
    other = folder / "SCANS/9/DICOM/a.dcm"
    other.parent.mkdir(parents=True)
    # Another preamble makes other bytes of the file, not of its data set.
    other.write_bytes(b"\1" * 128 + path.read_bytes()[128:])
    result = build()
    assert result.duplicates == ("SCANS/1/DICOM/a_2.dcm",)
    assert (folder / "SCANS/1/DICOM/a_2.dcm").is_file()
    assert result.file_count == 1
    assert [entry.uri for entry in result.document.scans[0].resources[0].entries] == ["a.dcm"]
    assert result.conflicts == ()
    assert len(result.covered) == 2


def test_one_uid_for_different_objects_is_a_conflict(folder: Path, build: Build) -> None:
    received(folder, "a.dcm", SOPInstanceUID="1.1", PixelData=b"\1\2")
    received(folder, "b.dcm", SOPInstanceUID="1.1", PixelData=b"\1\3")
    result = build()
    assert result.conflicts == ("2 different objects have one SOP Instance UID",)
    assert result.problems[0].paths == ("SCANS/1/DICOM/a.dcm", "SCANS/1/DICOM/b.dcm")
    assert result.duplicates == ()
    assert len(result.document.scans[0].resources[0].entries) == 2


def test_one_uid_in_both_resources_is_tolerated(folder: Path, build: Build) -> None:
    received(folder, "a.dcm", SOPInstanceUID="1.1")
    received(folder, "b.dcm", SOPInstanceUID="1.1", sop_class=SC, Modality="MR")
    result = build()
    assert result.conflicts == ()
    assert any("both DICOM and secondary" in line for line in result.document.warnings)


def test_warnings_are_logged_without_values(folder: Path, build: Build) -> None:
    received(folder, "a.dcm", PatientName="Doe^Jane", EchoTime="3", FlipAngle="8")
    received(folder, "b.dcm", PatientName="Roe^Jane", EchoTime="3", FlipAngle="9")
    result = build()
    log = (folder / "dcmtoxnat.log").read_text()
    assert log.splitlines() == list(result.document.warnings)
    assert "session: PatientName has 2 different values and is left out" in log
    assert "scan 1: FlipAngle has 2 different values and is left out" in log
    assert "Jane" not in log
    assert result.document.patient_name == ""
    assert "flip" not in result.document.scans[0].parameters
    (folder / "SCANS/1/DICOM/b.dcm").unlink()
    build()
    assert not (folder / "dcmtoxnat.log").exists()


def test_hostile_headers_make_a_document(folder: Path, build: Build) -> None:
    received(
        folder,
        "a.dcm",
        SpecificCharacterSet="ISO_IR 192",
        SeriesNumber="1",
        SeriesDescription="<\x1b]0;x\x07&\u202e" + "y" * 60_000,
        StudyComments="z" * 60_000,
        PatientName="]]>\x00",
        StudyDate="never",
    )
    document = build().document
    assert len(document.scans[0].type) <= 255
    assert document.comments == "z" * 60_000
    back = read_session(folder.with_name("S1_MR1.xml").read_bytes())
    assert back.scans[0].type == document.scans[0].type
    assert "\x1b" not in back.scans[0].type
    assert back.date == ""


def test_a_type_the_project_has_learned(folder: Path, build: Build) -> None:
    received(folder, "a.dcm", SeriesDescription="T1 mpr*")
    scan = build(scan_type_mapping={"T1MPR": "T1"}).document.scans[0]
    assert (scan.type, scan.series_description) == ("T1", "T1 mpr*")


def test_checksums_can_be_left_out(folder: Path, build: Build) -> None:
    received(folder, "a.dcm")
    resource = build(checksums=False).document.scans[0].resources[0]
    assert [entry.digest for entry in resource.entries] == [""]


def test_resources_of_the_session_are_kept(folder: Path, build: Build) -> None:
    received(folder, "a.dcm")
    document = build().document
    notes = ResourceDocument(label="NOTES", catalog="NOTES_catalog.xml", file_count=1, file_size=4)
    changed = write_session(replace(document, resources=(notes,)))
    folder.with_name("S1_MR1.xml").write_bytes(changed)
    assert build().document.resources == (notes,)
    folder.with_name("S1_MR1.xml").write_text("<broken")
    assert build().document.resources == ()


def test_progress_is_told(folder: Path, guard: Guard) -> None:
    for number in range(3):
        received(folder, f"{number}.dcm")
    told: list[tuple[int, int]] = []
    assemble(
        folder,
        project="P",
        label="L",
        subject="S",
        guard=guard,
        progress=lambda done, of: told.append((done, of)),
    )
    assert told == [(3, 3)]


def _prepare(folder: Path) -> None:
    for number, (scan, name, series, sop_class) in enumerate(
        (("3", "1.dcm", "1.1", MR), ("x", "1.dcm", "1.2", MR), ("x", "2.dcm", "1.3", SC)), 1
    ):
        received(
            folder,
            name,
            scan=scan,
            sop_class=sop_class,
            SeriesNumber="3" if sop_class == MR else "4",
            SeriesInstanceUID=series,
            SOPInstanceUID=f"1.2.{number}",
        )


def test_a_kill_at_any_step_loses_nothing_and_the_next_build_converges(
    tmp_path: Path, guard: Guard
) -> None:
    whole = tmp_path / "whole" / "S"
    _prepare(whole)
    originals = {path.read_bytes() for path in whole.rglob("*.dcm")}
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += 1

    def run(folder: Path, checkpoint: Callable[[], None] | None = None) -> BuildResult:
        return assemble(
            folder, project="P", label="L", subject="S", guard=guard, checkpoint=checkpoint
        )

    wanted = {path: data for path, data in _built(run(whole, count), whole).items()}
    for fatal in range(steps):
        folder = tmp_path / str(fatal) / "S"
        _prepare(folder)
        left = fatal

        def die() -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise Killed

        with pytest.raises(Killed):
            run(folder, die)
        files = list_files(folder).files
        assert {(folder / path).read_bytes() for path in files} == originals
        assert _built(run(folder), folder) == wanted


def _built(result: BuildResult, folder: Path) -> dict[str, bytes]:
    """Return every file there is, without what names the folder itself."""
    assert result.problems == ()
    place = str(folder).encode()
    return {path: data.replace(place, b"") for path, data in on_disk(folder).items()}


def test_what_arrives_during_a_build_is_left_for_the_next(folder: Path, guard: Guard) -> None:
    received(folder, "a.dcm", scan="x", SeriesNumber="3")

    def arrive() -> None:
        if not (folder / "SCANS/x/DICOM/late.dcm").exists():
            received(folder, "late.dcm", scan="x", SeriesNumber="3")
            received(folder, "a.dcm", scan="3", SeriesNumber="3", SOPInstanceUID="1.9")

    result = assemble(folder, project="P", label="L", subject="S", guard=guard, checkpoint=arrive)
    assert result.file_count == 1
    assert set(result.covered) == {"SCANS/3/DICOM/a_2.dcm"}
    assert (folder / "SCANS/x/DICOM/late.dcm").is_file()
    again = assemble(folder, project="P", label="L", subject="S", guard=guard)
    assert again.file_count == 3
    assert not (folder / "SCANS/x").exists()


def test_a_build_needs_neither_database_nor_jobs_nor_screen() -> None:
    script = "import sys, engine.sessions.build.assemble; print(*sys.modules, sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert loaded & {"sqlalchemy", "dbos", "textual", "rich"} == set()


def test_a_build_runs_in_another_process(folder: Path) -> None:
    received(folder, "a.dcm")
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        job = pool.submit(assemble, folder, project="P", label="L", subject="S")
        result = job.result()
    assert result.document.type == "xnat:mrSessionData"


def test_a_file_is_named_by_its_header_as_it_is(folder: Path, build: Build) -> None:
    template = "${StudyInstanceUID}-${SOPInstanceUID}.dcm"
    uids = {"SOPInstanceUID": "1.2.1", "StudyInstanceUID": "1.9"}
    received(folder, "old name.dcm", scan="4", SeriesNumber="4", **uids)
    # Two of one UID, of which the second was given a number, and one that is in the wrong scan.
    for number, name in enumerate(("1.9-1.2.2.dcm", "1.9-1.2.2-2.dcm"), start=1):
        two = {"SOPInstanceUID": "1.2.2", "InstanceNumber": str(number)}
        received(folder, name, scan="4", SeriesNumber="4", StudyInstanceUID="1.9", **two)
    wrong = {"SOPInstanceUID": "1.2.3", "StudyInstanceUID": "1.9"}
    received(folder, "1.8-1.2.3.dcm", scan="5", SeriesNumber="4", **wrong)
    contents = sorted(path.read_bytes() for path in folder.rglob("*.dcm"))
    result = build(file_names=template)
    names = {path.name for path in (folder / "SCANS" / "4" / "DICOM").glob("*.dcm")}
    assert names == {
        "1.9-1.2.1.dcm",
        "1.9-1.2.2.dcm",
        "1.9-1.2.2-2.dcm",
        "1.9-1.2.3.dcm",
    }
    assert sorted(path.read_bytes() for path in folder.rglob("*.dcm")) == contents
    catalog = (folder / "SCANS" / "4" / "DICOM" / "scan_4_catalog.xml").read_bytes()
    assert {entry.uri for entry in read_catalog(catalog).entries} == names
    assert len(result.moves) == 2
    assert build(file_names=template).moves == ()
