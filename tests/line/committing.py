# SPDX-License-Identifier: Apache-2.0
"""A client of Storage Commitment, with pynetdicom: it asks, and takes reports over the association
on which it asked or as the server of another."""

from __future__ import annotations

import queue
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pydicom.dataset import Dataset
from pydicom.uid import UID, generate_uid
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.presentation import build_role

from tests.line.sending import PATIENCE

COMMITMENT = "1.2.840.10008.1.20.1"
INSTANCE = "1.2.840.10008.1.20.1.1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """A report as its receiver understands it."""

    transaction: str
    event: int
    committed: frozenset[str]
    failed: dict[str, int]


@dataclass(slots=True)
class Inbox:
    """What was reported, and with which statuses the next reports are answered."""

    told: queue.Queue[Told] = field(default_factory=queue.Queue)
    statuses: list[int] = field(default_factory=list)

    def take(self, event: Any) -> tuple[int, Dataset | None]:
        """Take an N-EVENT-REPORT."""
        if self.statuses and (status := self.statuses.pop(0)):
            return status, None
        report = event.event_information
        self.told.put(
            Told(
                transaction=str(report.TransactionUID),
                event=int(event.request.EventTypeID),
                committed=frozenset(
                    str(each.ReferencedSOPInstanceUID)
                    for each in report.get("ReferencedSOPSequence", ())
                ),
                failed={
                    str(each.ReferencedSOPInstanceUID): int(each.FailureReason)
                    for each in report.get("FailedSOPSequence", ())
                },
            )
        )
        return 0x0000, None

    def next(self) -> Told:
        """Wait for the next report."""
        return self.told.get(timeout=PATIENCE)


def request(objects: Iterable[tuple[str, str]], transaction: str = "") -> Dataset:
    """Make the data set of a request for (SOP class, SOP instance)."""
    made = Dataset()
    made.TransactionUID = UID(transaction or generate_uid())
    made.ReferencedSOPSequence = []
    for sop_class, instance in objects:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = UID(sop_class), UID(instance)
        made.ReferencedSOPSequence.append(item)
    return made


@contextmanager
def asking(port: int, inbox: Inbox, *, calling: str = "SCANNER") -> Iterator[Asker]:
    """Open an association on which to ask."""
    entity = AE(calling)
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = PATIENCE
    entity.add_requested_context(COMMITMENT)
    association = entity.associate(
        "127.0.0.1",
        port,
        ae_title="ANTEROOM",
        ext_neg=[build_role(COMMITMENT, scu_role=True)],
        evt_handlers=[(evt.EVT_N_EVENT_REPORT, inbox.take)],
    )
    assert association.is_established
    try:
        yield Asker(association)
    finally:
        if association.is_established:
            association.release()
        association.join(PATIENCE)


class Asker:
    """Asks on an open association."""

    def __init__(self, association: Association) -> None:
        self.association = association
        self._waits = False
        take = association.dimse.get_msg

        def take_in_turn(block: bool = False) -> Any:
            # See `engine.remotes.requestor`: the answer is not for the thread that takes reports.
            return (None, None) if self._waits and not block else take(block=block)

        association.dimse.get_msg = take_in_turn  # type: ignore[method-assign]

    def ask(self, asked: Dataset) -> int:
        """Ask; return the status of the answer."""
        self._waits = True
        try:
            status, _ = self.association.send_n_action(asked, 1, UID(COMMITMENT), UID(INSTANCE))
        finally:
            self._waits = False
        return int(status.Status)


@contextmanager
def listening(inbox: Inbox, *, calling: str = "SCANNER", port: int = 0) -> Iterator[int]:
    """Take reports that come over associations of their own; return the port."""
    entity = AE(calling)
    entity.add_supported_context(COMMITMENT, scu_role=False, scp_role=True)
    server = entity.start_server(
        ("127.0.0.1", port), block=False, evt_handlers=[(evt.EVT_N_EVENT_REPORT, inbox.take)]
    )
    assert server is not None and server.socket is not None
    try:
        yield int(server.socket.getsockname()[1])
    finally:
        server.shutdown()
