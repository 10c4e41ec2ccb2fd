# SPDX-License-Identifier: Apache-2.0
"""Which presentation contexts are accepted, and with which transfer syntax."""

from __future__ import annotations

import pytest
from pydicom.uid import UID
from pynetdicom import ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts

from engine.dicom import private_storage
from engine.model.settings import Vendor
from engine.receiver.protocol import contexts
from engine.receiver.protocol.associate import AssociateRequest, ContextAnswer, decode_request
from tests.engine.receiver.protocol import wire

JPEG_LS = "1.2.840.10008.1.2.4.80"
BIG_ENDIAN = "1.2.840.10008.1.2.2"


def request(*proposed: tuple[int, str, tuple[str, ...]], user: bytes = b"") -> AssociateRequest:
    """Build a request."""
    return decode_request(wire.associate_rq(proposed, user=user)[6:])


def sized(text: str) -> bytes:
    """Put a length before a UID."""
    return len(text).to_bytes(2, "big") + text.encode()


def results(answers: tuple[ContextAnswer, ...]) -> list[tuple[int, int, str]]:
    """Take what goes over the wire."""
    return [(answer.id, answer.result, answer.transfer_syntax) for answer in answers]


KNOWN = private_storage.of_vendors(private_storage.VENDORS)
ACCEPTED = contexts.accepted_storage(KNOWN)


def test_every_storage_class_is_accepted() -> None:
    assert {str(one.abstract_syntax) for one in AllStoragePresentationContexts} <= contexts.STORAGE
    assert contexts.STORAGE < ACCEPTED
    assert len(ACCEPTED) > 230
    for sop_class in (
        "1.3.12.2.1107.5.9.1",
        "1.3.46.670589.11.0.0.12.2",
        "1.2.840.10008.5.1.4.1.1.6",
        "1.2.840.10008.5.1.4.1.1.12.3",
    ):
        assert sop_class in ACCEPTED
    assert all(UID(sop_class).is_valid for sop_class in ACCEPTED)


def test_private_classes_are_known_by_vendor_and_can_be_named() -> None:
    assert tuple(Vendor) == private_storage.VENDORS
    assert len(set(KNOWN)) == len(KNOWN) == len(private_storage.CLASSES)
    assert all(each.name and each.origin for each in private_storage.CLASSES)
    ge = private_storage.of_vendors(("ge",))
    assert "1.2.840.113619.4.26" in ge and "1.3.12.2.1107.5.9.1" not in ge
    csa, own = "1.3.12.2.1107.5.9.1", "1.2.752.24.3.3"
    proposed = request((1, csa, (wire.EXPLICIT,)), (3, own, (wire.EXPLICIT,)))

    def taken(*further: str) -> list[int]:
        return [answer.result for answer in contexts.negotiate(proposed, (), further)]

    assert taken() == [3, 3]
    assert taken(*KNOWN) == [0, 3]
    assert taken(*ge, own) == [3, 0]


def test_every_transfer_syntax_of_objects_is_accepted() -> None:
    streams = {uid for uid in ALL_TRANSFER_SYNTAXES if uid.startswith("1.2.840.10008.1.2.7.")}
    assert set(map(str, ALL_TRANSFER_SYNTAXES)) - streams <= contexts.TRANSFER_SYNTAXES
    assert not streams & contexts.TRANSFER_SYNTAXES


@pytest.mark.parametrize(
    "sop_class",
    [
        "1.2.840.10008.1.3.10",
        "1.2.840.10008.1.20.1",
        "1.2.840.10008.5.1.4.1.2.2.1",
        "1.2.840.10008.5.1.4.38.1",
        "1.2.840.10008.5.1.4.1.1.200.1",
        "1.2.3",
        "",
    ],
)
def test_what_is_no_storage_of_a_patient(sop_class: str) -> None:
    answers = contexts.negotiate(request((1, sop_class, (wire.IMPLICIT,))), ())
    assert results(answers) == [(1, 3, "")]


@pytest.mark.parametrize(
    "syntax",
    [
        *("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99"),
        *("1.2.840.10008.1.2.2", "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.66"),
        *("1.2.840.10008.1.2.4.70", JPEG_LS, "1.2.840.10008.1.2.4.91"),
        *("1.2.840.10008.1.2.4.103.1", "1.2.840.10008.1.2.4.203", "1.2.840.10008.1.2.5"),
    ],
)
def test_transfer_syntaxes(syntax: str) -> None:
    answers = contexts.negotiate(request((1, wire.MR, (syntax,))), ())
    assert results(answers) == [(1, 0, syntax)]


@pytest.mark.parametrize("proposed", [(), ("1.2.3",), ("1.2.840.10008.1.2.7.1",)])
def test_no_common_transfer_syntax(proposed: tuple[str, ...]) -> None:
    assert results(contexts.negotiate(request((1, wire.MR, proposed)), ())) == [(1, 4, "")]


