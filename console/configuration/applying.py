# SPDX-License-Identifier: Apache-2.0
"""Comparing files with a home, and bringing the home to what they say. All faults are told before
anything is changed. Every change goes through the verbs of the service: it is checked, audited and
in force like one that a person makes. Applied again, nothing is left to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from console.configuration import files
from console.configuration.files import Said
from console.configuration.kinds import Kind, Value, Values
from console.configuration.projects import Projects
from console.configuration.receivers import Receivers
from console.configuration.remotes import Remotes
from console.configuration.rules import Rules
from console.configuration.scripts import Scripts
from engine.model.errors import EngineError, InvalidInput, Problem
from engine.service.api import EngineApi

KINDS: tuple[Kind, ...] = (Projects(), Scripts(), Rules(), Remotes(), Receivers())
"""In the order in which they are applied: what arrives at a new receiver meets its rules, its
script and its project. They are removed in the other order."""


class Act(StrEnum):
    """What is done to one thing."""

    ADD = "add"
    CHANGE = "change"
    REMOVE = "remove"


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One value, as it is and as it is to be; of secret ones only that they differ."""

    field: str
    before: Value
    after: Value
    secret: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One thing that is not as the files say."""

    act: Act
    kind: str
    name: str
    differences: tuple[Difference, ...] = ()


@dataclass(slots=True)
class Work:
    """One step and how it is done."""

    kind: Kind
    step: Step
    values: Values
    left: str = ""
    """Why it is not done; empty for what is done, or will be."""
    done: bool = False

    async def do(self, engine: EngineApi) -> None:
        """Do it, unless it is left."""
        if self.left:
            return
        name = self.step.name
        if self.step.act is Act.ADD:
            await self.kind.add(engine, name, self.values)
        elif self.step.act is Act.CHANGE:
            changes = {one.field: self.values[one.field] for one in self.step.differences}
            await self.kind.change(engine, name, changes, self.values)
        else:
            self.left = await self.kind.remove(engine, name)
        self.done = not self.left


async def export(engine: EngineApi, folder: Path) -> dict[str, int]:
    """Write the files of a home; say how many things each has."""
    found = {kind.name: (kind, await kind.current(engine)) for kind in KINDS}
    texts = {name: files.written(kind, things) for name, (kind, things) in found.items()}
    files.write(folder, texts)
    return {name: len(things) for name, (_, things) in found.items()}


async def plan(engine: EngineApi, folder: Path, *, remove: bool) -> list[Work]:
    """Compare; what a file does not name is taken away with `remove` only.

    Raises:
        InvalidInput: with all faults of all files.
    """
    reader = files.Reader(folder)
    reader.strange({kind.name for kind in KINDS})
    told = {kind.name: reader.read(kind) for kind in KINDS}
    problems = list(reader.problems)
    wanted: list[tuple[Kind, dict[str, Said]]] = []
    for kind in KINDS:
        things = told[kind.name]
        if things is not None:
            problems += await _faults(engine, kind, things)
            wanted.append((kind, things))
    if problems:
        problems.sort(key=lambda one: (one.path, one.line, one.column))
        raise InvalidInput(
            f"the files in {folder} have faults; nothing was changed", problems=tuple(problems)
        )
    work: list[Work] = []
    gone: list[Work] = []
    for kind, things in wanted:
        there = await kind.current(engine)
        for name, said in things.items():
            step = _step(kind, name, there.get(name), kind.normal(name, said.values))
            work += [Work(kind, step, said.values)] if step is not None else []
        for name in there.keys() - things.keys():
            gone.append(Work(kind, Step(act=Act.REMOVE, kind=kind.one, name=name), {}))
    gone.sort(key=lambda one: (-KINDS.index(one.kind), one.step.name))
    if remove:
        return work + gone
    return work + [Work(each.kind, each.step, {}, left="not in the files") for each in gone]


async def carry_out(engine: EngineApi, work: Sequence[Work]) -> None:
    """Do what was planned.

    Raises:
        EngineError: at the first step that is refused; those before it are done, and the others are
            not: applied again it goes on.
    """
    for number, one in enumerate(work):
        try:
            await one.do(engine)
        except EngineError as error:
            done = sum(each.done for each in work[:number])
            raise type(error)(
                f"{one.step.kind} {one.step.name}: {error.message}",
                hint=f"{done} of {len(work)} changes are made; correct this, and apply again",
                problems=error.problems,
            ) from error


async def _faults(engine: EngineApi, kind: Kind, things: dict[str, Said]) -> list[Problem]:
    return [
        files.problem(said.place_of(one.field, one.line), one.message)
        for name, said in things.items()
        for one in await kind.check(engine, name, said.values)
    ]


def _step(kind: Kind, name: str, before: Values | None, after: Values) -> Step | None:
    was = kind.fields if before is None else before
    differences = tuple(
        Difference(field=field, before=was[field], after=value, secret=field in kind.secret)
        for field, value in after.items()
        if value != was[field]
    )
    if before is None:
        return Step(act=Act.ADD, kind=kind.one, name=name, differences=differences)
    if not differences:
        return None
    return Step(act=Act.CHANGE, kind=kind.one, name=name, differences=differences)
