"""The scripts of the confidentiality profile, read as a tree: every attribute of the table is
treated by its code under each option. The table is read here a second time, by other code."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from engine.anonymize import shipped
from engine.anonymize.check import check
from engine.anonymize.parser import parse
from engine.anonymize.profile import DATE_SHIFT, SHIPPED, profile_script
from engine.anonymize.profile_table import Option, rows
from engine.anonymize.profile_values import CODES, DUMMIES, SAFE_PRIVATE, SEQUENCES
from engine.anonymize.tree import (
    Assign,
    AssignIfExists,
    Call,
    Delete,
    If,
    ListValue,
    PathValue,
    RemoveAllPrivate,
    Script,
    SetVariable,
    Statement,
    Ternary,
    Text,
    VariableRead,
)
from engine.model.errors import InvalidInput
from engine.model.remarks import Severity

FULL = frozenset(Option) - {Option.MODIFIED_DATES}
MODIFIED = frozenset(Option) - {Option.FULL_DATES}
CHOICES = [frozenset[Option](), *(frozenset((one,)) for one in Option), FULL, MODIFIED]
TEXT_VRS = ("CS", "LO", "LT", "SH", "ST", "UT")
ODD_TAGS = {
    "(50XX,XXXX)": "(50X@,XXXX)",
    "(60XX,3000)": "(60X@,3000)",
    "(60XX,4000)": "(60X@,4000)",
}


def names(options: frozenset[Option]) -> str:
    return "+".join(sorted(one.value for one in options)) or "none"


def table() -> list[dict[str, str]]:
    found = Path(shipped.__file__).with_name("ps315_table.csv")
    with found.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@dataclass
class Found:
    """What a script does, by the tag it does it to."""

    deleted: set[str] = field(default_factory=set)
    written: dict[str, str] = field(default_factory=dict)
    hashed: set[str] = field(default_factory=set)
    shifted: set[str] = field(default_factory=set)
    worded: dict[str, Statement] = field(default_factory=dict)
    replaced: dict[str, list[Statement]] = field(default_factory=dict)
    """Sequences that are made anew at the root."""
    below: set[str] = field(default_factory=set)
    """Deleted inside sequences only."""
    below_written: dict[str, str] = field(default_factory=dict)


def found(script: Script) -> Found:
    what = Found()
    lists: dict[str, list[str]] = {}
    for one in statements(script.statements):
        match one:
            case SetVariable(name=name, value=ListValue(elements=elements)):
                paths = (element for element in elements if isinstance(element, PathValue))
                lists[name] = [str(element.path) for element in paths]
            case Delete(path=path) if str(path).startswith("*/"):
                what.deleted.add(str(path)[2:])
            case Delete(path=path) if str(path).startswith("+/"):
                what.below.add(str(path)[2:])
            case AssignIfExists(path=path, value=Text(value=value)) if str(path)[0] == "*":
                what.written[str(path)[2:]] = value
            case AssignIfExists(path=path, value=Text(value=value)) if str(path)[0] == "+":
                what.below_written[str(path)[2:]] = value
            case Ternary(then=then) if isinstance(then, Delete | AssignIfExists):
                what.worded[str(then.path)] = then
            case If(arms=(arm, *_)) if isinstance(arm.statements[0], Delete):
                what.replaced[str(arm.statements[0].path)] = list(arm.statements[1:])
            case Call(call=call):
                first = call.arguments[0]
                assert isinstance(first, VariableRead)
                target = {"hashUIDList": what.hashed, "shiftDateTimeListByIncrement": what.shifted}
                for path_text in lists[first.name] if call.name in target else ():
                    assert path_text.startswith("*/")
                    target[call.name].add(path_text[2:])
            case _:
                pass
    return what


def statements(block: tuple[Statement, ...]) -> Iterator[Statement]:
    """Give the statements of a script, with the calls that may only run once and stand in an if."""
    for one in block:
        yield one
        if isinstance(one, If):
            yield from (inner for inner in one.arms[0].statements if isinstance(inner, Call))


def basic(row: dict[str, str]) -> str:
    code = row["basic"].removesuffix("/U*").split("/")[-1]
    if row["basic"] == "X/Z/U*":
        return "stays"
    return {"X": "gone", "Z": "empty", "D": "dummy", "U": "hash"}[code]


def expected(row: dict[str, str], options: frozenset[Option]) -> str:
    """Say what a row asks for: kept, gone, empty, dummy, hash, shift, words or stays."""
    told = {one: row.get(one.value, "") for one in options}
    if told.get(Option.MODIFIED_DATES) == "C" and row["vr"] in ("DA", "DT"):
        return "shift"
    if "K" in told.values():
        return "kept"
    if told.get(Option.MODIFIED_DATES) == "C" and row["vr"] == "TM":
        return "kept"
    if told.get(Option.CLEAN_STRUCTURED) == "C":
        return "kept"
    if told.get(Option.CLEAN_GRAPHICS) == "C" and row["tag"] == "(0070,0001)":
        return "kept"
    if told.get(Option.CLEAN_DESCRIPTORS) == "C" and row["vr"] in TEXT_VRS:
        return "words"
    plain = basic(row)
    return "hash" if plain == "dummy" and row["vr"] == "UI" else plain


def done(tag: str, vr: str, what: Found) -> str:
    """Say what a script does with a tag, in the same words; more than one is a fault."""
    answers = [
        answer
        for answer, holds in (
            ("gone", tag in what.deleted),
            ("empty", what.written.get(tag) == ""),
            ("dummy", bool(what.written.get(tag))),
            ("hash", tag in what.hashed),
            ("shift", tag in what.shifted),
            ("words", tag in what.worded),
        )
        if holds
    ]
    if tag in what.replaced:
        assert vr == "SQ" and tag in what.below
        first = what.replaced[tag][0]
        assert isinstance(first, Assign)
        answers.append("empty" if str(first.path) == tag else "dummy")
    assert len(answers) <= 1, f"{tag}: {answers}"
    return answers[0] if answers else "kept"


# ------------------------------------------------------------------------------------- every row


@pytest.mark.parametrize("options", CHOICES, ids=names)
def test_every_row_is_treated_by_its_code(options: frozenset[Option]) -> None:
    what = found(parse(profile_script(options)))
    wrong = []
    for row in table():
        if row["tag"] == "private":
            continue
        tag = ODD_TAGS.get(row["tag"], row["tag"])
        wanted = expected(row, options)
        got = done(tag, row["vr"], what)
        if got != ("kept" if wanted == "stays" else wanted):
            wrong.append((tag, row["name"], wanted, got))
    assert wrong == []


@pytest.mark.parametrize("options", CHOICES, ids=names)
def test_nothing_is_treated_that_the_table_does_not_name(options: frozenset[Option]) -> None:
    what = found(parse(profile_script(options)))
    known = {ODD_TAGS.get(row["tag"], row["tag"]) for row in table()}
    named = what.deleted | what.written.keys() | what.hashed | what.shifted | what.worded.keys()
    extra = (named | what.replaced.keys()) - known
    assert extra == ({"(0040,A160)"} if Option.CLEAN_STRUCTURED in options else set())


def test_the_table_is_whole() -> None:
    found = table()
    assert len(found) == len(rows()) == 656
    assert len({row["tag"] for row in found}) == 656
    assert {row["basic"] for row in found} == {
        *("X", "Z", "D", "U"),
        *("X/Z", "X/D", "Z/D", "X/Z/D", "X/Z/U*"),
    }
    # Every row that something is to be written to has a VR.
    assert [row["tag"] for row in found if row["basic"] != "X" and not row["vr"]] == []


def test_what_a_descriptor_falls_back_to_is_its_code() -> None:
    what = found(parse(profile_script(frozenset((Option.CLEAN_DESCRIPTORS,)))))
    assert len(what.worded) > 100
    for row in table():
        tag = row["tag"]
        if tag not in what.worded:
            continue
        then = what.worded[tag]
        if basic(row) == "gone":
            assert isinstance(then, Delete) and tag in what.below
        else:
            assert isinstance(then, AssignIfExists) and isinstance(then.value, Text)
            assert bool(then.value.value) == (basic(row) == "dummy")
            assert what.below_written[tag] == then.value.value


# ------------------------------------------------------------------------------- single promises


@pytest.mark.parametrize("options", CHOICES, ids=names)
def test_a_script_has_no_fault(options: frozenset[Option]) -> None:
    remarks = check(profile_script(options))
    assert [one for one in remarks if one.severity is Severity.ERROR] == []
    # Group 0000 is in the table, and to make a sequence empty is what is meant.
    unexpected = [
        one
        for one in remarks
        if "group 0000" not in one.message and "an empty one is made" not in one.message
    ]
    assert unexpected == []


def test_the_scripts_that_come_along_are_what_is_generated() -> None:
    for name, options in SHIPPED.items():
        assert shipped.text_of(name) == profile_script(options), name


def test_private_elements_go_or_the_safe_ones_stay() -> None:
    plain = parse(profile_script()).statements
    assert any(isinstance(one, RemoveAllPrivate) for one in plain)
    safe = parse(profile_script(frozenset((Option.RETAIN_PRIVATE,)))).statements
    assert not any(isinstance(one, RemoveAllPrivate) for one in safe)
    calls = [one.call for one in safe if isinstance(one, Call)]
    assert [call.name for call in calls if "rivate" in call.name] == ["retainPrivateTags"]
    lists = [one.value for one in safe if isinstance(one, SetVariable)]
    paths = [
        str(element.path)
        for value in lists
        if isinstance(value, ListValue)
        for element in value.elements
        if isinstance(element, PathValue) and element.path.private
    ]
    assert paths == [f"*/{path}" for path, _ in SAFE_PRIVATE]


@pytest.mark.parametrize("options", CHOICES, ids=names)
def test_the_codes_name_the_profile_and_the_options(options: frozenset[Option]) -> None:
    written = {
        str(one.path): one.value.value
        for one in parse(profile_script(options)).statements
        if isinstance(one, Assign) and isinstance(one.value, Text)
    }
    codes = [
        written[f"(0012,0064)[{index}]/(0008,0100)"]
        for index in range(20)
        if f"(0012,0064)[{index}]/(0008,0100)" in written
    ]
    # A pattern for pixels is only a comment, so its code is not claimed.
    wanted = {CODES[one][0] for one in options if one is not Option.CLEAN_PIXELS}
    assert codes[0] == "113100" and set(codes[1:]) == wanted and len(codes) == len(wanted) + 1
    assert written["(0012,0062)"] == "YES"
    temporal = {Option.FULL_DATES: "UNMODIFIED", Option.MODIFIED_DATES: "MODIFIED"}
    told = [value for option, value in temporal.items() if option in options]
    assert written["(0028,0303)"] == (told[0] if told else "REMOVED")


def test_what_is_no_date_falls_back_to_its_code() -> None:
    script = parse(profile_script(frozenset((Option.MODIFIED_DATES,))))
    arms = [one.arms[0].statements for one in script.statements if isinstance(one, If)]
    (block,) = (one for one in arms if isinstance(one[0], Ternary))
    acts = [one.then for one in block if isinstance(one, Ternary)]
    by_tag = {str(one.path): one for one in acts if isinstance(one, Delete | AssignIfExists)}
    assert by_tag.keys() == found(script).shifted
    for row in table():
        act = by_tag.get(row["tag"])
        if isinstance(act, AssignIfExists):
            assert isinstance(act.value, Text)
            assert bool(act.value.value) == (basic(row) == "dummy")
        elif act is not None:
            assert basic(row) == "gone"


def test_code_meanings_fit_their_element() -> None:
    assert all(len(meaning) <= 64 and len(code) <= 16 for code, meaning in CODES.values())


def test_the_shift_of_dates_is_what_was_asked_for() -> None:
    options = frozenset((Option.MODIFIED_DATES,))
    assert f'dateShift := "{DATE_SHIFT}"' in profile_script(options)
    assert 'dateShift := "-77"' in profile_script(options, date_shift=-77)
    with pytest.raises(InvalidInput):
        profile_script(options, date_shift=0)
    with pytest.raises(InvalidInput):
        profile_script(frozenset(Option))


VALID = {
    "AE": r"[ -\[\]-~]{1,16}",
    "AS": r"\d{3}[DWMY]",
    "CS": r"[A-Z0-9_ ]{1,16}",
    "DA": r"\d{8}",
    "DT": r"\d{14}",
    "PN": r"[^\\]{1,64}",
    "SH": r"[^\\]{1,16}",
    "TM": r"\d{6}",
    "UR": r"[a-z]+:\S+",
}


@pytest.mark.parametrize("vr", DUMMIES)
def test_a_dummy_is_valid_for_its_vr(vr: str) -> None:
    assert re.fullmatch(VALID.get(vr, r"[^\\]{1,64}"), DUMMIES[vr])


def test_every_sequence_that_wants_a_dummy_has_one() -> None:
    wanted = {row["tag"] for row in table() if row["vr"] == "SQ" and basic(row) == "dummy"}
    assert wanted == SEQUENCES.keys()


def expression(name: str, option: Option) -> str:
    script = parse(profile_script(frozenset((option,))))
    variables = [one for one in script.statements if isinstance(one, SetVariable)]
    (value,) = (one.value for one in variables if one.name == name)
    assert isinstance(value, Text)
    return value.value


@pytest.mark.parametrize(
    ("description", "safe"),
    [
        ("T1 MPRAGE sag", True),
        ("ax_T2-FLAIR (post contrast)", True),
        ("", True),
        ("Localizer", True),
        ("T1 Smith", False),
        ("Smith", False),
        ("head 4711", False),
        ("headneck", False),
        ("brain\\Jones", False),
    ],
)
def test_descriptions_of_safe_words_are_told_apart(description: str, safe: bool) -> None:
    words = expression("safeWords", Option.CLEAN_DESCRIPTORS)
    assert bool(re.fullmatch(words, description)) is safe


@pytest.mark.parametrize(
    ("text", "real"),
    [
        ("", True),
        ("20240229", True),
        ("2024", True),
        ("20240229101112.123456+0100", True),
        ("202402291011", True),
        ("00010101", False),
        ("20241301", False),
        ("2024022910111", False),
        ("2024.02.29", False),
        ("unknown", False),
        ("20240229\\20240301", False),
    ],
)
def test_dates_are_told_from_what_is_none(text: str, real: bool) -> None:
    dates = expression("realDate", Option.MODIFIED_DATES)
    assert bool(re.fullmatch(dates, text)) is real
