# SPDX-License-Identifier: Apache-2.0
"""C-STORE of the files of a plan to a remote, one association for each 128 presentation contexts.
Objects go as their files have them: nothing is decompressed, and of a file only as much is in
memory as fits into a few PDUs. What the remote does not take is counted and does not end the rest.
A file that cannot be read takes the association with it, for half of it may have gone; the others
go on over the next one. A connection that fails ends it, and the next call goes on from there."""

from __future__ import annotations

import os
import struct
import threading
import time
from pathlib import Path
from typing import Any

from pydicom.errors import InvalidDicomError
from pydicom.uid import UID
from pynetdicom import _config
from pynetdicom.association import Association
from pynetdicom.presentation import build_context

from engine.model.remotes import Remote
from engine.remotes.calling import Cord, opened, quiet
from engine.remotes.faults import NothingAccepted, Unreached, of_silence
from engine.remotes.plan import MOST_CONTEXTS, Context, Plan, Planned
from engine.remotes.progress import FileGone, Progress

STRIKES = 3
"""So often a connection may break at one object; then it is left out."""

_SUCCESS = 0x0000
WARNINGS = {
    0x0001: "the remote has stored it, but not all that was asked for",
    0x0107: "the remote does not know all attributes",
    0x0116: "a value is out of range for the remote",
    0xB000: "the remote has changed some of its elements",
    0xB006: "the remote has left out some of its elements",
    0xB007: "for the remote it does not match its SOP class",
}
FAILURES = {
    0x0110: "processing failure",
    0x0111: "duplicate SOP instance",
    0x0117: "invalid SOP instance",
    0x0122: "SOP class not supported",
    0x0124: "not authorised",
    0x0210: "duplicate invocation",
    0x0211: "unrecognised operation",
    0x0212: "mistyped argument",
}
KINDS = {0xA7: "out of resources", 0xA9: "the data set does not match the SOP class"}
_NOT_UNDERSTOOD = range(0xC000, 0xD000)
_MOST_QUEUED = 32
"""PDUs that wait to be written; pynetdicom itself would take in a whole file."""
_REST = 0.0005
_LONGEST_COMMENT = 64
_MESSAGES = 65_536
_NOT_AS_PLANNED = (
    *(ValueError, TypeError, AttributeError, LookupError, EOFError),
    *(struct.error, InvalidDicomError),
)
"""What pydicom and pynetdicom make of a file that is another one by now."""


