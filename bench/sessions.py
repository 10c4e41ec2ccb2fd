# SPDX-License-Identifier: Apache-2.0
"""What a session costs from the first object to the archive, with nobody looking on: at the first
sessions of an installation and at the last ones. It must be the same at both ends."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from bench.measure import Result, median
from bench.objects import PROJECT, Template
from bench.sender import send
from bench.serving import AE_TITLE, HOST, Served, serving
from engine.service.remote import RemoteEngine

_GROUP = 10
"""Sessions that are sent one after the other and then waited for: one point of measurement."""
_IDLE_SECONDS = 4.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """What a session cost, on average over a group; seconds."""

    wall: float
    engine: float
    receiver: float
    helper: float

    @property
    def processor(self) -> float:
        """All processes together."""
        return self.engine + self.receiver + self.helper


class _Counter:
    """Counts archived sessions by the engine's events, so that asking costs next to nothing."""

    def __init__(self, engine: RemoteEngine) -> None:
        self._engine = engine
        self._epoch, self._number = "", 0
        self._done: set[str] = set()

    async def until(self, count: int) -> None:
        while len(self._done) < count:
            batch = await self._engine.events.after(self._epoch, self._number, 5.0)
            if batch.gap and self._epoch:
                raise RuntimeError("events were lost: ask for fewer sessions in a group")
            self._epoch, self._number = batch.epoch, batch.last
            for event in batch.events:
                if event.kind == "session" and event.text == "archived":
                    self._done.add(event.object)
                elif event.kind == "session" and event.severity == "error":
                    raise RuntimeError(f"a session failed: {event.text}")


async def _measure(total: int, objects: int) -> Result:
    template = Template()
    async with serving(build_after=0.3, check_every=0.1) as (served, engine):
        await engine.projects.add(PROJECT)
        counter = _Counter(engine)
        await counter.until(0)
        await _group(served, counter, template, 0, objects)
        first_idle = await _idle(served)
        costs = []
        for start in range(_GROUP, _GROUP + total, _GROUP):
            costs.append(await _group(served, counter, template, start, objects))
        last_idle = await _idle(served)
        status = await engine.system.status()
    assert status.archived == total + _GROUP
    ends = max(1, min(len(costs) // 2, 20 // _GROUP))
    return report(costs, ends, first_idle, last_idle, objects=objects)


async def _group(
    served: Served, counter: _Counter, template: Template, start: int, objects: int
) -> Cost:
    studies = [template.study(start + number, objects) for number in range(_GROUP)]
    before, began = served.processor_seconds(), time.perf_counter()
    for study in studies:
        await asyncio.to_thread(send, HOST, served.port, AE_TITLE, study)
    await counter.until(start + _GROUP)
    wall, after = time.perf_counter() - began, served.processor_seconds()
    spent = {kind: (after[kind] - before[kind]) / _GROUP for kind in after}
    return Cost(
        wall=wall / _GROUP,
        engine=spent["engine"],
        receiver=spent["receiver"],
        helper=spent["helper"],
    )


async def _idle(served: Served) -> float:
    """Return the processor time that the engine takes in a second of doing nothing."""
    before = sum(served.processor_seconds().values())
    await asyncio.sleep(_IDLE_SECONDS)
    return (sum(served.processor_seconds().values()) - before) / _IDLE_SECONDS


def report(
    costs: list[Cost], ends: int, first_idle: float, last_idle: float, *, objects: int
) -> Result:
    """Set the first groups beside the last ones; `ends` is how many groups make an end."""
    first, last = costs[:ends], costs[-ends:]
    names = ("wall", "processor", "engine", "receiver", "helper")
    rows: list[tuple[object, ...]] = []
    for name in names:
        one = median([getattr(cost, name) for cost in first]) * 1000
        other = median([getattr(cost, name) for cost in last]) * 1000
        rows.append((name, one, other, other / one if one else 0.0))
    rows.append(("idle, in a second", first_idle * 1000, last_idle * 1000, ""))
    sessions = len(costs) * _GROUP
    return Result(
        name="sessions",
        columns=(
            "cost per session, ms",
            f"first {ends * _GROUP}",
            f"last {ends * _GROUP}",
            "last/first",
        ),
        rows=tuple(rows),
        remarks=(
            f"{sessions} sessions of {objects} small MR objects, in groups of {_GROUP}, after a "
            "group to warm up; received durably, built, archived; SQLite",
            "wall holds the waiting until sessions are idle (0.3 s in each group)",
        ),
    )


def run(*, quick: bool) -> list[Result]:
    """Measure; quick: a fifth of the sessions."""
    return [asyncio.run(_measure(40 if quick else 200, 50))]
