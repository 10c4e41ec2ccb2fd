# SPDX-License-Identifier: Apache-2.0
"""The site script in the way of received objects: what is stored, answered, counted and kept, for
every way in which a script can end."""

from __future__ import annotations

import hashlib

import pydicom
import pytest

from engine.anonymize.hosting import record_id, variables
from engine.dicom.digest import DataSetDigest
from engine.dicom.part10 import read_meta
from engine.intake.answers import OUT_OF_RESOURCES, SUCCESS, ObjectContext, Origin
from engine.intake.claims import Known, StaleSnapshot
from engine.intake.journal import Outcome
from engine.intake.site_script import SiteScript
from engine.routing.router import RoutingConfig
from tests.engine.dicom.datasets import BIG, EXPLICIT, IMPLICIT, element
from tests.engine.intake.room import MR, STUDY, Room, big_endian, data_set, implicit, meta
from tests.engine.intake.scripting import SECRET, as_received, keep, run, send, site, stored

NAME, ID, COMMENTS, METHODS = 0x00100010, 0x00100020, 0x00104000, 0x00120064
REJECTS = '(0010,0010) = "PATIENT1" ? reject[]'
FAILS = '(0010,0020) := substring["abc", 5, 9]'


def assigned(project: str = "P1", subject: str = "S1", session: str = "S1_MR") -> bytes:
    """Return an object whose comments say where it belongs."""
    text = f"Project:{project} Subject:{subject} Session:{session}".encode()
    data = data_set()
    at = data.index(bytes((0x20, 0, 0x0D, 0)))
    return data[:at] + element(COMMENTS, "LT", text + b" " * (len(text) % 2)) + data[at:]


def record_of(project: str = "", subject: str = "PATIENT1", session: str = "") -> str:
    given = variables(project=project, subject=subject, session=session)
    return record_id("scr_abcdefg7", given, SECRET)


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
def test_what_is_stored_is_what_the_script_leaves(room: Room, syntax: str) -> None:
    run(room, '- (0010,0020)\n(0010,0010) := "NOBODY"')
    data = data_set() if syntax == EXPLICIT else implicit(data_set())
    answer = send(room, data, syntax)
    assert (answer.status, answer.outcome) == (SUCCESS, Outcome.STORED)
    _, header = stored(room)
    assert (header.text(NAME), ID in header) == ("NOBODY", False)
    (file,) = room.files
    content = file.read_bytes()
    assert content[-600:] == bytes(600)
    assert b"ID1" not in content and b"PATIENT1" not in content
    assert list(room.staging.folder.iterdir()) == []


def test_what_is_recorded_is_what_was_received(room: Room) -> None:
    run(room, "- (0010,0020)")
    send(room)
    (record,) = room.records
    assert (record.script, record.rule, record.snapshot) == ("changed", "", 2)
    assert record.digest == DataSetDigest(data_set()).text
    assert (record.size, record.received_sop) == (len(data_set()), "1.2.3.4.5")


def test_the_original_is_the_stored_header_and_the_undo_record(room: Room) -> None:
    run(room, '- (0010,0020)\n(0008,103E) := "x"\n(0010,0030) := "19700101"')
    send(room)
    (original,) = room.intake.originals.of("pre_1")
    assert original.digest == DataSetDigest(data_set()).text
    (file,) = room.files
    assert data_set().startswith(as_received(file, original))
    said = {one.path[-1]: str(one.statement) for one in original.undo}
    assert (said[ID], said[0x0008103E], said[METHODS]) == ("site v7:2", "site v7:3", "site v7")


def test_the_script_knows_where_the_object_goes(room: Room) -> None:
    run(
        room,
        '(0010,0010) := format["{0}/{1}/{2}", project, subject, session]',
        routing=RoutingConfig(projects={"P1": "P1"}),
    )
    send(room, assigned())
    _, header = stored(room)
    assert header.text(NAME) == "P1/S1/S1_MR"
    (code,) = header.items(METHODS)
    assert code.text(0x00080100) == record_of("P1", "S1", "S1_MR")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- (0008,103E)", ""),
        ('(0008,103E) := "T2"', "T2"),
        ("- (0010,0020)", "T1[31m sag"),
        (REJECTS, ""),
        (FAILS, ""),
    ],
)
@pytest.mark.parametrize("syntax", [EXPLICIT, BIG])
def test_the_series_is_told_as_it_is_stored(room: Room, text: str, told: str, syntax: str) -> None:
    run(room, text)
    data = data_set() if syntax == EXPLICIT else big_endian(data_set())
    for again in (False, True):
        incoming = room.begin(syntax=syntax)
        incoming.write([memoryview(data)])
        incoming.finish()
        assert incoming.series == ("" if again else told)


