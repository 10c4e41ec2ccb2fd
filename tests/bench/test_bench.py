# SPDX-License-Identifier: Apache-2.0
"""The parts of the benchmarks that compute: bounds, tables, objects, and what is sent. No clock is
looked at."""

from __future__ import annotations

import io
import itertools
import json
import os
import socket
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread

from bench import header, limits, raw_receiver, receive, review, scripts, sessions
from bench.__main__ import BENCHMARKS, main
from bench.measure import (
    Result,
    lower_bound,
    machine,
    median,
    percentile,
    processor_time,
    resident,
    table,
    tree,
)
from bench.objects import PROJECT, Template
from bench.receive import ASSOCIATIONS, Taken
from bench.sender import SendError, proposed, send
from bench.sessions import Cost
from engine.receiver.protocol.associate import decode_request
from engine.receiver.protocol.dimse import decode_command, encode_response
from engine.receiver.protocol.pdu import Event, PduStream, encode_command, encode_release_reply


@given(st.lists(st.floats(0.1, 100), min_size=1, max_size=40))
def test_the_lower_bound_is_one_of_the_values_and_not_above_the_median(values: list[float]) -> None:
    assert lower_bound(values) in values
    assert lower_bound(values) <= median(values)


@pytest.mark.parametrize(("count", "rank"), [(1, 1), (4, 1), (5, 1), (8, 2), (15, 4), (30, 11)])
def test_the_rank_of_the_lower_bound_is_that_of_the_sign_test(count: int, rank: int) -> None:
    assert lower_bound(list(range(1, count + 1))) == rank


@pytest.mark.parametrize(("share", "found"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.001, 1)])
def test_a_percentile_is_one_of_the_values(share: float, found: int) -> None:
    assert percentile(list(range(100, 0, -1)), share) == found


def test_only_bytes_of_the_network_and_of_files_are_summed() -> None:
    notes = """\
recvfrom(7<TCP:[127.0.0.1:1->127.0.0.1:2]>, ""..., 262144, 0, NULL, NULL) = 1000
recvfrom(7<TCP:[127.0.0.1:1->127.0.0.1:2]>, 0x7f, 262144, 0, NULL, NULL) = -1 EAGAIN (Resource)
writev(9</tmp/home/prearchive/.staging/w1/1.dcm>, [{iov_base=""..., iov_len=900}], 1) = 900
write(5</tmp/home/prearchive/.journals/w1.journal>, ""..., 60) = 60
write(11<pipe:[123]>, ""..., 1) = 1
recvfrom(3<UNIX-STREAM:[55->56]>, ""..., 4, 0, NULL, NULL) = 4
read(12</etc/localtime>, ""..., 4096) = 500
"""
    assert limits.totals([notes, notes]) == (2000, 1920)


def test_a_proposal_is_what_the_receiver_reads() -> None:
    items = b"".join(proposed(number, "1.2.3", ["1.2.4", "1.2.5"]) for number in (1, 3))
    body = b"\0\1" + bytes(66) + items
    contexts = decode_request(body).contexts
    assert [(each.id, each.abstract_syntax, each.transfer_syntaxes) for each in contexts] == [
        (number, "1.2.3", ("1.2.4", "1.2.5")) for number in (1, 3)
    ]


def test_a_table_lays_numbers_to_the_right() -> None:
    lines = table(("what", "ms"), [("a", 0.12345), ("bcd", 1234.5)]).splitlines()
    assert lines == ["what     ms", "a     0.123", "bcd    1234"]


def test_processes_are_found_and_their_time_is_summed() -> None:
    here = os.getpid()
    assert "python" in tree(here)[here]
    assert processor_time([here]) > 0
    assert processor_time([]) == 0
    assert resident([here]) > 1_000_000
    assert resident([]) == 0
    assert machine()["cores"]


def test_objects_of_a_study_differ_where_they_should_and_are_dicom() -> None:
    template = Template(16)
    first, second = template.study(7, 2)
    assert len(first.data) == len(second.data)
    one, other = (dcmread(io.BytesIO(each.data), force=True) for each in (first, second))
    assert one.StudyInstanceUID == other.StudyInstanceUID
    assert one.SeriesInstanceUID == other.SeriesInstanceUID
    assert (one.SOPInstanceUID, other.SOPInstanceUID) == (first.sop, second.sop)
    assert first.sop != second.sop
    assert (one.InstanceNumber, other.InstanceNumber) == (1, 2)
    assert one.PatientComments == f"Project:{PROJECT} Subject:S00007 Session:E00000007"
    assert len(one.PixelData) == 16 * 16 * 2
    assert template.study(7, 1)[0].sop not in (first.sop, second.sop)


