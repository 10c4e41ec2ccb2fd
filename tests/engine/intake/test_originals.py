# SPDX-License-Identifier: Apache-2.0
"""Undo records come back as they were written, and a header with what was changed of it is the
header that was received, byte for byte."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.anonymize.faults import ScriptError
from engine.anonymize.language.check import load
from engine.anonymize.runtime.applied import Undo
from engine.anonymize.runtime.changes import undo_of
from engine.anonymize.runtime.plan import compile_script
from engine.anonymize.runtime.subject import ScriptedObject
from engine.anonymize.runtime.undo import restore
from engine.dicom.header import Header
from engine.intake.originals import Original, Originals
from engine.model.changes import Statement
from tests.engine.dicom.datasets import element

DIGEST = "ab" * 32
UNDO = (
    Undo(
        path=(0x00100010,), element=b"name", statement=Statement(script="site", version=7, line=3)
    ),
    Undo(path=(0x00081140, 0), element=None, statement=Statement(script="site", version=7, line=4)),
    Undo(path=(0x00081140, 1, 0x00081155), element=b"", statement=Statement(script="x")),
)


def original(number: int = 1, undo: tuple[Undo, ...] = UNDO) -> Original:
    return Original(received_sop=f"1.{number}", digest=DIGEST, sop=f"9.{number}", undo=undo)


def test_what_is_kept_is_found_again(tmp_path: Path) -> None:
    kept = Originals(tmp_path)
    kept.begin("pre_1")
    assert kept.append("pre_1", "w1", original(1))
    assert kept.append("pre_1", "w2", original(2))
    assert {one.received_sop for one in kept.of("pre_1")} == {"1.1", "1.2"}
    assert kept.find("pre_1", "1.2", DIGEST) == original(2)
    assert kept.find("pre_1", "1.2", "cd" * 32) is None
    assert kept.sessions() == ["pre_1"]
    assert not list(kept.of("pre_2"))


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    kept = Originals(tmp_path)
    kept.begin("pre_1")
    kept.append("pre_1", "w1", original())
    modes = {path.stat().st_mode & 0o777 for path in kept.root.rglob("*") if path.is_file()}
    assert modes == {0o600}
    assert {path.stat().st_mode & 0o777 for path in (kept.root, kept.root / "pre_1")} == {0o700}


def test_where_the_session_has_gone_nothing_is_kept(tmp_path: Path) -> None:
    kept = Originals(tmp_path)
    kept.begin("pre_1")
    kept.append("pre_1", "w1", original())
    kept.drop("pre_1")
    kept.drop("pre_1")
    assert not kept.append("pre_1", "w1", original())
    assert not list(kept.root.iterdir())


def test_of_one_object_the_last_record_counts(tmp_path: Path) -> None:
    kept = Originals(tmp_path)
    kept.begin("pre_1")
    kept.append("pre_1", "w1", original(1))
    kept.append("pre_1", "w1", original(1, undo=UNDO[:1]))
    assert kept.find("pre_1", "1.1", DIGEST) == original(1, undo=UNDO[:1])


def test_records_are_replaced_by_others_and_later_ones_count_more(tmp_path: Path) -> None:
    kept = Originals(tmp_path)
    kept.begin("pre_1")
    kept.append("pre_1", "a", original(1))
    kept.replace("pre_1", [original(1, undo=UNDO[1:])])
    assert list(kept.of("pre_1")) == [original(1, undo=UNDO[1:])]
    kept.append("pre_1", "a", original(1, undo=()))
    assert kept.find("pre_1", "1.1", DIGEST) == original(1, undo=())
    kept.replace("pre_1", [])
    assert not list(kept.of("pre_1"))


def test_a_record_that_was_cut_off_hides_no_other(tmp_path: Path) -> None:
    kept = Originals(tmp_path)
    kept.begin("pre_1")
    kept.append("pre_1", "w1", original(1))
    kept.append("pre_1", "w1", original(2))
    (path,) = (kept.root / "pre_1").iterdir()
    path.write_bytes(path.read_bytes()[:-3])
    assert list(kept.of("pre_1")) == [original(1)]


@pytest.mark.parametrize("cut", [1, 5, 12, 13, 60])
def test_a_record_that_a_full_disk_cuts_off_hides_none_of_those_behind_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: int
) -> None:
    kept = Originals(tmp_path)
    kept.begin("pre_1")
    kept.append("pre_1", "w1", original(1))
    write = os.write
    with monkeypatch.context() as patch, pytest.raises(OSError, match="only a part"):
        patch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:cut]))
        kept.append("pre_1", "w1", original(2))
    for number in (3, 4):
        kept.append("pre_1", "w1", original(number))
    assert list(kept.of("pre_1")) == [original(1), original(3), original(4)]


def test_what_is_old_goes(tmp_path: Path) -> None:
    kept = Originals(tmp_path)
    kept.begin("pre_1")
    kept.append("pre_1", "w1", original(1))
    kept.append("pre_1", "w2", original(2))
    os.utime(kept.root / "pre_1" / "w1.undo", (0, 0))
    assert kept.expire(3600) == 1
    assert list(kept.of("pre_1")) == [original(2)]


def length(group: int) -> bytes:
    return element(group << 16, "UL", b"\x10\0\0\0")


def sequence(tag: int, *items: bytes, undefined: bool) -> bytes:
    """Write a sequence, all of it of known or all of it of unknown length."""
    if not undefined:
        body = b"".join(b"\xfe\xff\x00\xe0" + len(one).to_bytes(4, "little") + one for one in items)
        return element(tag, "SQ", body)
    body = b"".join(
        b"\xfe\xff\x00\xe0\xff\xff\xff\xff" + one + b"\xfe\xff\x0d\xe0\0\0\0\0" for one in items
    )
    start = element(tag, "SQ", b"")[:-4] + b"\xff\xff\xff\xff"
    return start + body + b"\xfe\xff\xdd\xe0\0\0\0\0"


@st.composite
def heads(draw: st.DrawFn) -> bytes:
    """Write heads with nested sequences, private elements and group lengths, in any mixture."""
    optional = draw(st.lists(st.booleans(), min_size=8, max_size=8))
    undefined = draw(st.booleans())
    name = element(0x00100010, "PN", draw(st.sampled_from([b"A^B ", b"", b"\xc4^B\xe9"])))
    inner = sequence(0x0040A730, name, undefined=draw(st.booleans()))
    item = (length(0x0008) if optional[0] else b"") + element(0x00081155, "UI", b"1.2\0") + inner
    parts = [
        length(0x0008) if optional[1] else b"",
        element(0x00080005, "CS", b"ISO_IR 100") if optional[2] else b"",
        element(0x00080018, "UI", b"1.2.3\0"),
        sequence(0x00081140, *[item] * draw(st.integers(0, 3)), undefined=undefined),
        length(0x0010) if optional[3] else b"",
        name if optional[4] else b"",
        element(0x00100020, "LO", b"ID") if optional[5] else b"",
        element(0x00190010, "LO", b"ACME") + element(0x00191001, "LO", b"X ")
        if optional[6]
        else b"",
        element(0x00200011, "IS", b"3 ") if optional[7] else b"",
    ]
    return b"".join(parts)


STATEMENTS = (
    "- (0010,0010)",
    "- */(0010,0010)",
    "- (0008,1140)",
    "removeAllPrivateTags",
    '(0010,0010) := "N"',
    '(0010,0010) := "Jürgen ☃"',
    '(0010,0020) := ""',
    '(0008,1140)[1]/(0008,1155) := "9.9"',
    '(0008,1140)[%]/(0008,1155) ?= "9.9"',
    '(0040,A730)[0]/(0008,0100) := "new"',
    '(0019,{ACME}01) := "changed"',
    '(0021,{OTHER}01) := "made"',
    'blankValues["A^B"]',
    '(0008,0005) := "ISO_IR 192"',
)


@given(head=heads(), chosen=st.lists(st.sampled_from(STATEMENTS), min_size=1, max_size=6))
def test_a_stored_header_and_its_undo_are_the_header_that_was_received(
    head: bytes, chosen: list[str]
) -> None:
    lines = "\n".join(chosen)
    plan = compile_script(load(f'version "6.7"\n{lines}\n'), name="site", record="scr_1")
    received = Header.index(head, explicit=True)
    subject = ScriptedObject(received)
    try:
        plan.apply(subject, {})
    except ScriptError:
        return
    undo = undo_of(subject)
    stored = b"".join(subject.head_pieces())
    again = restore(Header.index(stored, explicit=True), undo)
    assert b"".join(again) == head