@pytest.mark.parametrize("syntax", [EXPLICIT, BIG])
def test_where_an_object_stands_is_recorded_as_it_is_stored(room: Room, syntax: str) -> None:
    run(room, '(0020,000E) := "9.9.2"\n(0020,0013) := "17"\n(0020,1002) := "30"')
    data = data_set() if syntax == EXPLICIT else big_endian(data_set())
    send(room, data, syntax)
    send(room, data, syntax)
    first, again = room.records
    assert (first.series, first.number, first.stated) == ("9.9.2", 17, 30)
    assert (again.outcome, again.series, again.number) == (Outcome.DUPLICATE, "", -1)


def test_of_an_object_that_waits_for_the_script_nothing_is_told(room: Room) -> None:
    run(room, '(0010,0020) := getURL["http://nowhere.invalid/"]')
    room.intake.defers = True
    incoming = room.begin()
    incoming.write([memoryview(data_set())])
    assert incoming.finish().outcome is Outcome.STAGED
    assert incoming.series == ""


def test_data_without_a_project_is_unassigned(room: Room) -> None:
    run(room, 'project != "Unassigned" ? (0010,0010) := "SET"')
    send(room)
    (file,) = room.files
    assert file.read_bytes() == meta() + data_set()
    assert room.records[0].script == "unchanged"
    assert list(room.intake.originals.of("pre_1")) == []


def test_a_rejected_object_is_counted_and_nothing_of_it_is_kept(room: Room) -> None:
    run(room, f"// why\n{REJECTS}")
    answer = send(room)
    assert (answer.status, answer.outcome) == (SUCCESS, Outcome.REJECTED)
    (record,) = room.records
    assert (record.outcome, record.rule) == (Outcome.REJECTED, "site v7:3")
    assert "PATIENT1" not in record.reason
    assert room.is_clean()
    assert room.rows.requests == []


def test_an_object_for_which_the_script_fails_is_held_as_it_came(room: Room) -> None:
    run(room, FAILS)
    answer = send(room)
    assert (answer.status, answer.outcome) == (SUCCESS, Outcome.HELD)
    (record,) = room.records
    assert record.rule == "site v7:2"
    assert record.reason.startswith("site v7:2: ")
    (held,) = room.held
    assert held.read_bytes() == meta() + data_set()
    assert room.files == []


def test_a_receiver_may_refuse_what_the_script_fails_with(room: Room) -> None:
    run(room, FAILS)
    context = ObjectContext(sop_class=MR, sop_instance="1.2.3.4.5", transfer_syntax=EXPLICIT)
    incoming = room.intake.begin(Origin(transfer="tr_1", refuse_failed=True), context=context)
    incoming.write([memoryview(data_set())])
    answer = incoming.finish()
    assert (answer.status, answer.outcome) == (OUT_OF_RESOURCES, Outcome.REFUSED)
    assert answer.comment.startswith("site v7:2: ")
    assert room.records[0].rule == "site v7:2"
    assert room.is_clean()


def test_a_receiver_may_leave_objects_as_they_are(room: Room) -> None:
    run(room, REJECTS)
    context = ObjectContext(sop_class=MR, sop_instance="1.2.3.4.5", transfer_syntax=EXPLICIT)
    origin = Origin(transfer="tr_1", calling="SCANNER", prevent_anon=True)
    incoming = room.intake.begin(origin, context=context)
    incoming.write([memoryview(data_set())])
    assert incoming.finish().outcome is Outcome.STORED
    (file,) = room.files
    assert file.read_bytes() == meta() + data_set()
    assert room.rows.requests[0].prevent_anon
    assert room.records[0].script == "prevented"


def test_an_object_over_which_the_script_ran_elsewhere_is_skipped(room: Room) -> None:
    run(room, '(0010,0010) := format["{0}+", (0010,0010)]')
    send(room, assigned(session="A"))
    (file,) = room.files
    content = file.read_bytes()
    once = content[read_meta(content).dataset_offset :]
    file.unlink()
    assert room.send(once).outcome is Outcome.STORED
    assert room.records[-1].script == "skipped"
    (file,) = room.files
    assert file.read_bytes().endswith(once)
    file.unlink()
    # With other labels it has to run again.
    assert room.send(once.replace(b"Session:A", b"Session:B")).outcome is Outcome.STORED
    assert room.records[-1].script == "changed"
    assert stored(room)[1].text(NAME) == "PATIENT1++"


