# SPDX-License-Identifier: Apache-2.0
"""A database and its transactions, the same on SQLite and PostgreSQL. No tables are known here;
stores use the session of a transaction, so that callers decide what commits together."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import Pool

from engine.database import sqlite_library
from engine.database.outage import missing, plainly

BUSY_SECONDS = 30
"""How long a SQLite connection waits for a lock that another process holds."""

_SCHEMA = re.compile(r"([a-z_][a-z0-9_]{0,62})?")
_READERS = 4
_POSTGRESQL_POOL = 8

_SQLITE_PRAGMAS = (
    f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}",
    "PRAGMA journal_mode = WAL",
    # FULL makes every commit durable in WAL mode; NORMAL could lose the last ones with the power.
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    # What is deleted is overwritten: labels that a patient's name had given do not stay behind.
    "PRAGMA secure_delete = ON",
)

# Of every pool in the program: dbos makes its own.
event.listen(Pool, "connect", sqlite_library.complete)


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """Where a database is: the URL without our own parameters, and the PostgreSQL schema."""

    url: URL
    schema: str = ""

    @classmethod
    def parse(cls, url: str) -> Address:
        """Read `sqlite:///file` or `postgresql://…[?schema=name]`.

        Raises:
            ValueError: another kind of database, or a SQLite database without a file.
        """
        parsed = make_url(url)
        backend = parsed.get_backend_name()
        if backend == "sqlite":
            if parsed.database in (None, "", ":memory:"):
                raise ValueError("a SQLite database needs a file: memory cannot be shared")
            return cls(url=parsed.set(drivername="sqlite"))
        if backend == "postgresql":
            schema = parsed.query.get("schema", "")
            if not isinstance(schema, str) or not _SCHEMA.fullmatch(schema):
                raise ValueError("a PostgreSQL URL names one schema, in lower case letters")
            bare = parsed.difference_update_query(["schema"])
            return cls(url=bare.set(drivername="postgresql+psycopg"), schema=schema)
        raise ValueError(f"{backend} is not supported: use sqlite or postgresql")

    @property
    def is_sqlite(self) -> bool:
        """Whether this is a SQLite file."""
        return self.url.get_backend_name() == "sqlite"

    @property
    def file(self) -> Path | None:
        """The file of a SQLite database."""
        return Path(self.url.database) if self.is_sqlite and self.url.database else None

    @property
    def connect_args(self) -> dict[str, Any]:
        """What a driver needs beside the URL."""
        if self.is_sqlite:
            # Without this the driver opens and ends transactions by its own rules.
            return {"isolation_level": None, "timeout": BUSY_SECONDS}
        if self.schema:
            return {"options": f"-c search_path={self.schema}"}
        return {}


class Database:
    """One database: `read()` and `write()` give a transaction as an `AsyncSession`.

    Both raise `Outage`, with the way out, where the database does not work.
    """

    def __init__(self, address: Address, reader: AsyncEngine, writer: AsyncEngine) -> None:
        self.address = address
        self._reader = reader
        self._writer = writer
        # SQLite has one writer at a time. Waiting here is fair; its busy handler only polls.
        self._turn = asyncio.Lock() if address.is_sqlite else None
        self._holder: asyncio.Task[object] | None = None
        self._file: tuple[int, int] | None = None
        self._commits = 0

    @classmethod
    def open(cls, url: str) -> Database:
        """Open a database; nothing connects before the first transaction."""
        address = Address.parse(url)
        if address.is_sqlite:
            return cls(address, _sqlite(address, writes=False), _sqlite(address, writes=True))
        engine = create_async_engine(
            address.url,
            connect_args=address.connect_args,
            hide_parameters=True,
            pool_size=_POSTGRESQL_POOL,
            max_overflow=_POSTGRESQL_POOL,
            pool_pre_ping=True,
        )
        reader = engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        return cls(address, reader, engine)

    @property
    def is_sqlite(self) -> bool:
        """Whether this is a SQLite file."""
        return self.address.is_sqlite

    @property
    def commits(self) -> int:
        """How many transactions of `write()` have been committed."""
        return self._commits

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """Provide a transaction that sees one state and cannot change it."""
        with plainly(self.address.url):
            self._look()
            async with AsyncSession(self._reader, expire_on_commit=False) as session:
                yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """Provide a transaction that commits at the end and rolls back on an error.

        Raises:
            RuntimeError: this task is within another `write()` of this database, for which it would
                wait for ever.
        """
        if self._turn is None:
            async with self._transaction() as session:
                yield session
            return
        task = asyncio.current_task()
        if self._holder is task:
            raise RuntimeError("a write within a write: pass the session on instead")
        async with self._turn:
            self._holder = task
            try:
                async with self._transaction() as session:
                    yield session
            finally:
                self._holder = None

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncSession]:
        with plainly(self.address.url):
            self._look()
            async with (
                AsyncSession(self._writer, expire_on_commit=False) as session,
                session.begin(),
            ):
                yield session
            self._commits += 1

    def _look(self) -> None:
        """See that a SQLite file is still the one that was opened: connections go on without an
        error after it was removed, and what they write is gone with them.

        Raises:
            Outage: if it was removed or replaced.
        """
        file = self.address.file
        if file is None:
            return
        try:
            found = os.stat(file)
        except OSError:
            if self._file is None:
                return  # it is made by the first connection, or the reason is told by that
            raise missing(self.address.url) from None
        here = (found.st_dev, found.st_ino)
        if self._file is None:
            self._file = here
        elif self._file != here:
            raise missing(self.address.url, replaced=True)

    async def close(self) -> None:
        """Close all connections."""
        await self._reader.dispose()
        if self.is_sqlite:
            await self._writer.dispose()


def insert_into(
    session: AsyncSession, table: type[DeclarativeBase]
) -> sqlite.Insert | postgresql.Insert:
    """Start an INSERT that can say what to do on a conflict."""
    if session.get_bind().dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)


def _sqlite(address: Address, *, writes: bool) -> AsyncEngine:
    engine = create_async_engine(
        address.url.set(drivername="sqlite+aiosqlite"),
        connect_args=address.connect_args,
        # Errors quote the statement, and end in logs: its values do not belong there.
        hide_parameters=True,
        pool_size=1 if writes else _READERS,
        max_overflow=0,
    )
    # A deferred transaction that begins to write late can fail at once when another wrote between.
    begin = "BEGIN IMMEDIATE" if writes else "BEGIN"

    @event.listens_for(engine.sync_engine, "connect")
    def connect(connection: DBAPIConnection, _record: object) -> None:
        cursor = connection.cursor()
        for pragma in _SQLITE_PRAGMAS:
            cursor.execute(pragma)
        if not writes:
            cursor.execute("PRAGMA query_only = ON")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine
