# SPDX-License-Identifier: Apache-2.0
"""C-STORE to peers of every kind: what arrives, what is counted, and where a send goes on that was
broken."""

from __future__ import annotations

import errno
import logging
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from io import BufferedReader, FileIO
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid
from pynetdicom import evt
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.events import Event
from pynetdicom.presentation import AllStoragePresentationContexts

from engine.dicom.part10 import read_meta, write_meta
from engine.model.remotes import Remote
from engine.remotes.faults import Unreached
from engine.remotes.plan import Plan, plan, planned
from engine.remotes.progress import FileGone, Progress
from engine.remotes.sending import Sending
from tests.engine.remotes.peers import scp, storescp

CT = "1.2.840.10008.5.1.4.1.1.2"
MR = "1.2.840.10008.5.1.4.1.1.4"
HERE = Remote(
    name="PEER", ae_title="PEER", host="127.0.0.1", port=104, connect_timeout=5, answer_timeout=5
)


def written(folder: Path, count: int = 5, source: str = "CT_small.dcm", scan: str = "1") -> Plan:
    """Write so many objects as a session has them, and plan to send the session."""
    found = get_testdata_file(source)
    assert isinstance(found, str)
    image = dcmread(found)
    place = folder / "SCANS" / scan / "DICOM"
    place.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        image.save_as(place / f"{number:03}.dcm")
    return plan(folder)


def sending(
    folder: Path,
    of: Plan,
    port: int,
    progress: Progress | None = None,
    *,
    answer_timeout: float = HERE.answer_timeout,
    max_pdu: int = 131_072,
) -> Sending:
    return Sending(
        replace(HERE, port=port, answer_timeout=answer_timeout),
        folder,
        of,
        progress or Progress(),
        calling="ANTEROOM",
        max_pdu=max_pdu,
    )


def named(
    path: Path, *, sop_class: str = CT, sop_instance: str = "1.2.3", syntax: str = ""
) -> None:
    """Put other UIDs into the meta information of a file, which pydicom might refuse to write."""
    data = path.read_bytes()
    meta = read_meta(data)
    start = write_meta(
        sop_class=sop_class,
        sop_instance=sop_instance,
        transfer_syntax=syntax or meta.transfer_syntax,
    )
    path.write_bytes(start + data[meta.dataset_offset :])


def counts(progress: Progress) -> tuple[int, int, int]:
    return progress.sent, progress.warnings, progress.failed


def uid_of(event: Event) -> str:
    assert isinstance(event.request, C_STORE)
    return str(event.request.AffectedSOPInstanceUID)


class Taking:
    """Takes objects, and answers by their number."""

    def __init__(self, **at: int) -> None:
        self.uids: list[str] = []
        self.statuses = {int(name.removeprefix("n")): status for name, status in at.items()}

    def __call__(self, event: Event) -> int:
        self.uids.append(uid_of(event))
        return self.statuses.get(len(self.uids), 0)


