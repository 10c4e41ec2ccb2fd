# SPDX-License-Identifier: Apache-2.0
"""The messages of one established association: it assembles commands, answers C-ECHO, passes the
data sets of C-STORE and of requests for a storage commitment on as they arrive, and writes one
response for each. Between two messages it may send a report itself. It sees fragments, never socket
reads or PDUs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from engine.dicom import commitment
from engine.dicom.part10 import is_explicit
from engine.intake.answers import Answer, ObjectContext, Origin, Reply
from engine.intake.snapshot import Snapshot
from engine.model.outage import named
from engine.receiver.protocol.associate import ContextAnswer
from engine.receiver.protocol.contexts import VERIFICATION
from engine.receiver.protocol.dimse import (
    LARGEST_COMMAND,
    RESPONSE,
    Command,
    CommandError,
    DimseStatus,
    Operation,
    decode_command,
    encode_event,
    encode_response,
)
from engine.receiver.protocol.ending import Ending, provider_abort, user_abort
from engine.receiver.protocol.observer import AssociationProgress, Declined
from engine.receiver.protocol.pdu import AbortReason, data_room, encode_command, encode_data
from engine.receiver.protocol.transport import Transport

_UID_LENGTH = 64

_log = structlog.get_logger(__name__)


class IncomingLike(Protocol):
    """One object on its way in; it has consumed what it is given when it returns."""

    series: str

    def write(self, chunks: Sequence[memoryview], /) -> None:
        """Take the next bytes of the data set."""

    def finish(self) -> Answer:
        """Say what became of the object."""

    def abandon(self, reason: str, /) -> None:
        """Keep nothing."""


class RequestLike(Protocol):
    """One request for a storage commitment on its way in, as an object is."""

    def write(self, chunks: Sequence[memoryview], /) -> None:
        """Take the next bytes of the data set."""

    def finish(self) -> Reply:
        """Say whether it is kept."""

    def abandon(self, reason: str, /) -> None:
        """Keep nothing."""


class CommitmentsLike(Protocol):
    """Where requests for a storage commitment go."""

    def begin(self, origin: Origin, *, context: int, explicit: bool) -> RequestLike:
        """Start to take one request in, which comes on a presentation context."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What became of a request, for its sender: the data set lies in a file."""

    id: str
    context: int
    """The presentation context of the request."""
    event: int
    file: str


