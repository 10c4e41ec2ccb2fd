# SPDX-License-Identifier: Apache-2.0
"""What a file system can do is found out, and not assumed where that is not possible."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from engine.storage import file_system
from engine.storage.file_system import Abilities, abilities_of, name_descriptor


def mounted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, options: str) -> Path:
    """Let a folder be on a file system that /proc describes with `words`, and `options` of ext4."""
    device = os.stat(tmp_path).st_dev
    mounts = tmp_path / "mountinfo"
    line = f"9 1 {os.major(device)}:{os.minor(device)} / / rw,relatime shared:1 - {words}\n"
    mounts.write_text("8 1 0:999 / /proc rw - proc proc rw\n" + line)
    system = tmp_path / "ext4"
    (system / "sda1").mkdir(parents=True)
    if options:
        (system / "sda1" / "options").write_text(f"rw\ndelalloc\n{options}\nbarrier\n")
    monkeypatch.setattr(file_system, "_MOUNTS", mounts)
    monkeypatch.setattr(file_system, "_EXT4", system)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "options", "in_order"),
    [
        ("ext4 /dev/sda1 rw,errors=remount-ro", "data=ordered", True),
        ("ext4 /dev/sda1 rw", "data=journal", True),
        # A default of the superblock, which the mount does not name.
        ("ext4 /dev/sda1 rw", "data=writeback", False),
        ("ext4 /dev/sda1 rw", "nobarrier", False),
        ("ext4 /dev/sda1 rw", "", False),
        ("xfs /dev/mapper/vg-home rw,noquota", "", True),
        ("nfs4 server:/home rw", "", False),
        ("overlay overlay rw,lowerdir=/a", "data=ordered", False),
        ("tmpfs tmpfs rw", "", False),
    ],
)
def test_only_known_file_systems_commit_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, options: str, in_order: bool
) -> None:
    folder = mounted(tmp_path, monkeypatch, words, options)
    assert abilities_of(folder).in_order is in_order


def test_where_nothing_can_be_found_out_nothing_is_assumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_system, "_MOUNTS", tmp_path / "nowhere")

    def not_supported(*_: object, **__: object) -> int:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    monkeypatch.setattr(os, "open", not_supported)
    assert abilities_of(tmp_path) == Abilities()


def test_without_proc_files_have_names_from_the_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing_there(*_: object, **__: object) -> None:
        raise FileNotFoundError(errno.ENOENT, "no /proc")

    monkeypatch.setattr(os, "link", nothing_there)
    assert not abilities_of(tmp_path).unnamed
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_named_once_its_bytes_are_written(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path, os.O_RDWR | os.O_TMPFILE, 0o600)
    os.write(descriptor, b"bytes")
    assert list(tmp_path.iterdir()) == []
    name_descriptor(descriptor, str(tmp_path / "a"))
    assert (tmp_path / "a").read_bytes() == b"bytes"
    with pytest.raises(FileExistsError):
        name_descriptor(descriptor, str(tmp_path / "a"))
    os.close(descriptor)
