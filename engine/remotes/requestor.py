# SPDX-License-Identifier: Apache-2.0
"""Associations that Anteroom itself requests, with pynetdicom: echoes to its receivers, and the
scanners of the demonstration.

pynetdicom 3 has a thread beside each association that takes messages from the same queue as the
caller who waits for an answer. It is stopped before a request is sent, but a thread that has just
been let go takes one message more: now and then the answer, and the caller then waits until its
time is over. A requestor of storage and echoes serves no requests, so here the thread gets none."""

from __future__ import annotations

from typing import Any

from pynetdicom import AE
from pynetdicom.association import Association


def associate(entity: AE, host: str, port: int, *, called: str, **arguments: Any) -> Association:
    """Request an association; it may have been rejected or have failed, as its flags say.

    `arguments` go to `AE.associate`. No requests of the peer are served."""
    association = entity.associate(host, port, ae_title=called, **arguments)
    take = association.dimse.get_msg

    def take_for_the_caller(block: bool = False) -> Any:
        return take(block=True) if block else (None, None)

    association.dimse.get_msg = take_for_the_caller  # type: ignore[method-assign]
    return association
