# SPDX-License-Identifier: Apache-2.0
"""Scripts for tests of jobs: put in force, and looked for in the files that they leave."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pydicom

from engine.archive import scripts
from engine.jobs.workflow import Work
from engine.model.scripts import SITE, ScriptText, project_scope
from tests.engine.jobs.fixture import Fixture

PROJECT = project_scope("P")


class Cut(Exception):
    """Ends a step as a kill would: nothing of it goes its way back."""


async def run_cut_at(point: str, fixture: Fixture, work: Work, session: str, attempt: int) -> None:
    """Run a job to its end; the step with the named point is cut off there, and run again."""
    fixture.hook.faults[point] = Cut()
    for _, step in work.steps:
        try:
            await step(session, attempt)
        except Cut:
            await step(session, attempt)
    assert fixture.hook.faults == {}


async def in_force(fixture: Fixture, text: str, scope: str = PROJECT) -> ScriptText:
    """Put a script into force."""
    new = scripts.NewScript(text=f'version "6.7"\n{text}\n')
    async with fixture.context.archive_db.write() as transaction:
        return await scripts.write(transaction, scope, new, actor="test")


def objects(root: Path) -> dict[str, pydicom.Dataset]:
    """Read the objects below a folder, by the names of their files."""
    return {path.name: pydicom.dcmread(path) for path in sorted(root.rglob("*.dcm"))}


def values(root: Path, keyword: str) -> list[str]:
    """Return a value of all objects below a folder."""
    return [str(found.get(keyword, "")) for found in objects(root).values()]


def marks(found: pydicom.Dataset) -> list[str]:
    """Return the ids of the scripts that an object says have run."""
    items: Iterable[pydicom.Dataset] = found.get("DeidentificationMethodCodeSequence", ())
    return [str(item.CodeValue) for item in items]


__all__ = ["PROJECT", "SITE", "Cut", "in_force", "marks", "objects", "values"]