class IntakeLike(Protocol):
    """Where objects go, and the configuration in force."""

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot in force."""

    def begin(self, origin: Origin, *, context: ObjectContext) -> IncomingLike:
        """Start to take one object in."""


class Exchange:
    """Serve messages one after the other; the asynchronous window is always one (PS3.7 D.3.3.3)."""

    def __init__(
        self,
        *,
        live: AssociationProgress,
        transport: Transport,
        intake: IntakeLike,
        origin: Origin,
        contexts: Mapping[int, ContextAnswer],
        largest: int,
        answered: Callable[[], None],
        declined: Callable[[Declined], None],
        commitments: CommitmentsLike | None = None,
        reported: Callable[[str, int | None], None] = lambda _report, _status: None,
    ) -> None:
        """Serve the accepted `contexts`; `largest` is the peer's maximum PDU length, 0 for none."""
        self._live = live
        self._transport = transport
        self._intake = intake
        self._origin = origin
        self._contexts = contexts
        self._largest = largest
        self._answered = answered
        self._declined = declined
        self._commitments = commitments
        self._reported = reported
        self._report: Report | None = None
        self._message_id = 0
        self._context_id = 0
        self._command_set = bytearray()
        self._command: Command | None = None
        self._incoming: IncomingLike | RequestLike | None = None
        self._batch: list[memoryview] = []
        self._failure: tuple[int, str] | None = None

    @property
    def in_flight(self) -> bool:
        """Whether a message has begun and is not yet answered."""
        return self._command is not None or bool(self._command_set)

    @property
    def may_report(self) -> bool:
        """Whether a report may be sent now: one at a time, and between two messages."""
        return self._report is None and not self.in_flight

    @property
    def holds_views(self) -> bool:
        """Whether the buffer behind past fragments must stay as it is until `flush`."""
        return bool(self._batch)

    def take_command(self, context: int, piece: memoryview, *, last: bool) -> None:
        """Take a fragment of a command set. Raises Over."""
        if self._command is not None:
            raise user_abort("a command where a data set was due")
        if not self._command_set:
            self._context_id = context
            self._transport.renew()
        elif context != self._context_id:
            raise user_abort("a command over two presentation contexts")
        if len(self._command_set) + len(piece) > LARGEST_COMMAND:
            raise user_abort("command set above 64 KiB")
        self._command_set += piece
        if last:
            self._begin_message()

    def take_data(self, context: int, piece: memoryview, *, last: bool) -> None:
        """Take a fragment of a data set; its bytes are kept as views until `flush`. Raises Over."""
        if self._command is None or context != self._context_id:
            raise user_abort("a data set without its command")
        self._live.bytes += len(piece)
        # The data set of a refused object comes all the same. It is counted and dropped, and the
        # refusal is answered at its end.
        if self._incoming is not None and piece:
            self._batch.append(piece)
        if last:
            self.flush()
            self._end_message(self._command)

    def flush(self) -> None:
        """Hand the bytes so far to the intake; the buffer behind them is free afterwards."""
        if self._batch and self._incoming is not None:
            try:
                self._incoming.write(self._batch)
            except Exception as error:
                self._fault(error)
        self._batch = []

    def send_report(self, report: Report) -> None:
        """Send a report; what the peer says of it comes as a message of its own.

        Raises TimeoutError, or OSError of the connection."""
        try:
            file = open(report.file, "rb")  # noqa: SIM115 closed below
        except OSError as error:
            self._log("report_not_read", error)
            self._reported(report.id, None)
            return
        with file:
            self._report = report
            self._message_id = self._message_id % 0xFFFF + 1
            event = encode_event(
                sop_class=commitment.SOP_CLASS,
                sop_instance=commitment.INSTANCE,
                event=report.event,
                message_id=self._message_id,
            )
            self._transport.renew()
            self._transport.send(encode_command(report.context, event, self._largest))
            room = data_room(self._largest)
            piece = file.read(room)
            while piece:
                following = file.read(room)
                self._transport.renew()
                self._transport.send(encode_data(report.context, piece, last=not following))
                piece = following
        self._transport.renew()

    def abandon(self, reason: str) -> None:
        """Drop the object on its way, if there is one, and the hope for an answer."""
        report, self._report = self._report, None
        if report is not None:
            self._reported(report.id, None)
        incoming, self._incoming = self._incoming, None
        self._batch = []
        if incoming is not None:
            try:
                incoming.abandon(reason)
            except Exception as error:
                self._log("abandon_failed", error)

    def _begin_message(self) -> None:
        try:
            command = decode_command(self._command_set)
        except CommandError as error:
            raise user_abort(str(error)) from None
        # A new one: the decoder's views may still hold the old.
        self._command_set = bytearray()
        context = self._contexts.get(self._context_id)
        if context is None:
            raise provider_abort(
                Ending.VIOLATION, "presentation context not accepted", AbortReason.INVALID_PARAMETER
            )
        # A C-CANCEL is never answered, and what it could cancel was answered before it was read.
        if command.field == Operation.C_CANCEL:
            return
        if command.field & RESPONSE:
            if not self._is_of_report(command):
                raise user_abort("a response to nothing")
            self._command = command
        else:
            self._command = command
            self._failure = _objection(command, context)
            if command.field == Operation.C_STORE:
                self._begin_object(command, context)
            elif command.field == Operation.N_ACTION and self._failure is None:
                self._begin_request(context)
        if not command.has_data:
            self._end_message(command)

    def _is_of_report(self, command: Command) -> bool:
        """Whether a response is the one to our report."""
        return (
            self._report is not None
            and command.field == Operation.N_EVENT_REPORT | RESPONSE
            and command.message_id == self._message_id
            and self._context_id == self._report.context
        )

    def _begin_request(self, context: ContextAnswer) -> None:
        if self._commitments is None:
            self._failure = _UNKNOWN_OPERATION
            return
        explicit = is_explicit(context.transfer_syntax)
        try:
            self._incoming = self._commitments.begin(
                self._origin, context=self._context_id, explicit=explicit
            )
        except Exception as error:
            self._fault(error)

    def _begin_object(self, command: Command, context: ContextAnswer) -> None:
        coming = ObjectContext(
            sop_class=command.sop_class,
            sop_instance=command.sop_instance,
            transfer_syntax=context.transfer_syntax,
        )
        self._live.current_since = time.monotonic()
        self._live.current = coming
        if self._failure is None:
            try:
                self._incoming = self._intake.begin(self._origin, context=coming)
            except Exception as error:
                self._fault(error)

    def _end_message(self, command: Command) -> None:
        if command.field & RESPONSE:
            self._end_report(command)
            return
        answer = self._finish_object()
        if answer is not None:
            status, comment = answer.status, answer.comment
        else:
            status, comment = self._failure or (DimseStatus.SUCCESS, "")
            if self._failure is not None:
                self._decline(command, status, comment)
        live = self._live
        if status != DimseStatus.SUCCESS:
            live.failures += 1
            live.last_error = comment
        response = encode_response(command, status, comment)
        # The object may have used up the sender's time limit: the answer gets a whole one again,
        # and so does the next command below.
        self._transport.renew()
        self._transport.send(encode_command(self._context_id, response, self._largest))
        if command.field == Operation.C_STORE:
            live.objects += status == DimseStatus.SUCCESS
            live.last_object_at = time.time_ns()
        elif command.field == Operation.C_ECHO:
            live.echoes += status == DimseStatus.SUCCESS
        # No longer in flight when `_answered` is called: a receiver that is to stop ends there.
        self._command = live.current = self._failure = None
        live.current_since = 0.0
        self._transport.renew()
        self._answered()

    def _end_report(self, command: Command) -> None:
        report, self._report = self._report, None
        # What a peer has to say beside its status came as a data set, and was dropped.
        self._command = None
        self._transport.renew()
        if report is not None:
            self._reported(report.id, command.status)
        self._answered()

    def _finish_object(self) -> Answer | Reply | None:
        if self._incoming is None:
            return None
        try:
            answer = self._incoming.finish()
        except Exception as error:
            self._fault(error)
            return None
        if isinstance(answer, Answer):
            self._live.series = getattr(self._incoming, "series", "")
        self._incoming = None
        return answer

    def _fault(self, error: Exception) -> None:
        """The intake broke: nothing may be kept, and the sender must not hear of success."""
        self._log("intake_failed", error)
        self.abandon("the receiver failed")
        self._failure = (DimseStatus.PROCESSING_FAILURE, "the receiver failed")

    def _log(self, event: str, error: Exception) -> None:
        _log.error(event, transfer=self._origin.transfer, error=named(error))

    def _decline(self, command: Command, status: int, comment: str) -> None:
        self._declined(
            Declined(
                at=time.time_ns(),
                field=command.field,
                sop_class=command.sop_class,
                sop_instance=command.sop_instance,
                transfer_syntax=self._contexts[self._context_id].transfer_syntax,
                status=status,
                comment=comment,
            )
        )


