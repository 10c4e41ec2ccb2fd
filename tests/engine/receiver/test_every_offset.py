# SPDX-License-Identifier: Apache-2.0
"""The whole conversation about one small object, cut at every offset, and with a wrong byte at
every offset. Cuts never show; whatever is wrong, what was answered with success is kept as it was
sent, and of nothing else anything is left."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from engine.dicom.guard import Guard
from engine.receiver.protocol.ending import Ending
from tests.engine.dicom.datasets import element, item, sequence
from tests.engine.intake.room import Room, data_set
from tests.engine.receiver.protocol import wire
from tests.engine.receiver.segmented import Conversations, crossed

UID = "1.2.3.4.5."
LARGE = 1 << 20
EXTRAS = (
    wire.item(0x53, b"\0\1\0\1")
    + wire.item(0x54, b"\0\x19" + wire.MR.encode() + b"\1\0")
    + wire.item(0x56, b"\0\x19" + wire.MR.encode() + b"\2\0\3\0\1\0")
    + wire.item(0x58, b"\1\0\0\4name\0\0")
)
REQUEST = wire.associate_rq(user=EXTRAS)
SEQUENCE = sequence(
    0x0040_0275,
    [
        item(element(0x0008_0050, "SH", b"A1"), undefined=True),
        item(element(0x0040_0007, "LO", b"")),
    ],
    undefined=True,
)
TAIL = element(0xFFFC_FFFC, "OB", bytes(6))


@pytest.fixture
def conversations(tmp_path: Path, guard: Guard) -> Iterator[Conversations]:
    """Conversations that leave nothing behind: no descriptor, no thread, no error in the log."""
    room = Room(tmp_path, guard)
    made = Conversations(room, durable=False)
    made.hold(REQUEST)
    threads = threading.active_count()
    with capture_logs() as logs:
        open_before = len(os.listdir("/proc/self/fd"))
        yield made
        # The guard's own two ends may have come meanwhile.
        assert len(os.listdir("/proc/self/fd")) <= open_before + 2
    assert threading.active_count() <= threads + 1
    assert [line for line in logs if line["log_level"] in ("error", "critical")] == []
    room.journal.close()
    room.intake.close()


def small(number: int) -> tuple[str, bytes]:
    """Make a small object; all are of one length."""
    instance = f"{UID}{number + 10_000}"
    pixels = element(0x7FE0_0010, "OW", bytes(range(256)))
    head = data_set(instance).partition(pixels[:8])[0]
    return instance, head + SEQUENCE + pixels + TAIL


def command(instance: str) -> bytes:
    """The command that announces it."""
    return wire.store_rq(instance)


def usual(instance: str, data: bytes) -> bytes:
    """An association with one object, as most senders have it."""
    return REQUEST + one_message(instance, data) + wire.RELEASE_RQ


def one_message(instance: str, data: bytes) -> bytes:
    """Command and data set, each in a PDU."""
    return wire.p_data(wire.pdv(1, 3, command(instance))) + wire.p_data(wire.pdv(1, 2, data))


LENGTH = len(usual(*small(0)))
COMMAND, DATA = len(command(small(0)[0])), len(small(0)[1])


def halves(kind: int, data: bytes, at: int) -> list[bytes]:
    """Cut a message into two PDVs; one of them may be empty."""
    return [wire.pdv(1, kind, data[:at]), wire.pdv(1, kind | 2, data[at:])]


def each_alone(instance: str, data: bytes, at: int) -> bytes:
    """Command and data set cut at an offset, each PDV in a PDU of its own."""
    pdvs = halves(1, command(instance), at % COMMAND) + halves(0, data, at)
    return b"".join(wire.p_data(one) for one in pdvs)


def each_message_in_a_pdu(instance: str, data: bytes, at: int) -> bytes:
    """The PDVs of a message share a PDU."""
    of_command, of_data = halves(1, command(instance), at % COMMAND), halves(0, data, at)
    return wire.p_data(*of_command) + wire.p_data(*of_data)


def all_in_a_pdu(instance: str, data: bytes, at: int) -> bytes:
    """Command and data set share a PDU."""
    return wire.p_data(*halves(1, command(instance), at % COMMAND), *halves(0, data, at))


def across(instance: str, data: bytes, at: int) -> bytes:
    """The end of the command shares a PDU with the beginning of the data set."""
    first, second = halves(1, command(instance), at % COMMAND)
    third, fourth = halves(0, data, at)
    return wire.p_data(first) + wire.p_data(second, third) + wire.p_data(fourth)


def expect_stored(conversations: Conversations, sent: list[bytes]) -> None:
    """All that was sent is kept, each once and as it was."""
    assert sorted(conversations.kept) == sorted(sent)
    assert not conversations.room.held


def test_two_segments_cut_at_every_offset(conversations: Conversations) -> None:
    sent = []
    for cut in range(1, LENGTH):
        instance, data = small(cut)
        whole = usual(instance, data)
        assert conversations.hold(whole[:cut], whole[cut:]) == (Ending.RELEASED, [0])
        sent.append(data)
    assert len(sent) > 1000
    expect_stored(conversations, sent)


@pytest.mark.parametrize("way", [each_alone, each_message_in_a_pdu, all_in_a_pdu, across])
def test_pdvs_cut_at_every_offset(
    conversations: Conversations, way: Callable[[str, bytes, int], bytes]
) -> None:
    sent = []
    for cut in range(DATA + 1):
        instance, data = small(cut)
        whole = REQUEST + way(instance, data, cut) + wire.RELEASE_RQ
        assert conversations.hold(whole) == (Ending.RELEASED, [0])
        sent.append(data)
    expect_stored(conversations, sent)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 64])
@pytest.mark.parametrize("in_a_pdu", [1, 2, 7, 10_000])
def test_small_pdvs_in_segments_of_every_size(
    conversations: Conversations, size: int, in_a_pdu: int
) -> None:
    sent = []
    for segment in (1, 2, 3, 5, 11, 13, LARGE):
        instance, data = small(segment)
        pdvs = [*wire.fragments(1, 1, command(instance), size), *wire.fragments(1, 0, data, size)]
        whole = REQUEST
        for at in range(0, len(pdvs), in_a_pdu):
            whole += wire.p_data(*pdvs[at : at + in_a_pdu])
        whole += wire.RELEASE_RQ
        segments = [whole[at : at + segment] for at in range(0, len(whole), segment)]
        assert conversations.hold(*segments) == (Ending.RELEASED, [0])
        sent.append(data)
    expect_stored(conversations, sent)


DAMAGED = LENGTH - len(wire.RELEASE_RQ)

Damage = Callable[[bytes, int], bytes]


def hold_damaged(conversations: Conversations, damage: Damage, offsets: Iterable[int]) -> int:
    """Hold a conversation for each offset, with a good object behind the damaged one, and see that
    what was answered with success so far is what is kept. Return how much that is."""
    answered = conversations.answered
    for at in offsets:
        (instance, data), (next_instance, next_data) = small(at), small(at + 50_000)
        whole = damage(REQUEST + one_message(instance, data), at)
        whole += one_message(next_instance, next_data) + wire.RELEASE_RQ
        ending, said = conversations.hold(whole)
        assert ending not in (None, Ending.FAILED)
        assert len(said) <= 2
        for status, sent in zip(said, crossed(whole), strict=False):
            if status == 0:
                answered.add(sent)
    assert set(conversations.kept) == answered
    return len(answered)


def replaced(value: int) -> Damage:
    """Another byte stands there."""
    return lambda whole, at: whole[:at] + bytes((value,)) + whole[at + 1 :]


def flipped(bits: int) -> Damage:
    """Some bits of a byte are wrong."""
    return lambda whole, at: whole[:at] + bytes((whole[at] ^ bits,)) + whole[at + 1 :]


def missing(whole: bytes, at: int) -> bytes:
    """A byte is missing."""
    return whole[:at] + whole[at + 1 :]


def added(whole: bytes, at: int) -> bytes:
    """There is a byte too many."""
    return whole[:at] + b"\x03" + whole[at:]


def cut_out(whole: bytes, at: int) -> bytes:
    """All up to the end of the message is missing."""
    return whole[:at]


WRONG = {
    "00": replaced(0x00),
    "FF": replaced(0xFF),
    "04": replaced(0x04),
    "lowest bit": flipped(0x01),
    "highest bit": flipped(0x80),
}
SHIFTED = {"missing": missing, "added": added, "cut out": cut_out}


@pytest.mark.parametrize("garbage", WRONG)
def test_garbage_at_every_offset(conversations: Conversations, garbage: str) -> None:
    answered = hold_damaged(conversations, WRONG[garbage], range(DAMAGED))
    assert answered > DAMAGED // 2


# A head that claims gigabytes costs a new helper process: `make endure` takes every offset.
@pytest.mark.parametrize("garbage", SHIFTED)
def test_bytes_missing_or_too_many(conversations: Conversations, garbage: str) -> None:
    answered = hold_damaged(conversations, SHIFTED[garbage], range(0, DAMAGED, 9))
    assert answered > DAMAGED // 18


def test_the_connection_ends_at_every_offset(conversations: Conversations) -> None:
    whole_ones = []
    for at in range(LENGTH):
        instance, data = small(at)
        whole = usual(instance, data)
        ending, said = conversations.hold(whole[:at])
        assert ending is Ending.LOST
        # The object is ours once its last byte is here, whether or not the peer hears of it.
        is_whole = at >= LENGTH - len(wire.RELEASE_RQ)
        assert said == ([0] if is_whole else [])
        whole_ones += [data] if is_whole else []
    expect_stored(conversations, whole_ones)
