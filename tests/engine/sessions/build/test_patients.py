# SPDX-License-Identifier: Apache-2.0
"""Whose objects a session holds: spelling and missing values tell nobody apart, another name, sex,
birth date or subject does."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.anonymize.hosting import record_id, variables
from engine.sessions.build.facts import ObjectFacts, read_chunk
from engine.sessions.build.patients import (
    NOBODY,
    Patient,
    Routed,
    differences,
    folded_name,
    patients,
)
from tests.engine.sessions.build.objects import item, write_object

Values = Mapping[str, Any]

SECRET = b"0" * 32
V1, V2, ELSEWHERE = "s_aaaaaaaaaa", "s_bbbbbbbbbb", "s_cccccccccc"
ROUTED = Routed(
    project="P",
    subject="Doe_Jane",
    session="E1",
    scripts=frozenset((V1, V2)),
    secret=SECRET,
)


def record(subject: str, script: str = V1, *, session: str = "E1") -> str:
    """Return the mark of a script that ran for a subject."""
    given = variables(project="P", subject=subject, session=session)
    return record_id(script, given, SECRET)


def facts(folder: Path, *objects: Values) -> tuple[ObjectFacts, ...]:
    """Write objects and read what a build knows of them; `marks` are their scripts' records."""
    paths = []
    for number, one in enumerate(objects):
        values = dict(one)
        marks = values.pop("marks", ())
        if marks:
            values["DeidentificationMethodCodeSequence"] = [item(CodeValue=each) for each in marks]
        write_object(folder / f"{number}.dcm", **values)
        paths.append(f"{number}.dcm")
    chunk = read_chunk(folder, paths)
    assert chunk.failures == ()
    return chunk.facts


def told(folder: Path, *objects: Values, routed: Routed = NOBODY) -> tuple[Patient, ...]:
    """Tell the patients of objects apart."""
    return patients(facts(folder, *objects), routed)


ANNA = {"PatientName": "Alpha^Anna", "PatientSex": "F", "PatientBirthDate": "19700101"}


@pytest.mark.parametrize(
    ("other", "differs"),
    [
        ({"PatientName": "Beta^Bob"}, ["name"]),
        ({"PatientSex": "M"}, ["sex"]),
        ({"PatientBirthDate": "19700102"}, ["birth date"]),
        ({"PatientName": "Beta^Bob", "PatientSex": "M"}, ["name", "sex"]),
        ({"PatientName": "Alpha^Anna=山田^太郎"}, []),
        ({"PatientName": "ALPHA^ANNA^^"}, []),
        ({"PatientName": " alpha ^ anna "}, []),
        ({"PatientName": ""}, []),
        ({"PatientName": None, "PatientSex": None, "PatientBirthDate": None}, []),
        ({"PatientSex": "U"}, []),
        ({"PatientBirthDate": "1970.01.01"}, []),
        ({"PatientBirthDate": "unknown"}, []),
        ({"PatientID": "another"}, []),
    ],
)
def test_what_tells_two_objects_apart(tmp_path: Path, other: Values, differs: list[str]) -> None:
    charset: dict[str, Any] = {"SpecificCharacterSet": "ISO_IR 192"}
    found = told(tmp_path, {**ANNA, **charset}, {**ANNA, **charset, **other})
    assert len(found) == (2 if differs else 1)
    assert differences(found) == differs


def test_a_name_in_another_character_set_is_the_same_name(tmp_path: Path) -> None:
    found = told(
        tmp_path,
        {"PatientName": "Müller^Jörg", "SpecificCharacterSet": "ISO_IR 100"},
        {"PatientName": "MÜLLER^JÖRG", "SpecificCharacterSet": "ISO_IR 192"},
    )
    assert [one.objects for one in found] == [2]


def test_the_ways_of_writing_a_name_are_compared_each_with_its_own(tmp_path: Path) -> None:
    charset: dict[str, Any] = {"SpecificCharacterSet": "ISO_IR 192"}
    found = told(
        tmp_path,
        charset | {"PatientName": "Yamada^Tarou=山田^太郎"},
        charset | {"PatientName": "=山田^太郎"},
        charset | {"PatientName": "=鈴木^花子"},
    )
    assert [one.objects for one in found] == [2, 1]


