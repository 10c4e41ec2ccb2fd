# SPDX-License-Identifier: Apache-2.0
"""New folders bear a mark until they are durable."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from engine.storage import folders
from engine.storage.folders import make_durably, make_folders, settle

PARTS = ("SCANS", "1", "DICOM")


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders that were synced, in order."""
    noted: list[Path] = []
    monkeypatch.setattr(folders, "sync_folder", noted.append)
    return noted


def _settle(session: Path) -> None:
    handle = os.open(session.joinpath(*PARTS), os.O_RDONLY | os.O_DIRECTORY)
    try:
        settle(handle, session, *PARTS)
    finally:
        os.close(handle)


def test_who_comes_upon_a_new_folder_syncs_what_is_above_it_and_nobody_after(
    tmp_path: Path, synced: list[Path]
) -> None:
    make_folders(tmp_path, *PARTS)
    make_folders(tmp_path, *PARTS)
    _settle(tmp_path)
    assert synced == [tmp_path, tmp_path / "SCANS", tmp_path / "SCANS/1"]
    _settle(tmp_path)
    assert len(synced) == 3
    assert stat.S_IMODE(tmp_path.joinpath(*PARTS).stat().st_mode) == 0o700


def test_a_sync_that_fails_leaves_the_mark_for_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_folders(tmp_path, *PARTS)

    def fail(_: Path) -> None:
        raise OSError(errno.EIO, "no")

    with monkeypatch.context() as patch:
        patch.setattr(folders, "sync_folder", fail)
        with pytest.raises(OSError, match="no"):
            _settle(tmp_path)
    assert tmp_path.joinpath(*PARTS).stat().st_mode & stat.S_ISVTX
    _settle(tmp_path)
    assert not tmp_path.joinpath(*PARTS).stat().st_mode & stat.S_ISVTX


def test_all_on_the_way_are_synced_also_those_that_were_there(
    tmp_path: Path, synced: list[Path]
) -> None:
    (tmp_path / "PROJECT").mkdir()
    make_durably(tmp_path, tmp_path / "PROJECT" / "arc001", mode=0o750)
    assert synced == [tmp_path, tmp_path / "PROJECT"]
    assert (tmp_path / "PROJECT" / "arc001").is_dir()
