# SPDX-License-Identifier: Apache-2.0
"""The values of findings, and the lines that would mend them: patient data. They are kept beside
the session, under `.reviews/{session}`, and never in a database, which keeps what was removed from
it for a while. They go with the session; callers decide who may see them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import msgspec

from engine.jobs.kept_reviews import FOLDER
from engine.model.findings import Finding, Findings
from engine.storage.files import PRIVATE, write_durably

_FILE = "findings"

_Kept = dict[str, tuple[str, str]]
"""By the key of a finding its value, and the line."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Kept).decode


def write(prearchive: Path, session: str, found: Iterable[Finding]) -> None:
    """Keep the values of a session's findings instead of those that are kept.

    Raises:
        OSError: if they cannot be written.
    """
    folder = prearchive / FOLDER / session
    folder.parent.mkdir(mode=0o700, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    kept = {one.key: (one.value, one.remedy) for one in found}
    write_durably(folder / _FILE, _encode(kept), mode=PRIVATE)


def filled(prearchive: Path, found: Findings) -> Findings:
    """Return findings with their values, as far as these are kept."""
    try:
        kept = _decode((prearchive / FOLDER / found.session / _FILE).read_bytes())
    except (OSError, msgspec.MsgspecError):
        return found
    rows = []
    for one in found.rows:
        value, remedy = kept.get(one.key, ("", ""))
        rows.append(replace(one, value=value, remedy=remedy))
    return replace(found, rows=tuple(rows))
