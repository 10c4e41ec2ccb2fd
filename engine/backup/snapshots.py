# SPDX-License-Identifier: Apache-2.0
"""A database as it is at one moment, written down later. The moment is that of a transaction which
only reads: nobody waits for it, and what is committed afterwards is not in it. SQLite is copied by
its own backup interface; PostgreSQL by `pg_dump`, and brought back by `pg_restore`."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol

from sqlalchemy import URL, create_engine, text
from sqlalchemy.engine import Connection
from sqlalchemy.pool import NullPool

from engine.database import sqlite_library
from engine.database.connection import BUSY_SECONDS, Address
from engine.database.outage import plainly
from engine.model.errors import Refused, Unavailable

_PAGES = 2048
"""Copied between two reports of progress."""

Progress = Callable[[int], None]
"""Hears how many bytes of a database have been copied."""


class Snapshot(Protocol):
    """A database as it was when this was opened."""

    def ask(self, query: str) -> list[tuple[str, ...]]:
        """Return the rows of a query that has words only."""
        ...

    def write(self, target: Path, told: Progress) -> None:
        """Write all of it into a new file."""
        ...


@contextmanager
def opened(url: str, schemas: Sequence[str]) -> Iterator[Snapshot]:
    """Hold a database at this moment for as long as the context lasts. `schemas` are those of
    PostgreSQL that belong to it.

    Raises:
        Refused: there is no such database, or no program that can copy it.
        Outage: it does not answer.
    """
    address = Address.parse(url)
    if address.file is not None:
        with _sqlite(address.file) as snapshot:
            yield snapshot
        return
    program("pg_dump")
    engine = create_engine(address.url, hide_parameters=True, poolclass=NullPool)
    reading = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    with plainly(address.url), reading.connect() as connection:
        if address.schema:
            connection.execute(text(f'SET LOCAL search_path TO "{address.schema}"'))
        name = connection.execute(text("SELECT pg_export_snapshot()")).scalar_one()
        yield _Postgresql(connection, address.url, schemas, str(name))


def schemas_of(url: str, *, jobs: bool) -> tuple[str, ...]:
    """Name the schemas of a PostgreSQL database; with `jobs` that of the job system too."""
    schema = Address.parse(url).schema
    return (schema or "public", *((f"{schema or 'anteroom'}_jobs",) if jobs else ()))


def check_sqlite(file: Path) -> None:
    """See that a copy of a SQLite database is sound.

    Raises:
        Unavailable: if it is not.
    """
    # Not changed by anybody, so that nothing is laid beside it.
    with closing(sqlite3.connect(f"{file.as_uri()}?immutable=1", uri=True)) as connection:
        sqlite_library.complete(connection)
        try:
            (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        except sqlite3.DatabaseError as error:
            found = str(error)
    if found != "ok":
        raise Unavailable(
            f"the copy of the database in {file} is damaged",
            hint="look at both disks; and at the database: anteroom doctor",
        )


def restore_postgresql(url: str, dump: Path, schemas: Sequence[str]) -> None:
    """Bring a dump back into a database whose schemas hold no tables.

    Raises:
        Refused: there are tables already.
        Unavailable: `pg_restore` fails.
    """
    address = Address.parse(url)
    _must_be_empty(address.url, schemas)
    only = [word for schema in schemas for word in ("--schema", schema)]
    command = ["--exit-on-error", "--single-transaction", "--no-owner", *only, str(dump)]
    _run("pg_restore", address.url, command)


def program(name: str) -> str:
    """Return the path of one of PostgreSQL's programs.

    Raises:
        Refused: it is not installed.
    """
    found = shutil.which(name)
    if found is None:
        raise Refused(
            f"the databases are in PostgreSQL, and {name} is not on this machine",
            hint="install the client programs of the server's version (postgresql-client)",
        )
    return found


class _Sqlite:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def ask(self, query: str) -> list[tuple[str, ...]]:
        """Return the rows of a query."""
        return self._connection.execute(query).fetchall()

    def write(self, target: Path, told: Progress) -> None:
        """Copy it page by page: within the transaction nothing begins anew when others commit."""
        target.touch(mode=0o600, exist_ok=False)
        (size,) = self._connection.execute("PRAGMA page_size").fetchone()

        def copied(_status: int, left: int, total: int) -> None:
            told((total - left) * size)

        with closing(sqlite3.connect(target)) as sink:
            self._connection.backup(sink, pages=_PAGES, progress=copied, sleep=0)
        # Only a copy that nobody has written to has no log beside it.
        for ending in ("-wal", "-shm", "-journal"):
            target.with_name(target.name + ending).unlink(missing_ok=True)


class _Postgresql:
    def __init__(
        self, connection: Connection, url: URL, schemas: Sequence[str], snapshot: str
    ) -> None:
        self._connection = connection
        self._url = url
        self._schemas = schemas
        self._snapshot = snapshot

    def ask(self, query: str) -> list[tuple[str, ...]]:
        """Return the rows of a query."""
        return [tuple(row) for row in self._connection.execute(text(query))]

    def write(self, target: Path, told: Progress) -> None:
        """Let `pg_dump` write what this transaction sees."""
        target.touch(mode=0o600, exist_ok=False)
        only = [word for schema in self._schemas for word in ("--schema", schema)]
        options = ["--format=custom", "--no-owner", f"--snapshot={self._snapshot}", *only]
        _run("pg_dump", self._url, [*options, f"--file={target}"])
        told(target.stat().st_size)


@contextmanager
def _sqlite(file: Path) -> Iterator[_Sqlite]:
    if not file.is_file():
        raise Refused(
            f"the database {file} is missing", hint="look what has happened: anteroom doctor"
        )
    with (
        plainly(Address.parse(f"sqlite:///{file}").url),
        closing(sqlite3.connect(file, timeout=BUSY_SECONDS, isolation_level=None)) as connection,
    ):
        sqlite_library.complete(connection)
        connection.execute("BEGIN")
        # The transaction sees what was committed before this question, not before it began.
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        yield _Sqlite(connection)


def _must_be_empty(url: URL, schemas: Sequence[str]) -> None:
    engine = create_engine(url, hide_parameters=True, poolclass=NullPool)
    tables = "SELECT count(*) FROM pg_tables WHERE schemaname = :schema"
    with plainly(url), engine.begin() as connection:
        for schema in schemas:
            if connection.execute(text(tables), {"schema": schema}).scalar_one():
                raise Refused(
                    f"the schema {schema} of the PostgreSQL database {url.database} has tables",
                    hint="name an empty database with --archive-url and --prearchive-url",
                )
            connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{schema}"'))


def _run(name: str, url: URL, options: Sequence[str]) -> None:
    """Run a program on a database; the password is not for the list of processes."""
    bare = url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    surroundings = dict(os.environ)
    if url.password:
        surroundings["PGPASSWORD"] = str(url.password)
    done = subprocess.run(
        [program(name), "--no-password", f"--dbname={bare}", *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=surroundings,
        check=False,
    )
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise Unavailable(
            f"{name} failed: {said[-1] if said else f'exit code {done.returncode}'}",
            hint="its version must not be older than that of the server",
        )
