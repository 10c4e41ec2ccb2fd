# SPDX-License-Identifier: Apache-2.0
"""The headers of a waiting session in another version: as its objects were received, and as the
project's script will leave them. Nothing is written. It runs in the process pool."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from engine.anonymize.runtime.reach import Reach
from engine.anonymize.runtime.record import recorded_in, records_in
from engine.anonymize.stored import Stored, open_stored, opened
from engine.dicom.header import Header, HeaderError
from engine.intake.identity import SOP_CLASS, SOP_INSTANCE
from engine.intake.kept import Key
from engine.intake.site_script import recorded
from engine.jobs.differences import OURS, kept_of
from engine.jobs.scripting import ScriptWork, guard
from engine.model.changes import ScriptOutcome
from engine.model.errors import InvalidInput
from engine.sessions.headers import MOST_UNREAD, Part

_UNKNOWN = "it is not known what it was"
_LEFT_OUT = "the script leaves it out"


class _Unknown(Exception):
    """There is no such version of an object; why is said."""


def received(
    folder: Path,
    files: tuple[str, ...],
    work: int,
    keys: Mapping[str, Key],
    prearchive: Path,
    session: str,
    stamp: str,
) -> Part:
    """Fold the headers of files as they were received, until so many rows have been read."""
    kept = kept_of(prearchive, session, stamp)

    def version(file: str, stored: Stored) -> Header:
        original = kept.find(keys.get(file), stored.head.text(SOP_INSTANCE) or "")
        if original is None:
            if any(one.startswith(OURS) for one in records_in(stored.head)):
                raise _Unknown(_UNKNOWN)
            return stored.head
        return opened(stored, Reach(), undo=original.undo).subject.head.header

    return _folded(folder, files, work, version)


def to_come(folder: Path, files: tuple[str, ...], work: int, script: ScriptWork | None) -> Part:
    """Fold the headers of files as a script will leave them, until so many rows have been read."""

    def version(_: str, stored: Stored) -> Header:
        if script is None or recorded_in(stored.head, script.record):
            return stored.head
        plan = script.plan()
        found = opened(stored, plan.reach)
        applied = plan.apply(found.subject, script.variables, undo=False, record="")
        if applied.outcome is ScriptOutcome.REJECTED:
            raise _Unknown(_LEFT_OUT)
        if not found.subject.changed and not applied.pixels:
            return stored.head
        recorded(found.subject, script.record, plan)
        pieces = b"".join(found.subject.head_pieces())
        return Header.index(pieces, explicit=stored.head.explicit)

    return _folded(folder, files, work, version)


def _folded(
    folder: Path, files: tuple[str, ...], work: int, version: Callable[[str, Stored], Header]
) -> Part:
    part = Part()
    for file in files:
        if part.fold.work > work:
            break
        try:
            stored = open_stored(folder / file, guard=guard())
            header = version(file, stored)
            meta = replace(
                stored.meta,
                sop_class=header.text(SOP_CLASS) or "",
                sop_instance=header.text(SOP_INSTANCE) or "",
            )
            part.fold.add(meta, header)
        except _Unknown as error:
            reason = str(error)
        except (InvalidInput, HeaderError):
            reason = "its header cannot be read for sure, or the script fails"
        except FileNotFoundError:
            reason = "it has gone"
        else:
            continue
        if len(part.unread) < MOST_UNREAD:
            part.unread.append(f"{file}: {reason}")
    if not folder.is_dir():
        raise FileNotFoundError(folder)
    return part
