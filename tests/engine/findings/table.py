# SPDX-License-Identifier: Apache-2.0
"""The table of docs/findings.md: which planted identifiers are found. Run it to write the table:
`python -m tests.engine.findings.table`."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from engine.findings.sightings import found
from engine.jobs.findings import Place, look_through, said
from engine.model.findings import Finding
from tests.engine.findings.planted import PEOPLE, PLANTS, Person, Plant, scanned, write


def findings_of(folder: Path, files: list[str], ours: tuple[str, ...] = ()) -> list[Finding]:
    """Look through objects."""
    place = Place(folder=folder, prearchive=folder, session="pre_x", stamp="", ours=ours)
    seen = look_through(place, files, said(place, files), None)
    return [finding for finding, _ in found(seen)]


@cache
def is_found(plant: Plant, person: Person) -> bool:
    """Whether what was planted makes a finding that was not there without it."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        files = [write(folder, 1, scanned(person))]
        before = {one.key for one in findings_of(folder, files)}
        made = scanned(person, 2)
        plant.put(made, person)
        files.append(write(folder, 2, made, plant.file_name.format(person.family)))
        return any(
            one.key not in before and one.kind is plant.kind for one in findings_of(folder, files)
        )


def table() -> str:
    """Write the table."""
    lines = [
        "| planted | " + " | ".join(person.script for person in PEOPLE) + " |",
        "|---|" + "---|" * len(PEOPLE),
    ]
    for plant in PLANTS:
        cells = ("found" if is_found(plant, person) else "**not found**" for person in PEOPLE)
        lines.append(f"| {plant.place} | {' | '.join(cells)} |")
    total = sum(is_found(plant, person) for plant in PLANTS for person in PEOPLE)
    lines += ["", f"Found: {total} of {len(PLANTS) * len(PEOPLE)}."]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(table() + "\n")
