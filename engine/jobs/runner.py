# SPDX-License-Identifier: Apache-2.0
"""The job runner: workflows on dbos, whose tables live in the prearchive database, so that a
change of state and the job that follows from it commit together (intake contract 13). Arguments
are ids, never names or values. What the jobs do stands in the other modules of this package."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from dbos import DBOS, DBOSClient, DBOSConfig, EnqueueOptions, WorkflowStatus
from dbos._serialization import DBOSPortableJSON
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession

from engine.database.connection import Address
from engine.database.outage import plainly
from engine.jobs import bookkeeping, resting, workflow
from engine.jobs.resting import Bell, Takers
from engine.jobs.workflow import Told, Work
from engine.model.errors import NotFound
from engine.model.live import Job
from engine.model.remotes import SEND
from engine.model.states import Verb
from engine.storage.standstill import Standstill

WORKFLOWS_VERSION = "3"
"""Counted up when a workflow changes its steps: older ones end on the program that began them."""

QUEUE = "sessions"
ROOM_QUEUE = "room"
"""What makes room has a queue of its own: on a full disk the other jobs wait for it."""
SEND_QUEUE = "sends"
"""What waits for other machines has one as well: no build waits with it."""

_QUEUES: Mapping[str, str] = {Verb.DELETE: ROOM_QUEUE, SEND: SEND_QUEUE}
"""By verb; others are in `QUEUE`."""
_MOST_SENDS = 16
_BEGINS, _LOOK = 1.0, 0.02
"""Seconds in which a job that was taken shows that it runs, and between two looks at that."""
_KEEP = timedelta(days=2)
_STATES = {
    "ENQUEUED": "queued",
    "DELAYED": "queued",
    "PENDING": "running",
    "SUCCESS": "done",
    "ERROR": "failed",
    "CANCELLED": "cancelled",
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": "failed",
}
_UNFINISHED = [state for state, said in _STATES.items() if said in ("queued", "running")]
_FAILED = [state for state, said in _STATES.items() if said == "failed"]


class JobRunner:
    """Runs queued work of sessions. There is one launched runner per process."""

    def __init__(self, url: str, *, node: str, at_once: int = 2, poll: float = 0.5) -> None:
        """Prepare to run on the prearchive database. `poll` is how many seconds pass between two
        looks at a queue whose jobs cannot be taken yet."""
        self._address = Address.parse(url)
        self._node = node
        self._at_once = at_once
        self._poll = poll
        self._client: DBOSClient | None = None
        self._dbos: DBOS | None = None
        self._takers = Takers()

    async def prepare(self) -> None:
        """Make dbos's tables and the client that enqueues; nothing runs yet.

        Raises:
            Outage: if the database does not work.
        """
        _quiet()
        bookkeeping.begin()
        resting.begin()
        with plainly(self._address.url), bookkeeping.at_once():
            self._dbos = DBOS(config=self._config())

    async def launch(
        self,
        work: Mapping[Any, Work],
        told: Told = workflow.unheard,
        still: Standstill | None = None,
    ) -> None:
        """Start to run jobs, those first that a crash interrupted: `work` is by verb. `told` hears
        of those that wait for a disk or a database. Where `still` is given, they move files only
        while it allows that.

        Raises:
            Outage: if the database does not work.
        """
        workflow.register(work, told, still)
        with plainly(self._address.url):
            with bookkeeping.at_once():
                DBOS.launch()
            self._client = await asyncio.to_thread(self._new_client)
            # A send holds its place while its remote does not answer.
            at_once = {QUEUE: self._at_once, ROOM_QUEUE: self._at_once, SEND_QUEUE: _MOST_SENDS}
            for name, jobs in at_once.items():
                queue = await DBOS.register_queue_async(
                    name,
                    worker_concurrency=jobs,
                    partition_concurrency=1,
                    polling_interval_sec=self._poll,
                    on_conflict="always_update",
                )
                bell = Bell(self._address, partial(self._has_unfinished, name))
                self._takers.start(self._dbos, queue, bell)

    async def enqueue(
        self, transaction: AsyncSession, workflow_id: str, *, one_at_a_time: str = ""
    ) -> None:
        """Enqueue the job `{row}:{verb}:{attempt}` within the caller's transaction. Of the jobs of
        a queue that have the same word in `one_at_a_time`, or else the same row, only one runs."""
        client = self._asked()
        session, verb, attempt = workflow_id.split(":")
        options: EnqueueOptions = {
            "workflow_name": workflow.WORKFLOW,
            "queue_name": _QUEUES.get(verb, QUEUE),
            "workflow_id": workflow_id,
            "queue_partition_key": one_at_a_time or session,
            "app_version": WORKFLOWS_VERSION,
        }
        connection = await transaction.connection()
        await connection.run_sync(
            lambda sync: client.enqueue_in_transaction(sync, options, session, verb, int(attempt))
        )
        event.listen(transaction.sync_session, "after_commit", self._ring, once=True)

    async def list(self, limit: int = 100, *, unfinished: bool = False) -> tuple[Job, ...]:
        """List jobs, newest first."""
        return await self._listed(limit, _UNFINISHED if unfinished else None)

    async def failed(self, limit: int = 100) -> tuple[Job, ...]:
        """List jobs that have failed, newest first."""
        return await self._listed(limit, _FAILED)

    async def oldest_unfinished(self) -> Job | None:
        """Return the job that is queued or running for longest; what waits for other machines does
        not count."""
        found = await self._listed(1, _UNFINISHED, newest_first=False, queues=[QUEUE, ROOM_QUEUE])
        return found[0] if found else None

    async def unfinished(self) -> set[str]:
        """Name every job that is queued or running."""
        return {job.id for job in await self.list(100_000, unfinished=True)}

    async def forget(self, id: str) -> None:
        """Take a job out of the queue; one that is gone or has ended is left alone."""
        with plainly(self._address.url):
            await self._asked().cancel_workflow_async(id)
        self._takers.ring()

    async def find(self, id: str) -> Job:
        """Find a job.

        Raises:
            NotFound: if there is none of that id.
        """
        with plainly(self._address.url):
            found = await self._asked().list_workflows_async(
                workflow_ids=[id], load_input=False, load_output=False
            )
        if not found:
            raise NotFound(f"there is no job {id}", hint="list them: anteroom jobs list")
        return _job(found[0])

    async def purge(self) -> int:
        """Forget jobs that ended more than two days ago; return how many."""
        before = (datetime.now(UTC) - _KEEP).isoformat()
        with plainly(self._address.url):
            old = await self._asked().list_workflows_async(
                status=["SUCCESS", "ERROR", "CANCELLED"],
                completed_before=before,
                limit=5000,
                load_input=False,
                load_output=False,
            )
            if old:
                ids = [one.workflow_id for one in old]
                await self._asked().delete_workflows_async(ids)
        return len(old)

    async def close(self, *, wait: int = 10) -> None:
        """Stop taking jobs and give running ones `wait` seconds; the rest resume later, and so do
        those that wait for a disk or a database."""
        if workflow.resting:
            wait = 0
        self._takers.stop()
        if wait:
            await asyncio.to_thread(self._takers.join)
            await self._until_none_runs(wait)
        if self._client is not None:
            await asyncio.to_thread(self._client.destroy)
            self._client = None
        # Waited for above: dbos sleeps for a second before it looks whether any job runs.
        await asyncio.to_thread(DBOS.destroy, workflow_completion_timeout_sec=0)
        bookkeeping.end()
        # dbos had made its own pool the loop's default one, and has just ended it.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor())
        await asyncio.to_thread(self._takers.join)

    async def _until_none_runs(self, seconds: float) -> None:
        """Wait until no job runs; one that was just taken is given a moment to begin."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while (passed := loop.time() - began) < seconds:
            if not self._running() and (
                passed > _BEGINS or not await asyncio.to_thread(self._has_begun)
            ):
                return
            await asyncio.sleep(_LOOK)

    def _running(self) -> bool:
        """Say whether a job runs in this process that has not given way."""
        if self._dbos is None:
            return False
        active = self._dbos._active_workflows_set.activeList()
        return any(id.partition(":")[0] not in workflow.gave_way for id in active)

    def _has_begun(self) -> bool:
        """Say whether the database knows of a job that this node has taken."""
        try:
            return self._exists(status=["PENDING"], executor_id=self._node)
        except Exception:
            return False  # it does not answer, and nothing can be taken either

    def _has_unfinished(self, queue: str) -> bool:
        """Say whether a queue holds a job, or one runs that came from it."""
        return self._exists(status=_UNFINISHED, queue_name=queue)

    def _exists(self, **filters: Any) -> bool:
        client = self._client
        if client is None:
            return False
        found = client.list_workflows(**filters, limit=1, load_input=False, load_output=False)
        return bool(found)

    def _ring(self, _session: object) -> None:
        self._takers.ring()

    def _config(self) -> DBOSConfig:
        return {
            "name": "anteroom",
            "system_database_url": self._url,
            "dbos_system_schema": self._schema,
            "executor_id": self._node,
            "application_version": WORKFLOWS_VERSION,
            "serializer": DBOSPortableJSON,
            "run_migrations": True,
            "use_listen_notify": False,
            "max_executor_threads": 16,
        }

    def _new_client(self) -> DBOSClient:
        return DBOSClient(
            system_database_url=self._url,
            dbos_system_schema=self._schema,
            serializer=DBOSPortableJSON,
            retry_connection_errors=False,
        )

    def _asked(self) -> DBOSClient:
        """Return what our own questions go through: they fail where those of dbos wait."""
        assert self._client is not None, "the runner is not launched"
        return self._client

    async def _listed(
        self,
        limit: int,
        status: Sequence[str] | None,
        *,
        newest_first: bool = True,
        queues: Sequence[str] | None = None,
    ) -> tuple[Job, ...]:
        with plainly(self._address.url):
            found = await self._asked().list_workflows_async(
                limit=limit,
                status=None if status is None else [*status],
                sort_desc=newest_first,
                queue_name=None if queues is None else [*queues],
                load_input=False,
                load_output=False,
            )
        return tuple(_job(one) for one in found)

    @property
    def _url(self) -> str:
        return self._address.url.render_as_string(hide_password=False)

    @property
    def _schema(self) -> str:
        return f"{self._address.schema or 'anteroom'}_jobs"


def _quiet() -> None:
    """Keep dbos's own remarks out of the log; what concerns a person we say ourselves."""
    logger = logging.getLogger("dbos")
    logger.handlers = [logging.NullHandler()]
    logger.propagate = False


def _job(one: WorkflowStatus) -> Job:
    session, _, rest = one.workflow_id.partition(":")
    return Job(
        id=one.workflow_id,
        verb=rest.partition(":")[0],
        session=session,
        status=_STATES.get(one.status, one.status.lower()),
        queued=_moment(one.created_at),
        updated=_moment(one.updated_at),
        error=str(one.error) if one.error else "",
    )


def _moment(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)
