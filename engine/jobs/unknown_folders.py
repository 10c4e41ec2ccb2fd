# SPDX-License-Identifier: Apache-2.0
"""Session folders without a row: which session each belongs to, and the row that it gets."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path

from engine.dicom.guard import Guard, Unreadable
from engine.dicom.header import HeaderError
from engine.dicom.part10 import read_header, read_meta
from engine.intake.originals import Originals
from engine.jobs.departure import object_files
from engine.model.states import Status
from engine.prearchive.tables import SessionRow

_TIMESTAMP = re.compile(r"\d{8}_\d{6}(\d{3})?")
_STUDY_UID = 0x0020000D
_HEAD = 8192
"""Bytes that hold the file meta information of what we have written."""


def found_row(prearchive: Path, folder: Path, id: str, first: Path | None = None) -> SessionRow:
    """Return a row for a session folder that none names; `first` is one of its objects, looked for
    if not given."""
    project = folder.parent.parent
    example = first or first_object(folder)
    study = _study_uid(example) if example is not None else ""
    now = datetime.now(UTC)
    return SessionRow(
        id=id,
        project=None if project == prearchive else project.name,
        timestamp=folder.parent.name,
        folder=folder.name,
        label=folder.name,
        received_study_uid=study,
        study_uid=study,
        status=Status.RECEIVING,
        accepting=False,
        uploaded=now,
        lastmod=now,
        last_object=now,
        objects=0,
        bytes=0,
    )


def session_folders(prearchive: Path) -> list[Path]:
    """List the session folders of a prearchive, those without a project among them."""
    found = []
    for top in sorted(prearchive.iterdir()):
        if top.name.startswith(".") or not top.is_dir():
            continue
        stamps = [top] if _TIMESTAMP.fullmatch(top.name) else sorted(top.iterdir())
        for stamp in stamps:
            if stamp.is_dir() and _TIMESTAMP.fullmatch(stamp.name):
                found += [path for path in sorted(stamp.iterdir()) if path.is_dir()]
    return found


def matched(
    sessions: Mapping[str, Collection[str]], folders: Mapping[Path, Collection[str]]
) -> dict[str, Path]:
    """Match sessions with folders by what is in them, those first that share most: objects of one
    study may have come to two sessions."""
    holders: dict[str, list[Path]] = defaultdict(list)
    for folder, names in folders.items():
        for name in names:
            holders[name].append(folder)
    shared = Counter(
        (session, folder)
        for session, names in sessions.items()
        for name in names
        for folder in holders.get(name, ())
    )
    found: dict[str, Path] = {}
    taken: set[Path] = set()
    for (session, folder), _ in sorted(shared.items(), key=lambda pair: (-pair[1], pair[0])):
        if session not in found and folder not in taken:
            found[session] = folder
            taken.add(folder)
    return found


def with_undo_records(
    prearchive: Path, folders: Collection[Path], known: Collection[str]
) -> dict[Path, str]:
    """Return the ids of sessions by their folders, as far as undo records tell: what the site
    script has changed of their objects is kept under that id. Ids that are `known` have another."""
    if not folders:
        return {}
    originals = Originals(prearchive)
    kept = {
        session: {original.sop for original in originals.of(session)}
        for session in originals.sessions()
        if session not in known
    }
    there = {folder: _stored_uids(folder) for folder in folders} if kept else {}
    return {folder: session for session, folder in matched(kept, there).items()}


def _stored_uids(folder: Path) -> set[str]:
    found = set()
    for file in object_files(folder):
        try:
            with (folder / file).open("rb") as opened:
                found.add(read_meta(opened.read(_HEAD)).sop_instance)
        except (FileNotFoundError, HeaderError):
            continue
    return found


def first_object(folder: Path) -> Path | None:
    """Return one of the objects of a session; None where it has none."""
    return next((path for path in folder.glob("SCANS/*/*/*") if path.is_file()), None)


def _study_uid(path: Path) -> str:
    guard = Guard()
    try:
        _, header = read_header(path, guard=guard)
        return header.text(_STUDY_UID) or ""
    except (OSError, HeaderError, Unreadable):
        return ""
    finally:
        guard.close()
