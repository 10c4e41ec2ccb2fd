# SPDX-License-Identifier: Apache-2.0
"""The private file of what an archived session's objects were, and what is found in it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from engine.archive.received import FILE, known, shortened, write

KEYS = [bytes([number]) * 32 for number in range(3)]
ENTRIES = [(key, f"SCANS/1/DICOM/{number}.dcm") for number, key in enumerate(KEYS)]


def test_what_was_written_is_known_as_long_as_it_lies_there(tmp_path: Path) -> None:
    write(tmp_path, ENTRIES)
    paths = [path for _, path in ENTRIES]
    assert known(tmp_path, paths) == {shortened(key) for key in KEYS}
    assert known(tmp_path, paths[:1]) == {shortened(KEYS[0])}
    assert known(tmp_path, []) == frozenset()
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


def test_an_empty_session_knows_nothing(tmp_path: Path) -> None:
    write(tmp_path, [])
    assert known(tmp_path, ["SCANS/1/DICOM/0.dcm"]) == frozenset()


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: b"x" + data, None])
def test_a_missing_or_damaged_file_knows_nothing(tmp_path: Path, change: object) -> None:
    write(tmp_path, ENTRIES)
    path = tmp_path / FILE
    if callable(change):
        path.write_bytes(change(path.read_bytes()))
    else:
        path.unlink()
    assert known(tmp_path, [path for _, path in ENTRIES]) == frozenset()
