# SPDX-License-Identifier: Apache-2.0
"""Builds of public sample data that comes with the test packages."""

from __future__ import annotations

import gzip
import importlib
import shutil
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import nibabel
import pydicom.data
import pytest
from medimages4tests.dummy.dicom.base import generate_dicom

from engine.dicom.guard import Guard
from engine.sessions.build.assemble import BuildResult, assemble
from engine.sessions.build.catalog import read_catalog
from engine.sessions.build.document import read_session, write_session
from engine.sessions.build.facts import read_facts

STUDIES = Path(pydicom.data.__file__).parent / "test_files" / "dicomdirtests"
NICOM = Path(nibabel.__file__).parent / "nicom" / "tests" / "data"

Build = Callable[[list[Path]], BuildResult]


@pytest.fixture(scope="module")
def guard() -> Iterator[Guard]:
    guard = Guard()
    yield guard
    guard.close()


@pytest.fixture
def build(tmp_path: Path, guard: Guard) -> Build:
    def run(files: list[Path]) -> BuildResult:
        folder = tmp_path / "SESSION"
        received = folder / "SCANS" / "NA" / "DICOM"
        received.mkdir(parents=True)
        for number, file in enumerate(files):
            shutil.copyfile(file, received / f"{number}.dcm")
        result = assemble(folder, project="P", label="L", subject="S", guard=guard)
        check(folder, result)
        again = assemble(folder, project="P", label="L", subject="S", guard=guard)
        assert again.moves == ()
        assert again.document == result.document
        return result

    return run


def check(folder: Path, result: BuildResult) -> None:
    """Files, catalogs and document must tell the same story."""
    assert result.problems == ()
    listed = set()
    for scan in result.document.scans:
        for resource in scan.resources:
            place = folder / "SCANS" / scan.id / resource.label
            written = read_catalog((place / resource.catalog).read_bytes())
            assert written.entries == resource.entries
            listed |= {place / entry.uri for entry in resource.entries}
    assert listed == set(folder.rglob("*.dcm"))
    written_session = read_session(folder.with_suffix(".xml").read_bytes())
    assert write_session(written_session) == write_session(result.document)


def studies(patient: str, guard: Guard) -> dict[str, list[Path]]:
    found: defaultdict[str, list[Path]] = defaultdict(list)
    for path in sorted((STUDIES / patient).rglob("*")):
        if path.is_file():
            found[read_facts(path, guard)["StudyDescription"]].append(path)
    return found


@pytest.mark.parametrize(
    ("patient", "session", "kinds", "frames"),
    [
        ("77654033", "xnat:crSessionData", {"xnat:crScanData"}, {"1": 1, "2": 1, "3": 1}),
        ("77654033", "xnat:ctSessionData", {"xnat:ctScanData"}, {"2": 4}),
        ("98892001", "xnat:ctSessionData", {"xnat:ctScanData"}, {"4": 2, "5": 5}),
        ("98892003", "xnat:mrSessionData", {"xnat:mrScanData"}, {"1": 1, "2": 3, "700": 7}),
    ],
)
def test_studies_of_several_series(
    build: Build,
    guard: Guard,
    patient: str,
    session: str,
    kinds: set[str],
    frames: dict[str, int],
) -> None:
    wanted = sum(frames.values())
    files = next(each for each in studies(patient, guard).values() if len(each) == wanted)
    document = build(files).document
    assert document.type == session
    assert {scan.xsi_type for scan in document.scans} == kinds
    assert {scan.id: scan.frames for scan in document.scans} == frames


def test_the_parameters_of_an_mr_study(build: Build, guard: Guard) -> None:
    files = next(each for each in studies("98892003", guard).values() if len(each) == 11)
    document = build(files).document
    assert (document.manufacturer, document.model) == (
        "Philips Medical Systems, Inc.",
        "Eclipse 1.5T",
    )
    assert document.field_strength == "1.5"
    localizer = document.scans[0]
    assert localizer.type == "FAST LOCALIZER"
    assert localizer.parameters["orientation"] == "Sag"
    assert (localizer.parameters["tr"], localizer.parameters["te"]) == ("10", "3.7")
    pilot = document.scans[1]
    assert "orientation" not in pilot.parameters
    assert any("scan 2: ImageOrientationPatient" in line for line in document.warnings)


def test_siemens_diffusion_reads_the_private_weights(build: Build, tmp_path: Path) -> None:
    files = []
    for name in ("siemens_dwi_0.dcm.gz", "siemens_dwi_1000.dcm.gz"):
        path = tmp_path / name.removesuffix(".gz")
        path.write_bytes(gzip.decompress((NICOM / name).read_bytes()))
        files.append(path)
    document = build(files).document
    assert document.type == "xnat:mrSessionData"
    assert document.field_strength == "3.0"
    parameters = document.scans[0].parameters
    assert parameters["diffusion/bValues"] == "0 1000"
    assert parameters["orientation"] == "Tra"


