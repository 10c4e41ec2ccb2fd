# SPDX-License-Identifier: Apache-2.0
"""Who is admitted: titles, addresses, and how many at once."""

from __future__ import annotations

import pytest

from engine.intake.snapshot import ReceiverConfig
from engine.receiver.protocol.admission import RejectReason, Slots, admit, is_allowed
from engine.receiver.protocol.associate import decode_request
from tests.engine.receiver.protocol import wire

RECEIVERS = (
    ReceiverConfig(ae_title="ONE", port=104),
    ReceiverConfig(ae_title="TWO", port=104),
    ReceiverConfig(ae_title="OFF", port=104, enabled=False),
    ReceiverConfig(ae_title="ELSEWHERE", port=105),
    ReceiverConfig(
        ae_title="LISTED", port=104, allow_enabled=True, allow=("CT1", "MR1@10.1.0.0/16")
    ),
    ReceiverConfig(ae_title="UNLISTED", port=104, allow_enabled=False, allow=("CT1",)),
    ReceiverConfig(ae_title="EMPTY", port=104, allow_enabled=True),
)


@pytest.mark.parametrize(
    ("called", "calling", "peer", "expected"),
    [
        ("ONE", "ANY", "10.0.0.1", RECEIVERS[0]),
        ("TWO", "ANY", "10.0.0.1", RECEIVERS[1]),
        ("one", "ANY", "10.0.0.1", RejectReason.CALLED_UNKNOWN),
        ("OFF", "ANY", "10.0.0.1", RejectReason.CALLED_UNKNOWN),
        ("ELSEWHERE", "ANY", "10.0.0.1", RejectReason.CALLED_UNKNOWN),
        ("LISTED", "CT1", "10.0.0.1", RECEIVERS[4]),
        ("LISTED", "CT2", "10.0.0.1", RejectReason.CALLING_UNKNOWN),
        ("LISTED", "MR1", "10.1.2.3", RECEIVERS[4]),
        ("LISTED", "MR1", "10.2.2.3", RejectReason.CALLING_UNKNOWN),
        ("UNLISTED", "CT2", "10.0.0.1", RECEIVERS[5]),
        ("EMPTY", "CT1", "10.0.0.1", RejectReason.CALLING_UNKNOWN),
    ],
)
def test_admission(
    called: str, calling: str, peer: str, expected: ReceiverConfig | RejectReason
) -> None:
    request = decode_request(wire.associate_rq(called=called, calling=calling)[6:])
    assert admit(request, peer=peer, port=104, receivers=RECEIVERS) is expected


@pytest.mark.parametrize(
    ("entry", "calling", "peer", "allowed"),
    [
        ("CT1", "CT1", "10.0.0.1", True),
        ("CT1", "ct1", "10.0.0.1", False),
        (" CT1 ", "CT1", "10.0.0.1", True),
        ("10.0.0.1", "ANY", "10.0.0.1", True),
        ("10.0.0.1", "ANY", "10.0.0.2", False),
        ("10.0.0.0/24", "ANY", "10.0.0.255", True),
        ("10.0.0.7/24", "ANY", "10.0.0.1", True),
        ("10.0.0.0/24", "ANY", "10.0.1.0", False),
        ("10.0.0.0/24", "ANY", "::ffff:10.0.0.5", True),
        ("fd00::/8", "ANY", "fd00::1", True),
        ("fd00::/8", "ANY", "fd00::1%eth0", True),
        ("fd00::/8", "ANY", "10.0.0.1", False),
        ("0.0.0.0/0", "ANY", "fd00::1", False),
        ("CT1@10.0.0.1", "CT1", "10.0.0.1", True),
        ("CT1@10.0.0.1", "CT2", "10.0.0.1", False),
        ("CT1@10.0.0.1", "CT1", "10.0.0.2", False),
        ("A@B", "A@B", "10.0.0.1", True),
        ("A@B@10.0.0.0/8", "A@B", "10.0.0.1", True),
        ("CT1@fd00::/8", "CT1", "fd00::9", True),
        ("CT1", "CT1", "not an address", True),
        ("10.0.0.0/8", "CT1", "not an address", False),
        ("CT1@nonsense", "CT1", "10.0.0.1", False),
        ("", "", "10.0.0.1", False),
        ("@10.0.0.1", "CT1", "10.0.0.1", False),
    ],
)
def test_allow_list(entry: str, calling: str, peer: str, allowed: bool) -> None:
    assert is_allowed(calling, peer, ("OTHER", entry)) is allowed


def test_half_open_connections_are_counted_for_each_peer_and_for_all() -> None:
    slots = Slots(half_open_per_peer=2, half_open=3)
    assert [slots.arrive("a"), slots.arrive("a"), slots.arrive("a")] == [True, True, False]
    assert [slots.arrive("b"), slots.arrive("b")] == [True, False]
    slots.depart("a")
    assert slots.half_open("a") == 1
    assert slots.arrive("b")


def test_associations_are_counted_for_each_address_of_each_receiver() -> None:
    slots = Slots()
    free = ReceiverConfig(ae_title="ONE", port=104)
    one = ReceiverConfig(ae_title="ONE", port=104, max_per_peer=2)
    two = ReceiverConfig(ae_title="TWO", port=104, max_per_peer=1)
    # Those that came before there was a limit count as well.
    assert slots.take_peer(free, "a")
    assert [slots.take_peer(one, "a"), slots.take_peer(one, "a")] == [True, False]
    assert slots.take_peer(one, "b") and slots.take_peer(two, "a")
    assert slots.take_peer(free, "a")
    for _ in range(2):
        slots.give_back_peer(one, "a")
    assert slots.take_peer(one, "a")
    assert RejectReason.PEER_LIMIT.codes == RejectReason.LOCAL_LIMIT.codes == (2, 3, 2)


def test_associations_are_counted_for_each_receiver() -> None:
    slots = Slots()
    one = ReceiverConfig(ae_title="ONE", port=104, max_associations=1)
    two = ReceiverConfig(ae_title="TWO", port=104, max_associations=1)
    assert [slots.take(one), slots.take(one), slots.take(two)] == [True, False, True]
    slots.give_back(one)
    assert slots.established(one) == 0
    assert slots.take(one)