def test_what_is_missing_joins_whom_it_fits(tmp_path: Path) -> None:
    bob = {"PatientName": "Beta^Bob", "PatientSex": "M", "PatientBirthDate": "20000202"}
    found = told(tmp_path, {"PatientSex": "M"}, ANNA, ANNA, bob)
    assert [(one.name, one.objects) for one in found] == [("Alpha^Anna", 2), ("Beta^Bob", 2)]
    assert {file for one in found for file in one.files} == {f"{n}.dcm" for n in range(4)}


@pytest.mark.parametrize(
    ("subject", "name"),
    [
        ("Doe_Jane", "ANON"),
        ("DOE_JANE", "ANON"),
        ("doe_jane", "ANON"),
        ("Doe_Jane__", "Doe_Jane__"),
        ("dOE_jANE", "dOE_jANE"),
        ("", "ANON"),
    ],
)
def test_another_spelling_of_the_subject_is_no_other_subject(
    tmp_path: Path, subject: str, name: str
) -> None:
    found = told(
        tmp_path,
        {"PatientName": "ANON", "marks": (record("Doe_Jane"),)},
        {"PatientName": name if name != "ANON" else "ANON", "marks": (record(subject),)},
        routed=ROUTED,
    )
    marks = {one.identity.mark for one in found}
    assert marks == {"own"}
    assert "subject" not in differences(found)


def test_the_mark_tells_who_was_routed_elsewhere_where_the_names_are_gone(tmp_path: Path) -> None:
    found = told(
        tmp_path,
        {"PatientName": "ANON", "marks": (record("Doe_Jane"),)},
        {"PatientName": "ANON", "marks": (record("Beta_Bob"),)},
        {"PatientName": "ANON", "marks": (record("Doe_Jane", V2),)},
        {"PatientName": "ANON"},
        routed=ROUTED,
    )
    assert [(one.objects, one.own, one.elsewhere) for one in found] == [
        (3, True, False),
        (1, False, True),
    ]
    assert differences(found) == ["subject"]


def test_the_subject_of_who_was_routed_elsewhere_is_told_where_the_name_makes_it(
    tmp_path: Path,
) -> None:
    found = told(
        tmp_path,
        {"PatientName": "Doe_Jane", "marks": (record("Doe_Jane"),)},
        {"PatientName": "Beta_Bob", "marks": (record("Beta_Bob"),)},
        routed=ROUTED,
    )
    assert [(one.own, one.subject) for one in found] == [(True, "Doe_Jane"), (False, "Beta_Bob")]


def test_marks_of_other_scripts_and_of_a_former_run_say_nothing(tmp_path: Path) -> None:
    found = told(
        tmp_path,
        {"PatientName": "A", "marks": (record("Doe_Jane"),)},
        {"PatientName": "A", "marks": (record("Beta_Bob"), record("Doe_Jane"))},
        {"PatientName": "A", "marks": (record("Beta_Bob", ELSEWHERE),)},
        {"PatientName": "A", "marks": ("113100",)},
        routed=ROUTED,
    )
    assert [one.objects for one in found] == [4]


def test_without_marks_the_name_that_makes_the_subject_is_its_own(tmp_path: Path) -> None:
    found = told(
        tmp_path,
        {"PatientName": "Beta^Bob"},
        {"PatientName": "DOE^JANE"},
        routed=ROUTED,
    )
    assert {one.name: one.own for one in found} == {"Beta^Bob": False, "DOE^JANE": True}


def test_a_subject_that_no_name_makes_stands_for_all(tmp_path: Path) -> None:
    found = told(tmp_path, {"PatientName": "A^B"}, {"PatientName": "C^D"}, routed=ROUTED)
    assert [(one.own, one.subject) for one in found] == [(True, "Doe_Jane")] * 2


_WORD = st.text(st.characters(categories=("Lu", "Ll", "Lo")), min_size=1, max_size=6)


@given(
    st.lists(_WORD, min_size=1, max_size=3),
    st.integers(0, 3),
    st.sampled_from(("", " ", "  ")),
    st.sampled_from((str.upper, str.lower, str.title, str)),
)
def test_no_spelling_makes_another_name(
    words: list[str], delimiters: int, blank: str, spell: type[str]
) -> None:
    name = "^".join(words)
    # Characters whose cases do not go back and forth are other letters: nobody can fold those.
    if name.upper().casefold() != name.casefold() or name.lower().casefold() != name.casefold():
        return
    spelled = f"{blank}^{blank}".join(words) + "^" * delimiters + blank
    assert folded_name(spell(spelled)) == folded_name(name)
