# SPDX-License-Identifier: Apache-2.0
"""What a run tells of its changes, and the bytes that take them back."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset

from engine.anonymize.runtime.changes import LONGEST, changes_of, undo_of
from engine.anonymize.runtime.record import record, recorded_in
from engine.anonymize.runtime.subject import ScriptedObject
from engine.anonymize.runtime.undo import restore
from engine.dicom.header import Header
from engine.model.changes import Change, ChangeKind, ScriptOutcome, Statement
from tests.engine.anonymize.subjects import HOST, compiled, data_set, opened, private, ran
from tests.engine.dicom.datasets import element, item, sequence

BOTH = pytest.mark.parametrize("explicit", [True, False])


def simple() -> Dataset:
    dataset = data_set(
        AccessionNumber="A",
        StudyDescription="",
        PatientName="Doe",
        PatientID="12",
        Rows=3,
        ReferencedImageSequence=[data_set(PatientID="12"), data_set(PatientID="13")],
    )
    private(dataset, 0x0019, "ACME", 0x01, "LO", "one")
    private(dataset, 0x0019, "ACME", 0x02, "OB", b"\0\1\2\3")
    return dataset


SCRIPT = """
(0010,0010) := "Roe"
(0008,0050) := ""
- (0010,0020)
(0028,0010) := 4
(0010,0030) := "20000101"
(0008,1140)[1]/(0010,0020) := "14"
(0008,1140)[2]/(0010,0020) := "15"
(0008,1110)[0]/(0008,1155) := "1.2"
removeAllPrivateTags
(0010,0010) := "Poe"
"""


@BOTH
def test_every_element_is_told_once_with_the_last_statement(explicit: bool) -> None:
    told = ran(SCRIPT, simple(), explicit=explicit, changes=True).applied.changes
    block = "OB" if explicit else "UN"
    lines = [
        (one.path, one.name, str(one.kind), one.vr, one.before, one.after, one.statement.line)
        for one in told
    ]
    assert lines == [
        ("(0008,0050)", "AccessionNumber", "emptied", "SH", "A", "", 4),
        ("(0008,1110)", "ReferencedStudySequence", "added", "SQ", "", "1 item", 10),
        ("(0008,1110)[0].(0008,1155)", "ReferencedSOPInstanceUID", "added", "UI", "", "1.2", 10),
        ("(0008,1140)", "ReferencedImageSequence", "changed", "SQ", "2 items", "3 items", 9),
        ("(0008,1140)[1].(0010,0020)", "PatientID", "changed", "LO", "13", "14", 8),
        ("(0008,1140)[2].(0010,0020)", "PatientID", "added", "LO", "", "15", 9),
        ("(0010,0010)", "PatientName", "changed", "PN", "Doe", "Poe", 12),
        ("(0010,0020)", "PatientID", "removed", "LO", "12", "", 5),
        ("(0010,0030)", "PatientBirthDate", "added", "DA", "", "20000101", 7),
        ("(0019,0010)", "", "removed", "LO", "ACME", "", 11),
        ("(0019,1001)", "", "removed", "LO" if explicit else "UN", "one", "", 11),
        ("(0019,1002)", "", "removed", block, "4 bytes", "", 11),
        ("(0028,0010)", "Rows", "changed", "US", "3", "4", 6),
    ]
    assert {one.statement.script for one in told} == {"site"}
    assert {one.statement.version for one in told} == {3}


def test_changes_are_not_told_unless_asked_for() -> None:
    assert ran(SCRIPT, simple()).applied.changes == ()
    assert ran(SCRIPT, simple(), undo=False).applied.undo == ()


def test_long_values_are_cut_and_a_switched_character_set_is_one_change() -> None:
    dataset = data_set(SpecificCharacterSet="ISO_IR 100", PatientName="Müller", PatientID="p")
    dataset.TextValue = "x" * 1000
    result = ran('(0010,0020) := "山"\n- (0040,A160)', dataset, changes=True)
    told = {one.path: one for one in result.applied.changes}
    assert list(told) == ["(0008,0005)", "(0010,0020)", "(0040,A160)"]
    assert told["(0008,0005)"].statement.line == 2
    assert told["(0040,A160)"].before == "x" * (LONGEST - 1) + "…"


def test_changes_of_several_scripts_are_told_together() -> None:
    subject = opened(simple())
    compiled('(0010,0010) := "a"\n(0010,0020) := "b"').apply(subject, HOST)
    project = compiled('(0010,0010) := "c"\n(0010,0020) := "12"', name="project P")
    applied = project.apply(subject, HOST, changes=True)
    assert applied.outcome is ScriptOutcome.CHANGED
    assert applied.changes == (
        Change(
            path="(0010,0010)",
            name="PatientName",
            kind=ChangeKind.CHANGED,
            vr="PN",
            before="Doe",
            after="c",
            statement=Statement(script="project P", version=3, line=2),
        ),
    )
    unchanged = project.apply(subject, HOST)
    assert unchanged.outcome is ScriptOutcome.UNCHANGED
    assert changes_of(subject) == applied.changes


@BOTH
def test_undo_gives_the_original_back(explicit: bool) -> None:
    subject = opened(simple(), explicit=explicit)
    original = subject.head.header
    undo = compiled(SCRIPT).apply(subject, HOST).undo
    stored = Header.index(b"".join(subject.head_pieces()), explicit=explicit)
    assert b"".join(restore(stored, undo)) == bytes(original.data)


@BOTH
def test_items_that_scripts_made_all_go_in_whatever_order_the_undo_names_them(
    explicit: bool,
) -> None:
    subject = opened(simple(), explicit=explicit)
    text = '(0008,1140)[4]/(0010,0020) := "x"\n(0008,1140)[0]/(0010,0020) := "y"'
    undo = compiled(text).apply(subject, HOST).undo
    assert len([one for one in undo if len(one.path) == 2]) > 2
    stored = Header.index(b"".join(subject.head_pieces()), explicit=explicit)
    for order in (undo, undo[::-1]):
        assert b"".join(restore(stored, order)) == bytes(subject.head.header.data)


def test_undo_names_what_was_there_and_what_was_not() -> None:
    undo = {one.path: one for one in ran(SCRIPT, simple()).applied.undo}
    assert undo[0x00100010,].element == b"\x10\x00\x10\x00PN\x04\x00Doe "
    assert undo[0x00100010,].statement.line == 12
    assert undo[0x00100030,].element is None
    assert undo[0x00081140, 2].element is None
    assert undo[0x00081110,].element is None
    assert (0x00081110, 0, 0x00081155) not in undo


# ------------------------------------------------------------------------------------- record


@BOTH
def test_a_script_leaves_its_record(explicit: bool) -> None:
    first = data_set(CodeValue="7", CodingSchemeDesignator="XNAT")
    dataset = data_set(PatientID="p", DeidentificationMethodCodeSequence=[first])
    result = ran("", dataset, explicit=explicit, options={"record": "12"}, changes=True)
    items = result.dataset.DeidentificationMethodCodeSequence
    assert [item.CodeValue for item in items] == ["7", "12"]
    assert items[1].CodingSchemeDesignator == "XNAT"
    assert items[1].CodingSchemeVersion == "1.0"
    assert items[1].CodeMeaning == "XNAT DicomEdit 6 Script"
    assert result.applied.outcome is ScriptOutcome.CHANGED
    assert {one.statement for one in result.applied.changes} == {
        Statement(script="site", version=3)
    }
    header = Header.index(result.data, explicit=explicit)
    assert recorded_in(header, "12")
    assert recorded_in(header, "7")
    assert not recorded_in(header, "1")


def test_a_record_is_made_once_and_may_be_named_for_the_run() -> None:
    subject = opened(data_set(PatientID="p"))
    plan = compiled("", version="", record="12")
    plan.apply(subject, HOST)
    assert plan.apply(subject, HOST).outcome is ScriptOutcome.UNCHANGED
    long = "site v12 PROJECT subject session"
    plan.apply(subject, HOST, record=long)
    header = Header.index(b"".join(subject.head_pieces()), explicit=True)
    items = header.items(0x00120064)
    assert [item.text(0x00080104) for item in items] == ["XNAT DicomEdit 4 Script"] * 2
    assert recorded_in(header, long)
    record(subject, long, 6)
    assert len(subject.head.items(0x00120064)) == 2
    assert undo_of(subject)[0].path == (0x00120064,)


def test_no_record_is_left_unless_there_is_an_id() -> None:
    result = ran("", data_set(PatientID="p"), options={"record": "12"}, record="")
    assert not result.subject.changed


def test_a_rejected_object_has_no_record() -> None:
    result = ran("reject[]", data_set(PatientID="p"), options={"record": "12"})
    assert result.applied.outcome is ScriptOutcome.REJECTED
    assert not result.subject.changed


def test_a_sequence_that_cannot_be_read_is_removed_and_told_by_its_size() -> None:
    backwards = element(0x00081155, "UI", b"1.2\0") + element(0x00081150, "UI", b"1.2\0")
    data = sequence(0x00081140, [item(backwards)]) + element(0x00100010, "PN", b"A^B ")
    subject = ScriptedObject(Header.index(data, explicit=True))
    applied = compiled("- (0008,1140)").apply(subject, HOST, changes=True)
    (change,) = applied.changes
    assert (change.kind, change.before) == (ChangeKind.REMOVED, "32 bytes")
    assert b"".join(subject.head_pieces()) == data[-12:]
