# SPDX-License-Identifier: Apache-2.0
"""N-EVENT-REPORT of a storage commitment to a remote: over an association of ours, in which we are
the SCP (PS3.4 J.3.3). The data set comes encoded: pydicom would make a hundred thousand items of it
into as many objects."""

from __future__ import annotations

import time
from collections.abc import Callable
from io import BytesIO
from typing import cast

from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import N_EVENT_REPORT
from pynetdicom.presentation import build_context, build_role

from engine.dicom import commitment
from engine.model.remotes import Remote
from engine.remotes.calling import Cord, opened
from engine.remotes.faults import NothingAccepted, Unreached, of_silence


def report(
    remote: Remote,
    *,
    calling: str,
    max_pdu: int,
    event: int,
    encoded: Callable[[bool], bytes],
    cord: Cord | None = None,
) -> None:
    """Call a remote and report; `encoded` makes the data set, in Explicit VR or not. Another thread
    may cut the call with `cord`.

    Raises:
        InvalidInput: if the TLS files of the remote cannot be used.
        Unreached: if it did not take the report, with the reason.
    """
    syntaxes: list[str | UID] = [ExplicitVRLittleEndian, ImplicitVRLittleEndian]
    contexts = [build_context(commitment.SOP_CLASS, syntaxes)]
    role = build_role(commitment.SOP_CLASS, scp_role=True)
    try:
        with opened(
            remote, contexts, calling=calling, max_pdu=max_pdu, cord=cord, roles=[role]
        ) as association:
            _report(association, remote, event, encoded)
    except NothingAccepted:
        raise Unreached(f"{remote.ae_title} does not take reports of storage commitments") from None


def _report(
    association: Association, remote: Remote, event: int, encoded: Callable[[bool], bytes]
) -> None:
    (context,) = association.accepted_contexts
    request = N_EVENT_REPORT()
    request.MessageID = 1
    request.AffectedSOPClassUID = UID(commitment.SOP_CLASS)
    request.AffectedSOPInstanceUID = UID(commitment.INSTANCE)
    request.EventTypeID = event
    explicit = context.transfer_syntax[0] == ExplicitVRLittleEndian
    request.EventInformation = BytesIO(encoded(explicit))
    began = time.monotonic()
    # As `send_n_event_report` does, which only takes data sets of pydicom.
    association._reactor_checkpoint.clear()
    while not association._is_paused:
        time.sleep(0.0001)
    try:
        association.dimse.send_msg(request, cast(int, context.context_id))
        _, answer = association.dimse.get_msg(block=True)
    finally:
        association._reactor_checkpoint.set()
    if not isinstance(answer, N_EVENT_REPORT) or answer.Status is None:
        waited = time.monotonic() - began
        raise of_silence(remote, limit=remote.answer_timeout, waited=waited)
    if answer.Status:
        raise Unreached(f"{remote.ae_title} answered with status {answer.Status:04X}")
