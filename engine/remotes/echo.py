# SPDX-License-Identifier: Apache-2.0
"""C-ECHO to a remote: whether it answers, how fast, or why not."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime

from pynetdicom.presentation import build_context

from engine.dicom.tables import VERIFICATION
from engine.model.errors import InvalidInput
from engine.model.remotes import Echo, Remote
from engine.remotes.calling import Cord, opened
from engine.remotes.faults import NothingAccepted, Unreached, of_silence


def echo(remote: Remote, *, calling: str, max_pdu: int, cord: Cord | None = None) -> Echo:
    """Call a remote, and say how it answers; takes three of its time-outs at most. Another thread
    may cut the call with `cord`."""
    # Whoever asks for an echo waits for it: the time for storing an object is no measure here.
    patience = min(remote.answer_timeout, remote.connect_timeout)
    hasty = replace(remote, answer_timeout=patience)
    at, began = datetime.now(UTC), time.monotonic()
    try:
        with opened(
            hasty,
            [build_context(VERIFICATION)],
            calling=calling,
            max_pdu=max_pdu,
            cord=cord,
        ) as association:
            began = time.monotonic()
            answer = association.send_c_echo()
            waited = time.monotonic() - began
            if "Status" not in answer:
                raise of_silence(hasty, limit=patience, waited=waited)
            status = int(answer.Status)
    except NothingAccepted:
        reason = f"{remote.ae_title} does not accept echoes (verification is not supported)"
    except Unreached as error:
        reason = error.reason
    except InvalidInput as error:
        reason = error.message
    else:
        reason = f"{remote.ae_title} answered with status {status:04X}" if status else ""
        return Echo(at=at, ok=not status, milliseconds=round(waited * 1000, 1), reason=reason)
    waited = time.monotonic() - began
    return Echo(at=at, ok=False, milliseconds=round(waited * 1000, 1), reason=reason)
