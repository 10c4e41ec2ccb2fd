# SPDX-License-Identifier: Apache-2.0
"""The SQLite library of this Python: which version is needed, and a function that older versions
lack. Databases are opened elsewhere."""

from __future__ import annotations

import sqlite3
import time

from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from engine.model.errors import Refused

Version = tuple[int, int, int]

OLDEST: Version = (3, 35, 0)
"""The first that answers a change with the rows that it has changed (RETURNING)."""

_KNOWS_SUBSEC: Version = (3, 42, 0)
"""The first whose `unixepoch('subsec')` gives more than NULL."""


def found() -> Version:
    """Return the version of the library that this Python has loaded."""
    return sqlite3.sqlite_version_info


def described() -> str:
    """Return which version there is, and which is needed, for people."""
    return f"SQLite {_said(found())}, {_said(OLDEST)} or newer is needed"


def must_suffice() -> None:
    """See that the library is new enough.

    Raises:
        Refused: if it is not.
    """
    if found() < OLDEST:
        raise Refused(
            f"Anteroom needs SQLite {_said(OLDEST)} or newer, and this Python has {_said(found())}",
            hint="install with a Python that has a newer one (python3 -c 'import sqlite3; "
            "print(sqlite3.sqlite_version)' tells), or keep both databases in PostgreSQL",
        )


def complete(
    connection: DBAPIConnection | sqlite3.Connection, _record: ConnectionPoolEntry | None = None
) -> None:
    """Let a new connection to an older SQLite answer `unixepoch('subsec')`.

    dbos asks for it on Python 3.12 and newer, whichever SQLite there is, and writes it into its
    tables: a file that such a Python has made needs it on Python 3.11 as well."""
    if found() >= _KNOWS_SUBSEC:
        return
    create_function = getattr(connection, "create_function", None)
    if create_function is not None:  # PostgreSQL's have none
        create_function("unixepoch", 1, _unixepoch)


def _unixepoch(modifier: str) -> float:
    """Return the seconds since 1970, to the millisecond; nothing else is asked for."""
    if modifier != "subsec":
        raise ValueError(modifier)
    return time.time_ns() // 1_000_000 / 1000


def _said(version: Version) -> str:
    return ".".join(map(str, version))
