# SPDX-License-Identifier: Apache-2.0
"""No object stands in the way of the others of its session: what is stored can be built, whatever
it says of itself, and what cannot be placed is held with the reason."""

from __future__ import annotations

import struct
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.dicom.guard import Guard
from engine.intake.journal import Outcome
from engine.model.changes import ScriptOutcome
from engine.sessions.build.assemble import assemble
from engine.sessions.build.attributes import ATTRIBUTES
from engine.sessions.build.result import BuildResult
from tests.engine.dicom.datasets import EXPLICIT, IMPLICIT, element
from tests.engine.intake.room import MR, STUDY, Room, data_set, implicit, meta
from tests.engine.intake.scripting import run

SERIES = 0x0020_000E
_MISSING = "Series Instance UID is missing"
_GROUPS = (0x5200_9229, 0x5200_9230, 0x0054_0016, 0x0012_0064, 0x0040_0275)
_READ = sorted({SERIES, *_GROUPS, *(each.tag for each in ATTRIBUTES if each.tag >> 16 > 8)})
_VRS = ("LO", "DS", "IS", "UN", "SQ", "US", "FD", "UT", "UI", "OB", "AT", "DA", "PN")
_ABSURD = st.one_of(
    st.binary(max_size=24),
    st.sampled_from(
        [b"", b"9" * 300, b"-1e308\\1e308", b"1E400", b"\\\\", b"\0\0", b" ", b"\x1b$)C\xff"]
    ),
    st.sampled_from([b"\xfe\xff\x00\xe0\xff\xff\xff\x7f", b"\xfe\xff\x00\xe0\x04\0\0\0abcd"]),
)
_ELEMENTS = st.dictionaries(
    st.sampled_from(_READ), st.tuples(st.sampled_from(_VRS), _ABSURD), max_size=8
)


def object_of(elements: dict[int, tuple[str, bytes]]) -> bytes:
    """Write an object with some elements that are as strange as one likes."""
    usual = {
        0x0008_0016: ("UI", MR.encode() + b"\0"),
        0x0008_0018: ("UI", b"1.2.3.4.5\0"),
        0x0020_000D: ("UI", STUDY.encode() + b"\0"),
        SERIES: ("UI", STUDY.encode() + b".1\0\0"),
    }
    found = sorted((usual | elements).items())
    return b"".join(element(tag, vr, value) for tag, (vr, value) in found)


def built(room: Room) -> list[BuildResult]:
    """Build what the sessions of a room hold."""
    folders = {path.parents[3] for path in room.files if path.parent.name == "DICOM"}
    return [
        assemble(folder, project="P", label="L", subject="S", guard=room.intake.guard)
        for folder in sorted(folders)
    ]


@settings(max_examples=80)
@given(elements=_ELEMENTS, explicit=st.booleans())
def test_what_is_stored_is_built(
    guard: Guard, elements: dict[int, tuple[str, bytes]], explicit: bool
) -> None:
    data = object_of(elements)
    with TemporaryDirectory() as folder:
        room = Room(Path(folder), guard)
        answer = room.send(data) if explicit else room.send(implicit(data), syntax=IMPLICIT)
        if answer.outcome is Outcome.STORED:
            (result,) = built(room)
            assert (result.file_count, result.problems) == (1, ())
        else:
            assert answer.outcome is Outcome.HELD
            assert room.records[0].reason
        room.journal.close()


