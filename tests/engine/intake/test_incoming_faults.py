# SPDX-License-Identifier: Apache-2.0
"""What becomes of an object when its sender, the store, the journal or the session goes away."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.dicom.guard import Guard
from engine.intake.answers import (
    OUT_OF_RESOURCES,
    SUCCESS,
)
from engine.intake.claims import Claim, ClaimRequest, NoClaim, StaleSnapshot
from engine.intake.incoming import Intake
from engine.intake.journal import Journal, Outcome
from engine.routing.router import RoutingConfig
from engine.storage.file_system import Abilities
from engine.storage.staging import StagedFile
from tests.engine.intake.room import (
    Room,
    data_set,
)


def test_an_object_whose_sender_goes_away_leaves_a_record_only(room: Room) -> None:
    incoming = room.begin()
    incoming.write([memoryview(data_set())])
    incoming.abandon("connection lost")
    (record,) = room.records
    assert (record.outcome, record.reason) == (Outcome.FAILED, "connection lost")
    assert room.is_clean()


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_store_is_told_at_the_end_and_freed_at_once(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = data_set()
    incoming = room.begin()
    incoming.write([memoryview(data)])
    with monkeypatch.context() as patch:
        patch.setattr(StagedFile, "write", full)
        incoming.write([memoryview(data)])
    assert room.is_clean()
    incoming.write([memoryview(data)])
    assert room.is_clean()
    answer = incoming.finish()
    assert (answer.status, answer.comment) == (
        OUT_OF_RESOURCES,
        "storing failed: No space left on device",
    )
    (record,) = room.records
    assert (record.outcome, record.size) == (Outcome.FAILED, 3 * len(data))
    assert room.rows.requests == []


PLAIN = Abilities()
IN_ORDER = Abilities(unnamed=True, in_order=True)


@pytest.mark.parametrize(
    ("abilities", "call"),
    [
        *((PLAIN, call) for call in ("fdatasync", "fsync", "link", "open")),
        *((IN_ORDER, call) for call in ("fstat", "fsync", "link", "open")),
    ],
)
def test_nothing_is_kept_of_what_could_not_be_made_durable(
    tmp_path: Path, guard: Guard, monkeypatch: pytest.MonkeyPatch, abilities: Abilities, call: str
) -> None:
    room = Room(tmp_path, guard, abilities=abilities)
    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        answer = room.send(data_set())
    assert answer.status == OUT_OF_RESOURCES
    assert room.outcomes == [Outcome.FAILED]
    assert room.is_clean()
    assert room.send(data_set()).outcome is Outcome.STORED
    room.journal.close()


@pytest.mark.parametrize("call", ["fdatasync", "fsync", "link"])
def test_what_could_not_be_held_durably_is_not_kept(
    room: Room, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        answer = room.send(data_set()[:70])
    assert (answer.status, answer.outcome) == (OUT_OF_RESOURCES, Outcome.FAILED)
    assert room.is_clean()


@pytest.mark.parametrize("data", [data_set(), data_set()[:70]])
def test_what_the_journal_does_not_take_is_taken_back(
    room: Room, monkeypatch: pytest.MonkeyPatch, data: bytes
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "append", full)
        answer = room.send(data)
        # The error of the channel's engine, of an encoder: whatever it is, nothing may stay.
        patch.setattr(Journal, "append", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            room.send(data)
    assert answer.status == OUT_OF_RESOURCES
    assert room.is_clean()
    assert room.records == []


@pytest.mark.parametrize("abilities", [PLAIN, IN_ORDER])
def test_a_duplicate_whose_record_is_not_on_disk_is_undone(
    tmp_path: Path, guard: Guard, monkeypatch: pytest.MonkeyPatch, abilities: Abilities
) -> None:
    room = Room(tmp_path, guard, abilities=abilities)
    room.send(data_set())
    fdatasync = os.fdatasync

    def fails_for_the_journal(descriptor: int) -> None:
        if os.path.samestat(os.fstat(descriptor), room.journal.path.stat()):
            full()
        fdatasync(descriptor)

    monkeypatch.setattr(os, "fdatasync", fails_for_the_journal)
    assert room.send(data_set()).status == OUT_OF_RESOURCES
    assert room.outcomes == [Outcome.STORED, Outcome.DUPLICATE, Outcome.FAILED]
    assert room.records[2].undoes == room.records[1]
    assert len(room.files) == 1
    room.journal.close()


def test_a_session_that_a_job_takes_away_is_claimed_again(room: Room) -> None:
    room.send(data_set("1.1"), "1.1")
    room.root.joinpath("row1").rename(room.root / "working")
    answer = room.send(data_set("1.2"), "1.2")
    assert (answer.outcome, answer.session) == (Outcome.STORED, "pre_2")
    assert len(room.rows.requests) == 2
    assert not (room.root / "row1").exists()


def test_a_session_that_is_taken_away_again_and_again(room: Room) -> None:
    claim = room.rows.claim

    def gone(request: ClaimRequest) -> Claim:
        made = claim(request)
        Path(made.folder).rmdir()
        return made

    room.rows.claim = gone  # type: ignore[method-assign]
    answer = room.send(data_set())
    assert (answer.status, answer.outcome) == (OUT_OF_RESOURCES, Outcome.FAILED)
    assert len(room.rows.requests) == 16


def test_a_stale_claim_is_routed_again(room: Room) -> None:
    def newer() -> None:
        if room.intake.snapshot.number == 1:
            room.snapshot(2, routing=RoutingConfig(projects={"PATIENT1": "P1"}))
            raise StaleSnapshot

    room.rows.before = newer
    assert room.send(data_set()).status == SUCCESS
    assert [request.snapshot for request in room.rows.requests] == [1, 2]
    assert room.records[0].snapshot == 2


def test_without_a_claim_nothing_is_kept(room: Room) -> None:
    def refuse() -> None:
        raise NoClaim("the engine is stopping")

    room.rows.before = refuse
    answer = room.send(data_set())
    assert (answer.status, answer.comment) == (OUT_OF_RESOURCES, "the engine is stopping")
    assert room.outcomes == [Outcome.FAILED]
    assert room.is_clean()


def test_without_durability_nothing_is_synced(
    tmp_path: Path, guard: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = Room(tmp_path, guard, durable=False)
    monkeypatch.setattr(os, "fdatasync", full)
    monkeypatch.setattr(os, "fsync", full)
    assert [room.send(data_set()).outcome for _ in range(2)] == [
        Outcome.STORED,
        Outcome.DUPLICATE,
    ]
    room.journal.close()


PLAIN_CALLS = (
    *("open", "writev", "fdatasync"),
    *("open", "fstat", "link", "fsync", "close"),
    *("write", "close"),
)
IN_ORDER_CALLS = (
    *("open", "writev", "fstat", "setxattr"),
    *("open", "fstat", "link", "fsync", "close"),
    *("write", "close"),
)


@pytest.mark.parametrize(
    ("abilities", "expected"), [(PLAIN, PLAIN_CALLS), (IN_ORDER, IN_ORDER_CALLS)]
)
def test_no_lock_and_few_calls_on_the_way(
    tmp_path: Path,
    guard: Guard,
    monkeypatch: pytest.MonkeyPatch,
    abilities: Abilities,
    expected: tuple[str, ...],
) -> None:
    room = Room(tmp_path, guard, abilities=abilities)
    room.send(data_set("1.1"), "1.1")
    calls: list[str] = []

    def counted(name: str) -> Callable[..., object]:
        real: Callable[..., object] = getattr(os, name)

        def call(*arguments: object, **keywords: object) -> object:
            calls.append(name)
            return real(*arguments, **keywords)

        return call

    for name in sorted({*PLAIN_CALLS, *IN_ORDER_CALLS}):
        monkeypatch.setattr(os, name, counted(name))
    room.send(data_set("1.2"), "1.2")
    assert tuple(calls) == expected
    monkeypatch.undo()
    room.journal.close()


def test_names_in_staging_are_our_own(room: Room) -> None:
    names = {room.intake.next_name() for _ in range(1000)}
    other = Intake(
        staging=room.staging, journal=room.journal, claims=room.rows, guard=room.intake.guard
    )
    names |= {other.next_name() for _ in range(1000)}
    assert len(names) == 2000
    # The column of held objects takes 64 characters.
    assert max(map(len, names)) < 50
