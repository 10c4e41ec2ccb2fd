# SPDX-License-Identifier: Apache-2.0
"""Requests for a storage commitment in a worker: kept durably before they are answered, and what
they may cost is bounded."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

import pytest

from engine.dicom import commitment
from engine.dicom.commitment import MOST_OBJECTS, report, unpacked
from engine.intake import commitments as under_test
from engine.intake.answers import Origin, Reply
from engine.intake.commitments import (
    ENDING,
    FOLDER,
    Commitments,
    DamagedRequest,
    read_request,
)

MR = "1.2.840.10008.5.1.4.1.1.4"
ORIGIN = Origin(transfer="tr_1", receiver="ANTEROOM", calling="SCANNER", peer="192.0.2.1")


def request(count: int, transaction: str = "1.2.3") -> Iterable[bytes]:
    """Make the data set of a request; a report of success has the same form."""
    objects = ((MR, f"1.2.3.{number}") for number in range(count))
    return report(transaction, objects, (), explicit=False)


class Desk:
    """A worker's requests, and what the engine hears of them."""

    def __init__(self, root: Path) -> None:
        self.heard: list[str] = []
        self.commitments = Commitments(root, "n-w1", asked=self.heard.append)
        self.folder = root / FOLDER

    def take(self, pieces: Iterable[bytes]) -> Reply:
        incoming = self.commitments.begin(ORIGIN, context=3, explicit=False)
        for piece in pieces:
            incoming.write([memoryview(piece)])
        return incoming.finish()

    @property
    def files(self) -> list[Path]:
        return sorted(self.folder.iterdir())


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A worker's requests."""
    return Desk(tmp_path)


def test_a_request_is_on_disk_before_it_is_answered(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    assert desk.take(request(3)) == Reply(status=0)
    (path,) = desk.files
    assert [Path(each).name for each in synced] == [f".{path.name}.tmp", FOLDER]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(desk.folder.stat().st_mode) == 0o700
    asking, objects = read_request(path)
    assert path.name == f"n-w1.{asking.id}{ENDING}"
    assert desk.heard == [asking.id]
    assert (asking.transaction, asking.count, asking.context) == ("1.2.3", 3, 3)
    assert (asking.receiver, asking.calling, asking.peer) == ("ANTEROOM", "SCANNER", "192.0.2.1")
    assert list(unpacked(objects)) == [(MR, f"1.2.3.{number}") for number in range(3)]


def test_what_is_refused_leaves_nothing(desk: Desk) -> None:
    assert desk.take([]).status == 0x0120
    assert desk.take([b"nonsense, and more of it"]).status == 0x0110
    assert desk.take(request(1, transaction="")).status == 0x0115
    incoming = desk.commitments.begin(ORIGIN, context=3, explicit=False)
    incoming.write([memoryview(b"half of it")])
    incoming.abandon("aborted by the sender")
    assert not desk.files
    assert not desk.heard


def test_a_hundred_thousand_objects_are_taken_and_one_more_is_not(desk: Desk) -> None:
    assert desk.take(request(MOST_OBJECTS)) == Reply(status=0)
    assert read_request(desk.files[0])[0].count == MOST_OBJECTS
    reply = desk.take(request(MOST_OBJECTS + 1))
    assert (reply.status, len(desk.files)) == (0x0213, 1)


def test_what_never_ends_is_not_kept(desk: Desk) -> None:
    piece = bytes(1 << 20)
    pieces = (piece for _ in range(commitment.LARGEST_REQUEST // len(piece) + 1))
    assert desk.take(pieces) == Reply(status=0x0213, comment="it is too large")


def test_requests_are_refused_where_the_engine_takes_none(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(under_test, "MOST_FILES", 2)
    assert [desk.take(request(1)).status for _ in range(3)] == [0, 0, 0x0213]
    desk.files[0].unlink()
    assert desk.take(request(1)).status == 0


def test_what_the_disk_does_not_take_is_no_success(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert desk.take(request(1)).status == 0x0110
    assert not desk.heard
    assert not list(desk.folder.glob(f"*{ENDING}"))


def test_a_file_that_is_no_request_is_told_from_one(tmp_path: Path) -> None:
    path = tmp_path / f"n-w1.cm_1{ENDING}"
    path.write_bytes(b"{}\n")
    with pytest.raises(DamagedRequest):
        read_request(path)
