# SPDX-License-Identifier: Apache-2.0
"""pynetdicom as the sender: it must understand every answer of the negotiation."""

from __future__ import annotations

from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pynetdicom import AE, _config, build_context, build_role
from pynetdicom.association import Association as Sender
from pynetdicom.dimse_primitives import C_ECHO
from pynetdicom.pdu_primitives import (
    AsynchronousOperationsWindowNegotiation,
    SOPClassCommonExtendedNegotiation,
    SOPClassExtendedNegotiation,
    UserIdentityNegotiation,
)
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    CTImageStorage,
    MRImageStorage,
    Verification,
)

from engine.receiver.protocol import contexts
from engine.receiver.protocol.ending import Ending
from engine.service import requestor
from tests.engine.receiver.listening import Listener
from tests.engine.receiver.protocol import wire
from tests.engine.receiver.workers.test_dcmtk import data_set, sample


def associate(listener: Listener, sender: AE, **arguments: Any) -> Sender:
    """Open an association that must be accepted."""
    sender.acse_timeout = sender.dimse_timeout = sender.network_timeout = 20
    association = requestor.associate(
        sender, "127.0.0.1", listener.port, called="ANTEROOM", **arguments
    )
    assert association.is_established
    return association


def test_echo_and_store() -> None:
    sender = AE("SCANNER")
    sender.add_requested_context(Verification)
    sender.add_requested_context(MRImageStorage, wire.EXPLICIT)
    with Listener() as listener:
        association = associate(listener, sender)
        assert association.send_c_echo().Status == 0
        dataset = pydicom.dcmread(sample("MR_small.dcm"))
        assert association.send_c_store(dataset).Status == 0
        association.release()
        assert association.is_released
        assert listener.ears.ending() is Ending.RELEASED
        (stored,) = listener.intake.stored
    assert stored.context.sop_instance == dataset.SOPInstanceUID


def test_an_answer_is_kept_for_the_caller_who_waits_for_it() -> None:
    sender = AE("SCANNER")
    sender.add_requested_context(Verification)
    with Listener() as listener:
        association = associate(listener, sender)
        answer = (1, C_ECHO())
        association.dimse.msg_queue.put(answer)
        # So the thread beside the association asks, and so does who waits.
        assert association.dimse.get_msg(block=False) == (None, None)
        assert association.dimse.get_msg(block=True) == answer
        association.release()


@pytest.mark.parametrize("maximum", [0, 4096, 16384, 131072, 262144])
@pytest.mark.parametrize(
    "name",
    [
        *("CT_small.dcm", "MR_small_implicit.dcm", "MR_small_bigendian.dcm", "image_dfl.dcm"),
        *("MR_small_RLE.dcm", "JPEG2000.dcm", "SC_rgb_jpeg_gdcm.dcm", "MR_small_padded.dcm"),
    ],
)
def test_files_arrive_as_they_are(name: str, maximum: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_config, "STORE_SEND_CHUNKED_DATASET", True)
    path = sample(name)
    meta = pydicom.filereader.read_file_meta_info(path)
    sender = AE("SCANNER")
    sender.add_requested_context(meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID)
    with Listener() as listener:
        association = associate(listener, sender, max_pdu=maximum)
        assert association.send_c_store(path).Status == 0
        association.release()
        listener.join()
        (stored,) = listener.intake.stored
    assert bytes(stored.data) == data_set(path)
    assert stored.context.transfer_syntax == meta.TransferSyntaxUID


