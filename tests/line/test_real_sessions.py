# SPDX-License-Identifier: Apache-2.0
"""Real sessions, sent by dcmtk: where they land, what they are built to, and that every stored data
set equals, byte for byte, what crossed the wire."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from hashlib import md5
from pathlib import Path
from xml.etree import ElementTree

import pydicom
import pytest

from engine.model.accounts import Place
from engine.model.prearchive import PrearchiveSession
from engine.model.states import Status
from tests.line.real_sessions import (
    HEAD,
    NECK,
    SAMPLES,
    SPINE,
    commented,
    files_of,
    pet_ct,
    siemens_mosaics,
)
from tests.line.serving import Served, settled
from tests.line.test_line import command
from tests.line.wire import BIG_ENDIAN, DEFLATED, EXPLICIT, IMPLICIT, Tap, dataset_of, meta_of

XNAT = "{http://nrg.wustl.edu/xnat}"
CATALOG = "{http://nrg.wustl.edu/catalog}"
XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"

COLUMNS = {
    *("project", "timestamp", "lastmod", "uploaded", "scan_date", "scan_time", "subject"),
    *("folderName", "name", "tag", "status", "url", "autoarchive", "prevent_anon"),
    *("prevent_auto_commit", "SOURCE", "VISIT", "PROTOCOL", "TIMEZONE"),
}


@pytest.fixture
async def served(serve: Callable[..., Served]) -> Served:
    """An engine that builds soon after the last object."""
    served = serve(build_after=0.3)
    await served.start()
    return served


async def send(served: Served, *batches: tuple[Path | Sequence[Path], tuple[str, ...]]) -> Tap:
    """Send batches of files through a tap, each with options of dcmtk."""
    tap = Tap(served.port)
    async with tap.open():
        own, served.port = served.port, tap.port
        try:
            for paths, options in batches:
                folders = [paths] if isinstance(paths, Path) else paths
                assert await served.store(*folders, options=options) == 0
        finally:
            served.port = own
    return tap


def folder_of(served: Served, row: PrearchiveSession) -> Path:
    """Return the folder in which a session must lie."""
    project = [row.project] if row.project else []
    return served.prearchive.joinpath(*project, row.timestamp, row.folder)


def objects_of(folder: Path) -> list[Path]:
    """Return the files of a session's scans that are no catalogs."""
    return [path for path in files_of(folder / "SCANS") if path.suffix != ".xml"]


def equals_the_wire(tap: Tap, stored: Sequence[Path]) -> None:
    """Prove that what is stored is what crossed the wire, syntax and data set, nothing else."""
    crossed = Counter(tap.crossed)
    kept = Counter(
        (meta[0x0010], meta[0x0003], dataset_of(path))
        for path in stored
        for meta in (meta_of(path),)
    )
    assert kept == crossed


def document_of(served: Served, row: PrearchiveSession) -> ElementTree.Element:
    """Read the session document and prove that it and the catalogs tell of every file."""
    folder = folder_of(served, row)
    document = ElementTree.parse(folder.with_name(f"{folder.name}.xml")).getroot()
    assert document.get("project", "") == (row.project or "")
    assert document.get("label") == row.label
    told: set[Path] = set()
    for scan in document.iter(f"{XNAT}scan"):
        catalogs = list((folder / "SCANS" / scan.attrib["ID"]).glob("*/scan_*_catalog.xml"))
        assert len(catalogs) == len(list(scan.iter(f"{XNAT}file")))
        for catalog in catalogs:
            for entry in ElementTree.parse(catalog).getroot().iter(f"{CATALOG}entry"):
                path = catalog.parent / entry.attrib["URI"]
                assert md5(path.read_bytes()).hexdigest() == entry.attrib["digest"]
                told.add(path)
    assert told == set(objects_of(folder))
    return document


def scans_of(document: ElementTree.Element) -> dict[str, str]:
    """Return the element name of each scan by its ID."""
    return {scan.attrib["ID"]: scan.attrib[XSI_TYPE] for scan in document.iter(f"{XNAT}scan")}


async def test_studies_of_no_project_are_unassigned_under_their_patient_id(
    served: Served,
) -> None:
    tap = await send(served, (SPINE, ()), (HEAD, ()))
    sent = files_of(SPINE, HEAD)
    assert len(tap.crossed) == len(sent)
    async with served.asked() as engine:
        rows = await settled(engine, objects=len(sent))
        accounts = (await engine.system.status()).accounts
    assert accounts.at(Place.WAITING) == accounts.received == len(sent)

    by_type = {(row.label, row.session_type): row for row in rows}
    assert set(by_type) == {
        ("77654033", "xnat:crSessionData"),
        ("77654033", "xnat:ctSessionData"),
        ("98890234", "xnat:ctSessionData"),
    }
    assert all(row.status is Status.READY and row.project is None for row in rows)
    assert {row.subject for row in rows} == {"Doe_Archibald", "Doe_Peter"}
    equals_the_wire(tap, [path for row in rows for path in objects_of(folder_of(served, row))])

    documents = {key: document_of(served, row) for key, row in by_type.items()}
    assert scans_of(documents["77654033", "xnat:crSessionData"]) == dict.fromkeys(
        "123", "xnat:crScanData"
    )
    assert scans_of(documents["77654033", "xnat:ctSessionData"]) == {"2": "xnat:ctScanData"}
    assert scans_of(documents["98890234", "xnat:ctSessionData"]) == {
        "4": "xnat:ctScanData",
        "5": "xnat:ctScanData",
    }

    listed = json.loads(await command(served, "prearchive", "list", "--json"))
    assert all(set(row) >= COLUMNS for row in listed)
    studies = {pydicom.dcmread(path, stop_before_pixels=True).StudyInstanceUID for path in sent}
    assert {row["tag"] for row in listed} == studies
    for row in listed:
        assert row["project"] == "Unassigned"
        assert row["status"] == "READY"
        assert row["folderName"] == row["name"]
        place = f"{row['timestamp']}/{row['folderName']}"
        assert row["url"] == f"/prearchive/projects/Unassigned/{place}"
        assert (served.prearchive / place / "SCANS").is_dir()