def test_storescp_gets_every_object_as_it_is(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()
    session = tmp_path / "session"
    written(session, 3)
    written(session, 2, "JPEG2000.dcm", "2")
    of = written(session, 1, "MR_small.dcm", "3")
    # As it comes: what dcmtk would write anew could hide what was sent.
    with storescp(there, "--bit-preserving", "+xa") as port:
        made = sending(session, of, port)
        made.run()
    assert counts(made.progress) == (6, 0, 0)
    assert made.progress.sent_bytes == of.bytes == sum(each.size for each in of.files)
    arrived = {dcmread(path).SOPInstanceUID: path for path in there.iterdir()}
    assert set(arrived) == {each.uid for each in of.files}
    for each in of.files:
        ours, theirs = dcmread(session / each.path), dcmread(arrived[each.uid])
        assert theirs.file_meta.TransferSyntaxUID == ours.file_meta.TransferSyntaxUID
        assert theirs.PixelData == ours.PixelData


def test_some_scans_go_alone(tmp_path: Path) -> None:
    written(tmp_path, 2)
    written(tmp_path, 3, scan="2")
    assert len(plan(tmp_path, ("2",)).files) == 3
    assert len(plan(tmp_path, ("2", "1", "2")).files) == 5
    assert plan(tmp_path).digest == plan(tmp_path, ("1", "2")).digest
    assert plan(tmp_path).digest != plan(tmp_path, ("1",)).digest


def test_what_is_not_accepted_is_said_of_each_object(tmp_path: Path) -> None:
    written(tmp_path, 2)
    written(tmp_path, 2, "MR_small.dcm", "2")
    of = written(tmp_path, 1, "JPEG2000.dcm", "3")
    taking = Taking()
    contexts = [(CT, [ExplicitVRLittleEndian]), (MR, [ImplicitVRLittleEndian])]
    with scp(contexts=contexts, handlers=[(evt.EVT_C_STORE, taking)]) as port:
        made = sending(tmp_path, of, port)
        made.run()
    assert counts(made.progress) == (2, 0, 3)
    assert {failure.reason for failure in made.progress.failures} == {
        "PEER does not accept MR Image Storage in Explicit VR Little Endian",
        "PEER does not accept Secondary Capture Image Storage in JPEG 2000 Image Compression",
    }
    assert made.progress.failures[0].file == "SCANS/2/DICOM/000.dcm"


def test_a_peer_that_accepts_nothing_gets_nothing(tmp_path: Path) -> None:
    of = written(tmp_path, 3)
    with scp(contexts=[MR]) as port:
        made = sending(tmp_path, of, port)
        made.run()
    assert counts(made.progress) == (0, 0, 3)
    assert "does not accept CT Image Storage" in made.progress.failures[0].reason


def test_failures_and_warnings_are_counted_and_the_rest_goes_on(tmp_path: Path) -> None:
    of = written(tmp_path, 6)
    taking = Taking(n2=0xA700, n3=0xB000, n5=0xC123)
    with scp(contexts=[CT], handlers=[(evt.EVT_C_STORE, taking)]) as port:
        made = sending(tmp_path, of, port)
        made.run()
    assert counts(made.progress) == (4, 1, 2)
    assert made.progress.statuses == {"A700": 1, "B000": 1, "C123": 1}
    assert [(one.status, one.reason) for one in made.progress.failures] == [
        ("A700", "out of resources"),
        ("B000", "the remote has changed some of its elements"),
        ("C123", "it cannot be understood"),
    ]
    assert made.progress.failures[0].uid == of.files[1].uid


def test_what_is_no_dicom_is_a_failure_of_its_own(tmp_path: Path) -> None:
    of = written(tmp_path, 2)
    place = tmp_path / "SCANS/1/DICOM"
    (place / "001a.dcm").write_bytes(b"dear colleague")
    (place / "002.dcm").symlink_to(place / "000.dcm")
    paths = [each.path for each in of.files]
    paths += [f"SCANS/1/DICOM/{name}.dcm" for name in ("001a", "002", "003")]
    of = planned(tmp_path, paths)
    taking = Taking()
    with scp(contexts=[CT], handlers=[(evt.EVT_C_STORE, taking)]) as port:
        made = sending(tmp_path, of, port)
        made.run()
    assert counts(made.progress) == (2, 0, 3)
    assert ["it is no DICOM file" in one.reason for one in made.progress.failures] == [
        True,
        False,
        False,
    ]


def test_an_abort_in_the_middle_ends_it_there_and_it_goes_on(tmp_path: Path) -> None:
    of = written(tmp_path, 5)
    taking = Taking()

    def abort(event: Event) -> int:
        if taking(event) == 0 and len(taking.uids) == 3:
            event.assoc.abort()
        return 0

    with scp(contexts=[CT], handlers=[(evt.EVT_C_STORE, abort)]) as port:
        progress = Progress()
        with pytest.raises(Unreached, match="ended the connection"):
            sending(tmp_path, of, port, progress).run()
        assert (progress.position, *counts(progress)) == (2, 2, 0, 0)
        sending(tmp_path, of, port, progress).run()
    assert counts(progress) == (5, 0, 0)
    # The third was sent twice.
    assert [taking.uids.count(each.uid) for each in of.files] == [1, 1, 2, 1, 1]


def test_an_object_at_which_the_peer_always_breaks_is_left_out(tmp_path: Path) -> None:
    of = written(tmp_path, 3)
    taken: list[str] = []

    def abort(event: Event) -> int:
        if uid_of(event) == of.files[1].uid:
            event.assoc.abort()
        else:
            taken.append(uid_of(event))
        return 0

    with scp(contexts=[CT], handlers=[(evt.EVT_C_STORE, abort)]) as port:
        made = sending(tmp_path, of, port)
        for _ in range(3):
            with pytest.raises(Unreached):
                made.run()
        made.run()
    assert counts(made.progress) == (2, 0, 1)
    assert "3 times at this object" in made.progress.failures[0].reason
    assert taken == [of.files[0].uid, of.files[2].uid]


def test_a_peer_that_falls_silent_is_left(tmp_path: Path) -> None:
    of = written(tmp_path, 2)
    over = threading.Event()

    def sleep(_event: Event) -> int:
        over.wait(30)
        return 0

    with scp(contexts=[CT], handlers=[(evt.EVT_C_STORE, sleep)]) as port:
        made = sending(tmp_path, of, port, answer_timeout=1)
        with pytest.raises(Unreached, match="did not answer within 1 seconds"):
            made.run()
        over.set()
    assert made.progress.position == 0


def test_it_is_stopped_after_an_object_and_cut_at_once(tmp_path: Path) -> None:
    of = written(tmp_path, 4)
    made: list[Sending] = []
    over = threading.Event()
    taking = Taking()

    def stop(event: Event) -> int:
        status = taking(event)
        if len(taking.uids) == 2:
            made[0].stop()
        if len(taking.uids) == 4:
            threading.Thread(target=made[0].cut).start()
            over.wait(30)
        return status

    with scp(contexts=[CT], handlers=[(evt.EVT_C_STORE, stop)]) as port:
        progress = Progress()
        made.append(sending(tmp_path, of, port, progress))
        made[0].run()
        assert progress.position == 2
        made[0] = sending(tmp_path, of, port, progress)
        with pytest.raises(Unreached, match="it was stopped"):
            made[0].run()
        over.set()
    assert progress.position == 3


def test_a_file_that_is_moved_away_is_told(tmp_path: Path) -> None:
    of = written(tmp_path, 3)
    (tmp_path / of.files[1].path).unlink()
    with scp(contexts=[CT], handlers=[(evt.EVT_C_STORE, Taking())]) as port:
        made = sending(tmp_path, of, port)
        with pytest.raises(FileGone):
            made.run()
    assert made.progress.position == 1


def test_more_contexts_than_an_association_has_take_several(tmp_path: Path) -> None:
    classes = [str(each.abstract_syntax) for each in AllStoragePresentationContexts[:130]]
    of = written(tmp_path, 131)
    for number, each in enumerate(of.files):
        image = dcmread(tmp_path / each.path)
        kind = UID(classes[number % 130])
        image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = kind
        image.save_as(tmp_path / each.path)
    of = plan(tmp_path)
    assert [each.path[-7:] for each in of.files[-3:]] == ["130.dcm", "128.dcm", "129.dcm"]
    associations: list[int] = []

    def accepted(event: Event) -> None:
        associations.append(len(event.assoc.requestor.requested_contexts))

    taking = Taking()
    handlers = [(evt.EVT_C_STORE, taking), (evt.EVT_ACCEPTED, accepted)]
    with scp(contexts=classes, handlers=handlers) as port:
        made = sending(tmp_path, of, port)
        made.run()
    assert counts(made.progress) == (131, 0, 0)
    assert associations == [128, 2]
    assert taking.uids == [each.uid for each in of.files]


def test_a_peer_without_a_limit_for_pdus_gets_none_beyond_ours(tmp_path: Path) -> None:
    of = written(tmp_path, 1)
    lengths: list[int] = []

    def received(event: Event) -> None:
        lengths.append(len(event.data))

    handlers = [(evt.EVT_C_STORE, Taking()), (evt.EVT_DATA_RECV, received)]
    with scp(contexts=[CT], handlers=handlers, max_pdu=0) as port:
        made = sending(tmp_path, of, port, max_pdu=8192)
        made.run()
    assert counts(made.progress) == (1, 0, 0)
    assert max(lengths) <= 8192 + 6


def test_uids_that_no_message_can_hold_are_told_and_the_others_go(tmp_path: Path) -> None:
    paths = [tmp_path / each.path for each in written(tmp_path, 5).files]
    named(paths[0], sop_instance="1.2." + "3" * 61)
    named(paths[1], sop_class="1.2." + "3" * 61)
    named(paths[2], syntax="1.2." + "3" * 61)
    named(paths[3], sop_instance="1.2.3\\1.2.4")
    of = plan(tmp_path)
    taking = Taking()
    with scp(contexts=[CT], handlers=[(evt.EVT_C_STORE, taking)]) as port:
        made = sending(tmp_path, of, port)
        made.run()
    assert counts(made.progress) == (1, 0, 4)
    assert {one.reason for one in made.progress.failures} == {
        "one of its UIDs is too long, or is none"
    }


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:140])


