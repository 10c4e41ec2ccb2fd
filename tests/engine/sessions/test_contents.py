# SPDX-License-Identifier: Apache-2.0
"""What a session's folder tells: scans, files, pieces; before and after a build; and that nothing
outside of it is told."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from engine.model.contents import FileEntry
from engine.model.errors import InvalidInput, NotFound, Refused
from engine.model.imaging import CatalogEntry, ResourceDocument, ScanDocument, SessionDocument
from engine.sessions import contents
from engine.sessions.build.catalog import write_catalog
from engine.sessions.build.document import write_session
from engine.sessions.build.layout import BUILD_LOG


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Provide a session of two scans that nothing has built."""
    made = tmp_path / "MR_1"
    for path in ("2/DICOM/a.dcm", "10/DICOM/b.dcm", "10/DICOM/c.dcm", "10/secondary/d.dcm"):
        put(made / "SCANS" / path, path.encode())
    put(made / "SCANS/10/DICOM/.hidden", b"x")
    return made


def put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def document(folder: Path) -> Path:
    return folder.with_name("MR_1.xml")


def every(folder: Path, scan: str = "") -> tuple[FileEntry, ...]:
    return contents.page(folder, scan, 0, 100).rows


def build(folder: Path, scan: str = "10") -> None:
    """Describe the two files of one resource as a build does."""
    resource = ResourceDocument(
        label="DICOM",
        catalog=f"scan_{scan}_catalog.xml",
        file_count=2,
        file_size=28,
        uid="1.2.10",
        entries=tuple(
            CatalogEntry(
                uri=f"{name}.dcm", uid=f"1.2.{number}", instance_number=str(number), digest="ab"
            )
            for number, name in enumerate("bc", start=1)
        ),
    )
    put(folder / "SCANS" / scan / "DICOM" / resource.catalog, write_catalog(resource))
    session = SessionDocument(
        type="xnat:mrSessionData",
        root="xnat:MRSession",
        uid="1.2",
        label="MR_1",
        scans=(
            ScanDocument(
                id=scan,
                uid="1.2.10",
                xsi_type="xnat:mrScanData",
                series_description="t1",
                resources=(replace(resource, entries=()),),
            ),
        ),
    )
    document(folder).write_bytes(write_session(session))


def test_scans_that_nothing_has_built_are_the_folders(folder: Path) -> None:
    found = contents.contents(folder, document(folder))
    assert not found.built
    assert [(scan.id, scan.files, scan.bytes) for scan in found.scans] == [
        ("2", 1, 13),
        ("10", 3, 46),
    ]


def test_scans_that_came_after_the_build_stand_behind_those_of_the_document(folder: Path) -> None:
    build(folder)
    (folder / BUILD_LOG).write_text("scan 10: left out\n")
    found = contents.contents(folder, document(folder))
    assert found.built
    assert [(scan.id, scan.files, scan.series_description) for scan in found.scans] == [
        ("10", 2, "t1"),
        ("2", 1, ""),
    ]
    assert found.warnings == ("scan 10: left out",)


def test_a_document_that_cannot_be_read_counts_as_none(folder: Path) -> None:
    document(folder).write_text("<MRSession")
    assert not contents.contents(folder, document(folder)).built


def test_files_are_windows_in_the_order_of_scans(folder: Path) -> None:
    page = contents.page(folder, "", 1, 2)
    assert page.total == 4
    assert [row.path for row in page.rows] == ["SCANS/10/DICOM/b.dcm", "SCANS/10/DICOM/c.dcm"]
    only = contents.page(folder, "2", 0, 10)
    assert [(row.path, row.size) for row in only.rows] == [("SCANS/2/DICOM/a.dcm", 13)]
    assert contents.page(folder, "3", 0, 10).total == 0


def test_catalogs_say_more_of_the_files_that_are_there(folder: Path) -> None:
    build(folder)
    put(folder / "SCANS/10/DICOM/late.dcm", b"late")
    (folder / "SCANS/10/DICOM/c.dcm").unlink()
    rows = {row.path.rpartition("/")[2]: row for row in every(folder, "10")}
    assert set(rows) == {"b.dcm", "late.dcm", "d.dcm"}
    assert (rows["b.dcm"].uid, rows["b.dcm"].digest, rows["b.dcm"].size) == ("1.2.1", "ab", 14)
    assert (rows["late.dcm"].uid, rows["late.dcm"].size) == ("", 4)


