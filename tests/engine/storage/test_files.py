# SPDX-License-Identifier: Apache-2.0
"""What is written or renamed durably: the order of the calls, and what a kill leaves between
them."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.storage.files import (
    PRIVATE,
    link_or_copy,
    rename_durably,
    write_durably,
    write_synced,
)


class Killed(BaseException):
    """The end of a process."""


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The calls that change or sync something, in order."""
    noted: list[str] = []

    def watch(owner: object, name: str, tell: Callable[..., str]) -> None:
        real = getattr(owner, name)

        def call(*arguments: object, **keywords: object) -> object:
            noted.append(tell(*arguments))
            return real(*arguments, **keywords)

        monkeypatch.setattr(owner, name, call)

    watch(os, "fsync", lambda descriptor: f"fsync {_name(descriptor)}")
    watch(os, "rename", lambda old, new: f"rename {old.name} {new.name}")
    watch(os, "replace", lambda old, new: f"replace {old.name} {new.name}")
    return noted


def _name(descriptor: int) -> str:
    return Path(os.readlink(f"/proc/self/fd/{descriptor}")).name


def test_the_new_file_is_on_disk_before_it_has_the_name(tmp_path: Path, calls: list[str]) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"old")
    write_durably(path, b"new", written=lambda: calls.append(path.read_text()))
    assert path.read_bytes() == b"new"
    assert calls == ["fsync .x.tmp", "old", "replace .x.tmp x", f"fsync {tmp_path.name}"]
    assert list(tmp_path.iterdir()) == [path]


def test_a_kill_leaves_the_old_file_and_the_next_write_ends_well(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"old")

    def dies() -> None:
        raise Killed

    with pytest.raises(Killed):
        write_durably(path, b"longer than new", written=dies)
    assert path.read_bytes() == b"old"
    write_durably(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_private_is_readable_by_its_owner_only(tmp_path: Path, calls: list[str]) -> None:
    write_synced(tmp_path / "x", (b"a", b"b"), mode=PRIVATE)
    assert (tmp_path / "x").read_bytes() == b"ab"
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == PRIVATE
    assert calls == ["fsync x"]


def test_a_folder_is_there_for_good_before_it_is_gone_for_good(
    tmp_path: Path, calls: list[str]
) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    for folder in (old / "x", new):
        folder.mkdir(parents=True)
    for _ in range(2):
        # Run again after a kill it has only to sync.
        rename_durably(old / "x", new / "y")
        assert calls == ["rename x y", "fsync new", "fsync old"]
        calls.clear()
    assert (new / "y").is_dir()


def test_one_folder_is_synced_once_and_one_that_is_gone_not_at_all(
    tmp_path: Path, calls: list[str]
) -> None:
    (tmp_path / "x").touch()
    rename_durably(tmp_path / "x", tmp_path / "y")
    assert calls == ["rename x y", f"fsync {tmp_path.name}"]
    calls.clear()
    rename_durably(tmp_path / "gone" / "x", tmp_path / "y")
    assert calls == ["rename x y", f"fsync {tmp_path.name}"]


def test_on_another_file_system_a_file_is_copied_and_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = tmp_path / "x", tmp_path / "y"
    source.write_bytes(b"bytes")
    link_or_copy(source, target)
    assert target.samefile(source)
    target.unlink()
    synced: list[int] = []

    def elsewhere(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(os, "link", elsewhere)
    monkeypatch.setattr(os, "fdatasync", synced.append)
    link_or_copy(source, target)
    assert (target.read_bytes(), len(synced)) == (b"bytes", 1)
    assert not target.samefile(source)
    with pytest.raises(FileExistsError):
        link_or_copy(source, target)
