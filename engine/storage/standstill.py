# SPDX-License-Identifier: Apache-2.0
"""The standstill of a prearchive: while somebody copies it, files may come, but none is moved or
removed. Whoever moves files does so as one of many `working()`; who copies is alone in `hold()`.
Receiving takes no part in this and goes on.

Two locks of files make it, which the kernel lets go when a process dies, and which engines that
share the prearchive share as well. Nobody begins to work while the door is held, so that one who
copies waits only for what has begun already."""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path

from engine.model.errors import Unavailable

LOOK = 0.05
"""Seconds between two tries: a lock that is waited for in the kernel could not be given up."""

PATIENCE = 600.0
"""How long one who copies waits for what has begun; the script of a large session takes minutes."""

OF_A_PERSON = 20.0
"""How long a person who has asked for something waits for one who copies."""

UNDER_WAY = "a backup is being taken"

_DOOR, _ROOM = ".standstill-door", ".standstill-room"
FILES = frozenset({_DOOR, _ROOM})


class Standstill:
    """Of one prearchive."""

    def __init__(self, prearchive: Path) -> None:
        """Lock nothing yet."""
        self._root = prearchive

    @asynccontextmanager
    async def working(
        self, *, patience: float | None = None, waits: Callable[[bool], None] = lambda _: None
    ) -> AsyncIterator[None]:
        """Let files be moved or removed; `waits` hears when that has to wait, and when no longer.

        Raises:
            Unavailable: if it takes longer than `patience`; without that it is waited for ever.
        """
        began, waiting = time.monotonic(), False
        try:
            while (held := self._enter()) is None:
                if patience is not None and time.monotonic() - began > patience:
                    raise Unavailable(UNDER_WAY, hint="try again in a moment")
                if not waiting:
                    waiting = True
                    waits(True)
                await asyncio.sleep(LOOK)
        finally:
            if waiting:
                waits(False)
        try:
            yield
        finally:
            os.close(held)

    @contextmanager
    def hold(
        self, *, patience: float = PATIENCE, waiting: Callable[[], None] = lambda: None
    ) -> Iterator[None]:
        """Keep files from being moved or removed; `waiting` is called as long as that waits.

        Raises:
            Unavailable: if what has begun does not come to an end within `patience`, or somebody
                else copies.
        """
        until = time.monotonic() + patience
        with ExitStack() as stack:
            for name in (_DOOR, _ROOM):
                handle = self._open(name)
                stack.callback(os.close, handle)
                while not _locked(handle, fcntl.LOCK_EX):
                    if time.monotonic() > until:
                        raise Unavailable(
                            "jobs are in the middle of their work, and do not come to its end",
                            hint="see what runs: anteroom jobs list --unfinished; then try again",
                        )
                    waiting()
                    time.sleep(LOOK)
            yield

    def _enter(self) -> int | None:
        """Return an open lock that says that somebody works; None while nobody may begin to."""
        door = self._open(_DOOR)
        try:
            if not _locked(door, fcntl.LOCK_SH):
                return None
            room = self._open(_ROOM)
            if _locked(room, fcntl.LOCK_SH):
                return room
            os.close(room)
            return None
        finally:
            os.close(door)

    def _open(self, name: str) -> int:
        handle = os.open(self._root / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if os.geteuid() == 0:
            # Made by root it would shut the engine out, which runs as the owner of the folder.
            owner = self._root.stat()
            with suppress(OSError):
                os.fchown(handle, owner.st_uid, owner.st_gid)
        return handle


def _locked(handle: int, kind: int) -> bool:
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