def test_a_listing_follows_the_folder(folder: Path) -> None:
    assert contents.page(folder, "", 0, 1).total == 4
    put(folder / "SCANS/2/DICOM/later.dcm", b"x")
    assert contents.page(folder, "", 0, 1).total == 5
    build(folder)
    assert {row.uid for row in every(folder, "10")} == {"1.2.1", "1.2.2", ""}


def test_windows_reach_over_resources(folder: Path) -> None:
    build(folder)
    whole = every(folder)
    assert [row.uid for row in whole] == ["", "1.2.1", "1.2.2", ""]
    for offset in range(6):
        for limit in range(6):
            page = contents.page(folder, "", offset, limit)
            assert (page.rows, page.total) == (whole[offset : offset + limit], 4)


def test_a_catalog_that_cannot_be_read_hides_no_file(folder: Path) -> None:
    build(folder)
    (folder / "SCANS/10/DICOM/scan_10_catalog.xml").write_text("<cat")
    assert [row.uid for row in every(folder)] == [""] * 4


def test_resources_of_the_session_have_no_scan(folder: Path) -> None:
    put(folder / "RESOURCES/notes/a/b.txt", b"text")
    (row,) = (row for row in every(folder) if not row.scan)
    assert (row.path, row.resource) == ("RESOURCES/notes/a/b.txt", "notes")
    assert all(path.startswith("SCANS/") for path in contents.object_paths(folder))


def test_names_of_any_bytes_can_be_told(folder: Path) -> None:
    put(folder / "SCANS/2/DICOM" / os.fsdecode(b"\xff.dcm"), b"x")
    paths = [row.path for row in every(folder, "2")]
    assert "SCANS/2/DICOM/\N{REPLACEMENT CHARACTER}.dcm" in paths
    assert all(path.encode() for path in paths)


def test_a_folder_that_is_gone_is_said_to_be(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    for ask in (
        lambda: contents.contents(gone, document(gone)),
        lambda: every(gone),
        lambda: contents.object_paths(gone),
        lambda: contents.read_piece(gone, "SCANS/1/DICOM/a", 0, 1),
    ):
        with pytest.raises(FileNotFoundError):
            ask()


def test_pieces_of_a_file_are_read(folder: Path) -> None:
    path = "SCANS/2/DICOM/a.dcm"
    assert contents.read_piece(folder, path, 0, 100) == b"2/DICOM/a.dcm"
    assert contents.read_piece(folder, path, 8, 3) == b"a.d"
    assert contents.read_piece(folder, path, 13, 3) == b""
    assert contents.read_piece(folder, path, 0, 0) == b""
    for offset, limit in ((-1, 1), (0, -1)):
        with pytest.raises(InvalidInput):
            contents.read_piece(folder, path, offset, limit)
    with pytest.raises(NotFound):
        contents.read_piece(folder, path, 1 << 70, 1)


@pytest.mark.parametrize(
    "path",
    ["../secret", "/etc/passwd", "SCANS/../../secret", "", "SCANS/2/\0", "link", "way/secret"],
)
def test_nothing_outside_of_the_folder_is_read(folder: Path, path: str) -> None:
    put(folder.parent / "secret", b"secret")
    (folder / "link").symlink_to(folder.parent / "secret")
    (folder / "way").symlink_to(folder.parent)
    with pytest.raises(Refused):
        contents.read_piece(folder, path, 0, 100)


@pytest.mark.parametrize(
    "path", ["SCANS", "SCANS/2/DICOM/none", "loop", "pipe", "SCANS/2/DICOM/a.dcm/x"]
)
def test_what_is_no_file_is_not_found(folder: Path, path: str) -> None:
    (folder / "loop").symlink_to(folder / "loop")
    os.mkfifo(folder / "pipe")
    with pytest.raises(NotFound):
        contents.read_piece(folder, path, 0, 100)
