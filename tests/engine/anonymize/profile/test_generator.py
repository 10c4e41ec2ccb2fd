# SPDX-License-Identifier: Apache-2.0
"""The scripts of the confidentiality profile, read as a tree: every attribute of the tables is
treated by its code under each option. The tables are read here a second time, by other code."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from engine.anonymize import shipped
from engine.anonymize.language.check import check
from engine.anonymize.language.parser import parse
from engine.anonymize.language.tree import (
    Assign,
    AssignIfExists,
    Call,
    CallValue,
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
from engine.anonymize.profile.generator import DATE_SHIFT, SHIPPED, profile_script
from engine.anonymize.profile.table import Option, rows
from engine.anonymize.profile.values import CODES, DUMMIES, SAFE_PRIVATE, SEQUENCES
from engine.model.errors import InvalidInput
from engine.model.remarks import Severity

FULL = frozenset(Option) - {Option.MODIFIED_DATES}
MODIFIED = frozenset(Option) - {Option.FULL_DATES}
CHOICES = [frozenset[Option](), *(frozenset((one,)) for one in Option), FULL, MODIFIED]
TEXT_VRS = ("CS", "LO", "LT", "SH", "ST", "UT")
TABLE = "ps315_table.csv"
ODD_TAGS = {"(50XX,XXXX)": "(50X@,XXXX)", "(60XX,XXXX)": "(60X@,XXXX)"}


def names(options: frozenset[Option]) -> str:
    return "+".join(sorted(one.value for one in options)) or "none"


def lines(name: str) -> list[dict[str, str]]:
    found = Path(shipped.__file__).with_name(name)
    with found.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def standard() -> list[dict[str, str]]:
    """Read the table of the standard, without what goes with its whole group."""
    amended = {row["tag"]: row for row in lines("ps315_amended.csv")}
    found = [{"inside": "", **row, **amended.get(row["tag"], {})} for row in lines(TABLE)]
    return [row for row in found if not row["tag"].startswith("(60XX")]


def own() -> list[dict[str, str]]:
    return [{"inside": "", **row} for row in lines("ps315_forgotten.csv")]


def table() -> list[dict[str, str]]:
    return [*standard(), *own()]


@dataclass
class Found:
    """What a script does, by the tag it does it to, and where: at the root (""), in items ("+/")
    or at every depth ("*/")."""

    deleted: dict[str, str] = field(default_factory=dict)
    written: dict[str, tuple[str, str]] = field(default_factory=dict)
    hashed: set[str] = field(default_factory=set)
    shifted: dict[str, str | None] = field(default_factory=dict)
    """With what becomes of it where it is no date."""
    worded: dict[str, Statement] = field(default_factory=dict)
    replaced: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    """Sequences that get other items, with what is in them."""
    below: dict[str, str | None] = field(default_factory=dict)
    """What is written in items only; None where it is removed."""


def split(path: object) -> tuple[str, str]:
    text = str(path)
    return (text[:2], text[2:]) if text[:2] in ("*/", "+/") else ("", text)


def found(script: Script) -> Found:
    what = Found()
    lists: dict[str, list[str]] = {}
    for one in statements(script.statements):
        match one:
            case SetVariable(name=name, value=ListValue(elements=elements)):
                paths = (element for element in elements if isinstance(element, PathValue))
                lists[name] = [str(element.path) for element in paths]
            case Delete(path=path):
                levels, tag = split(path)
                if levels == "+/":
                    what.below[tag] = None
                else:
                    assert tag not in what.deleted, tag
                    what.deleted[tag] = levels
            case AssignIfExists(path=path, value=Text(value=value)):
                levels, tag = split(path)
                if levels == "+/":
                    what.below[tag] = value
                else:
                    assert tag not in what.written, tag
                    what.written[tag] = levels, value
            case Ternary(then=then) if isinstance(then, Delete | AssignIfExists):
                what.worded[str(then.path)] = then
            case Call(call=call):
                called(what, call, lists)
            case _:
                pass
    return what


def called(what: Found, call: CallValue, lists: dict[str, list[str]]) -> None:
    first, *others = call.arguments
    texts = tuple(one.value for one in others if isinstance(one, Text))
    if call.name == "anteroom_replaceItems":
        assert isinstance(first, PathValue)
        levels, tag = split(first.path)
        assert tag not in what.replaced, tag
        what.replaced[tag] = levels, texts
    elif call.name in ("hashUIDList", "anteroom_shiftDates"):
        assert isinstance(first, VariableRead)
        for path in lists[first.name]:
            levels, tag = split(path)
            assert levels == "*/"
            if call.name == "hashUIDList":
                what.hashed.add(tag)
            else:
                what.shifted[tag] = texts[0] if texts else None


def statements(block: tuple[Statement, ...]) -> Iterator[Statement]:
    """Yield the statements of a script, with the calls that may only run once and stand in an
    if."""
    for one in block:
        yield one
        if isinstance(one, If):
            yield from (inner for inner in one.arms[0].statements if isinstance(inner, Call))


def basic(row: dict[str, str], column: str = "basic") -> str:
    code = (row[column] or row["basic"]).removesuffix("/U*").split("/")[-1]
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


def done(row: dict[str, str], what: Found) -> str:
    """Say what a script does with a tag, in the same words; more than one is a fault. What is done
    in items only has to be what its code for these says."""
    tag, vr = ODD_TAGS.get(row["tag"], row["tag"]), row["vr"]
    answers = {}
    if tag in what.deleted:
        answers["gone"] = what.deleted[tag]
    if tag in what.written:
        levels, value = what.written[tag]
        answers["dummy" if value else "empty"] = levels
        assert value in ("", DUMMIES[vr])
    if tag in what.hashed:
        answers["hash"] = "*/"
    if tag in what.shifted:
        answers["shift"] = "*/"
    if tag in what.replaced:
        assert vr == "SQ"
        levels, content = what.replaced[tag]
        assert len(content) % 2 == 0
        if levels == "+/":
            assert basic(row, "inside") == ("dummy" if content else "empty")
        else:
            answers["dummy" if content else "empty"] = levels
    if tag in what.worded:
        answers["words"] = ""
    if tag in what.below:
        wanted = {"gone": None, "empty": "", "dummy": DUMMIES.get(vr)}[basic(row, "inside")]
        assert what.below[tag] == wanted
    assert len(answers) <= 1, f"{tag}: {answers}"
    for how, levels in answers.items():
        inside = tag in what.below or what.replaced.get(tag, ("",))[0] == "+/"
        assert (levels == "*/") is not inside, (tag, how)
    return next(iter(answers), "kept")


# ------------------------------------------------------------------------------------- every row


@pytest.mark.parametrize("options", CHOICES, ids=names)
def test_every_row_is_treated_by_its_code(options: frozenset[Option]) -> None:
    what = found(parse(profile_script(options)))
    wrong = []
    for row in table():
        if row["tag"] == "private":
            continue
        wanted = expected(row, options)
        got = done(row, what)
        if got != ("kept" if wanted == "stays" else wanted):
            wrong.append((row["tag"], row["name"], wanted, got))
    assert wrong == []


@pytest.mark.parametrize("options", CHOICES, ids=names)
def test_nothing_is_treated_that_the_table_does_not_name(options: frozenset[Option]) -> None:
    what = found(parse(profile_script(options)))
    known = {ODD_TAGS.get(row["tag"], row["tag"]) for row in table()}
    named = what.deleted.keys() | what.written.keys() | what.worded.keys() | what.replaced.keys()
    extra = {
        tag for tag in (named | what.hashed | what.shifted.keys()) - known if tag[:5] != "(0002"
    }
    # Earlier codes of what was done go, and with them nothing else.
    assert extra == {"(0012,0064)"}


def test_the_table_is_whole() -> None:
    found = lines(TABLE)
    assert len(found) == len({row["tag"] for row in found}) == 656
    assert len(standard()) == len(rows()) == 654
    assert {row["basic"] for row in found} == {
        *("X", "Z", "D", "U"),
        *("X/Z", "X/D", "Z/D", "X/Z/D", "X/Z/U*"),
    }
    # Every row that something is to be written to has a VR.
    assert [row["tag"] for row in table() if row["basic"] != "X" and not row["vr"]] == []


def test_what_differs_from_the_table_says_why() -> None:
    known = {row["tag"] for row in lines(TABLE)}
    amended, forgotten = lines("ps315_amended.csv"), lines("ps315_forgotten.csv")
    assert {row["tag"] for row in amended} <= known
    assert known.isdisjoint(row["tag"] for row in forgotten)
    for name in SHIPPED:
        text = shipped.text_of(name)
        written = found(parse(text))
        for row in (*amended, *forgotten):
            assert row["reason"]
            tag = ODD_TAGS.get(row["tag"], row["tag"])
            treated = tag in written.deleted or tag in written.written or tag in written.replaced
            assert not treated or f": {row['reason']}\n" in text, tag


def test_what_the_table_forgets_stands_in_a_section_of_its_own() -> None:
    sections = profile_script().split(f"// {'-' * 97}\n")
    (section,) = (one for one in sections if "What the table of the standard forgets" in one)
    for row in own():
        tag = ODD_TAGS.get(row["tag"], row["tag"])
        assert (f"/{tag}" in section) is not (basic(row) == "hash"), tag


def test_what_a_descriptor_falls_back_to_is_its_code() -> None:
    what = found(parse(profile_script(frozenset((Option.CLEAN_DESCRIPTORS,)))))
    assert len(what.worded) > 100
    for row in table():
        tag = row["tag"]
        if tag not in what.worded:
            continue
        then = what.worded[tag]
        if basic(row) == "gone":
            assert isinstance(then, Delete)
        else:
            assert isinstance(then, AssignIfExists) and isinstance(then.value, Text)
            assert bool(then.value.value) == (basic(row) == "dummy")
        assert tag in what.below


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
    shifted = found(parse(profile_script(frozenset((Option.MODIFIED_DATES,))))).shifted
    assert len(shifted) > 50
    for row in table():
        if row["tag"] in shifted:
            falls = {"gone": None, "empty": "", "dummy": DUMMIES[row["vr"]]}
            assert shifted[row["tag"]] == falls[basic(row)], row["tag"]


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
    sequences = [row for row in table() if row["vr"] == "SQ"]
    wanted = {row["tag"] for row in sequences if "dummy" in (basic(row), basic(row, "inside"))}
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
