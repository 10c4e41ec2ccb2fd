# SPDX-License-Identifier: Apache-2.0
"""Migrates a database to the schema of this program, and refuses a newer one. A SQLite file is
copied before it is changed; on PostgreSQL a migration is one transaction, and backups are up to the
administrator."""

from __future__ import annotations

import asyncio
import glob
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from sqlalchemy import MetaData, create_engine, event, inspect, text
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateSchema

from engine.database import sqlite_library
from engine.database.columns import ArchiveTable, PrearchiveTable
from engine.database.connection import Address
from engine.database.outage import plainly
from engine.model.access import PRIVATE_FILE, tighten
from engine.model.errors import Refused

_FOLDER = Path(__file__).parent / "migrations"
_LOCK = 0x616E7465
"""The PostgreSQL advisory lock that lets one of several starting nodes migrate."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """One of the two databases: its tables, as far as their modules are imported, and where its
    revision is written."""

    name: str
    metadata: MetaData
    version_table: str

    @property
    def folder(self) -> Path:
        """Where its revisions stand, one a file that is called like it."""
        return _FOLDER / self.name

    @property
    def head(self) -> str:
        """The newest revision."""
        return max(file.name.partition("_")[0] for file in self.folder.glob("[a-z][0-9]*_*.py"))


SECTIONS = {
    "archive": Section(
        name="archive",
        metadata=ArchiveTable.metadata,
        version_table="anteroom_archive_version",
    ),
    "prearchive": Section(
        name="prearchive",
        metadata=PrearchiveTable.metadata,
        version_table="anteroom_prearchive_version",
    ),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Migrated:
    """Which revision a database had and has; `before` is empty for a new one."""

    before: str
    after: str
    backup: Path | None = None
    """The copy that was made first."""


async def migrate(
    url: str, section: str, *, backup: Path | None = None, in_use: bool = False
) -> Migrated:
    """Create or upgrade the tables of `section` (`archive` or `prearchive`) at `url`.

    Args:
        url: as for `Database.open`.
        section: which tree of revisions to run.
        backup: folder for the copy of a SQLite file; beside the file if not given.
        in_use: there are files that only this database knows of: one that is not there was lost,
            and an empty one must not take its place.

    Raises:
        Refused: the database was written by a newer program, or was lost, or SQLite is too old.
        Outage: it does not answer, or is damaged, or its disk is full.
    """
    address = Address.parse(url)
    if address.is_sqlite:
        sqlite_library.must_suffice()
    if in_use:
        await asyncio.to_thread(_must_be_there, address)
    return await asyncio.to_thread(_migrate, url, SECTIONS[section], backup)


def _must_be_there(address: Address) -> None:
    file = address.file
    if file is None or (file.exists() and file.stat().st_size):
        return
    copies = sorted(file.parent.glob(f"{file.name}.before-*"))
    older = f", or the copy of before its last migration: {copies[-1]}" if copies else ""
    raise Refused(
        f"the database {file} is missing or empty, though this home has been in use",
        hint=f"put it back from your backup{older}; to begin anew, take another home",
    )


@contextmanager
def connect(url: str) -> Iterator[Connection]:
    """Open a connection on which a migration may run, in one transaction that locks others out."""
    address = Address.parse(url)
    engine = create_engine(
        address.url,
        connect_args=dict(address.connect_args),
        hide_parameters=True,
        poolclass=NullPool,
    )
    if address.is_sqlite:
        # What a revision takes away is to be gone from the file as well.
        @event.listens_for(engine, "connect")
        def overwrite(connection: DBAPIConnection, _record: object) -> None:
            cursor = connection.cursor()
            cursor.execute("PRAGMA secure_delete = ON")
            cursor.close()

        # Foreign keys are not enforced here: a table that is rebuilt is dropped on the way.
        @event.listens_for(engine, "begin")
        def start(connection: Connection) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    with plainly(address.url), engine.begin() as connection:
        if not address.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            if address.schema:
                connection.execute(CreateSchema(address.schema, if_not_exists=True))
        yield connection


def _migrate(url: str, section: Section, backup: Path | None) -> Migrated:
    address = Address.parse(url)
    if address.file is not None:
        _make_private(address.file)
    head = section.head
    copy: Path | None = None
    with connect(url) as connection:
        if _is_at(connection, section, head):
            return Migrated(before=head, after=head)
        # Loaded here: a start is quicker without it, and rarely has anything to migrate.
        from engine.database import revisions  # noqa: PLC0415 (slow to load)

        before = revisions.current(connection, section)
        if before and before not in revisions.known(section):
            raise _newer(address, section, before, backup)
        if before and address.file is not None:
            # The lock is already ours: nothing can be committed between the copy and the change.
            copy = _copy(address.file, backup, head)
        revisions.bring_up(connection, section)
        _check_references(connection, address)
    return Migrated(before=before, after=head, backup=copy)


def _is_at(connection: Connection, section: Section, revision: str) -> bool:
    """Say whether a database has one revision, this one."""
    if not inspect(connection).has_table(section.version_table):
        return False
    found = connection.execute(text(f"SELECT version_num FROM {section.version_table}"))
    return [*found.scalars()] == [revision]


def _make_private(file: Path) -> None:
    """Let only its owner read a SQLite database, and what SQLite and migrations lay beside it."""
    with suppress(OSError):  # that it is there, or why it cannot be, SQLite finds out
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE_FILE))
    beside = [file.with_name(f"{file.name}{ending}") for ending in ("", "-wal", "-shm", "-journal")]
    for path in (*beside, *file.parent.glob(f"{glob.escape(file.name)}.before-*")):
        with suppress(OSError):
            tighten(path, PRIVATE_FILE)


def _check_references(connection: Connection, address: Address) -> None:
    if not address.is_sqlite:
        return
    stray = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if stray is not None:
        raise Refused(
            f"after the migration a row of {stray[0]} would point at nothing; nothing was changed",
            hint="run the doctor of the version that has written the database",
        )


def _copy(file: Path, folder: Path | None, revision: str) -> Path:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    target = (folder or file.parent) / f"{file.name}.before-{revision}-{stamp}"
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    partial.unlink(missing_ok=True)
    partial.touch(mode=0o600)
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(partial)) as sink:
        source.backup(sink)
    shutil.copymode(file, partial)
    _sync(partial)
    partial.rename(target)
    _sync(target.parent)
    return target


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _newer(address: Address, section: Section, found: str, folder: Path | None) -> Refused:
    file = address.file
    place = (folder or file.parent) if file is not None else None
    copies = sorted(place.glob(f"{file.name}.before-*")) if place and file is not None else []
    way_back = "start the newer version again"
    if copies:
        named = ", ".join(str(copy) for copy in copies)
        way_back += f", or put a copy from before its change in place: {named}"
    elif file is None:
        way_back += ", or restore the database from a copy made before it"
    return Refused(
        f"the {section.name} database has revision {found}, which this version "
        f"({version('anteroom')}) does not know: a newer version has written it",
        hint=way_back,
    )
