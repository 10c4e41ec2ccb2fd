# SPDX-License-Identifier: Apache-2.0
"""Identifiers that were planted in many places and five scripts: which are found stands in
docs/findings.md. The same objects without them tell how many alarms are false."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.model.findings import FindingKind, Level
from engine.service.offline import check_script
from tests.engine.findings.planted import PEOPLE, PLANTS, Person, planted, scanned, write
from tests.engine.findings.table import findings_of, is_found, table

DOCS = Path(__file__).parents[3] / "docs" / "findings.md"


def test_what_is_found_is_what_the_documentation_says() -> None:
    assert len(PLANTS) * len(PEOPLE) >= 60
    assert table() in DOCS.read_text("utf-8"), "python -m tests.engine.findings.table writes it"


def test_all_is_found_that_is_meant_to_be() -> None:
    missed = [
        (plant.place, person.script)
        for plant, person in planted()
        if plant.expected and not is_found(plant, person)
    ]
    assert missed == []


@pytest.mark.parametrize("person", PEOPLE, ids=lambda person: person.script)
def test_objects_that_were_cleaned_raise_no_alarm(person: Person, tmp_path: Path) -> None:
    """As a script leaves them that was written beforehand; their labels are no finding."""
    files = []
    for number in (1, 2, 3):
        made = scanned(person, number)
        made.PatientName, made.PatientID = "SUB-0311", "MR_0311_v1"
        for keyword in ("PatientBirthDate", "AccessionNumber", "ReferringPhysicianName"):
            setattr(made, keyword, "")
        del made.OperatorsName
        made.InstitutionName = "REMOVED"
        made.private_block(0x0019, "ACME 1", create=True).add_new(0x10, "DS", "1.5")
        files.append(write(tmp_path, number, made))
    found = findings_of(tmp_path, files, ours=("SUB-0311", "MR_0311_v1"))
    assert [one for one in found if one.level is not Level.LOW] == []
    assert {one.kind for one in found} <= {FindingKind.PROFILE, FindingKind.PRIVATE}


def test_every_remedy_is_a_line_of_a_script(tmp_path: Path) -> None:
    files = []
    for number, (plant, person) in enumerate(planted(), 1):
        made = scanned(person, number)
        plant.put(made, person)
        files.append(write(tmp_path, number, made))
    remedies = {one.remedy for one in findings_of(tmp_path, files) if one.remedy}
    assert len(remedies) > 10
    text = 'version "6.3"\n' + "\n".join(sorted(remedies))
    assert [one for one in check_script(text) if one.severity.value == "error"] == []
