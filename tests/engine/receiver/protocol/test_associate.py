# SPDX-License-Identifier: Apache-2.0
"""A-ASSOCIATE items against pynetdicom as oracle, and against lies."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pynetdicom import build_context
from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    AsynchronousOperationsWindowNegotiation,
    ImplementationClassUIDNotification,
    ImplementationVersionNameNotification,
    MaximumLengthNotification,
    SCP_SCU_RoleSelectionNegotiation,
    SOPClassCommonExtendedNegotiation,
    SOPClassExtendedNegotiation,
    UserIdentityNegotiation,
)

from engine.receiver.protocol.associate import (
    AssociateAccept,
    CommonExtended,
    ContextAnswer,
    ProposedContext,
    Role,
    decode_request,
    encode_accept,
)
from engine.receiver.protocol.pdu import AbortReason, PduError
from tests.engine.receiver.protocol import wire


def full_request() -> bytes:
    """Let pynetdicom encode a request with every user item there is."""
    request = A_ASSOCIATE()
    request.application_context_name = wire.APPLICATION
    request.calling_ae_title = "SCANNER"
    request.called_ae_title = "ANTEROOM"
    first, second = build_context(wire.MR, [wire.EXPLICIT, wire.IMPLICIT]), build_context("1.2.3")
    first.context_id, second.context_id = 1, 255
    request.presentation_context_definition_list = [first, second]
    length = MaximumLengthNotification()
    length.maximum_length_received = 32768
    implementation = ImplementationClassUIDNotification()
    implementation.implementation_class_uid = "1.2.3.4"
    version = ImplementationVersionNameNotification()
    version.implementation_version_name = "SENDER_1"
    window = AsynchronousOperationsWindowNegotiation()
    window.maximum_number_operations_invoked = 5
    window.maximum_number_operations_performed = 2
    role = SCP_SCU_RoleSelectionNegotiation()
    role.sop_class_uid, role.scu_role, role.scp_role = wire.MR, True, True
    extended = SOPClassExtendedNegotiation()
    extended.sop_class_uid = wire.MR
    extended.service_class_application_information = b"\x03\x00\x00\x00\x02\x00"
    common = SOPClassCommonExtendedNegotiation()
    common.sop_class_uid = "1.2.3"
    common.service_class_uid = "1.2.840.10008.4.2"
    common.related_general_sop_class_identification = [wire.MR]
    identity = UserIdentityNegotiation()
    identity.user_identity_type = 2
    identity.primary_field, identity.secondary_field = b"name", b"secret"
    identity.positive_response_requested = True
    request.user_information = [
        length, implementation, version, window, role, extended, common, identity,
    ]  # fmt: skip
    encoded = A_ASSOCIATE_RQ()
    encoded.from_primitive(request)
    data: bytes = encoded.encode()
    return data


def test_decodes_what_pynetdicom_encodes() -> None:
    request = decode_request(full_request()[6:])
    assert (request.called, request.calling) == ("ANTEROOM", "SCANNER")
    assert request.protocol_version == 1
    assert request.application_context == wire.APPLICATION
    assert request.contexts == (
        ProposedContext(
            id=1, abstract_syntax=wire.MR, transfer_syntaxes=(wire.EXPLICIT, wire.IMPLICIT)
        ),
        ProposedContext(
            id=255,
            abstract_syntax="1.2.3",
            transfer_syntaxes=request.contexts[1].transfer_syntaxes,
        ),
    )
    user = request.user
    assert user.max_pdu == 32768
    assert user.implementation_class == "1.2.3.4"
    assert user.implementation_version == "SENDER_1"
    assert user.asynchronous == (5, 2)
    assert user.roles == [Role(sop_class=wire.MR, scu=True, scp=True)]
    assert user.extended == [(wire.MR, b"\x03\x00\x00\x00\x02\x00")]
    assert user.common_extended == [
        CommonExtended(sop_class="1.2.3", service_class="1.2.840.10008.4.2")
    ]
    assert (user.identity_type, user.identity_wants_reply) == (2, True)
    assert "secret" not in repr(request)


def test_pynetdicom_decodes_our_accept() -> None:
    accept = AssociateAccept(
        echo=decode_request(full_request()[6:]).echo,
        contexts=(
            ContextAnswer(id=1, result=0, abstract_syntax="", transfer_syntax=wire.EXPLICIT),
            ContextAnswer(id=255, result=3, abstract_syntax="", transfer_syntax=""),
        ),
        max_pdu=131072,
        implementation_class="1.2.3.4.5",
        implementation_version="US_1",
        asynchronous=(1, 1),
        roles=(Role(sop_class=wire.MR, scu=True, scp=False),),
        extended=((wire.MR, bytes((2, 0, 0, 0, 1, 0))),),
    )
    decoded = A_ASSOCIATE_AC()
    decoded.decode(encode_accept(accept))
    assert decoded.called_ae_title == "ANTEROOM"
    assert decoded.calling_ae_title == "SCANNER"
    primitive = decoded.to_primitive()
    first, second = primitive.presentation_context_definition_results_list
    assert (first.context_id, first.result, first.transfer_syntax) == (1, 0, [wire.EXPLICIT])
    assert (second.context_id, second.result) == (255, 3)
    found: dict[str, Any] = {type(item).__name__: item for item in primitive.user_information}
    assert found["MaximumLengthNotification"].maximum_length_received == 131072
    uid = found["ImplementationClassUIDNotification"].implementation_class_uid
    assert uid == "1.2.3.4.5"
    name = found["ImplementationVersionNameNotification"].implementation_version_name
    assert name == "US_1"
    window = found["AsynchronousOperationsWindowNegotiation"]
    assert window.maximum_number_operations_invoked == 1
    role = found["SCP_SCU_RoleSelectionNegotiation"]
    assert (role.scu_role, role.scp_role) == (True, False)
    extended = found["SOPClassExtendedNegotiation"]
    assert extended.service_class_application_information == bytes((2, 0, 0, 0, 1, 0))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(67),
        wire.associate_rq()[6:-1],
        wire.associate_rq(())[6:],
        wire.associate_rq([(2, wire.MR, ())])[6:],
        wire.associate_rq([(1, wire.MR, ()), (1, wire.MR, ())])[6:],
        wire.associate_rq()[6:] + b"\x20",
        wire.associate_rq()[6:] + wire.item(0x20, b"\x05\x00"),
        wire.associate_rq()[6:] + wire.item(0x20, b"\x05\0\0\0\x30\0\0\xff1.2"),
        wire.associate_rq(user=wire.item(0x51, b"\0\0"))[6:],
        wire.associate_rq(user=wire.item(0x53, b"\0\0"))[6:],
        wire.associate_rq(user=wire.item(0x54, b"\0"))[6:],
        wire.associate_rq(user=wire.item(0x54, b"\0\xff1.2"))[6:],
        wire.associate_rq(user=wire.item(0x54, b"\0\x031.2\x01"))[6:],
        wire.associate_rq(user=wire.item(0x56, b""))[6:],
        wire.associate_rq(user=wire.item(0x57, b"\0\x031.2\0\x09"))[6:],
        wire.associate_rq(user=wire.item(0x58, b"\x01"))[6:],
    ],
)
def test_lies_are_refused(data: bytes) -> None:
    with pytest.raises(PduError) as caught:
        decode_request(data)
    assert caught.value.reason is AbortReason.INVALID_PARAMETER


def test_unknown_items_are_ignored() -> None:
    data = wire.associate_rq(user=wire.item(0x77, b"what"))[6:] + wire.item(0x99, b"else")
    assert decode_request(data).user.implementation_version == "LIAR_1"


def test_of_what_is_no_uid_only_the_beginning_is_kept() -> None:
    long = "1." * 10_000 + "1"
    request = decode_request(wire.associate_rq([(1, long, (long, wire.EXPLICIT))])[6:])
    (context,) = request.contexts
    assert context.abstract_syntax == long[:65]
    assert context.transfer_syntaxes == (long[:65], wire.EXPLICIT)
    whole = "1." * 31 + "12"
    request = decode_request(wire.associate_rq([(1, whole, (wire.EXPLICIT,))])[6:])
    assert request.contexts[0].abstract_syntax == whole


def test_titles_lose_their_padding_only() -> None:
    assert decode_request(wire.associate_rq(called=" A B")[6:]).called == "A B"


@settings(deadline=None, derandomize=True)
@given(data=st.data())
def test_damage_ends_in_a_request_or_a_pdu_error(data: st.DataObject) -> None:
    body = bytearray(full_request()[6:])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body) - 1))
        body[at] = data.draw(st.integers(0, 255))
    with contextlib.suppress(PduError):
        decode_request(body)


def test_128_contexts() -> None:
    syntaxes = [f"1.2.840.10008.1.2.4.{n}" for n in range(50, 80)]
    contexts = [(2 * n + 1, f"1.2.3.{n}", syntaxes) for n in range(128)]
    body = wire.associate_rq(contexts)[6:]
    request = decode_request(body)
    assert len(request.contexts) == 128
    assert request.contexts[127].transfer_syntaxes == tuple(syntaxes)
