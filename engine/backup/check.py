# SPDX-License-Identifier: Apache-2.0
"""Checking a backup: every file that its manifest names is read and compared."""

from __future__ import annotations

from pathlib import Path

from engine.backup.manifest import HOME, Whole
from engine.backup.pile import Told, digest_of
from engine.backup.snapshots import check_sqlite
from engine.model.errors import Problem, Unavailable

_NAMED = 20


def check(backup: Whole, *, told: Told) -> None:
    """Read a whole backup.

    Raises:
        Refused: its manifest was changed.
        Unavailable: files are missing or were changed; `problems` names the first of them.
    """
    faults: list[Problem] = []
    wrong = files = size = 0
    for entry in backup.entries():
        path = backup.folder / entry.place
        if entry.is_folder:
            fault = "" if path.is_dir() and not path.is_symlink() else "is missing"
        else:
            fault = _fault(path, entry.size, entry.sha256)
            files, size = files + 1, size + entry.size
            told("checking files", files, size)
        if fault:
            wrong += 1
            faults += [Problem(message=f"{entry.place} {fault}")] if len(faults) < _NAMED else []
    if wrong:
        raise Unavailable(
            f"{wrong} of the files of {backup.folder} are not as they were written",
            hint="take another backup; look at the disk that this one is on",
            problems=tuple(faults),
        )
    for name in ("archive.db", "prearchive/prearchive.db"):
        database = backup.folder / HOME / name
        if database.is_file():
            check_sqlite(database)


def _fault(path: Path, size: int, digest: str) -> str:
    if path.is_symlink() or not path.is_file():
        return "is missing"
    if path.stat().st_size != size:
        return "has another size"
    found, _ = digest_of(path)
    return "" if found == digest else "has other content"
