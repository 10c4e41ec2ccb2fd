# SPDX-License-Identifier: Apache-2.0
"""Paths over all levels: whatever a script has done so far, they match what is there now, and their
levels are gone through once for all statements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

import engine.dicom.header
from bench import multiframe
from engine.anonymize.faults import ScriptError
from engine.anonymize.language.check import load
from engine.anonymize.runtime.level import Level
from engine.anonymize.runtime.paths import path_of
from engine.anonymize.runtime.plan import compile_script
from engine.anonymize.runtime.subject import ScriptedObject
from engine.anonymize.runtime.undo import restore
from engine.anonymize.shipped import text_of
from engine.dicom.header import Header
from tests.engine.anonymize.subjects import HOST, compiled, data_set, opened
from tests.engine.dicom.datasets import datasets

_CREATOR = "ACME 1.0"
_STATEMENTS = st.sampled_from(
    [
        "- (0008,1140)",
        "- */(0008,1140)",
        "- (0008,1115)[0]",
        "- +/(0010,0010)",
        "- */(0010,XXXX)",
        f"- */(0009,{{{_CREATOR}}}XX)",
        '*/(0010,0010) ?= "x"',
        '(0008,1140)[1]/(0010,0010) := "made"',
        '(0008,1140)[0]/(0008,1115)[2]/(0010,0020) := "made"',
        f'(0008,1115)[0]/(0009,{{{_CREATOR}}}02) := "made"',
        '(0040,0275)[0]/(0010,0010) := "made"',
        '(0010,0010) := "root"',
        '(0008,1140) := ""',
        "removeAllPrivateTags",
        "echo isPresent[(0010,0010)]",
        "removeTags[*/(0040,0275)]",
    ]
)


def _is_owned(level: Level, tag: int) -> bool:
    creator = tag & 0xFFFF0000 | tag >> 8 & 0xFF
    return tag >> 16 == 9 and tag & 0xFFFF >= 0x1000 and level.text(creator) == _CREATOR


_LAST: dict[str, Callable[[Level, int], bool]] = {
    "(0008,1115)": lambda level, tag: tag == 0x00081115,
    "(0010,0010)": lambda level, tag: tag == 0x00100010,
    "(0010,0020)": lambda level, tag: tag == 0x00100020,
    "(0010,XXXX)": lambda level, tag: tag >> 16 == 0x0010,
    "(00@8,0###)": lambda level, tag: tag & 0xFF1FF111 == 0x00080111,
    "(0008,1140)": lambda level, tag: tag == 0x00081140,
    f"(0009,{{{_CREATOR}}}02)": lambda level, tag: _is_owned(level, tag) and tag & 0xFF == 2,
    f"(0009,{{{_CREATOR}}}XX)": _is_owned,
    "*": lambda level, tag: True,
}


def _levels(level: Level, depth: int = 0) -> Iterator[tuple[Level, int]]:
    yield level, depth
    for tag in level.sequences():
        for item in level.items(tag):
            yield from _levels(item, depth + 1)


def _expected(subject: ScriptedObject, steps: str, last: str) -> list[tuple[Level, int]]:
    """Look at every level and every tag in turn, as the words of the language say it."""
    steps += "*" * (last == "*")
    least = sum(step in "+." for step in steps)
    most = None if set(steps) & set("*+") else least
    return [
        (level, tag)
        for part in subject.parts()
        for level, depth in _levels(part)
        if depth >= least and (most is None or depth <= most)
        for tag in level.tags()
        if _LAST[last](level, tag)
    ]


@settings(max_examples=50)
@given(
    script=st.lists(_STATEMENTS, max_size=6),
    steps=st.sampled_from(["*", "+", ".", "..", ".+", "*+", "**", "+*"]),
    dataset=datasets(),
    explicit=st.booleans(),
)
def test_what_a_path_over_levels_matches_after_any_changes(
    script: list[str], steps: str, dataset: Dataset, explicit: bool
) -> None:
    subject = opened(dataset, explicit=explicit)
    for statement in ("", *script):
        try:
            compiled(statement, record="").apply(subject, HOST)
        except ScriptError:
            return
        for last in _LAST:
            path = path_of("/".join([*steps, last]))
            assert path is not None
            # Neither in two sets of levels, nor in one that is no part of the object any more.
            found = Counter((id(level), tag) for level, tag in path.find(subject))
            wanted = _expected(subject, steps, last)
            assert found == Counter((id(level), tag) for level, tag in wanted)


def test_what_is_below_a_removed_sequence_is_found_no_more_and_what_is_made_is() -> None:
    subject = opened(data_set(ReferencedImageSequence=[data_set(PatientID="a")]))
    path = path_of("*/(0010,0020)")
    assert path is not None
    texts = [[level.text(tag) for level, tag in path.find(subject)]]
    for statement in ("- (0008,1140)", '(0008,1140)[1]/(0010,0020) := "b"'):
        compiled(statement, record="").apply(subject, HOST)
        texts.append([level.text(tag) for level, tag in path.find(subject)])
    assert texts == [["a"], [], ["b"]]
    sequences = path_of("+/(0008,1115)")
    assert sequences is not None
    counts = [len(sequences.find(subject))]
    compiled('(0008,1140)[0]/(0008,1115)[0]/(0010,0010) := "c"', record="").apply(subject, HOST)
    counts.append(len(sequences.find(subject)))
    assert counts == [0, 1]


@pytest.mark.parametrize("name", ["basic_profile.das", "profile_research.das"])
def test_many_items_are_gone_through_once_for_all_statements(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The shipped profiles ask for hundreds of tags at every depth, a dozen of which each frame
    has: what an item costs must not grow with their number, nor with that of the items."""
    frames = 40
    items = frames * multiframe.ITEMS_A_FRAME
    calls: Counter[str] = Counter()
    _count(monkeypatch, calls, engine.dicom.header, "item_elements")
    _count(monkeypatch, calls, Level, "sequences")
    plan = compile_script(load(text_of(name)), name="site", record="scr_1.abc")
    header = multiframe.header(frames)
    subject = ScriptedObject(Header.index(header, explicit=True))
    undo = plan.apply(subject, HOST).undo
    stored = b"".join(subject.head_pieces())
    assert calls["item_elements"] < items * 1.1
    assert calls["sequences"] < items * 4
    assert len(undo) > frames
    calls.clear()
    assert b"".join(restore(Header.index(stored, explicit=True), undo)) == header
    assert calls["item_elements"] < items * 1.1


def _count(monkeypatch: pytest.MonkeyPatch, calls: Counter[str], owner: Any, name: str) -> None:
    real = getattr(owner, name)

    def counted(*given: Any, **named: Any) -> Any:
        calls[name] += 1
        return real(*given, **named)

    monkeypatch.setattr(owner, name, counted)