def in_another_syntax(path: Path) -> None:
    named(path, syntax="1.2.840.10008.1.2.4.90")


def with_a_longer_uid(path: Path) -> None:
    named(path, sop_instance="1.2." + "3" * 61)


def no_file(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    "change", [emptied, cut_off, in_another_syntax, with_a_longer_uid, no_file]
)
def test_a_file_that_became_odd_is_told_and_the_others_go(
    tmp_path: Path, change: Callable[[Path], None]
) -> None:
    of = written(tmp_path, 4)
    change(tmp_path / of.files[1].path)
    taking = Taking()
    with scp(contexts=[CT], handlers=[(evt.EVT_C_STORE, taking)]) as port:
        made = sending(tmp_path, of, port)
        made.run()
    assert counts(made.progress) == (3, 0, 1)
    assert taking.uids == [of.files[number].uid for number in (0, 2, 3)]
    (failure,) = made.progress.failures
    assert failure.file == of.files[1].path
    assert failure.reason in (
        "the file is not what it was when the sending began",
        "the file cannot be read: Is a directory",
    )


def test_a_file_that_cannot_be_read_to_its_end_is_told_and_the_others_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = written(tmp_path, 3)

    class Failing(BufferedReader):
        """The disk fails when a part of the object has gone."""

        reads = 0

        def read(self, size: int | None = -1, /) -> bytes:
            self.reads += 1
            if self.reads == 2:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return super().read(size)

    def opened(path: Path, mode: str) -> BufferedReader:
        kind = Failing if path == tmp_path / of.files[1].path else BufferedReader
        return kind(FileIO(path, mode))

    monkeypatch.setattr("pynetdicom.dimse_messages.open", opened, raising=False)
    taking = Taking()
    with scp(contexts=[CT], handlers=[(evt.EVT_C_STORE, taking)]) as port:
        made = sending(tmp_path, of, port, max_pdu=8192)
        made.run()
    assert counts(made.progress) == (2, 0, 1)
    assert taking.uids == [of.files[0].uid, of.files[2].uid]
    assert made.progress.failures[0].reason == "the file cannot be read: Input/output error"


def test_what_libraries_find_odd_reaches_no_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (path,) = (tmp_path / each.path for each in written(tmp_path, 1).files)
    named(path, sop_class="1.2.ADA", sop_instance="1.2.BOB")
    for name in ("pydicom", "pynetdicom"):
        caplog.set_level(logging.DEBUG, logger=name)
    taking = Taking()
    # A warning would be an error, in whichever thread it comes.
    with scp(contexts=[CT, "1.2.3.4"], handlers=[(evt.EVT_C_STORE, taking)]) as port:
        made = sending(tmp_path, plan(tmp_path), port)
        made.run()
    assert counts(made.progress) == (0, 0, 1)
    named(path, sop_instance="1.2.BOB")
    with scp(contexts=[CT], handlers=[(evt.EVT_C_STORE, taking)]) as port:
        made = sending(tmp_path, plan(tmp_path), port)
        made.run()
    assert (counts(made.progress), taking.uids) == ((1, 0, 0), ["1.2.BOB"])
    assert "ADA" not in caplog.text and "BOB" not in caplog.text
