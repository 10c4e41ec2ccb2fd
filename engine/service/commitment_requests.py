# SPDX-License-Identifier: Apache-2.0
"""The files in which workers keep requests for a storage commitment: each becomes a row, once, and
is removed then. Files of other nodes are taken once they are old, for that node may be gone."""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog

from engine.dicom.names import safe_name
from engine.intake.commitments import ENDING, FOLDER, Asking, DamagedRequest, read_request
from engine.jobs.context import JobContext
from engine.model.commitments import CommitmentState
from engine.prearchive import commitments

MOST_WAITING = 10_000
"""Requests that may wait in the table; others stay in their files, and workers refuse more."""

REPORT = ".report"
"""Ending of the file of a report while that is sent."""

_DAMAGED = ".damaged"
_STRANGERS = 60.0
"""Seconds after which an engine takes files of another node too."""
_DAY = 86_400.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """A request that has become a row, or part of one."""

    asking: Asking
    row: str
    """The id of the row that it is answered by: its own, or that of a request for the same."""


class RequestFiles:
    """Takes the files of the requests that this node has."""

    def __init__(
        self,
        context: JobContext,
        taken: Callable[[Taken], None],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`taken` hears of each; `clock` is that by which files are dated."""
        self._context = context
        self._taken = taken
        self._clock = clock
        self._folder = context.prearchive / FOLDER
        self._mine = re.compile(
            re.escape(safe_name(context.settings.node.name, limit=40)) + r"-w\d+\..*"
        )
        self._seen = -1
        self._due: float | None = None
        """When a file is old enough for what is done to old ones."""

    def _left_over(self) -> dict[str, float]:
        """Return after how many seconds files of these endings are removed; they name objects."""
        days = self._context.settings.retention.commitments_days
        return {REPORT: _STRANGERS, _DAMAGED: days * _DAY}

    def changed(self) -> bool:
        """Say whether there may be something to do; asks no database."""
        is_due = self._due is not None and self._due < self._clock()
        return is_due or self._stamp() != self._seen

    async def take(self) -> set[str]:
        """Take what there is room for; return the ids of those that stay in their files."""
        self._seen = self._stamp()
        async with self._context.prearchive_db.read() as transaction:
            room = max(MOST_WAITING - await commitments.unfinished(transaction), 0)
        found = await asyncio.to_thread(self._files)
        for path in found[:room]:
            await self._take(path)
        return {path.name.removesuffix(ENDING).rpartition(".")[2] for path in found[room:]}

    def _stamp(self) -> int:
        with suppress(OSError):
            return self._folder.stat().st_mtime_ns
        return 0

    def _files(self) -> list[Path]:
        """Return this node's files, and those that another has left lying, the oldest first."""
        found: list[tuple[float, Path]] = []
        due = []
        now = self._clock()
        for path in self._folder.iterdir() if self._folder.is_dir() else ():
            with suppress(OSError):
                written = path.stat().st_mtime
                if path.suffix == ENDING:
                    if self._mine.fullmatch(path.name) or now - written > _STRANGERS:
                        found.append((written, path))
                    else:
                        due.append(written + _STRANGERS)
                elif (lasts := self._left_over().get(path.suffix)) is not None:
                    if now - written > lasts:
                        path.unlink()
                    else:
                        due.append(written + lasts)
        self._due = min(due, default=None)
        return [path for _, path in sorted(found)]

    async def _take(self, path: Path) -> None:
        try:
            asking, objects = await asyncio.to_thread(read_request, path)
        except FileNotFoundError:
            return
        except DamagedRequest:
            _log.error("request_damaged", file=path.name)
            await asyncio.to_thread(path.rename, path.with_suffix(_DAMAGED))
            return
        self._taken(Taken(asking=asking, row=await self._enter(asking, objects)))
        await self._context.at("request taken")
        await asyncio.to_thread(path.unlink, missing_ok=True)

    async def _enter(self, asking: Asking, objects: bytes) -> str:
        """Enter a request; return the id of the row that it is answered by."""
        digest = hashlib.sha256(objects).hexdigest()
        moment = datetime.fromtimestamp(asking.at / 1e9, UTC)
        async with self._context.prearchive_db.write() as transaction:
            others = [
                each
                for each in await commitments.namesakes(
                    transaction, asking.calling, asking.transaction
                )
                if each.id != asking.id and not each.duplicate
            ]
            for each in others:
                if each.due is not None and each.digest == digest:
                    # Asked again before it was answered: one answer serves both.
                    now = datetime.fromtimestamp(self._clock(), UTC)
                    await commitments.change(transaction, each.id, due=now)
                    return each.id
            await commitments.enter(
                transaction,
                {
                    "id": asking.id,
                    "node": self._context.settings.node.name,
                    "transaction_uid": asking.transaction,
                    "receiver": asking.receiver,
                    "calling": asking.calling,
                    "peer": asking.peer,
                    "transfer": asking.transfer,
                    "at": moment,
                    "count": asking.count,
                    "digest": digest,
                    "objects": objects,
                    "duplicate": any(each.digest != digest for each in others),
                    "state": CommitmentState.WAITING.value,
                    "due": moment,
                },
            )
        return asking.id
