# SPDX-License-Identifier: Apache-2.0
"""Staged files and the step that makes them visible, with faults of the file system played."""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from engine.dicom.digest import DataSetDigest
from engine.dicom.header import HeaderError
from engine.dicom.part10 import write_meta
from engine.storage.folders import sync_folder
from engine.storage.staging import (
    FolderGone,
    StagedFile,
    StagingArea,
    publish,
    stored_digest,
    vouch_for,
    withdraw,
)

BODY = b"\x08\x00\x18\x00UI\x04\x001.2\x00"


@pytest.fixture
def area(tmp_path: Path) -> StagingArea:
    return StagingArea(tmp_path / ".staging", "w1")


@pytest.fixture
def session(tmp_path: Path) -> Path:
    folder = tmp_path / "P" / "20260102_030405006" / "session"
    folder.mkdir(parents=True)
    return folder


def staged(area: StagingArea, name: str = "a", body: bytes = BODY) -> StagedFile:
    file = area.new_file(name)
    meta = write_meta(sop_class="1.1", sop_instance="1.2", transfer_syntax="1.2.840.10008.1.2.1")
    file.write((meta, body))
    return file


def test_folders_and_files_are_their_owners_only(area: StagingArea) -> None:
    file = area.new_file("a")
    assert stat.S_IMODE(area.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(area.held.stat().st_mode) == 0o700
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    file.discard()


def test_a_name_is_never_used_twice(area: StagingArea) -> None:
    file = area.new_file("a")
    with pytest.raises(FileExistsError):
        area.new_file("a")
    file.discard()


def test_more_chunks_than_one_call_takes(area: StagingArea) -> None:
    chunks = [bytes([n % 251]) * (n % 5) for n in range(3000)]
    file = area.new_file("a")
    file.write([memoryview(chunk) for chunk in chunks])
    assert file.path.read_bytes() == b"".join(chunks)
    file.discard()


def test_what_the_kernel_takes_in_parts_is_whole(
    area: StagingArea, monkeypatch: pytest.MonkeyPatch
) -> None:
    writev = os.writev

    def three_bytes(descriptor: int, chunks: Sequence[memoryview]) -> int:
        return writev(descriptor, [chunks[0][:3]])

    file = area.new_file("a")
    monkeypatch.setattr(os, "writev", three_bytes)
    file.write((b"0123456", b"", bytearray(b"789"), memoryview(b"abcd")))
    assert file.path.read_bytes() == b"0123456789abcd"
    file.discard()


def test_a_store_that_takes_nothing_is_an_error(
    area: StagingArea, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = area.new_file("a")
    monkeypatch.setattr(os, "writev", lambda descriptor, chunks: 0)
    with pytest.raises(OSError, match="nothing more"):
        file.write((b"x",))
    file.discard()
    assert list(area.folder.iterdir()) == []


@pytest.mark.parametrize("durable", [True, False])
def test_publishing_links_the_file_into_its_scan(
    area: StagingArea, session: Path, durable: bool
) -> None:
    file = staged(area)
    publish(file.location, str(session), "3", "a.dcm", durable=durable)
    file.discard()
    found = session / "SCANS" / "3" / "DICOM" / "a.dcm"
    assert found.read_bytes().endswith(BODY)
    assert found.stat().st_nlink == 1
    assert list(area.folder.iterdir()) == []


def test_a_taken_name_is_left_as_it_is(area: StagingArea, session: Path) -> None:
    first, second = staged(area, "a"), staged(area, "b", b"other")
    publish(first.location, str(session), "3", "a.dcm", durable=True)
    with pytest.raises(FileExistsError):
        publish(second.location, str(session), "3", "a.dcm", durable=True)
    assert (session / "SCANS/3/DICOM/a.dcm").read_bytes().endswith(BODY)
    first.discard()
    second.discard()


def test_a_session_folder_is_never_made(area: StagingArea, session: Path) -> None:
    file = staged(area)
    session.rename(session.with_name("taken"))
    with pytest.raises(FolderGone):
        publish(file.location, str(session), "3", "a.dcm", durable=True)
    assert not session.exists()
    file.discard()


def test_a_folder_that_goes_while_the_link_is_made(
    area: StagingArea, session: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = staged(area)
    (session / "SCANS/3/DICOM").mkdir(parents=True)
    link = os.link

    def renamed_first(source: Path, target: Path) -> None:
        if session.exists():
            session.rename(session.with_name("taken"))
        link(source, target)

    monkeypatch.setattr(os, "link", renamed_first)
    with pytest.raises(FolderGone):
        publish(file.location, str(session), "3", "a.dcm", durable=True)
    assert list((session.with_name("taken") / "SCANS/3/DICOM").iterdir()) == []
    file.discard()


def test_a_scan_folder_that_a_build_removes_is_made_again(
    area: StagingArea, session: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = staged(area)
    link = os.link
    removed: list[Path] = []

    def removed_first(source: str, target: str) -> None:
        if not removed:
            removed.append(Path(target).parent)
            removed[0].rmdir()
            removed[0].parent.rmdir()
        link(source, target)

    monkeypatch.setattr(os, "link", removed_first)
    publish(file.location, str(session), "3", "a.dcm", durable=True)
    assert (session / "SCANS/3/DICOM/a.dcm").exists()
    file.discard()


def failing(number: int) -> Callable[[int], None]:
    """Return an fsync that fails from its nth call on."""
    calls = iter(range(1000))

    def fsync(descriptor: int) -> None:
        if next(calls) >= number:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    return fsync


def test_what_is_not_durable_is_not_visible(
    area: StagingArea, session: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = staged(area)
    for number in range(4):
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", failing(number))
            with pytest.raises(OSError, match="Input/output"):
                publish(file.location, str(session), "3", "a.dcm", durable=True)
        assert not (session / "SCANS/3/DICOM/a.dcm").exists()
    publish(file.location, str(session), "3", "a.dcm", durable=True)
    assert (session / "SCANS/3/DICOM/a.dcm").exists()
    file.discard()


def test_new_folders_are_synced_once_whoever_made_them(
    area: StagingArea, session: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []

    def noted(folder: Path | str) -> None:
        synced.append(Path(folder).name)
        sync_folder(folder)

    monkeypatch.setattr("engine.storage.folders.sync_folder", noted)
    files = [staged(area, str(n)) for n in range(3)]
    # The first one is killed, so to speak, before it could sync.
    publish(files[0].location, str(session), "3", "a.dcm", durable=False)
    assert synced == []
    publish(files[1].location, str(session), "3", "b.dcm", durable=True)
    assert synced == ["session", "SCANS", "3"]
    publish(files[2].location, str(session), "3", "c.dcm", durable=True)
    vouch_for(session, "3")
    assert synced == ["session", "SCANS", "3"]
    for file in files:
        file.discard()


def test_a_published_object_can_be_taken_back(area: StagingArea, session: Path) -> None:
    file = staged(area)
    publish(file.location, str(session), "3", "a.dcm", durable=True)
    withdraw(session, "3", "a.dcm")
    withdraw(session, "3", "a.dcm")
    assert list((session / "SCANS/3/DICOM").iterdir()) == []
    file.discard()


def test_the_digest_is_that_of_the_data_set(area: StagingArea) -> None:
    body = BODY * 400_000
    file = staged(area, body=body)
    file.close()
    assert stored_digest(file.path) == ("1.2", DataSetDigest(body).text)


def test_what_is_no_part_10_file_has_no_digest(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"x" * 200)
    with pytest.raises(HeaderError):
        stored_digest(path)


def test_who_compares_waits_until_the_fate_is_decided(area: StagingArea, session: Path) -> None:
    file = staged(area)
    publish(file.location, str(session), "3", "a.dcm", durable=True)
    outcomes: list[str] = []

    def compare() -> None:
        try:
            outcomes.append(stored_digest(session / "SCANS/3/DICOM/a.dcm")[0])
        except FileNotFoundError:
            outcomes.append("taken back")

    thread = threading.Thread(target=compare)
    thread.start()
    withdraw(session, "3", "a.dcm")
    file.discard()
    thread.join()
    assert outcomes == ["taken back"]
