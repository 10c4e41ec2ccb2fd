# SPDX-License-Identifier: Apache-2.0
"""Tells whether anything has been committed to a database since it was last looked at, whoever has
done it, at next to no cost: what goes on in the background then asks nothing while nothing happens,
and sees a change in the same rhythm as before. PostgreSQL gives no such sign: there only what this
process commits is seen at once, and what others do is to be looked for now and then."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from threading import Lock

from engine.database.connection import Address

SETTLED = 5.0
"""Seconds after which what was last written to a log is taken for committed and visible. A commit
is seen by others only once the disk has it, which may be long after the file was changed."""


OTHERS = 6.0
"""Seconds after which a database may have been changed although that could not be seen: a server by
others, and a file by a commit that took the disk longer than `SETTLED`."""


class Watch:
    """Watches one database; used by any thread."""

    def __init__(
        self,
        address: Address,
        *,
        commits: Callable[[], int] = lambda: 0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Open nothing yet; `commits` tells how often this process has committed, and `clock` is
        the one that files are stamped by."""
        self._file = address.file
        self._commits = commits
        self._clock = clock
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None
        self._opened = 0
        self._seen: tuple[int, ...] = ()
        self._mark: object = None
        self.asked = 0
        """How often the database itself was asked; otherwise two looks at files were enough."""

    def mark(self) -> object:
        """Return something that equals an earlier mark only if nothing was committed since, as far
        as can be seen. It equals none where that cannot be told."""
        if self._file is None:
            return self._commits(), self._clock() // OTHERS
        with self._lock:
            try:
                return self._look(self._file)
            except (OSError, sqlite3.Error):
                # Whoever works with it then finds out what is the matter, and says so.
                self._close()
                return object()

    def close(self) -> None:
        """Let go of the database."""
        with self._lock:
            self._close()

    def _look(self, file: Path) -> object:
        found, log = os.stat(file), os.stat(f"{file}-wal")
        here = (found.st_dev, found.st_ino)
        now = self._clock()
        seen = (*here, log.st_ino, log.st_size, log.st_mtime_ns, int(now // OTHERS))
        if seen == self._seen:
            return self._mark
        settled = now - log.st_mtime_ns / 1e9 > SETTLED
        if here != self._seen[:2]:
            self._close()
        if self._connection is None:
            self._connection = sqlite3.connect(
                f"{file.absolute().as_uri()}?mode=rw", uri=True, check_same_thread=False
            )
            self._opened += 1
        self.asked += 1
        ((version,),) = self._connection.execute("PRAGMA data_version")
        # Counted for each connection by itself.
        self._mark = (*here, self._opened, version)
        self._seen = seen if settled else here
        return self._mark

    def _close(self) -> None:
        self._seen = ()
        if self._connection is not None:
            self._connection.close()
            self._connection = None