@pytest.mark.parametrize(
    ("proposed", "preference", "chosen"),
    [
        ((JPEG_LS, wire.EXPLICIT), (), JPEG_LS),
        (("1.2.3", wire.EXPLICIT, JPEG_LS), (), wire.EXPLICIT),
        ((JPEG_LS, wire.EXPLICIT), (wire.EXPLICIT,), wire.EXPLICIT),
        ((wire.IMPLICIT, wire.EXPLICIT), (JPEG_LS, wire.EXPLICIT, wire.IMPLICIT), wire.EXPLICIT),
        ((wire.IMPLICIT,), (wire.EXPLICIT,), wire.IMPLICIT),
        (("1.2.3", wire.IMPLICIT), ("1.2.3",), wire.IMPLICIT),
        # Implicit VR would lose the VRs of private elements.
        ((wire.IMPLICIT, wire.EXPLICIT), (), wire.EXPLICIT),
        ((wire.IMPLICIT, BIG_ENDIAN), (), BIG_ENDIAN),
        ((wire.IMPLICIT, BIG_ENDIAN, wire.EXPLICIT), (), wire.EXPLICIT),
        ((wire.IMPLICIT, JPEG_LS), (), wire.IMPLICIT),
        ((JPEG_LS, wire.IMPLICIT, wire.EXPLICIT), (), JPEG_LS),
        ((wire.IMPLICIT, wire.EXPLICIT), (JPEG_LS,), wire.EXPLICIT),
        ((wire.EXPLICIT, wire.IMPLICIT), (wire.IMPLICIT,), wire.IMPLICIT),
    ],
)
def test_preference(proposed: tuple[str, ...], preference: tuple[str, ...], chosen: str) -> None:
    assert contexts.choose(proposed, preference) == chosen


def test_several_contexts_of_one_class_are_each_answered() -> None:
    answers = contexts.negotiate(
        request(
            (1, wire.MR, (JPEG_LS,)),
            (3, wire.MR, (wire.EXPLICIT,)),
            (5, "1.2.3", (wire.EXPLICIT,)),
            (7, wire.MR, ("1.2.3",)),
            (9, wire.VERIFICATION, (wire.IMPLICIT,)),
        ),
        (),
    )
    assert results(answers) == [
        (1, 0, JPEG_LS),
        (3, 0, wire.EXPLICIT),
        (5, 3, ""),
        (7, 4, ""),
        (9, 0, wire.IMPLICIT),
    ]


def test_class_that_its_sender_declares_to_be_storage() -> None:
    user = wire.item(0x57, sized("1.2.3") + sized("1.2.840.10008.4.2") + sized(""))
    user += wire.item(0x57, sized("1.2.4") + sized("1.2.840.10008.9.9") + sized(""))
    asked = request((1, "1.2.3", (wire.EXPLICIT,)), (3, "1.2.4", (wire.EXPLICIT,)), user=user)
    assert results(contexts.negotiate(asked, ())) == [(1, 0, wire.EXPLICIT), (3, 3, "")]
    assert "1.2.3" not in contexts.STORAGE


def test_what_senders_declare_is_not_kept() -> None:
    kept = contexts._answer_again.cache_info().currsize
    for number in range(3):
        own = f"1.2.3.{number}"
        user = wire.item(0x57, sized(own) + sized("1.2.840.10008.4.2") + sized(""))
        asked = request((1, own, (wire.EXPLICIT,)), user=user)
        assert results(contexts.negotiate(asked, ())) == [(1, 0, wire.EXPLICIT)]
    assert contexts._answer_again.cache_info().currsize == kept


def test_absurdly_long_declared_class_is_not_taken() -> None:
    long = "1." + "2" * 30_000
    user = wire.item(0x57, sized(long) + sized("1.2.840.10008.4.2") + sized(""))
    asked = request((1, long, (wire.EXPLICIT,)), user=user)
    assert results(contexts.negotiate(asked, ())) == [(1, 3, "")]


def test_roles() -> None:
    user = b"".join(
        wire.item(0x54, sized(sop_class) + bytes(roles))
        for sop_class, roles in ((wire.MR, (1, 1)), ("1.2.3", (1, 0)), (wire.VERIFICATION, (0, 1)))
    )
    asked = request(*wire.CONTEXTS, (5, "1.2.3", (wire.EXPLICIT,)), user=user)
    answers = contexts.negotiate(asked, ())
    roles = contexts.answer_roles(asked, answers)
    assert [(role.sop_class, role.scu, role.scp) for role in roles] == [
        (wire.MR, True, False),
        (wire.VERIFICATION, False, False),
    ]


def test_extended_negotiation_of_storage() -> None:
    user = b"".join(
        wire.item(0x56, sized(sop_class) + b"\3\0\0\0\2\0")
        for sop_class in (wire.MR, wire.MR, "1.2.3", wire.VERIFICATION)
    )
    asked = request(*wire.CONTEXTS, (5, "1.2.3", (wire.EXPLICIT,)), user=user)
    answers = contexts.negotiate(asked, ())
    assert contexts.answer_extended(asked, answers) == ((wire.MR, b"\2\0\0\0\1\0"),)
