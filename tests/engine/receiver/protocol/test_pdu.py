# SPDX-License-Identifier: Apache-2.0
"""The stream of PDUs alone: every cut, every lie about a length."""

from __future__ import annotations

import contextlib
import itertools
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pynetdicom.pdu import A_ABORT_RQ, A_ASSOCIATE_RJ, A_RELEASE_RP, P_DATA_TF

from engine.receiver.protocol import pdu
from engine.receiver.protocol.pdu import AbortReason, AbortSource, Event, PduError, PduStream
from tests.engine.receiver.protocol import wire

Told = list[tuple[Event, int, bytes, bool]]


def tell(stream: bytes, cuts: list[int], largest: int = 1 << 20) -> Told:
    """Feed a stream cut at `cuts`, moving the unread rest to the front as a reader would."""
    reader = PduStream(largest)
    buffer = bytearray()
    told: Told = []
    borders = [0, *sorted(cuts), len(stream)]
    for start, stop in itertools.pairwise(borders):
        buffer += stream[start:stop]
        view = memoryview(bytes(buffer))
        while (event := reader.next(view, len(view))) is not None:
            told.append((event, reader.context, bytes(reader.piece), reader.last))
        del buffer[: reader.position]
        reader.position = 0
    return told


def messages(told: Told) -> list[tuple[Event, int, bytes]]:
    """Join parts up to the last of each message."""
    joined: list[tuple[Event, int, bytes]] = []
    data = b""
    for event, context, piece, last in told:
        if event in (Event.COMMAND, Event.DATA):
            data += piece
            if last:
                joined.append((event, context, data))
                data = b""
        else:
            joined.append((event, 0, b""))
    return joined


@settings(deadline=None, derandomize=True)
@given(
    parts=st.lists(
        st.tuples(st.integers(1, 255), st.booleans(), st.binary(max_size=300), st.integers(1, 90)),
        min_size=1,
        max_size=6,
    ),
    together=st.integers(1, 4),
    cuts=st.lists(st.integers(0, 4000), max_size=40),
)
def test_any_cut_tells_the_same_messages(
    parts: list[tuple[int, bool, bytes, int]], together: int, cuts: list[int]
) -> None:
    pdvs = [
        one
        for context, is_command, data, size in parts
        for one in wire.fragments(context, int(is_command), data, size)
    ]
    stream = b"".join(
        wire.p_data(*pdvs[at : at + together]) for at in range(0, len(pdvs), together)
    )
    stream += wire.RELEASE_RQ + wire.ABORT
    expected = [
        (Event.COMMAND if is_command else Event.DATA, context, data)
        for context, is_command, data, _ in parts
    ]
    expected += [(Event.RELEASE, 0, b""), (Event.ABORT, 0, b"")]
    assert messages(tell(stream, [min(cut, len(stream)) for cut in cuts])) == expected
    assert messages(tell(stream, [])) == expected


def test_single_bytes() -> None:
    stream = wire.p_data(wire.pdv(1, 1, b"abc"), wire.pdv(1, 3, b"de")) + wire.RELEASE_RQ
    told = tell(stream, [*range(len(stream))])
    assert messages(told) == [(Event.COMMAND, 1, b"abcde"), (Event.RELEASE, 0, b"")]


def test_pieces_are_views_of_the_buffer() -> None:
    buffer = bytearray(wire.p_data(wire.pdv(1, 2, b"data")))
    reader = PduStream(4096)
    assert reader.next(memoryview(buffer), len(buffer)) is Event.DATA
    buffer[-4:] = b"DATA"
    assert bytes(reader.piece) == b"DATA"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (struct.pack(">BxI", 4, 4097), AbortReason.INVALID_PARAMETER),
        (struct.pack(">BxI", 4, 0), AbortReason.INVALID_PARAMETER),
        (struct.pack(">BxIIBB", 4, 20, 17, 1, 3), AbortReason.INVALID_PARAMETER),
        (struct.pack(">BxIIBB", 4, 20, 1, 1, 3), AbortReason.INVALID_PARAMETER),
        (struct.pack(">BxI", 5, 5), AbortReason.INVALID_PARAMETER),
        (struct.pack(">BxI", 7, 3), AbortReason.INVALID_PARAMETER),
        (struct.pack(">BxI", 1, 100), AbortReason.UNEXPECTED_PDU),
        (struct.pack(">BxI", 8, 4), AbortReason.UNRECOGNIZED_PDU),
        (struct.pack(">BxI", 0, 4), AbortReason.UNRECOGNIZED_PDU),
    ],
)
def test_lies_are_named(data: bytes, reason: AbortReason) -> None:
    with pytest.raises(PduError) as caught:
        tell(data, [], largest=4096)
    assert caught.value.reason is reason


def test_largest_pdu_is_inclusive() -> None:
    data = bytes(4090)
    (one,) = tell(wire.p_data(wire.pdv(1, 2, data)), [], largest=4096)
    assert one == (Event.DATA, 1, data, True)


@settings(deadline=None, derandomize=True)
@given(data=st.binary(max_size=200), cuts=st.lists(st.integers(0, 200), max_size=5))
def test_noise_ends_in_events_or_pdu_errors(data: bytes, cuts: list[int]) -> None:
    with contextlib.suppress(PduError):
        tell(data, [min(cut, len(data)) for cut in cuts])


def test_pynetdicom_reads_our_control_pdus() -> None:
    reject = A_ASSOCIATE_RJ()
    reject.decode(pdu.encode_reject(2, 3, 2))
    assert (reject.result, reject.source, reject.reason_diagnostic) == (2, 3, 2)
    abort = A_ABORT_RQ()
    abort.decode(pdu.encode_abort(AbortSource.PROVIDER, AbortReason.INVALID_PARAMETER))
    assert (abort.source, abort.reason_diagnostic) == (2, 6)
    release = A_RELEASE_RP()
    release.decode(pdu.encode_release_reply())
    assert release.encode() == pdu.encode_release_reply()


@pytest.mark.parametrize("largest", [0, 1, 7, 60, 16384])
def test_command_is_cut_to_the_peers_maximum(largest: int) -> None:
    command = bytes(range(100))
    data = pdu.encode_command(5, command, largest)
    assert messages(tell(data, [])) == [(Event.COMMAND, 5, command)]
    first = P_DATA_TF()
    length = struct.unpack_from(">I", data, 2)[0]
    first.decode(data[: 6 + length])
    assert first.presentation_data_value_items[0].context_id == 5
    assert length <= max(largest or length, 7)
