# SPDX-License-Identifier: Apache-2.0
"""Describes why a database does not work: the disk is full, the server does not answer, the file is
missing or damaged. Each description has a hint. Errors of a statement itself (a constraint, a lost
race) are not outages and are passed on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from engine.model.errors import Outage
from engine.model.outage import GOES_ON, MAKE_ROOM

_PUT_BACK = (
    "stop the engine and put a copy back: your backup, or FILE.before-* beside it; a damaged "
    "prearchive database may also be moved away, for it is made anew from files and journals"
)
_SQLITE = {
    sqlite3.SQLITE_FULL: ("is full: its disk has no room", MAKE_ROOM),
    sqlite3.SQLITE_CORRUPT: ("is damaged", _PUT_BACK),
    sqlite3.SQLITE_NOTADB: ("is damaged: it is no database", _PUT_BACK),
    sqlite3.SQLITE_CANTOPEN: (
        "cannot be opened",
        "see whether the file and its folder are there and belong to the user of the engine",
    ),
    sqlite3.SQLITE_READONLY: (
        "cannot be written",
        "see whether file, folder and file system may be written by the user of the engine",
    ),
    sqlite3.SQLITE_PERM: ("may not be read", "give the file to the user who runs the engine"),
    sqlite3.SQLITE_IOERR: ("cannot be read or written: its disk fails", "look at the disk"),
    sqlite3.SQLITE_BUSY: (
        "is held by another program",
        "end what else has the file open, a backup or a tool; then ask again",
    ),
    sqlite3.SQLITE_LOCKED: ("is held by another program", "ask again"),
}
"""What people are told, by SQLite's primary result codes."""

_POSTGRESQL = {
    "53": ("has no room, memory or connection left", MAKE_ROOM),
    "25": ("takes no changes now", "see whether it is a standby"),
    "58": ("fails: its disk or its system does", "look into the log of the server"),
    **dict.fromkeys(
        ("", "08", "57"),
        (
            "does not answer",
            f"start it, or see why it does not answer; {GOES_ON}",
        ),
    ),
}
"""What people are told, by the class of PostgreSQL's SQLSTATE; none came where nobody answered.
Lost races and cancelled statements are of other classes, and no outages."""
_CANCELLED = "57014"
_TURNED_AWAY = (
    "answers, but lets nobody in",
    "its log says why: the user, the password or the database in anteroom.yaml may be wrong",
)


def outage_of(error: BaseException, url: URL) -> Outage | None:
    """Return what a fault of the database at `url` means to people; None where it is no outage."""
    said = _said(error)
    return _sentence(url, said) if said else None


def is_outage(error: BaseException) -> bool:
    """Say whether a fault is that the database does not work, not what a statement did wrong."""
    return _said(error) is not None


def _said(error: BaseException) -> tuple[str, str] | None:
    """Return what is the matter and the way out; None where it is no outage."""
    if isinstance(error, PoolTimeout):
        return ("is busy: no connection came free", "ask again")
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        # The low byte is the primary code; the rest says more than people can use.
        return _SQLITE.get(getattr(cause, "sqlite_errorcode", 0) & 0xFF)
    if isinstance(cause, psycopg.OperationalError) and cause.sqlstate != _CANCELLED:
        if cause.sqlstate is None and "FATAL" in str(cause):
            return _TURNED_AWAY  # libpq passes no code on from a first contact
        return _POSTGRESQL.get((cause.sqlstate or "")[:2])
    return None


@contextmanager
def plainly(url: URL) -> Iterator[None]:
    """Turn faults of the database at `url` into what they mean to people.

    Raises:
        Outage: instead of the driver's own error.
    """
    try:
        yield
    except Exception as error:
        told = outage_of(error, url)
        if told is None:
            raise
        raise told from error


def missing(url: URL, *, replaced: bool = False) -> Outage:
    """Return the error for a SQLite file that went away while it was open."""
    what = "was replaced" if replaced else "was removed"
    return Outage(
        f"the database {url.database} {what} while the engine runs",
        hint="stop the engine, restore the right file, and start it again",
    )


def _sentence(url: URL, said: tuple[str, str]) -> Outage:
    found, hint = said
    if url.get_backend_name() == "sqlite":
        return Outage(f"the database {url.database} {found}", hint=hint)
    place = f" at {url.host}" if url.host else ""
    return Outage(f"the PostgreSQL database {url.database}{place} {found}", hint=hint)
