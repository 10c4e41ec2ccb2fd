# SPDX-License-Identifier: Apache-2.0
"""The record of a deleted session: its row and its private index, written beside its files so that
it can be restored. Who may restore it is decided elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from engine.model.contents import Tombstone
from engine.model.errors import Conflict
from engine.model.prearchive import PrearchiveSession
from engine.prearchive.rows import to_session
from engine.prearchive.tables import ObjectRow, SessionRow
from engine.storage.files import write_synced
from engine.storage.folders import sync_folder

CARD = "session.json"
INDEX = "index.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Behind:
    """What a row knows and the outside does not see, and who deleted it when."""

    study_uid: str
    snapshot: int
    attempt: int
    built_objects: int
    deleted: datetime
    by: str
    routed: str = ""
    looked: datetime | None = None
    looked_by: str = ""
    account: str = ""
    file_name_template: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrashRecord:
    """A session as it was when it was deleted."""

    session: PrearchiveSession
    behind: Behind


class _Entry(msgspec.Struct, frozen=True, array_like=True):
    """One object of the private index; an array, because there may be many."""

    received_sop_uid: str
    digest: str
    file: str
    sop_uid: str
    size: int
    transfer: str
    recovered: bool


_ENTRIES = msgspec.json.Decoder(tuple[_Entry, ...])


def write(folder: Path, row: SessionRow, entries: Iterable[ObjectRow]) -> None:
    """Write card and index durably into the folder that a deletion has taken."""
    behind = Behind(
        study_uid=row.study_uid,
        snapshot=row.snapshot,
        attempt=row.attempt,
        built_objects=row.built_objects,
        deleted=datetime.now(UTC),
        by=row.asked_by,
        routed=row.routed,
        looked=row.looked,
        looked_by=row.looked_by,
        account=row.account,
        file_name_template=row.file_name_template,
    )
    card: dict[str, Any] = msgspec.to_builtins(to_session(row)) | msgspec.to_builtins(behind)
    listed = [
        _Entry(
            entry.received_sop_uid,
            entry.digest,
            entry.file,
            entry.sop_uid,
            entry.size,
            entry.transfer,
            entry.recovered,
        )
        for entry in entries
    ]
    write_synced(folder / INDEX, (msgspec.json.encode(listed),))
    write_synced(folder / CARD, (msgspec.json.encode(card),))
    sync_folder(folder)


def read(folder: Path) -> TrashRecord:
    """Read the card of a deleted session.

    Raises:
        Conflict: if it is missing or damaged.
    """
    try:
        data = (folder / CARD).read_bytes()
        session = msgspec.json.decode(data, type=PrearchiveSession)
        behind = msgspec.json.decode(data, type=Behind)
    except (OSError, msgspec.MsgspecError) as error:
        raise Conflict(f"the card of {folder.name} in the trash is missing or damaged") from error
    inside = folder / session.folder
    if session.id != folder.name or inside.parent != folder or not inside.is_dir():
        raise Conflict(f"the card of {folder.name} in the trash does not match its files")
    return TrashRecord(session=session, behind=behind)


def left(folder: Path, id: str, actor: str, reason: str) -> Tombstone:
    """Return what is to be kept of a session that goes for good; of a damaged one less is known."""
    session, behind = None, None
    with suppress(OSError, msgspec.MsgspecError):
        data = (folder / CARD).read_bytes()
        session = msgspec.json.decode(data, type=PrearchiveSession)
        behind = msgspec.json.decode(data, type=Behind)
    return Tombstone(
        id=id,
        project=session.project if session else None,
        objects=session.objects if session else 0,
        bytes=session.bytes if session else 0,
        deleted=behind.deleted if behind else None,
        by=behind.by if behind else "",
        gone=datetime.now(UTC),
        gone_by=actor,
        reason=reason,
    )


def read_index(folder: Path) -> list[ObjectRow]:
    """Read the private index of a deleted session.

    Raises:
        Conflict: if it is missing or damaged.
    """
    try:
        listed = _ENTRIES.decode((folder / INDEX).read_bytes())
    except (OSError, msgspec.MsgspecError) as error:
        raise Conflict(f"the index of {folder.name} in the trash is missing or damaged") from error
    return [
        ObjectRow(
            session=folder.name,
            received_sop_uid=entry.received_sop_uid,
            digest=entry.digest,
            file=entry.file,
            sop_uid=entry.sop_uid,
            size=entry.size,
            transfer=entry.transfer,
            recovered=entry.recovered,
        )
        for entry in listed
    ]


def remove(folder: Path) -> None:
    """Take card and index away, where the session is no longer a deleted one."""
    for name in (CARD, INDEX):
        (folder / name).unlink(missing_ok=True)
