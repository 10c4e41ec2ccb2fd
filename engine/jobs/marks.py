# SPDX-License-Identifier: Apache-2.0
"""Which of our scripts have changed the objects of sessions: one file of each says it. It runs in
the process pool."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.anonymize.hosting import script_of
from engine.anonymize.runtime.record import records_in
from engine.dicom.guard import Unreadable
from engine.dicom.header import HeaderError
from engine.dicom.part10 import read_header
from engine.jobs.scripting import guard


def marks(files: Sequence[Path]) -> list[tuple[str, ...]]:
    """Return for each file the ids of the scripts that it names, the last one last; none for a file
    that cannot be read."""
    return [_of(file) for file in files]


def _of(file: Path) -> tuple[str, ...]:
    try:
        _, header = read_header(file, guard=guard())
        return tuple(script_of(one) for one in records_in(header))
    except (OSError, HeaderError, Unreadable):
        return ()