def test_reading_and_editing_agree_with_pydicom() -> None:
    file = Template(16).file
    assert [value.rstrip("\0 ") for value in header.read_own(file)] == header.read_pydicom(file)
    ours, theirs = (
        dcmread(io.BytesIO(edit(file))) for edit in (header.edit_own, header.edit_pydicom)
    )
    assert ours == theirs
    assert ours.PatientName == "SUBJECT"
    assert header.EDITS == 28


class _Peer(threading.Thread):
    """Answers one association: each object with a status, the release with a release."""

    def __init__(self, status: int, largest: int = 4096) -> None:
        super().__init__(daemon=True)
        self._status = status
        self._largest = largest
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.taken: list[bytes] = []

    def run(self) -> None:
        with self._listener, self._listener.accept()[0] as sock:
            sock.recv(65536)
            item = b"\x51\x00\x00\x04" + self._largest.to_bytes(4, "big")
            sock.sendall(b"\x02\x00" + len(item).to_bytes(4, "big") + item)
            stream, data, command = PduStream(self._largest), bytearray(), bytearray()
            body = bytearray()
            while True:
                received = sock.recv(65536)
                if not received:
                    return
                data += received
                while (event := stream.next(memoryview(bytes(data)), len(data))) is not None:
                    if event is Event.RELEASE:
                        sock.sendall(encode_release_reply())
                        return
                    part = command if event is Event.COMMAND else body
                    part += stream.piece
                    if event is Event.DATA and stream.last:
                        answer = encode_response(decode_command(command), self._status)
                        sock.sendall(encode_command(1, answer, self._largest))
                        self.taken.append(bytes(body))
                        command.clear()
                        body.clear()


def test_the_sender_sends_what_it_was_given_in_pieces_that_the_receiver_takes() -> None:
    # Enough of them that the number of a message looks like something else (521 is 0209).
    objects = Template(4).study(1, 530)
    peer = _Peer(0x0000)
    peer.start()
    assert send("127.0.0.1", peer.port, "PEER", objects) > 0
    peer.join()
    assert peer.taken == [each.data for each in objects]


def test_an_object_is_cut_as_the_receiver_wants_it() -> None:
    objects = Template(256).study(1, 1)
    peer = _Peer(0x0000, largest=4096)
    peer.start()
    send("127.0.0.1", peer.port, "PEER", objects)
    peer.join()
    assert peer.taken == [objects[0].data]


def test_the_sender_stops_at_an_object_that_is_not_taken() -> None:
    peer = _Peer(0xA700)
    peer.start()
    with pytest.raises(SendError, match="A700"):
        send("127.0.0.1", peer.port, "PEER", Template(16).study(1, 2))
    peer.join()
    assert len(peer.taken) == 1


def test_both_ends_of_the_sessions_are_compared() -> None:
    costs = [
        Cost(wall=1.0, engine=0.1 * number, receiver=0.2, helper=0.0) for number in range(1, 7)
    ]
    result = sessions.report(costs, 2, 0.01, 0.03, objects=50)
    rows = {row[0]: row[1:] for row in result.rows}
    assert rows["engine"] == pytest.approx((150, 550, 550 / 150))
    assert rows["receiver"] == pytest.approx((200, 200, 1))
    assert rows["helper"] == (0, 0, 0)
    assert "first 20" in result.columns


