# SPDX-License-Identifier: Apache-2.0
"""Plain statements run together: what they do is what each does when it runs by itself."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.anonymize.runtime.level import LONG
from engine.anonymize.runtime.subject import ScriptedObject
from engine.dicom.header import Header
from tests.engine.anonymize.subjects import HOST, compiled
from tests.engine.dicom.datasets import element, item

_STATEMENTS = (
    '(0008,0020) := "20000101"',
    "- (0008,0020)",
    '(0008,0050) := "A"',
    '(0008,0050) := "same"',
    "- (0008,0050)",
    '(0008,0080) := "é"',
    '(0008,1030) := "new"',
    "- (0008,1030)",
    '(0008,1048) := "told"',
    '(0008,1048) := "other"',
    '(0008,1140) := "x"',
    "- (0008,1140)",
    '(0008,1140)[0]/(0008,1155) := "1.2"',
    '(0010,0010) := "told"',
    "- (0010,0010)",
    '(0018,1310) := "512\\\\256"',
    '(0028,0010) := "256"',
    '(0028,0010) := "512"',
    "- (0029,{ACME}01)",
    '(0029,{ACME}01) := "p"',
    f'(0010,4000) := "{"x" * (LONG + 1)}"',
)


def _element(tag: int, vr: str, value: bytes, explicit: bool) -> bytes:
    if explicit:
        return element(tag, vr, value)
    return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, len(value)) + value


def _data(explicit: bool) -> bytes:
    inside = item(_element(0x00081155, "UI", b"1.2.3\0", explicit))
    elements = (
        (0x00080000, "UL", b"\x0a\0\0\0"),
        (0x00080020, "DA", b"19990101"),
        (0x00080050, "SH", b"same"),
        (0x00080080, "LO", b"place "),
        # Not the VR that the dictionary gives.
        (0x00081048, "LO", b"A^B "),
        (0x00081140, "SQ", inside),
        # Written so by senders that know no VR for it.
        (0x00100010, "UN", b"A^B "),
        (0x00280010, "US", b"\0\1"),
        (0x00290010, "LO", b"ACME"),
        (0x00291001, "LO", b"old "),
    )
    return b"".join(_element(*one, explicit) for one in elements)


def _alone(line: str) -> str:
    """Write a statement so that it runs by itself: its value is known only then, or there is a
    condition."""
    path, written, value = line.partition(" := ")
    return f"value := {value}\n{path} := value" if written else f'"a" = "a" ? {line}'


@pytest.mark.parametrize("explicit", [True, False], ids=["explicit", "implicit"])
@given(st.lists(st.sampled_from(_STATEMENTS), min_size=1, max_size=12))
def test_together_as_one_by_one(explicit: bool, lines: list[str]) -> None:
    data = _data(explicit)
    together = ScriptedObject(Header.index(data, explicit=explicit))
    single = ScriptedObject(Header.index(data, explicit=explicit))
    applied = compiled("\n".join(lines)).apply(together, HOST)
    found = compiled("\n".join(map(_alone, lines))).apply(single, HOST)
    assert b"".join(together.head_pieces()) == b"".join(single.head_pieces())
    assert {one[:2] for one in applied.undo} == {one[:2] for one in found.undo}
    assert together.journal.written == single.journal.written
    assert together.journal.mutations == single.journal.mutations
    assert together.journal.volume == single.journal.volume


def test_what_is_told_names_the_last_statement_of_each_element() -> None:
    lines = ['(0008,0050) := "A"', "- (0008,0020)", '(0008,0050) := "B"', '(0008,0080) := "place"']
    subject = ScriptedObject(Header.index(_data(True), explicit=True))
    applied = compiled("\n".join(lines)).apply(subject, HOST, changes=True)
    told = {change.path: change.statement.line for change in applied.changes}
    first = min(told.values())
    assert told == {"(0008,0020)": first, "(0008,0050)": first + 1}