def test_a_script_that_cannot_run_at_all_holds_what_arrives(room: Room) -> None:
    run(room, "this is (no script")
    assert send(room).outcome is Outcome.HELD
    assert room.records[0].reason.startswith("site v7 cannot be run")
    room.snapshot(9)
    assert room.send(data_set()).outcome is Outcome.STORED


def test_a_script_with_a_faulty_lookup_table_holds_what_arrives(room: Room) -> None:
    script = site("- (0010,0020)", lookups="a/b = c\na/b = d")
    room.snapshot(2, site_script=script, uid_secret=SECRET)
    assert send(room).outcome is Outcome.HELD


def test_lines_that_are_no_entry_of_a_lookup_table_hold_nothing(room: Room) -> None:
    script = site("- (0010,0020)", lookups="no entry\na/b = c")
    room.snapshot(2, site_script=script, uid_secret=SECRET)
    assert send(room).outcome is Outcome.STORED


def test_an_object_may_not_lose_its_name(room: Room) -> None:
    run(room, "- (0008,0018)")
    assert send(room).outcome is Outcome.HELD
    assert room.records[0].reason == "site v7: it leaves no SOP Instance UID"


def test_rows_and_files_are_named_as_stored_and_claims_are_made_as_received(room: Room) -> None:
    run(
        room,
        '(0020,000D) := "9.9"\n(0008,0018) := "9.9.1"\n'
        '(0020,0011) := "8"\n(0008,0020) := "19990101"',
    )
    send(room)
    (file,) = room.files
    assert (file.parent.parent.name, file.name[:4]) == ("8", "9.9-")
    assert stored(room)[0].sop_instance == "9.9.1"
    (request,) = room.rows.requests
    assert (request.study_uid, request.scan_date) == (STUDY, "19990101")
    assert (room.records[0].received_sop, room.records[0].sop) == ("1.2.3.4.5", "9.9.1")


def test_names_may_be_those_that_were_received(room: Room) -> None:
    run(room, '(0020,000D) := "9.9"', names_as_received=True)
    send(room)
    (file,) = room.files
    assert file.name.startswith(f"{STUDY}-")


def test_sent_again_an_object_is_a_duplicate_and_with_other_bytes_a_conflict(room: Room) -> None:
    run(room, '(0008,0018) := "9.9.1"\n- (0010,0020)')
    send(room)
    (record,) = room.records
    known = Known(received_sop=record.received_sop, digest=record.digest)
    room.rows.index[record.file] = (known,)
    assert room.send(data_set()).outcome is Outcome.DUPLICATE
    assert room.send(data_set(pixels=b"\1" * 600)).outcome is Outcome.CONFLICT
    assert len(room.files) == 2


def test_sent_again_after_its_record_was_lost_it_is_a_duplicate(room: Room) -> None:
    run(room, "- (0010,0020)")
    send(room)
    assert room.send(data_set()).outcome is Outcome.DUPLICATE
    assert len(room.files) == 1


def test_sent_again_an_object_whose_digest_is_of_an_older_kind_is_a_duplicate(room: Room) -> None:
    run(room, "- (0010,0020)")
    send(room)
    (record,) = room.records
    old = hashlib.sha256(data_set()).hexdigest()
    room.rows.index[record.file] = (Known(received_sop=record.received_sop, digest=old),)
    assert room.send(data_set()).outcome is Outcome.DUPLICATE
    assert room.send(data_set(pixels=b"\1" * 600)).outcome is Outcome.CONFLICT


def test_nothing_is_kept_of_what_was_changed_where_that_is_off(room: Room) -> None:
    run(room, "- (0010,0020)", keep_originals=False)
    send(room)
    assert list(room.intake.originals.of("pre_1")) == []


def test_nothing_is_kept_of_a_session_that_has_gone(room: Room) -> None:
    run(room, "- (0010,0020)")
    assert room.send(data_set()).outcome is Outcome.STORED
    assert not room.intake.originals.root.exists()


def test_private_elements_after_the_pixels_go_with_the_others(room: Room) -> None:
    run(room, "removeAllPrivateTags")
    tail = element(0x7FE1_0010, "LO", b"ACME") + element(0x7FE1_1010, "LO", b"secret")
    padding = element(0xFFFC_FFFC, "OB", b"\0\0")
    send(room, data_set() + tail + padding)
    (file,) = room.files
    content = file.read_bytes()
    assert b"secret" not in content and content.endswith(padding)
    assert room.records[0].script == "changed"
    (original,) = room.intake.originals.of("pre_1")
    assert any(one.element == element(0x7FE1_1010, "LO", b"secret") for one in original.undo)