def test_ratios_are_of_runs_of_the_same_round_and_judge_the_targets() -> None:
    names = [receive.DURABLE, receive.QUICK, receive.DCMTK, receive.UNTOUCHED]
    runs = {
        (receive.SMALL, name, associations): [
            Taken(rate=rate * (at + 1), cost=1.0) for rate in (10.0, 20.0, 40.0)
        ]
        for at, name in enumerate(names[:3])
        for associations in ASSOCIATIONS
    }
    for name, rate in ((receive.DURABLE, 840.0), (receive.UNTOUCHED, 21.0)):
        runs[receive.UNMODIFIED, name, 1] = [Taken(rate=rate, cost=1.0)] * 3
    rates, ratios, aims = receive.report(names, runs)
    assert [row[1] for row in rates.rows] == [20, 40, 60]
    told = {row[0]: row[1:] for row in ratios.rows}
    assert told[f"{receive.QUICK} / {receive.DURABLE}"] == pytest.approx([2] * 6)
    assert told[f"{receive.DURABLE} / {receive.DCMTK}"] == pytest.approx([1 / 3] * 6)
    judged = {(str(row[0]).partition(":")[0], row[1]): row[-1] for row in aims.rows}
    # Two thirds of 1.0, half of 0.6 and of 0.8, a third of 0.8 and of 1.0; nothing without runs.
    assert judged == {
        **{("3", associations): "missed" for associations in ASSOCIATIONS},
        ("5", 1): "reached",
        ("7", 1): "missed",
        ("7", 4): "missed",
        ("13", 1): "missed",
        ("13", 4): "missed",
    }


def test_what_writes_bytes_only_takes_all_objects_of_a_connection(tmp_path: Path) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    template = Template(16)
    objects = template.study(3, 5)

    def serve() -> None:
        sock, _ = listener.accept()
        with sock:
            raw_receiver.serve(sock, tmp_path, itertools.count())

    thread = threading.Thread(target=serve)
    thread.start()
    send("127.0.0.1", listener.getsockname()[1], "RAW", objects)
    thread.join()
    listener.close()
    stored = [(tmp_path / f"{number}.raw").read_bytes() for number in range(5)]
    assert all(each.data in data for each, data in zip(objects, stored, strict=True))


def test_the_command_lists_and_tells_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    assert main(["list"], said.append) == 0
    assert [line.split()[0] for line in said] == list(BENCHMARKS)

    def run(*, quick: bool) -> list[Result]:
        return [Result(name="one", columns=("what", "ms"), rows=(("a", 1.5 if quick else 2.5),))]

    monkeypatch.setitem(BENCHMARKS, "one", (run, "made up"))
    said.clear()
    assert main(["one", "--quick", "--json"], said.append) == 0
    (told,) = json.loads(said[0])["results"]
    assert told["rows"] == [{"what": "a", "ms": 1.5}]
    with pytest.raises(SystemExit):
        main(["nothing"], said.append)


def test_a_script_over_a_header_makes_the_edits_that_pydicom_makes() -> None:
    ways = [scripts.own(undo=undo) for undo in (False, True)]
    for file in scripts.objects().values():
        wanted = dcmread(io.BytesIO(header.edit_pydicom(file)))
        assert wanted.PatientName == "SUBJECT"
        assert [dcmread(io.BytesIO(way(file))) for way in ways] == [wanted, wanted]
    assert scripts.script().count("\n") == header.EDITS + 1


def test_what_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scripts, "find_spec", lambda name: None)
    works, missing = scripts.candidates()
    assert list(works) == [scripts.OWN, scripts.UNDO, scripts.PYDICOM]
    assert missing == ("dicom-anonymizer", "dicognito")


def test_what_a_reviewer_waits_for_is_held_against_the_aims_but_for_the_first_run() -> None:
    slow = review.Taken(name="Done, first run", first=2, told=12, whole=9, processor=9)
    quick = review.Taken(name="Done, kept", first=0.02, told=200, whole=0.02, processor=0.2)
    result = review.report([slow, quick], 200)
    assert result.rows[1] == ("Done, kept", 20.0, 200, 0.02, 0.2)
    assert result.remarks[-1].endswith(": kept")
    late = review.Taken(name="To come, kept", first=0.4, told=12, whole=1, processor=0.1)
    assert review.report([quick, late], 200).remarks[-1].endswith(": missed")
    # The aim is for 2,000 objects.
    costly = review.Taken(name="To come, kept", first=0.1, told=12, whole=1, processor=0.4)
    assert review.report([costly], 200).remarks[-1].endswith(": missed")


def test_scripts_are_set_beside_the_own_way_of_the_same_round() -> None:
    rows = scripts.report("CT", {scripts.OWN: [1.0, 2.0, 3.0], scripts.PYDICOM: [20.0, 42.0, 66.0]})
    assert rows == [("CT", scripts.OWN, 2.0, 1.0, 1.0), ("CT", scripts.PYDICOM, 42.0, 21.0, 20.0)]
