# SPDX-License-Identifier: Apache-2.0
"""Command sets against pynetdicom as oracle, and against damage."""

from __future__ import annotations

import contextlib
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pynetdicom.dimse_messages import C_STORE_RQ
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.dsutils import decode, encode

from engine.receiver.protocol.dimse import (
    Command,
    CommandError,
    DimseStatus,
    Operation,
    decode_command,
    encode_response,
)
from tests.engine.receiver.protocol import wire

STORE = Command(
    field=Operation.C_STORE, message_id=7, sop_class=wire.MR, sop_instance="1.2.3", has_data=True
)


def test_decodes_what_pynetdicom_encodes() -> None:
    primitive = C_STORE()
    primitive.MessageID = 7
    primitive.AffectedSOPClassUID = wire.MR
    primitive.AffectedSOPInstanceUID = "1.2.3"
    primitive.Priority = 2
    primitive.MoveOriginatorApplicationEntityTitle = "MOVER"
    primitive.MoveOriginatorMessageID = 3
    primitive.DataSet = BytesIO(b"data")
    message = C_STORE_RQ()
    message.primitive_to_message(primitive)
    data = encode(message.command_set, True, True)
    assert data is not None
    assert decode_command(data) == STORE


def read(data: bytes) -> Dataset:
    """Let pynetdicom decode a command set."""
    return decode(BytesIO(data), True, True)


def test_pynetdicom_decodes_our_responses() -> None:
    dataset = read(encode_response(STORE, 0xA700, "out of resources"))
    assert (
        dataset.CommandGroupLength == len(encode_response(STORE, 0xA700, "out of resources")) - 12
    )
    assert dataset.AffectedSOPClassUID == wire.MR
    assert dataset.CommandField == 0x8001
    assert dataset.MessageIDBeingRespondedTo == 7
    assert dataset.CommandDataSetType == 0x0101
    assert dataset.Status == 0xA700
    assert dataset.ErrorComment == "out of resources"
    assert dataset.AffectedSOPInstanceUID == "1.2.3"


def test_success_carries_no_comment() -> None:
    assert "ErrorComment" not in read(encode_response(STORE, DimseStatus.SUCCESS, "well"))


def test_echo_response_names_no_instance() -> None:
    echo = decode_command(wire.echo_rq(5))
    assert echo.field == Operation.C_ECHO
    assert not echo.has_data
    dataset = read(encode_response(echo, DimseStatus.SUCCESS))
    assert dataset.CommandField == 0x8030
    assert dataset.MessageIDBeingRespondedTo == 5
    assert "AffectedSOPInstanceUID" not in dataset


def test_requested_uids_serve_where_there_are_no_affected_ones() -> None:
    data = wire.command(
        wire.uid(0x0003, "1.2.840.10008.1.20.1"),
        wire.short(0x0100, 0x0130),
        wire.short(0x0110, 1),
        wire.short(0x0800, 0),
        wire.uid(0x1001, "1.2.840.10008.1.20.1.1"),
    )
    command = decode_command(data)
    assert command.sop_class == "1.2.840.10008.1.20.1"
    assert command.sop_instance == "1.2.840.10008.1.20.1.1"
    assert read(encode_response(command, 0x0211)).CommandField == 0x8130


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 7,
        wire.store_rq()[:-1],
        wire.command(wire.short(0x0100, 1), wire.short(0x0110, 1)),
        wire.command(wire.short(0x0100, 1), wire.short(0x0800, 1)),
        wire.command(wire.element(0x0100, b"\1"), wire.short(0x0110, 1), wire.short(0x0800, 1)),
        wire.store_rq() + b"\x08\0\x18\0\0\0\0\0",
        wire.element(0x0100, b"") + b"\0\0\x10\x01\xff\xff\xff\xff",
    ],
)
def test_what_is_no_command_set(data: bytes) -> None:
    with pytest.raises(CommandError):
        decode_command(data)


def test_foreign_bytes_in_uids_do_no_harm() -> None:
    command = decode_command(wire.store_rq("1.2").replace(b"1.2\0", b"\xff\xfe\0 "))
    assert command.sop_instance == "\ufffd\ufffd"
    assert b"??" in encode_response(command, DimseStatus.INVALID_INSTANCE, "no")


@settings(deadline=None, derandomize=True)
@given(data=st.binary(max_size=120))
def test_noise_is_a_command_or_a_command_error(data: bytes) -> None:
    with contextlib.suppress(CommandError):
        decode_command(data)


@settings(deadline=None, derandomize=True)
@given(status=st.integers(0, 0xFFFF), comment=st.text(max_size=100))
def test_any_answer_can_be_decoded(status: int, comment: str) -> None:
    found = wire.elements(encode_response(STORE, status, comment))
    assert wire.status(found) == status
    assert len(found.get(0x0902, b"")) <= 64
