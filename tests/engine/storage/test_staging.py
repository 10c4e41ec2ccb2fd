# SPDX-License-Identifier: Apache-2.0
"""Staged files and the step that makes them visible, with faults of the file system played."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from engine.dicom.digest import DataSetDigest
from engine.dicom.header import HeaderError
from engine.dicom.part10 import write_meta
from engine.storage.file_system import Abilities
from engine.storage.folders import sync_folder
from engine.storage.staging import (
    FolderGone,
    StagedFile,
    StagingArea,
    is_torn,
    publish,
    stored_digest,
    vouch_for,
    withdraw,
)

BODY = b"\x08\x00\x18\x00UI\x04\x001.2\x00"


PLAIN = Abilities()
IN_ORDER = Abilities(unnamed=True, in_order=True)


@pytest.fixture(params=[PLAIN, IN_ORDER], ids=["plain", "in order"])
def area(tmp_path: Path, request: pytest.FixtureRequest) -> StagingArea:
    return StagingArea(tmp_path / ".staging", "w1", request.param)


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
    assert stat.S_IMODE(file.named().stat().st_mode) == 0o600
    file.discard()


def test_a_name_is_never_used_twice(area: StagingArea) -> None:
    first = area.new_file("a")
    first.named()
    with pytest.raises(FileExistsError):
        area.new_file("a").named()
    first.discard()


def test_a_file_has_a_name_in_staging_only_where_that_is_asked_for(tmp_path: Path) -> None:
    area = StagingArea(tmp_path / ".staging", "w1", IN_ORDER)
    file = staged(area)
    assert list(area.folder.iterdir()) == []
    assert file.named() == file.named() == area.folder / "a"
    assert file.named().read_bytes().endswith(BODY)
    file.discard()
    assert list(area.folder.iterdir()) == []


def test_more_chunks_than_one_call_takes(area: StagingArea) -> None:
    chunks = [bytes([n % 251]) * (n % 5) for n in range(3000)]
    file = area.new_file("a")
    file.write([memoryview(chunk) for chunk in chunks])
    assert file.named().read_bytes() == b"".join(chunks)
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
    assert file.named().read_bytes() == b"0123456789abcd"
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
    publish(file, str(session), "3", "a.dcm", durable=durable)
    file.discard()
    found = session / "SCANS" / "3" / "DICOM" / "a.dcm"
    assert found.read_bytes().endswith(BODY)
    assert found.stat().st_nlink == 1
    assert list(area.folder.iterdir()) == []


def test_a_taken_name_is_left_as_it_is(area: StagingArea, session: Path) -> None:
    first, second = staged(area, "a"), staged(area, "b", b"other")
    publish(first, str(session), "3", "a.dcm", durable=True)
    with pytest.raises(FileExistsError):
        publish(second, str(session), "3", "a.dcm", durable=True)
    assert (session / "SCANS/3/DICOM/a.dcm").read_bytes().endswith(BODY)
    first.discard()
    second.discard()


def test_a_session_folder_is_never_made(area: StagingArea, session: Path) -> None:
    file = staged(area)
    session.rename(session.with_name("taken"))
    with pytest.raises(FolderGone):
        publish(file, str(session), "3", "a.dcm", durable=True)
    assert not session.exists()
    file.discard()


def test_a_folder_that_goes_while_the_link_is_made(
    area: StagingArea, session: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = staged(area)
    (session / "SCANS/3/DICOM").mkdir(parents=True)
    link = os.link

    def renamed_first(*paths: str, **how: object) -> None:
        if session.exists():
            session.rename(session.with_name("taken"))
        link(*paths, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "link", renamed_first)
    with pytest.raises(FolderGone):
        publish(file, str(session), "3", "a.dcm", durable=True)
    assert list((session.with_name("taken") / "SCANS/3/DICOM").iterdir()) == []
    file.discard()


def test_a_scan_folder_that_a_build_removes_is_made_again(
    area: StagingArea, session: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = staged(area)
    link = os.link
    removed: list[Path] = []

    def removed_first(*paths: str, **how: object) -> None:
        if not removed:
            removed.append(Path(paths[1]).parent)
            removed[0].rmdir()
            removed[0].parent.rmdir()
        link(*paths, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "link", removed_first)
    publish(file, str(session), "3", "a.dcm", durable=True)
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
    for number in range(4):
        file = staged(area, f"a{number}")
        file.prepare()
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", failing(number))
            with pytest.raises(OSError, match="Input/output"):
                publish(file, str(session), "3", "a.dcm", durable=True)
        assert not (session / "SCANS/3/DICOM/a.dcm").exists()
        file.discard()
    file = staged(area)
    publish(file, str(session), "3", "a.dcm", durable=True)
    assert (session / "SCANS/3/DICOM/a.dcm").exists()
    file.discard()


@pytest.mark.parametrize("states", [True, False])
def test_what_a_crash_has_cut_off_is_told_by_its_size(
    tmp_path: Path, session: Path, monkeypatch: pytest.MonkeyPatch, states: bool
) -> None:
    area = StagingArea(tmp_path / ".staging", "w1", IN_ORDER)
    file = staged(area)
    synced: list[str] = []
    monkeypatch.setattr(os, "fdatasync", lambda _: synced.append("bytes"))
    monkeypatch.setattr(os, "fsync", lambda _: synced.append("name"))
    if not states:

        def no_room(*_: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(os, "setxattr", no_room)
    file.prepare()
    (session / "SCANS/3/DICOM").mkdir(parents=True)
    publish(file, str(session), "3", "a.dcm", durable=True)
    file.discard()
    # Where it cannot state its size, its bytes are synced before it gets the name.
    assert synced == (["name"] if states else ["bytes", "name"])
    found = session / "SCANS/3/DICOM/a.dcm"
    assert not is_torn(found)
    size = found.stat().st_size
    os.truncate(found, 100)
    assert is_torn(found) is states
    # The same length, but nothing was written.
    os.truncate(found, 0)
    assert is_torn(found) is states
    os.truncate(found, size)
    assert is_torn(found) is states
    # Whoever has read it has not made it whole.
    found.read_bytes()
    assert is_torn(found) is states
    with pytest.raises(FileNotFoundError):
        is_torn(found.with_name("b.dcm"))


def test_a_copy_with_holes_is_not_torn(tmp_path: Path, session: Path) -> None:
    area = StagingArea(tmp_path / ".staging", "w1", IN_ORDER)
    file = staged(area, body=BODY + bytes(300_000))
    file.prepare()
    publish(file, str(session), "3", "a.dcm", durable=True)
    file.discard()
    found, copy = session / "SCANS/3/DICOM/a.dcm", tmp_path / "copy.dcm"
    subprocess.run(["cp", "-a", "--sparse=always", str(found), str(copy)], check=True)
    assert os.listxattr(copy) == os.listxattr(found)
    assert not is_torn(copy)


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
    publish(files[0], str(session), "3", "a.dcm", durable=False)
    assert synced == []
    publish(files[1], str(session), "3", "b.dcm", durable=True)
    assert synced == ["session", "SCANS", "3"]
    publish(files[2], str(session), "3", "c.dcm", durable=True)
    vouch_for(session, "3", "a.dcm")
    assert synced == ["session", "SCANS", "3"]
    for file in files:
        file.discard()


def test_a_published_object_can_be_taken_back(area: StagingArea, session: Path) -> None:
    file = staged(area)
    publish(file, str(session), "3", "a.dcm", durable=True)
    withdraw(session, "3", "a.dcm")
    withdraw(session, "3", "a.dcm")
    assert list((session / "SCANS/3/DICOM").iterdir()) == []
    file.discard()


def test_the_digest_is_that_of_the_data_set(area: StagingArea) -> None:
    body = BODY * 400_000
    file = staged(area, body=body)
    path = file.named()
    file.close()
    assert stored_digest(path) == ("1.2", DataSetDigest(body).text)


def test_what_is_no_part_10_file_has_no_digest(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"x" * 200)
    with pytest.raises(HeaderError):
        stored_digest(path)


def test_who_compares_waits_until_the_fate_is_decided(area: StagingArea, session: Path) -> None:
    file = staged(area)
    publish(file, str(session), "3", "a.dcm", durable=True)
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