def test_multi_frame_and_odd_samples_have_facts(guard: Guard, tmp_path: Path) -> None:
    path = tmp_path / "philips.dcm"
    path.write_bytes(gzip.decompress((NICOM / "philips_mprage.dcm.gz").read_bytes()))
    facts = read_facts(path, guard)
    assert facts["Manufacturer"].startswith("Philips")
    for name in ("0.dcm", "1.dcm", "csa_slice_norm.dcm", "slicethickness_empty_string.dcm"):
        assert read_facts(NICOM / name, guard).study


@pytest.mark.parametrize(
    ("module", "session", "scan"),
    [
        ("mri.t1w.siemens.skyra.syngo_d13c", "xnat:mrSessionData", "xnat:mrScanData"),
        ("mri.fmap.siemens.skyra.syngo_d13c", "xnat:mrSessionData", "xnat:mrScanData"),
        ("mri.fmap.ge.discovery_mr888.dv26_0_r05_2008a", "xnat:mrSessionData", "xnat:mrScanData"),
        ("ct.ac.siemens.biograph_vision.vr20b", "xnat:ctSessionData", "xnat:ctScanData"),
        ("pet.topogram.siemens.biograph_vision.vr20b", "xnat:ctSessionData", "xnat:ctScanData"),
        ("pet.wholebody.siemens.biograph_vision.vr20b", "xnat:petSessionData", "xnat:petScanData"),
        ("pet.statistics.siemens.biograph_vision.vr20b", "xnat:petSessionData", "xnat:scScanData"),
    ],
)
def test_dummies_of_scanners(
    build: Build, tmp_path: Path, module: str, session: str, scan: str
) -> None:
    files = dummies(module, tmp_path / "in", count=3)
    document = build(files).document
    assert document.type == session
    assert {each.xsi_type for each in document.scans} == {scan}
    assert sum(each.frames for each in document.scans) == len(files)


def test_a_ct_scan_tells_how_it_was_made(build: Build, tmp_path: Path) -> None:
    files = dummies("ct.ac.siemens.biograph_vision.vr20b", tmp_path / "in", count=3)
    scan = build(files).document.scans[0]
    wanted = {
        "kvp": "120",
        "rescale/intercept": "-1024",
        "rotationDirection": "CW",
        "collimationWidth/total": "38.4",
        "pitchFactor": "0.8",
        "estimatedDoseSaving/@modulation": "XYZ_EC",
        "orientation": "Tra",
        "voxelRes/@z": "3",
    }
    assert {path: scan.parameters[path] for path in wanted} == wanted


def test_a_pet_session_tells_its_tracer(build: Build, tmp_path: Path) -> None:
    files = dummies("pet.wholebody.siemens.biograph_vision.vr20b", tmp_path / "in", count=3)
    document = build(files).document
    assert document.extra == {
        "tracer/@name": "Germanium",
        "tracer/@startTime": "2023-08-25T14:49:42",
        "tracer/dose": "85740000",
        "tracer/dose/@units": "Bq",
        "tracer/isotope": "^68^Germanium",
        "tracer/isotope/@half-life": "23410100",
    }


def test_a_field_map_tells_its_echoes(build: Build, tmp_path: Path) -> None:
    files = dummies("mri.fmap.siemens.skyra.syngo_d13c", tmp_path / "in", count=40)
    parameters = build(files).document.scans[0].parameters
    assert "te" not in parameters
    assert parameters["addParam[MultiEcho_TE1]"] == "4.92"
    assert parameters["addParam[MultiEcho_TE2]"] == "7.38"


def test_a_field_map_is_no_diffusion_scan(build: Build, tmp_path: Path) -> None:
    files = dummies("mri.fmap.ge.discovery_mr888.dv26_0_r05_2008a", tmp_path / "in", count=2)
    parameters = build(files).document.scans[0].parameters
    assert not any(path.startswith("diffusion") for path in parameters)


def dummies(module: str, folder: Path, *, count: int) -> list[Path]:
    """Write the first few files of one dummy series; whole ones have thousands."""
    sample = importlib.import_module(f"medimages4tests.dummy.dicom.{module}")
    with warnings.catch_warnings():
        # The package writes its files by means that pydicom is about to drop.
        warnings.simplefilter("ignore")
        generate_dicom(
            folder,
            min(count, sample.num_vols),
            sample.constant_hdr,
            sample.collated_data,
            sample.varying_hdr,
        )
    return sorted(folder.iterdir())
