# SPDX-License-Identifier: Apache-2.0
"""Making a home of a backup. Nothing is written before the whole backup has been checked, and
nothing counts before all is written: until then it lies in a hidden folder of the new home, and the
settings, without which a folder is no home, come last.

A restored home stands by itself: its files are copies, never links to the backup, and its stores
lie within it, wherever those of the old one were. What settings name another place for a store is
changed, so that it never works on the stores of the home that the backup was taken of."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import yaml
from sqlalchemy import inspect, text

from engine.backup import manifest, snapshots
from engine.backup.check import check
from engine.backup.manifest import DATABASES, HOME, Entry, Whole
from engine.backup.pile import Told
from engine.database.connection import Address
from engine.database.migration import connect
from engine.model import access, settings_file
from engine.model.backups import Restored
from engine.model.errors import Conflict, Refused, Unavailable
from engine.model.home import Home
from engine.model.reserve import free
from engine.model.settings import DatabaseSettings, PathSettings, Settings
from engine.storage.folders import sync_folder

_RESTORING = ".restoring"
_PIECE = 1 << 20
_SETTINGS = "anteroom.yaml"


def restore(
    source: Path, home: Home, *, told: Told, urls: Mapping[str, str] | None = None
) -> Restored:
    """Make a home of a backup, or of the newest one in a folder.

    Args:
        source: the folder.
        home: a home that does not exist; its folder may, while it is empty.
        told: hears of the progress.
        urls: of PostgreSQL databases that take the place of those in the settings.

    Raises:
        NotFound: there is no backup.
        Refused: it was cut off, or its manifest was changed; or there is no room.
        Conflict: the home holds something.
        Unavailable: files of the backup are missing or were changed; nothing was written.
    """
    backup = manifest.find(source)
    root = home.root
    allowed = None if not home.of_system else root
    access.check_place(root, "the home", but=allowed)
    if Path(os.path.realpath(root)).is_relative_to(os.path.realpath(backup.folder.parent)):
        raise Refused(f"the home {root} would lie within the backups", hint="name another folder")
    _must_be_empty(root)
    check(backup, told=told)
    _must_fit(backup, root)
    access.make(root, access.OF_SYSTEM.home if home.of_system else access.OF_USER.home)
    hidden = root / _RESTORING
    shutil.rmtree(hidden, ignore_errors=True)
    hidden.mkdir(mode=0o700)
    try:
        _copy_all(backup, hidden, told)
        settings, moved = _adapted(hidden, root, backup, urls or {})
        _restore_databases(backup, settings)
        _let_follow(backup, settings)
    except BaseException:
        shutil.rmtree(hidden, ignore_errors=True)
        raise
    _put_into_place(hidden, root)
    return Restored(home=str(root), backup=backup.told, brought_in=tuple(moved))


def _must_be_empty(root: Path) -> None:
    if not root.exists():
        return
    if not root.is_dir():
        raise Conflict(f"{root} is no folder", hint="name another place with --home")
    held = [path.name for path in root.iterdir() if path.name not in (_RESTORING, "lost+found")]
    if held:
        raise Conflict(
            f"{root} is not empty",
            hint="a backup is restored into a new home: name it with --home, or move this one away",
        )


def _must_fit(backup: Whole, root: Path) -> None:
    there = root
    while not there.exists():
        there = there.parent
    if free(there) < backup.head.bytes:
        raise Refused(
            f"the backup has {backup.head.bytes:,} bytes, and there is room for {free(there):,}",
            hint="name a home on a larger disk",
        )


def _copy_all(backup: Whole, hidden: Path, told: Told) -> None:
    """Copy everything, comparing once more what is read."""
    files = size = 0
    folders: list[tuple[Path, int]] = []
    twins: dict[tuple[int, ...], Path] = {}
    for entry in backup.entries():
        below = entry.place.partition("/")[2]
        if not entry.place.startswith(f"{HOME}/"):
            continue
        target = hidden / below
        if entry.is_folder:
            target.mkdir(mode=0o700)
            folders.append((target, entry.mode))
            continue
        # Two names of one file are so again: of an object that a kill has left under both, one is
        # to go.
        twin = twins.get(entry.source[:4]) if entry.source else None
        if twin is not None:
            os.link(twin, target)
        else:
            _copy(backup.folder / entry.place, target, entry)
            if entry.source:
                twins[entry.source[:4]] = target
        files, size = files + 1, size + entry.size
        told("restoring files", files, size)
    for folder, mode in reversed(folders):
        folder.chmod(mode)


def _copy(source: Path, target: Path, entry: Entry) -> None:
    digest = hashlib.sha256()
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with source.open("rb") as old, open(os.open(target, flags, 0o600), "wb") as new:
        while piece := old.read(_PIECE):
            digest.update(piece)
            new.write(piece)
        os.fchmod(new.fileno(), entry.mode)
    if digest.hexdigest() != entry.sha256:
        raise Unavailable(
            f"{source} does not hold what it held a moment ago",
            hint="look at the disk that the backup is on",
        )


def _adapted(
    hidden: Path, root: Path, backup: Whole, urls: Mapping[str, str]
) -> tuple[Settings, list[str]]:
    """Change the settings so that all stores are within the new home; say which were changed.

    The settings that are returned are for the hidden folder."""
    file = hidden / _SETTINGS
    wanted = {
        f"paths.{name}": str(getattr(PathSettings(), name)) for name in PathSettings.__slots__
    }
    sqlite = DatabaseSettings()
    for name, kind in (
        ("archive_url", backup.head.archive_database),
        ("prearchive_url", backup.head.prearchive_database),
    ):
        if kind == "sqlite":
            wanted[f"databases.{name}"] = getattr(sqlite, name)
        elif name in urls:
            wanted[f"databases.{name}"] = urls[name]
    text_before = file.read_text("utf-8-sig")
    changed = _with_values(text_before, wanted)
    moved = [name for name, _ in changed]
    if changed:
        new = text_before
        for _, (start, end, value) in reversed(changed):
            new = new[:start] + value + new[end:]
        file.write_text(new, "utf-8")
    settings, problems = settings_file.parse(file.read_bytes(), root / _SETTINGS)
    if problems:
        raise Refused(
            f"the settings in the backup cannot be used: {problems[0]}", problems=tuple(problems)
        )
    return settings.resolved(hidden), moved


_Change = tuple[str, tuple[int, int, str]]


def _with_values(content: str, wanted: Mapping[str, str]) -> list[_Change]:
    """Find where values stand that differ from what is wanted, in the order of the text."""
    changes: list[_Change] = []
    document = yaml.compose(content, Loader=yaml.SafeLoader)
    if not isinstance(document, yaml.MappingNode):
        return []
    for section, body in document.value:
        if not isinstance(body, yaml.MappingNode):
            continue
        for key, value in body.value:
            name = f"{section.value}.{key.value}"
            if name in wanted and value.value != wanted[name]:
                start, end = value.start_mark.index, value.end_mark.index
                changes.append((name, (start, end, f'"{wanted[name]}"')))
    return sorted(changes, key=lambda change: change[1][0])


def _restore_databases(backup: Whole, settings: Settings) -> None:
    databases = settings.databases
    for name, url, jobs in (
        ("archive", databases.archive_url, False),
        ("prearchive", databases.prearchive_url, True),
    ):
        dump = backup.folder / DATABASES / f"{name}.dump"
        if dump.is_file():
            snapshots.restore_postgresql(url, dump, snapshots.schemas_of(url, jobs=jobs))


def _let_follow(backup: Whole, settings: Settings) -> None:
    """Let this machine be the one that has the journals and jobs of the one that was copied. No
    engine is alive on a home that is just being made."""
    was, now = backup.head.node, settings.node.name
    url = settings.databases.prearchive_url
    address = Address.parse(url)
    schema = "" if address.is_sqlite else f'"{snapshots.schemas_of(url, jobs=True)[1]}".'
    with connect(url) as connection:
        connection.execute(text("DELETE FROM nodes"))
        if was == now:
            return
        names = {"now": now, "was": was}
        connection.execute(text("UPDATE journals SET node = :now WHERE node = :was"), names)
        connection.execute(text("UPDATE held SET node = :now WHERE node = :was"), names)
        if inspect(connection).has_table("workflow_status", schema=schema.strip('".') or None):
            jobs = f"UPDATE {schema}workflow_status SET executor_id = :now WHERE executor_id = :was"
            connection.execute(text(jobs), names)


def _put_into_place(hidden: Path, root: Path) -> None:
    """Bring everything out of the hidden folder: stores, databases, and at last the settings."""
    os.sync()

    def last(path: Path) -> tuple[bool, bool, str]:
        return path.name == _SETTINGS, not path.is_dir(), path.name

    for path in sorted(hidden.iterdir(), key=last):
        sync_folder(root)
        os.rename(path, root / path.name)
    hidden.rmdir()
    sync_folder(root)