def test_nothing_after_the_pixels_leaves_an_object_as_it_was(room: Room) -> None:
    run(room, "removeAllPrivateTags")
    padding = element(0xFFFC_FFFC, "OB", b"\0\0")
    send(room, data_set() + padding)
    (file,) = room.files
    assert file.read_bytes() == meta() + data_set() + padding
    assert room.records[0].script == "unchanged"


def test_what_stands_in_group_2_can_be_changed(room: Room) -> None:
    run(room, '(0002,0016) := "GONE"')
    send(room)
    (file,) = room.files
    assert read_meta(file.read_bytes()).source_ae == "GONE"


def test_big_endian_is_stored_as_it_came_where_the_script_leaves_it_alone_and_turned_else(
    room: Room,
) -> None:
    run(room, "- (0010,4000)")
    data = big_endian(data_set())
    assert send(room, data, BIG).outcome is Outcome.STORED
    (file,) = room.files
    assert file.read_bytes() == meta(syntax=BIG) + data
    file.unlink()
    run(room, "- (0010,0020)")
    assert room.send(data, syntax=BIG).outcome is Outcome.STORED
    (file,) = room.files
    assert room.records[-1].script == "changed"
    stored = pydicom.dcmread(file)
    assert stored.file_meta.TransferSyntaxUID == EXPLICIT
    assert "PatientID" not in stored
    assert stored.StudyInstanceUID == STUDY


def test_big_endian_that_cannot_be_turned_is_held(room: Room) -> None:
    run(room, "- (0010,0020)")
    data = big_endian(data_set())
    assert room.send(data[:-3], syntax=BIG).outcome is Outcome.HELD
    assert not room.files


def test_a_script_is_compiled_once_for_all_snapshots_that_have_it(room: Room) -> None:
    run(room, "- (0010,0020)")
    first = room.intake.in_force.site
    run(room, "- (0010,0020)")
    assert room.intake.in_force.site is first
    run(room, "- (0010,0030)")
    assert isinstance(room.intake.in_force.site, SiteScript)
    assert room.intake.in_force.site is not first


def test_an_object_that_began_under_an_older_script_is_anonymized_again(room: Room) -> None:
    run(room, '(0010,0010) := "OLD"')
    keep(room, "pre_2")
    changes = iter([True, False])

    def stale() -> None:
        if next(changes):
            run(room, '(0010,0020) := "NEW"')
            raise StaleSnapshot

    room.rows.before = stale
    data = data_set() + element(0xFFFC_FFFC, "OB", b"\0\0")
    assert room.send(data).outcome is Outcome.STORED
    _, header = stored(room)
    assert (header.text(NAME), header.text(ID)) == ("PATIENT1", "NEW")
    (file,) = room.files
    assert file.read_bytes().endswith(data[-620:])
    (original,) = room.intake.originals.of("pre_2")
    assert data.startswith(as_received(file, original))
    assert list(room.staging.folder.iterdir()) == []


def test_an_object_that_began_under_an_older_configuration_is_only_routed_again(
    room: Room,
) -> None:
    run(room, '(0010,0010) := "OLD"')
    script = room.intake.snapshot.site_script
    changes = iter([True, False])

    def stale() -> None:
        if next(changes):
            room.snapshot(8, site_script=script, uid_secret=SECRET)
            raise StaleSnapshot

    room.rows.before = stale
    assert room.send(data_set()).outcome is Outcome.STORED
    assert stored(room)[1].text(NAME) == "OLD"
    assert room.records[0].snapshot == 8


@pytest.mark.parametrize("pixels", [b"\xff" * 600, bytes(600), bytes(5)])
def test_what_is_held_for_its_encoding_is_whole_whatever_a_script_would_see(
    room: Room, pixels: bytes
) -> None:
    run(room, "removeAllPrivateTags")
    data = data_set()
    # An Implicit element after Explicit ones: its value looks like more elements.
    element_head = bytes((0xE0, 0x7F, 0x10, 0)) + len(pixels).to_bytes(4, "little")
    data = data[: data.index(element_head[:4])] + element_head + pixels
    assert send(room, data).outcome is Outcome.HELD
    (held,) = room.held
    assert held.read_bytes() == meta() + data
