# SPDX-License-Identifier: Apache-2.0
"""Jobs that can neither be cancelled nor retried say why."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from engine.model.errors import Conflict
from engine.model.live import Job
from engine.service.jobs import Jobs

SESSION = "pre_aaaaaaaa"


class Acts:
    """A prearchive that notes what it is asked to do, and refuses it where it is to."""

    def __init__(self, refusal: str = "") -> None:
        self.asked: list[str] = []
        self._refusal = refusal

    def __getattr__(self, act: str) -> Any:
        async def asked(ids: tuple[str, ...] | str) -> tuple[Any, ...]:
            self.asked += [f"{act} {id}" for id in ([ids] if isinstance(ids, str) else ids)]
            return (SimpleNamespace(done=not self._refusal, message=self._refusal),)

        return asked


def jobs_with(acts: Any, *, verb: str = "archive", status: str = "failed") -> Jobs:
    """Return the jobs of a runner that knows one job."""
    job = Job(
        id=f"{SESSION}:{verb}:1",
        session=SESSION,
        verb=verb,
        status=status,
        queued=None,
        updated=None,
        error="",
    )

    class Runner:
        async def find(self, id: str) -> Job:
            assert id == job.id
            return job

    context: Any = SimpleNamespace(runner=Runner())
    return Jobs(context, acts, acts)


@pytest.mark.parametrize("verb", ["rebuild", "archive", "delete", "restore"])
async def test_a_failed_job_is_asked_for_once_more(verb: str) -> None:
    acts = Acts()
    await jobs_with(acts, verb=verb).retry(f"{SESSION}:{verb}:1")
    assert acts.asked == [f"{verb} {SESSION}"]


async def test_a_move_is_not_retried() -> None:
    acts = Acts()
    with pytest.raises(Conflict, match="asked for anew"):
        await jobs_with(acts, verb="move").retry(f"{SESSION}:move:1")
    assert acts.asked == []


async def test_a_send_is_cancelled_where_it_is_and_is_not_retried() -> None:
    acts = Acts()
    await jobs_with(acts, verb="send", status="running").cancel(f"{SESSION}:send:1")
    assert acts.asked == [f"cancel {SESSION}"]
    with pytest.raises(Conflict, match="asked for anew"):
        await jobs_with(acts, verb="send").retry(f"{SESSION}:send:1")


async def test_only_what_failed_is_retried_and_only_what_is_queued_is_cancelled() -> None:
    acts = Acts()
    jobs = jobs_with(acts, status="running")
    with pytest.raises(Conflict, match="nothing to retry"):
        await jobs.retry(f"{SESSION}:archive:1")
    with pytest.raises(Conflict, match="only queued jobs"):
        await jobs.cancel(f"{SESSION}:archive:1")
    assert acts.asked == []


async def test_what_the_session_refuses_is_an_error_of_the_job() -> None:
    acts = Acts("it is locked")
    with pytest.raises(Conflict, match="it is locked"):
        await jobs_with(acts, status="queued").cancel(f"{SESSION}:archive:1")
    assert acts.asked == [f"reset {SESSION}"]
