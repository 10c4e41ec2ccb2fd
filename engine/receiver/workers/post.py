# SPDX-License-Identifier: Apache-2.0
"""Passes the reports of workers on to the rest of the engine: only the newest report per transfer,
in order, one call at a time. A call that fails is repeated; the workers never wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog

from engine.intake.channel import TransferNews, Turned
from engine.model.outage import named

RETRY_SECONDS = 1.0
"""Rest after a call failed; each failure in a row doubles it."""

LONGEST_RETRY = 30.0

GROWN_SECONDS = 0.25
"""Least time between two rounds of taking the journals in. A round costs the engine about the same
for one record as for a hundred, and each worker would wake it ten times a second."""

LAST_TRIES = 3
"""How often a failing call is made again once the post closes."""

_log = structlog.get_logger(__name__)


class News(Protocol):
    """Receives the reports. A call that raises is repeated; `hello` and `grown` may be called
    while another call is running."""

    async def hello(self, journal: str) -> None:
        """A worker has begun this journal; it writes nothing before this returns."""

    async def grown(self) -> None:
        """There are new records in the journals."""

    async def transfers(self, news: tuple[TransferNews, ...]) -> None:
        """Transfers have begun, gone on or ended; each is named once, with its newest state."""

    async def turned(self, turned: tuple[Turned, ...]) -> None:
        """Somebody got no association."""

    async def ended(self, journal: str) -> None:
        """A worker has ended, in whatever way: nothing more comes into its journal."""


class Post:
    """Collects what workers say and delivers it from one task."""

    def __init__(self, news: News) -> None:
        """Deliver to `news`."""
        self._news = news
        self._transfers: dict[str, TransferNews] = {}
        self._turned: list[Turned] = []
        self._grown = False
        self._due = 0.0
        """When on the loop's clock the journals may be taken in again."""
        self._ended: list[str] = []
        self._wake = asyncio.Event()
        self._closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to deliver."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Deliver what is left; give up on what fails again and again."""
        self._closing.set()
        self._wake.set()
        if self._task is not None:
            await self._task

    def transfer(self, news: TransferNews) -> None:
        """Take news of a transfer."""
        self._transfers[news.transfer] = news
        self._wake.set()

    def turned(self, turned: Turned) -> None:
        """Take a rejection."""
        self._turned.append(turned)
        self._wake.set()

    def grown(self) -> None:
        """Take word that journals have grown."""
        self._grown = True
        self._wake.set()

    def ended(self, journal: str) -> None:
        """Take word that a worker has ended, after all that it said."""
        self._ended.append(journal)
        self._wake.set()

    async def _run(self) -> None:
        failures = 0
        while True:
            await self._wake.wait()
            self._wake.clear()
            if await self._deliver():
                failures = 0
            else:
                failures += 1
                self._wake.set()
                if not self._closing.is_set():
                    await self._rest(min(RETRY_SECONDS * 2 ** (failures - 1), LONGEST_RETRY))
            if self._closing.is_set() and (failures > LAST_TRIES or not self._wake.is_set()):
                return

    async def _rest(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._closing.wait(), seconds)
        except TimeoutError:
            return

    async def _deliver(self) -> bool:
        transfers, self._transfers = self._transfers, {}
        if transfers and not await self._call(self._news.transfers, tuple(transfers.values())):
            # What came during the call is newer, and wins over what could not be delivered.
            self._transfers = transfers | self._transfers
            return False
        turned, self._turned = self._turned, []
        if turned and not await self._call(self._news.turned, tuple(turned)):
            self._turned = turned + self._turned
            return False
        if self._grown and self._is_due():
            self._grown = False
            if not await self._call(self._news.grown):
                self._grown = True
                return False
            self._due = asyncio.get_running_loop().time() + GROWN_SECONDS
        while self._ended:
            if not await self._call(self._news.ended, self._ended[0]):
                return False
            del self._ended[0]
        return True

    def _is_due(self) -> bool:
        """Say whether the journals may be taken in now; if not, wake up when they may."""
        loop = asyncio.get_running_loop()
        if self._closing.is_set() or loop.time() >= self._due:
            return True
        loop.call_at(self._due, self._wake.set)
        return False

    async def _call(self, function: Callable[..., Awaitable[None]], *arguments: object) -> bool:
        try:
            await function(*arguments)
        except Exception as error:
            name = getattr(function, "__name__", "")
            _log.warning("news_not_taken", call=name, error=named(error))
            return False
        return True
