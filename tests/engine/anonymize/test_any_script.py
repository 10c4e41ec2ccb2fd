# SPDX-License-Identifier: Apache-2.0
"""What holds for any script and any data set."""

from __future__ import annotations

from warnings import catch_warnings, simplefilter

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from engine.anonymize.faults import ScriptError
from engine.anonymize.runtime.level import is_creator
from engine.anonymize.runtime.plan import Applied, CompiledScript
from engine.anonymize.runtime.subject import ScriptedObject
from engine.anonymize.runtime.undo import restore
from engine.dicom.header import Header
from engine.model.changes import ScriptOutcome
from engine.model.errors import InvalidScript
from tests.engine.anonymize.statements import SCRIPTS, SCRIPTS_42, wild
from tests.engine.anonymize.subjects import HOST, compiled, opened
from tests.engine.dicom.datasets import agree, datasets, oracle, paths, tree

PLANS = st.one_of(st.tuples(SCRIPTS, st.just("6.7")), st.tuples(SCRIPTS_42, st.just("")))


def plan_of(script: tuple[str, str]) -> CompiledScript:
    text, version = script
    try:
        return compiled(text, version=version, record="")
    except InvalidScript:
        # Some pieces do not go together.
        assume(False)
        raise


def run(
    plan: CompiledScript, dataset: Dataset, *, explicit: bool = True
) -> tuple[ScriptedObject, Applied | None]:
    subject = opened(dataset, explicit=explicit)
    try:
        return subject, plan.apply(subject, HOST, changes=True)
    except ScriptError as error:
        assert error.line
        return subject, None


@settings(max_examples=60)
@given(script=PLANS, dataset=datasets(), explicit=st.booleans())
def test_a_run_ends_with_sound_bytes_or_a_script_error(
    script: tuple[str, str], dataset: Dataset, explicit: bool
) -> None:
    subject, applied = run(plan_of(script), dataset, explicit=explicit)
    if applied is None or applied.outcome is ScriptOutcome.REJECTED:
        return
    data = b"".join(subject.head_pieces())
    header = Header.index(data, explicit=explicit)
    with catch_warnings():
        # Character sets may be called anything by now.
        simplefilter("ignore")
        assert agree(tree(header), oracle(data, explicit=explicit))
    before = bytes(subject.head.header.data)
    assert (data != before) == (applied.outcome is ScriptOutcome.CHANGED) or not applied.undo
    assert bool(applied.undo) == subject.changed


@settings(max_examples=60)
@given(script=PLANS, dataset=datasets(), explicit=st.booleans())
def test_what_no_undo_names_keeps_its_bytes(
    script: tuple[str, str], dataset: Dataset, explicit: bool
) -> None:
    subject, applied = run(plan_of(script), dataset, explicit=explicit)
    if applied is None:
        return
    old = subject.head.header
    new = Header.index(b"".join(subject.head_pieces()), explicit=explicit)
    touched = {one.path for one in applied.undo}
    above = {path[:end] for path in touched for end in range(len(path))}
    for path in paths(old):
        inside = any(path[:end] in touched for end in range(1, len(path) + 1))
        if not inside and path not in above and path[-1] & 0xFFFF:
            assert whole(old, path) == whole(new, path)


_EVERYTHING = st.sampled_from(["*", "+/*", "(0008,1140)/*", "*/(0009,{ACME 1.0}XX)", "*/*"])


@settings(max_examples=80)
@given(
    path=st.one_of(_EVERYTHING, wild()),
    how=st.sampled_from(["- {}", "removeTags[{}]", '{} ?= "x"']),
    data=st.data(),
)
def test_what_reserves_private_blocks_stays_whatever_is_removed(
    path: str, how: str, data: st.DataObject
) -> None:
    assume(not path.endswith("]"))  # an item is emptied whole
    # Whether anything is left of the block or not.
    subject, applied = run(plan_of((how.format(path), "6.7")), data.draw(_reserved()))
    assume(applied is not None)
    old = subject.head.header
    new = Header.index(b"".join(subject.head_pieces()), explicit=True)
    for creator in paths(old):
        if not is_creator(creator[-1]):
            continue
        level: Header | None = new
        for tag, number in zip(creator[:-1:2], creator[1::2], strict=True):
            level = level.items(tag)[number] if level is not None and tag in level else None
        if level is not None:
            assert whole(new, creator) == whole(old, creator)


