# SPDX-License-Identifier: Apache-2.0
"""Room that is kept for a full disk."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.model import reserve
from engine.model.reserve import NAME, Reserve

SIZE = 64 * 1024


def test_one_file_keeps_real_blocks_of_each_disk(tmp_path: Path) -> None:
    (tmp_path / "prearchive").mkdir()
    kept = Reserve((tmp_path / "prearchive", tmp_path), size=SIZE)
    assert kept.fill()
    (file,) = tmp_path.rglob(NAME)
    assert file.stat().st_blocks * 512 >= SIZE
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("free", "stays"), [(SIZE, True), (SIZE - 1, False)])
def test_it_is_given_up_only_where_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, stays: bool
) -> None:
    kept = Reserve((tmp_path,), size=SIZE)
    assert kept.fill()
    monkeypatch.setattr(reserve, "free", lambda _: free)
    kept.give_up()
    assert (tmp_path / NAME).exists() is stays


def test_it_is_not_taken_from_a_disk_that_has_little(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Reserve((tmp_path,), size=SIZE)
    monkeypatch.setattr(reserve, "free", lambda _: 2 * SIZE - 1)
    assert not kept.fill()
    assert not (tmp_path / NAME).exists()
    monkeypatch.undo()
    assert kept.fill()


def test_a_disk_that_fills_up_meanwhile_keeps_nothing_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    assert not Reserve((tmp_path,), size=SIZE).fill()
    assert not (tmp_path / NAME).exists()