async def test_study_description_and_patient_comments_name_the_project(
    served: Served, tmp_path: Path
) -> None:
    comments = "Project:PETS Subject:Sub_7 Session:First-Visit AA:false"
    body = pet_ct(tmp_path / "pet_ct", comments)
    head = commented(HEAD, tmp_path / "head", "done project : HEADS; session:Follow_up")
    dwi = siemens_mosaics(tmp_path / "dwi")
    async with served.asked() as engine:
        for project, alias in (("MRA", "Brain-MRA"), ("PETS", ""), ("HEADS", "")):
            await engine.projects.add(project, aliases=(alias,) if alias else ())
            await engine.projects.set(project, {"prearchive_code": "0"})
        tap = await send(served, (NECK, ()), (body, ()), (head, ()), (dwi, ()))
        sent = files_of(NECK, body, head, dwi)
        rows = await settled(engine, objects=len(sent))
    equals_the_wire(tap, [path for row in rows for path in objects_of(folder_of(served, row))])

    landed = {(row.project, row.label): row for row in rows if row.project}
    assert set(landed) == {
        ("MRA", "98890234"),
        ("PETS", "First-Visit"),
        ("HEADS", "Follow_up"),
    }
    # Two more studies of the same patient fit no project, nor does the one of the mosaics.
    assert sorted(row.objects for row in rows if not row.project) == [2, 2, 4]
    assert all(row.status is Status.READY for row in rows)

    neck = landed["MRA", "98890234"]
    assert neck.session_type == "xnat:mrSessionData"
    assert scans_of(document_of(served, neck)) == dict.fromkeys(
        ("1", "2", "700"), "xnat:mrScanData"
    )
    pet = landed["PETS", "First-Visit"]
    assert (pet.subject, pet.session_type, pet.autoarchive) == (
        "Sub_7",
        "xnat:petSessionData",
        False,
    )
    assert scans_of(document_of(served, pet)) == {
        "1": "xnat:ctScanData",
        "2": "xnat:ctScanData",
        "4": "xnat:petScanData",
        "6": "xnat:scScanData",
    }
    assert {path.parent.name for path in objects_of(folder_of(served, pet) / "SCANS" / "6")} <= {
        "secondary"
    }
    assert landed["HEADS", "Follow_up"].subject == "Doe_Peter"
    document_of(served, landed["HEADS", "Follow_up"])


SYNTAXES = {
    "MR_small_implicit.dcm": ("-xi", IMPLICIT),
    "image_dfl.dcm": ("-xd", DEFLATED),
    "ExplVR_BigEnd.dcm": ("-xb", BIG_ENDIAN),
    "waveform_ecg.dcm": ("-xe", EXPLICIT),
    "SC_rgb_jpeg_gdcm.dcm": ("-xs", "1.2.840.10008.1.2.4.70"),
    "SC_rgb_dcmtk_+eb+cr.dcm": ("-xy", "1.2.840.10008.1.2.4.50"),
    "JPEG-lossy.dcm": ("-xx", "1.2.840.10008.1.2.4.51"),
    "GDCMJ2K_TextGBR.dcm": ("-xv", "1.2.840.10008.1.2.4.90"),
    "693_J2KI.dcm": ("-xw", "1.2.840.10008.1.2.4.91"),
    "MR_small_jpeg_ls_lossless.dcm": ("-xt", "1.2.840.10008.1.2.4.80"),
    "SC_rgb_rle.dcm": ("-xr", "1.2.840.10008.1.2.5"),
}


async def test_every_transfer_syntax_is_stored_as_it_came(served: Served) -> None:
    batches = [([SAMPLES / name], (option,)) for name, (option, _) in SYNTAXES.items()]
    # Some of these are one object in several encodings: other bytes, so each of them is kept.
    tap = await send(served, *batches)
    assert [syntax for syntax, _, _ in tap.crossed] == [syntax for _, syntax in SYNTAXES.values()]
    async with served.asked() as engine:
        rows = await settled(engine, objects=len(SYNTAXES))
        assert not await engine.live.held()
        accounts = (await engine.system.status()).accounts
    assert accounts.received == len(SYNTAXES)
    equals_the_wire(tap, [path for row in rows for path in objects_of(folder_of(served, row))])