@st.composite
def _reserved(draw: st.DrawFn) -> Dataset:
    """Draw a data set with private blocks at the root and in an item."""
    dataset = draw(datasets(1))
    inside = draw(datasets(0))
    for one in (dataset, inside):
        one.add_new(0x00090010, "LO", "ACME 1.0")
        one.add_new(0x00090011, "LO", "NEW")
        one.add_new(0x00091002, "LO", "x")
        one.add_new(0x00091101, "LO", "y")
    dataset.add_new(0x00081140, "SQ", [inside])
    return dataset


def whole(header: Header, path: tuple[int, ...]) -> bytes:
    for tag, number in zip(path[:-1:2], path[1::2], strict=True):
        header = header.items(tag)[number]
    found = header[path[-1]]
    return bytes(header.data[found.start : found.end])


@settings(max_examples=60)
@given(script=PLANS, dataset=datasets(), explicit=st.booleans(), data=st.data())
def test_undo_gives_the_original_back(
    script: tuple[str, str], dataset: Dataset, explicit: bool, data: st.DataObject
) -> None:
    subject, applied = run(plan_of(script), dataset, explicit=explicit)
    if applied is None:
        return
    stored = Header.index(b"".join(subject.head_pieces()), explicit=explicit)
    undo = data.draw(st.permutations(applied.undo))
    restored = Header.index(b"".join(restore(stored, undo)), explicit=explicit)
    assert tree(restored) == tree(subject.head.header)


@settings(max_examples=60)
@given(script=st.tuples(SCRIPTS, st.just("6.7")), dataset=datasets())
def test_both_encodings_give_the_same_texts(script: tuple[str, str], dataset: Dataset) -> None:
    if "newUID" in script[0]:
        return
    plan = plan_of(script)
    found = [run(plan, dataset, explicit=explicit) for explicit in (True, False)]
    results = [None if applied is None else texts(subject) for subject, applied in found]
    assert results[0] == results[1]


def texts(subject: ScriptedObject) -> list[list[tuple[int, str | None]]]:
    levels = (level for part in subject.parts() for level in part.below())
    return [[(tag, level.text(tag)) for tag in level.tags()] for level in levels]


@settings(max_examples=60)
@given(body=SCRIPTS, dataset=datasets(), explicit=st.booleans())
def test_conditions_that_do_not_hold_change_no_byte(
    body: str, dataset: Dataset, explicit: bool
) -> None:
    plan = plan_of((f'if ("a" = "b") {{ {body} }}', "6.7"))
    subject, applied = run(plan, dataset, explicit=explicit)
    assert applied is not None
    assert applied.outcome is ScriptOutcome.UNCHANGED
    pieces = subject.head_pieces()
    assert len(pieces) <= 1
    assert b"".join(pieces) == bytes(subject.head.header.data)


_TWICE = st.sampled_from(
    [
        '(0010,0010) := "x"',
        '*/(0010,0020) ?= "é山"',
        "- */(0010,0010)",
        "-(0008,1140)[0]",
        "removeAllPrivateTags",
        "retainPrivateTags[*/(0009,{ACME 1.0}02)]",
        '(0009,{NEW}01) := "x"',
        '(0008,1140)[2]/(0010,0020) := "x"',
        'set["(0009,0020)", "C"]',
        'blankValues["x", (0010,0020)]',
        'removeTags["+/(0020,000D)"]',
        '(0010,4000) := uppercase["abc"]',
        '(0020,000D) !~ "2\\\\.25\\\\..*" ? (0020,000D) := hashUID["1.2"]',
        "scalePatientAgeAndDobFromStudyDate[]",
    ]
)


@settings(max_examples=60)
@given(statements=st.lists(_TWICE, max_size=5), dataset=datasets(), explicit=st.booleans())
def test_scripts_that_say_what_is_to_be_can_be_applied_twice(
    statements: list[str], dataset: Dataset, explicit: bool
) -> None:
    plan = compiled("\n".join(statements), record="12")
    first = opened(dataset, explicit=explicit)
    plan.apply(first, HOST)
    once = b"".join(first.head_pieces())
    second = ScriptedObject(Header.index(once, explicit=explicit))
    plan.apply(second, HOST)
    assert b"".join(second.head_pieces()) == once


@settings(max_examples=60)
@given(script=PLANS, dataset=datasets())
def test_errors_and_notes_hold_no_value(script: tuple[str, str], dataset: Dataset) -> None:
    dataset.PatientName = "UNMISTAKABLE"
    dataset.PatientComments = "UNMISTAKABLE"
    plan = plan_of(script)
    try:
        notes = plan.apply(opened(dataset), HOST).notes
    except ScriptError as error:
        notes = (str(error), error.message, error.hint)
    assert not any("unmistakable" in note.lower() for note in notes)
