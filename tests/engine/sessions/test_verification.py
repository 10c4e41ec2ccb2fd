# SPDX-License-Identifier: Apache-2.0
"""A filed session compared with its document and its catalogs: whatever is done to its folder is
named, and nothing else."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.model.contents import FileEntry
from engine.model.errors import NotFound
from engine.model.verification import MOST_NAMED, FaultKind, Faults
from engine.sessions import holdings, verification
from engine.sessions.build.layout import BUILD_LOG
from engine.sessions.verification import Cursor, Look
from tests.engine.sessions.filed import FILES, file_away

ALL_FILES = [f"SCANS/{place}/{name}" for place, names in FILES.items() for name in names]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "MR_1"


@pytest.fixture
def document(folder: Path) -> str:
    return file_away(folder)


def digested(folder: Path, look: Look, seconds: float = 60.0) -> tuple[Faults, int]:
    """Digest piece by piece; return what was found, and the number of pieces."""
    faults, pieces = Faults(), 0
    cursor: Cursor | None = Cursor()
    while cursor is not None:
        piece = verification.digest(folder, look.holdings, cursor, seconds)
        faults, cursor, pieces = faults.joined(piece.faults), piece.after, pieces + 1
    return faults, pieces


def verified(folder: Path, document: str) -> list[tuple[str, str]]:
    look = verification.look(folder, document)
    faults = look.faults.joined(digested(folder, look)[0])
    assert faults.counts.total == len(faults.named)
    return sorted((fault.kind.value, fault.path) for fault in faults.named)


def test_a_session_as_it_was_filed_has_no_fault(folder: Path, document: str) -> None:
    (folder / BUILD_LOG).write_text("session: PatientWeight has 2 different values\n")
    (folder / "RESOURCES").mkdir()
    (folder / "SCANS/1/DICOM/.nfs000000000001").write_bytes(b"")
    look = verification.look(folder, document)
    assert not look.faults.counts.total and str(look.faults.counts) == "as it should be"
    assert (look.files, look.bytes) == (5, 19)
    assert [(scan.id, scan.files, scan.bytes) for scan in look.scans] == [("1", 3, 11), ("2", 2, 8)]
    assert digested(folder, look) == (Faults(), 1)


def test_digesting_goes_on_wherever_it_stopped(folder: Path, document: str) -> None:
    look = verification.look(folder, document)
    assert digested(folder, look, seconds=0.0) == (Faults(), 5)
    for path in ALL_FILES:
        file = folder / path
        data = file.read_bytes()
        file.write_bytes(data[::-1] + b"")
        if data != data[::-1]:
            found, pieces = digested(folder, look, seconds=0.0)
            assert [fault.path for fault in found.named] == [path] and pieces == 5
        file.write_bytes(data)


def overwrite(path: Path) -> None:
    path.write_bytes(b"eno" if path.read_bytes() == b"one" else b"x" * path.stat().st_size)


def a_link(path: Path) -> None:
    shutil.move(path, path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


A = "SCANS/1/DICOM/a.dcm"
CATALOG = "SCANS/1/DICOM/scan_1_catalog.xml"


@pytest.mark.parametrize(
    ("damage", "path", "found"),
    [
        (Path.unlink, A, [("missing", A)]),
        (lambda path: path.rename(path.with_name("z.dcm")), A, [
            ("missing", A), ("stray", "SCANS/1/DICOM/z.dcm")
        ]),
        (overwrite, A, [("changed", A)]),
        (lambda path: path.write_bytes(b""), A, [("changed", A)]),
        (a_link, A, [("changed", A), ("stray", "SCANS/1/DICOM/elsewhere")]),
        (a_pipe, A, [("changed", A)]),
        (a_folder, A, [("changed", A)]),
        (Path.touch, "SCANS/1/DICOM/new.dcm", [("stray", "SCANS/1/DICOM/new.dcm")]),
        (Path.touch, "SCANS/1/DICOM/.new", [("stray", "SCANS/1/DICOM/.new")]),
        (Path.touch, "SCANS/new", [("stray", "SCANS/new")]),
        (Path.touch, "notes.txt", [("stray", "notes.txt")]),
        (Path.touch, "SCANS/1/DICOM/scan_9_catalog.xml", [
            ("stray", "SCANS/1/DICOM/scan_9_catalog.xml")
        ]),
        (Path.unlink, CATALOG, [("damaged", CATALOG)]),
        (lambda path: path.write_bytes(path.read_bytes()[:-20]), CATALOG, [("damaged", CATALOG)]),
        (lambda path: path.write_text("<x/>"), CATALOG, [("damaged", CATALOG)]),
        (lambda path: path.write_bytes(path.read_bytes().replace(b'"a.dcm"', b'"b.dcm"')), CATALOG,
         [("changed", "SCANS/1/DICOM/b.dcm"), ("damaged", CATALOG), ("stray", A)]),
        (lambda path: path.write_bytes(path.read_bytes().replace(b'"a.dcm"', b'"../a.dcm"')),
         CATALOG, [("damaged", CATALOG), ("stray", A)]),
        (Path.unlink, "MR_1.xml", [("missing", "MR_1.xml")]),
        (lambda path: path.write_text("<x/>"), "MR_1.xml", [("damaged", "MR_1.xml")]),
        (lambda path: path.write_text(path.read_text().replace("MR_1", "MR_2")), "MR_1.xml",
         [("changed", "MR_1.xml")]),
        (lambda path: shutil.rmtree(path.parent), "SCANS/2/secondary/e.dcm", [
            ("damaged", "SCANS/2/secondary/scan_2_secondary_catalog.xml")
        ]),
    ],
)  # fmt: skip
def test_what_was_done_to_the_folder_is_named(
    folder: Path,
    document: str,
    damage: Callable[[Path], object],
    path: str,
    found: list[tuple[str, str]],
) -> None:
    damage(folder / path)
    assert verified(folder, document) == found


def test_an_entry_less_with_its_file_is_a_damaged_catalog(folder: Path, document: str) -> None:
    catalog = folder / CATALOG
    lines = catalog.read_text().splitlines()
    catalog.write_text("\n".join(line for line in lines if "a.dcm" not in line))
    (folder / A).unlink()
    (fault,) = verification.look(folder, document).faults.named
    assert fault.kind is FaultKind.DAMAGED
    assert fault.detail == "it names 2 files of 8 bytes, the session document 3 of 11"


def test_without_digests_presence_and_size_are_compared(folder: Path) -> None:
    document = file_away(folder, digests=False)
    overwrite(folder / A)
    look = verification.look(folder, document)
    piece = verification.digest(folder, look.holdings, Cursor(), 60.0)
    assert (piece.undigested, piece.bytes, piece.faults) == (5, 0, Faults())
    (folder / A).write_bytes(b"longer")
    assert verified(folder, document) == [("changed", A)]


def test_faults_beyond_the_named_ones_are_counted(folder: Path, document: str) -> None:
    for number in range(MOST_NAMED + 5):
        (folder / f"SCANS/1/DICOM/{number}.tmp").touch()
    faults = verification.look(folder, document).faults
    assert faults.counts.stray == MOST_NAMED + 5 and len(faults.named) == MOST_NAMED


def test_a_document_of_the_database_that_cannot_be_read(folder: Path, document: str) -> None:
    look = verification.look(folder, "<MRSession/>")
    assert [fault.kind for fault in look.faults.named] == [FaultKind.DAMAGED]
    assert holdings.page(folder, "<MRSession/>", "", 0, 10).total == 0


def test_a_folder_that_is_gone_is_not_a_session_without_files(folder: Path, document: str) -> None:
    shutil.rmtree(folder)
    with pytest.raises(FileNotFoundError):
        verification.look(folder, document)
    with pytest.raises(FileNotFoundError):
        holdings.page(folder, document, "", 0, 10)
    with pytest.raises(FileNotFoundError):
        verification.digest(folder, (), Cursor(), 1.0)


def listed(folder: Path, document: str, scan: str = "", size: int = 100) -> list[FileEntry]:
    rows: list[FileEntry] = []
    while True:
        page = holdings.page(folder, document, scan, len(rows), size)
        rows += page.rows
        if not page.rows or len(rows) >= page.total:
            return rows


@pytest.mark.parametrize("marked", [1, 2, 1000])
@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_files_are_those_of_the_catalogs_whatever_the_window(
    folder: Path, document: str, monkeypatch: pytest.MonkeyPatch, marked: int, size: int
) -> None:
    monkeypatch.setattr(holdings, "_MARKED", marked)
    holdings._marks.cache_clear()
    (folder / "SCANS/1/DICOM/stray.dcm").touch()
    (folder / A).unlink()
    rows = listed(folder, document, size=size)
    assert [row.path for row in rows] == ALL_FILES
    assert [row.fault for row in rows] == [FaultKind.MISSING, None, None, None, None]
    assert [row.size for row in rows] == [3, 3, 5, 4, 4]
    assert [row.path for row in listed(folder, document, "2", size)] == ALL_FILES[3:]
    assert not listed(folder, document, "9", size)


def test_objects_for_a_header_are_those_of_the_catalogs(folder: Path, document: str) -> None:
    (folder / "SCANS/1/DICOM/stray.dcm").touch()
    assert holdings.listed_objects(folder, document) == ALL_FILES
    assert holdings.listed_objects(folder, document, "2") == ALL_FILES[3:]
    with pytest.raises(NotFound):
        holdings.listed_objects(folder, document, "9")
