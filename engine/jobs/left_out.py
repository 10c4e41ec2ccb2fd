# SPDX-License-Identifier: Apache-2.0
"""Which script ran over a session on its way to the archive, and which objects it rejected. This is
written beside the taken folder, because later steps report and count it, and a kill may come in
between."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from engine.jobs.context import WORKING
from engine.storage.files import write_durably

_NAME = "left_out.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOut:
    """Files that are not archived, by their paths below the session's folder."""

    files: tuple[str, ...] = ()
    by: str = ""
    """The script that ran, and its version; empty where none did."""


NOTHING = LeftOut()


def write(prearchive: Path, session: str, left_out: LeftOut) -> None:
    """Write it down durably."""
    write_durably(prearchive / WORKING / session / _NAME, msgspec.json.encode(left_out))


def read(prearchive: Path, session: str) -> LeftOut:
    """Return what is written down."""
    try:
        data = (prearchive / WORKING / session / _NAME).read_bytes()
    except FileNotFoundError:
        return NOTHING
    return msgspec.json.decode(data, type=LeftOut)


def forget(prearchive: Path, session: str) -> None:
    """Remove what an attempt before has written down."""
    (prearchive / WORKING / session / _NAME).unlink(missing_ok=True)