def test_all_user_items_at_once() -> None:
    window = AsynchronousOperationsWindowNegotiation()
    window.maximum_number_operations_invoked = 8
    window.maximum_number_operations_performed = 8
    extended = SOPClassExtendedNegotiation()
    extended.sop_class_uid = MRImageStorage
    extended.service_class_application_information = b"\3\0\0\0\2\0"
    common = SOPClassCommonExtendedNegotiation()
    common.sop_class_uid = "1.2.3.4"
    common.service_class_uid = contexts.STORAGE_SERVICE
    identity = UserIdentityNegotiation()
    identity.user_identity_type = 2
    identity.primary_field, identity.secondary_field = b"name", b"secret"
    identity.positive_response_requested = True
    items = [
        *(window, extended, common, identity),
        build_role(MRImageStorage, scu_role=True, scp_role=True),
        build_role(CTImageStorage, scu_role=True),
    ]
    sender = AE("SCANNER")
    for sop_class in (MRImageStorage, CTImageStorage, "1.2.3.4"):
        sender.add_requested_context(sop_class, wire.EXPLICIT)
    with Listener() as listener:
        association = associate(listener, sender, ext_neg=items)
        acceptor = association.acceptor
        assert acceptor.asynchronous_operations == (1, 1)
        assert acceptor.sop_class_extended == {MRImageStorage: b"\2\0\0\0\1\0"}
        assert acceptor.user_identity is None
        roles = {
            uid: (role.scu_role, role.scp_role) for uid, role in acceptor.role_selection.items()
        }
        assert roles == {MRImageStorage: (True, False), CTImageStorage: (True, False)}
        assert acceptor.maximum_length == listener.receiver.max_pdu
        assert {context.abstract_syntax for context in association.accepted_contexts} == {
            *(MRImageStorage, CTImageStorage, "1.2.3.4")
        }
        assert all(context.as_scu for context in association.accepted_contexts)
        dataset = pydicom.dcmread(sample("MR_small.dcm"))
        assert association.send_c_store(dataset).Status == 0
        association.release()


def test_128_contexts_with_every_transfer_syntax() -> None:
    sender = AE("SCANNER")
    syntaxes = sorted(contexts.TRANSFER_SYNTAXES)
    asked = [*sorted(contexts.STORAGE)[:126], "1.2.3.4"]
    sender.requested_contexts = [
        *(build_context(sop_class, syntaxes) for sop_class in asked),
        build_context(Verification),
    ]
    with Listener(transfer_syntaxes=(wire.EXPLICIT,)) as listener:
        association = associate(listener, sender)
        assert len(association.accepted_contexts) == 127
        (refused,) = association.rejected_contexts
        assert (refused.abstract_syntax, refused.result) == ("1.2.3.4", 3)
        storage = [
            one for one in association.accepted_contexts if one.abstract_syntax != Verification
        ]
        assert all(one.transfer_syntax == [wire.EXPLICIT] for one in storage)
        assert association.send_c_echo().Status == 0
        association.release()


def test_nothing_acceptable_is_still_answered() -> None:
    sender = AE("SCANNER")
    sender.acse_timeout = 20
    sender.add_requested_context("1.2.3.4")
    sender.add_requested_context(MRImageStorage, "1.2.3.5")
    with Listener() as listener:
        association = sender.associate("127.0.0.1", listener.port, ae_title="ANTEROOM")
        assert [one.result for one in association.rejected_contexts] == [3, 4]
        assert not association.accepted_contexts


def test_rejection_is_understood() -> None:
    sender = AE("SCANNER")
    sender.add_requested_context(Verification)
    with Listener() as listener:
        association = sender.associate("127.0.0.1", listener.port, ae_title="NOBODY")
        assert association.is_rejected
        rejected = association.acceptor.primitive
        assert rejected is not None
        assert (rejected.result, rejected.result_source, rejected.diagnostic) == (1, 1, 7)


def test_unknown_operation_is_answered() -> None:
    sender = AE("SCANNER")
    sender.add_requested_context(MRImageStorage, wire.EXPLICIT)
    with Listener() as listener:
        association = associate(listener, sender)
        status, _ = association.send_n_get([Tag(0x00100010)], MRImageStorage, "1.2.3")
        assert status.Status == 0x0211
        assert isinstance(status, Dataset)
        association.abort()
        assert listener.ears.ending() is Ending.ABORTED