_UNKNOWN_OPERATION = (DimseStatus.UNRECOGNIZED_OPERATION, "operation not supported")


def _objection(command: Command, context: ContextAnswer) -> tuple[int, str] | None:
    """Say why a request cannot be served, as status and comment; None when it can."""
    commits = context.abstract_syntax == commitment.SOP_CLASS
    if command.field not in (Operation.C_STORE, Operation.C_ECHO):
        if command.field != Operation.N_ACTION or not commits:
            return _UNKNOWN_OPERATION
        return _objection_to_request(command)
    echo = command.field == Operation.C_ECHO
    if commits or echo is not (context.abstract_syntax == VERIFICATION):
        return (
            DimseStatus.SOP_CLASS_NOT_SUPPORTED,
            "operation does not fit its presentation context",
        )
    if command.sop_class != context.abstract_syntax:
        return DimseStatus.SOP_CLASS_NOT_SUPPORTED, "SOP class is not that of the context"
    instance = command.sop_instance
    if not echo and not (0 < len(instance) <= _UID_LENGTH and instance.isprintable()):
        return DimseStatus.INVALID_INSTANCE, "SOP Instance UID missing or malformed"
    return None


def _objection_to_request(command: Command) -> tuple[int, str] | None:
    if command.sop_class != commitment.SOP_CLASS:
        return DimseStatus.SOP_CLASS_NOT_SUPPORTED, "SOP class is not that of the context"
    if command.sop_instance != commitment.INSTANCE:
        return DimseStatus.NO_SUCH_INSTANCE, "not the well-known SOP instance"
    if command.action != commitment.REQUEST:
        return DimseStatus.NO_SUCH_ACTION, "no such action type"
    return None