@pytest.mark.parametrize("uid", [None, b"", b"  ", b"\0\0", b"\\1.2", b"\x01\x02"])
@pytest.mark.parametrize("script", ["", '(0010,0010) := "x"', "- (FFFC,FFFC)"])
def test_an_object_without_series_is_held_and_the_others_go_on(
    room: Room, uid: bytes | None, script: str
) -> None:
    if script:
        run(room, script)
    odd = data_set("1.2.3.4.6")
    series = element(SERIES, "UI", b"1.2.3.4.9\0")
    assert series in odd
    odd = odd.replace(series, b"" if uid is None else element(SERIES, "UI", uid))
    odd += element(0xFFFC_FFFC, "OB", b"\0\0")
    assert room.send(data_set()).outcome is Outcome.STORED
    assert room.send(odd, "1.2.3.4.6").outcome is Outcome.HELD
    record = room.records[-1]
    assert (record.reason, record.rule, record.script) == (_MISSING, "", "")
    (held,) = room.held
    assert held.read_bytes() == meta("1.2.3.4.6") + odd
    (result,) = built(room)
    assert (result.file_count, result.problems) == (1, ())
    assert list(room.staging.folder.iterdir()) == []


@pytest.mark.parametrize("behind", ["", "\n- (FFFC,FFFC)"])
def test_a_script_may_make_the_series_that_is_missing(room: Room, behind: str) -> None:
    run(room, f"(0020,000E) := hashUID[(0020,000D)]{behind}")
    series = element(SERIES, "UI", b"1.2.3.4.9\0")
    answer = room.send(data_set().replace(series, b"") + element(0xFFFC_FFFC, "OB", b"\0\0"))
    assert answer.outcome is Outcome.STORED
    (result,) = built(room)
    assert result.file_count == 1
    assert room.records[0].script == ScriptOutcome.CHANGED.value


@pytest.mark.parametrize("behind", ["", "\n- (FFFC,FFFC)"])
def test_a_script_that_takes_the_series_away_is_named(room: Room, behind: str) -> None:
    run(room, f"- (0020,000E){behind}")
    data = data_set() + element(0xFFFC_FFFC, "OB", b"\0\0")
    assert room.send(data).outcome is Outcome.HELD
    assert room.records[0].reason == "site v7: it leaves no Series Instance UID"
    assert room.held[0].read_bytes() == meta() + data


def test_a_sequence_that_cannot_be_read_is_filed_with_its_object(room: Room) -> None:
    item = b"\xfe\xff\x00\xe0" + struct.pack("<I", 40000) + bytes(8)
    broken = {tag: ("SQ", item) for tag in _GROUPS}
    assert room.send(object_of(broken), syntax=EXPLICIT).outcome is Outcome.STORED
    (result,) = built(room)
    assert (result.file_count, result.problems) == (1, ())


def _mixed(*, explicit: bool) -> bytes:
    """Write a head in one encoding and what follows it in the other."""
    data = data_set()
    at = data.index(b"\xe0\x7f\x10\x00")
    return data[:at] + implicit(data[at:]) if explicit else implicit(data[:at]) + data[at:]


@pytest.mark.parametrize("size", [1, 7, 16_000])
@pytest.mark.parametrize("script", ["", '(0010,0010) := "x"', "- (FFFC,FFFC)"])
@pytest.mark.parametrize(
    ("data", "syntax", "reason"),
    [
        (implicit(data_set()), EXPLICIT, "Implicit VR where Explicit VR was said"),
        (_mixed(explicit=True), EXPLICIT, "Implicit VR where Explicit VR was said"),
        (data_set(), IMPLICIT, "Explicit VR where Implicit VR was said"),
        (_mixed(explicit=False), IMPLICIT, "Explicit VR where Implicit VR was said"),
    ],
    ids=["implicit", "implicit pixels", "explicit", "explicit pixels"],
)
def test_what_is_not_encoded_as_was_said_is_held(
    room: Room, data: bytes, syntax: str, reason: str, script: str, size: int
) -> None:
    if script:
        run(room, script)
    incoming = room.begin(syntax=syntax)
    for start in range(0, len(data), size):
        incoming.write([memoryview(data)[start : start + size]])
    assert incoming.finish().outcome is Outcome.HELD
    assert reason in room.records[0].reason
    assert room.held[0].read_bytes() == meta(syntax=syntax) + data
    assert room.files == []
    assert list(room.staging.folder.iterdir()) == []