class Sending:
    """A plan that is being carried out by a thread; others may look at it, and stop it."""

    def __init__(
        self,
        remote: Remote,
        folder: Path,
        plan: Plan,
        progress: Progress,
        *,
        calling: str,
        max_pdu: int,
    ) -> None:
        """Prepare to go on where `progress` stands."""
        self.progress = progress
        self._remote = remote
        self._folder = folder
        self._plan = plan
        self._calling = calling
        self._max_pdu = max_pdu
        self._stopped = threading.Event()
        self._cord = Cord()

    def stop(self) -> None:
        """End once the object that is on its way has been answered."""
        self._stopped.set()

    def cut(self) -> None:
        """End now."""
        self._stopped.set()
        self._cord.cut()

    def run(self) -> None:
        """Send until the end of the plan, or until it is stopped.

        Raises:
            Unreached: if the remote cannot be reached, or breaks off.
            FileGone: if a file has been moved away since it was planned.
            InvalidInput: if its TLS files cannot be used.
        """
        quiet()
        # A file is read piece by piece while it is sent.
        _config.STORE_SEND_CHUNKED_DATASET = True
        progress, files = self.progress, self._plan.files
        while progress.position < len(files) and not self._stopped.is_set():
            file = files[progress.position]
            if file.context < 0:
                progress.refused(file, file.fault)
                continue
            group = file.context // MOST_CONTEXTS
            first = group * MOST_CONTEXTS
            wanted = self._plan.contexts[first : first + MOST_CONTEXTS]
            try:
                with opened(
                    self._remote,
                    [build_context(each.sop_class, each.transfer_syntax) for each in wanted],
                    calling=self._calling,
                    max_pdu=self._max_pdu,
                    cord=self._cord,
                ) as association:
                    _hold_back(association)
                    self._send(association, group)
            except NothingAccepted:
                self._refuse(group)
            except _LeftOut:
                # The file was counted: the next association begins behind it.
                continue

    def _send(self, association: Association, group: int) -> None:
        """Send what belongs to one association."""
        accepted = {
            Context(str(each.abstract_syntax), str(each.transfer_syntax[0]))
            for each in association.accepted_contexts
        }
        progress, files, contexts = self.progress, self._plan.files, self._plan.contexts
        while progress.position < len(files) and not self._stopped.is_set():
            file = files[progress.position]
            if file.context < 0:
                progress.refused(file, file.fault)
            elif file.context // MOST_CONTEXTS != group:
                return
            elif contexts[file.context] not in accepted:
                progress.refused(file, self._not_accepted(contexts[file.context]))
            else:
                self._send_one(association, file)

    def _send_one(self, association: Association, file: Planned) -> None:
        began = time.monotonic()
        number = self.progress.position % (_MESSAGES - 1) + 1
        try:
            answer = association.send_c_store(self._folder / file.path, msg_id=number)
        except FileNotFoundError:
            raise FileGone(file.path) from None
        except (RuntimeError, _BrokenOff):
            # It was not established any more.
            raise self._broken(file, time.monotonic() - began) from None
        except OSError as error:
            said = os.strerror(error.errno) if error.errno else "no reason given"
            self.progress.refused(file, f"the file cannot be read: {said}")
            raise _LeftOut from None
        except _NOT_AS_PLANNED:
            # Their words may hold the path.
            self.progress.refused(file, "the file is not what it was when the sending began")
            raise _LeftOut from None
        if "Status" not in answer:
            raise self._broken(file, time.monotonic() - began)
        self._note(file, int(answer.Status), answer)

    def _note(self, file: Planned, status: int, answer: Any) -> None:
        progress = self.progress
        if status == _SUCCESS:
            progress.taken(file)
        elif status in WARNINGS:
            progress.warned(file, status, WARNINGS[status])
        else:
            said = FAILURES.get(status) or KINDS.get(status >> 8)
            if said is None:
                said = "it cannot be understood" if status in _NOT_UNDERSTOOD else "it is refused"
            comment = str(answer.get("ErrorComment", "") or "")[:_LONGEST_COMMENT].strip()
            progress.refused(file, f"{said}: {comment}" if comment else said, status)

    def _broken(self, file: Planned, seconds: float) -> Unreached:
        """Count a break at an object; one at which each connection breaks is left out."""
        if self._stopped.is_set():
            return Unreached("it was stopped")
        remote = self._remote
        fault = of_silence(remote, limit=remote.answer_timeout, waited=seconds)
        if self.progress.struck() >= STRIKES:
            self.progress.refused(file, f"{fault.reason}, {STRIKES} times at this object")
        return fault

    def _refuse(self, group: int) -> None:
        """Count all objects of an association of which nothing was accepted."""
        progress, plan = self.progress, self._plan
        while progress.position < len(plan.files):
            file = plan.files[progress.position]
            if file.context < 0:
                progress.refused(file, file.fault)
            elif file.context // MOST_CONTEXTS != group:
                return
            else:
                progress.refused(file, self._not_accepted(plan.contexts[file.context]))

    def _not_accepted(self, context: Context) -> str:
        kind, syntax = UID(context.sop_class).name, UID(context.transfer_syntax).name
        return f"{self._remote.ae_title} does not accept {kind} in {syntax}"


class _BrokenOff(Exception):
    """The connection has ended while something was written."""


class _LeftOut(Exception):
    """A file could not be read to its end."""


def _hold_back(association: Association) -> None:
    """Let what reads a file wait for what writes to the connection."""
    provider, put = association.dul, association.dul.send_pdu

    def send_pdu(primitive: Any) -> None:
        while provider.to_provider_queue.qsize() >= _MOST_QUEUED:
            if not provider.is_alive() or association.is_aborted or association.acse.is_aborted():
                raise _BrokenOff
            time.sleep(_REST)
        put(primitive)

    provider.send_pdu = send_pdu  # type: ignore[method-assign]
