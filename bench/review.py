# SPDX-License-Identifier: Apache-2.0
"""What a reviewer waits for: the first and the whole answer about what scripts did to a session of
2,000 objects and will do, for the first time, with another script, and once it is kept."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bench import scripts
from bench.measure import Result
from bench.objects import PROJECT, Template
from bench.sender import send
from bench.serving import AE_TITLE, HOST, Served, serving
from engine.model.changes import SessionChanges
from engine.model.prearchive import PrearchiveQuery
from engine.model.states import Status
from engine.service.remote import RemoteEngine

FIRST_AIM, WHOLE_AIM = 300.0, 3.0
"""Milliseconds to the first answer, and seconds of processor time for the whole one."""

_WAIT = 30.0

Ask = Callable[[str, str, int, float], Awaitable[SessionChanges]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """What one question took."""

    name: str
    first: float
    """Seconds to the first answer."""
    told: int
    """Files that it was about."""
    whole: float
    """Seconds to the whole one."""
    processor: float
    """Seconds of all processes."""


async def _measure(objects: int) -> Result:
    template = Template()
    taken = []
    async with serving(build_after=1.0, check_every=0.2) as (served, engine):
        await engine.projects.add(PROJECT)
        await engine.projects.set(PROJECT, {"prearchive_code": "0"})
        await engine.scripts.set("site", scripts.script())
        await engine.scripts.enable("site")
        await asyncio.to_thread(send, HOST, served.port, AE_TITLE, template.study(0, objects))
        id = await _ready(engine, objects)
        api = engine.prearchive
        taken.append(await _ask("Done, first run", served, api.done, id))
        taken.append(await _ask("Done, kept", served, api.done, id))
        for number, name in enumerate(("first run", "another script", "a third")):
            await engine.scripts.set(f"project:{PROJECT}", _project_script(number))
            taken.append(await _ask(f"To come, {name}", served, api.to_come, id))
        taken.append(await _ask("To come, kept", served, api.to_come, id))
    return report(taken, objects)


async def _ready(engine: RemoteEngine, objects: int) -> str:
    while True:
        page = await engine.prearchive.list(PrearchiveQuery(status=(Status.READY,)))
        if page.rows and page.rows[0].objects == objects:
            return page.rows[0].id
        await asyncio.sleep(0.2)


def _project_script(number: int) -> str:
    return (
        'version "6.7"\n(0010,0010) := subject\n(0010,0020) := session\n'
        f'- (0018,1030)\n(0008,103E) := "t2"\n(0010,4000) := "run {number}"\n'
        "(0008,0018) := hashUID[(0008,0018)]\nremoveAllPrivateTags\n"
    )


async def _ask(name: str, served: Served, ask: Ask, id: str) -> Taken:
    before, began = sum(served.processor_seconds().values()), time.perf_counter()
    told = await ask(id, "", 0, _WAIT)
    first, count = time.perf_counter() - began, told.read
    while not told.is_whole:
        told = await ask(id, "", told.read, _WAIT)
    whole = time.perf_counter() - began
    after = sum(served.processor_seconds().values())
    if told.failures:
        raise RuntimeError(told.failures[0].said)
    return Taken(name=name, first=first, told=count, whole=whole, processor=after - before)


def report(taken: list[Taken], objects: int) -> Result:
    """Set what was taken beside the aims."""
    later = [one for one in taken if not one.name.endswith("first run")]
    kept = all(
        one.first * 1000 <= FIRST_AIM and one.processor * 2000 / objects <= WHOLE_AIM
        for one in later
    )
    return Result(
        name="review",
        columns=("question", "first answer, ms", "of files", "whole, s", "processor, s"),
        rows=tuple(
            (one.name, one.first * 1000, one.told, one.whole, one.processor) for one in taken
        ),
        remarks=(
            f"a session of {objects:,} objects, asked over the socket; time of all processes",
            f"aim after the first run: first answer in {FIRST_AIM:.0f} ms, {WHOLE_AIM:.0f} s of "
            f"processor time for 2,000 objects: {'kept' if kept else 'missed'}",
        ),
    )


def run(*, quick: bool) -> list[Result]:
    """Measure it."""
    return [asyncio.run(_measure(200 if quick else 2_000))]
