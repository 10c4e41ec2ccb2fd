"""One association from its connection to its end: the acceptor's side of PS3.8 9.2, in one thread
over one socket. It negotiates, answers C-ECHO, and hands the bytes of C-STORE to an intake as they
come. It parses no data set, holds no lock and opens no database."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from engine.dicom.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION
from engine.intake.incoming import Answer, ObjectContext, Origin
from engine.intake.snapshot import ReceiverConfig, Snapshot
from engine.receiver import contexts, pdu
from engine.receiver.admission import Slots, Verdict, admit
from engine.receiver.associate import (
    AssociateAccept,
    AssociateRequest,
    ContextAnswer,
    decode_request,
    encode_accept,
)
from engine.receiver.dimse import (
    LARGEST_COMMAND,
    RESPONSE,
    Command,
    CommandError,
    Operation,
    Status,
    decode_command,
    encode_response,
)
from engine.receiver.observer import Declined, Ending, Observer, Rejection
from engine.receiver.pdu import AbortReason, AbortSource, Event, PduError, PduStream
from engine.receiver.transport import Interrupted, Transport

BUFFER = 256 * 1024
_ROOM = 32 * 1024
_RENEWAL = 64 * 1024
"""Bytes that buy a sender its whole idle time-out again: one byte a second is not alive."""

LINGER = 1.0
"""Seconds that a peer gets to read our last PDU and hang up, so that no reset overtakes it."""

DEFAULT_ARTIM = 30.0
_UID_LENGTH = 64

_log = structlog.get_logger(__name__)


class IncomingLike(Protocol):
    """One object on its way in; consumes what it is given before it returns."""

    series: str

    def write(self, chunks: Sequence[memoryview], /) -> None:
        """Take the next bytes of the data set."""

    def finish(self) -> Answer:
        """Say what became of the object."""

    def abandon(self, reason: str, /) -> None:
        """Keep nothing."""


class IntakeLike(Protocol):
    """Where objects go, and the configuration in force."""

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot in force."""

    def begin(self, origin: Origin, *, context: ObjectContext) -> IncomingLike:
        """Start to take one object in."""


class _Over(Exception):
    """The association ends here: how, and what the peer is told last."""

    def __init__(self, ending: Ending, sentence: str, reply: bytes = b"") -> None:
        super().__init__(sentence)
        self.ending = ending
        self.sentence = sentence
        self.reply = reply


def _user_abort(sentence: str) -> _Over:
    return _Over(Ending.VIOLATION, sentence, pdu.encode_abort(AbortSource.USER))


def _provider_abort(ending: Ending, sentence: str, reason: int = 0) -> _Over:
    reply = pdu.encode_abort(AbortSource.PROVIDER, AbortReason(reason))
    return _Over(ending, sentence, reply)


class Association:
    """Serve one connection. Call `run` in a thread of its own; other threads may call `stop` and
    read the public attributes, each of which is replaced whole."""

    def __init__(
        self,
        sock: socket.socket,
        peer: str,
        *,
        port: int,
        intake: IntakeLike,
        observer: Observer,
        slots: Slots,
        new_id: Callable[[], str],
        linger: float = LINGER,
    ) -> None:
        """Take over `sock`, accepted on our `port` from the numeric address `peer`.

        Raises OSError when there are no descriptors left; the socket is then still the caller's."""
        self.id = new_id()
        self.peer = peer
        self.port = port
        self.calling = ""
        self.called = ""
        self.peer_implementation = ""
        self.receiver: ReceiverConfig | None = None
        self.opened_at = 0
        """Nanoseconds since 1970 (UTC) of the A-ASSOCIATE-AC; 0 before."""
        self.objects = 0
        """Objects answered with success."""
        self.failures = 0
        """Messages answered with a failure."""
        self.bytes = 0
        """Bytes of data sets received."""
        self.last_seen = time.monotonic()
        """When the peer last sent anything, on the monotonic clock."""
        self.last_seen_at = time.time_ns()
        """The same in nanoseconds since 1970 (UTC)."""
        self.last_object_at = 0
        self.current: ObjectContext | None = None
        self.current_since = 0.0
        """When the object on its way began, on the monotonic clock; 0 between objects."""
        self.series = ""
        self.last_error = ""
        self.ending: Ending | None = None
        self._intake = intake
        self._observer = observer
        self._slots = slots
        self._linger = linger
        self._transport = Transport(sock)
        self._stopping = False
        self._at_once = False
        self._patience = 0.0
        self._unrenewed = 0
        self._origin = Origin(transfer=self.id)
        self._peer_max_pdu = 0
        self._contexts: dict[int, ContextAnswer] = {}
        self._context_id = 0
        self._command_set = bytearray()
        self._command: Command | None = None
        self._incoming: IncomingLike | None = None
        self._batch: list[memoryview] = []
        self._failure: tuple[int, str] | None = None

    def stop(self, *, at_once: bool = False) -> None:
        """End soon from any thread: after the object on its way, or `at_once` without it."""
        self._at_once = self._at_once or at_once
        self._stopping = True
        self._transport.interrupt()

    def run(self) -> None:
        """Serve the connection until it is closed. Does not raise."""
        if not self._slots.arrive(self.peer):
            self._reject("too many connections without an association")
            self._transport.close()
            return
        try:
            self._serve()
        except _Over as over:
            self._end(over)
        except PduError as error:
            self._end(self._violation(error))
        except TimeoutError:
            self._end(self._timed_out())
        except OSError:
            self._end(_Over(Ending.LOST, "connection lost"))
        except Exception as error:
            _log.error("association_failed", transfer=self.id, error=type(error).__name__)
            self._end(_provider_abort(Ending.FAILED, "the receiver failed"))

    # Sta2 and Sta3: a connection that wants an association.

    def _serve(self) -> None:
        snapshot = self._intake.snapshot
        here = [receiver for receiver in snapshot.receivers if receiver.port == self.port]
        # Which receiver is called is not known yet: the most patient one on the port decides.
        artim = max((receiver.artim_timeout for receiver in here), default=DEFAULT_ARTIM)
        self._transport.patience = artim
        request = self._request()
        self.called, self.calling = request.called, request.calling
        verdict = admit(request, peer=self.peer, port=self.port, receivers=snapshot.receivers)
        if not isinstance(verdict, Verdict) and not self._slots.take(verdict):
            verdict = Verdict.LOCAL_LIMIT
        if isinstance(verdict, Verdict):
            self._reject(verdict.sentence, verdict)
            raise _Over(Ending.LOST, verdict.sentence, pdu.encode_reject(*verdict.codes))
        self._slots.depart(self.peer)
        self.receiver = verdict
        self._open(request, verdict)
        self._transfer(PduStream(_our_max_pdu(verdict)))

    def _request(self) -> AssociateRequest:
        kind, length = pdu.HEADER.unpack(self._exactly(pdu.HEADER.size))
        if kind == pdu.ABORT:
            raise _Over(Ending.ABORTED, "aborted before an association")
        if kind != pdu.ASSOCIATE_RQ:
            raise _user_abort("not an association request")
        if length > pdu.LARGEST_ASSOCIATE:
            raise _user_abort("association request above 1 MiB")
        return decode_request(self._exactly(length))

    def _exactly(self, length: int) -> bytearray:
        # Grows with what arrives: a claimed length alone must not cost memory.
        data = bytearray()
        chunk = memoryview(bytearray(min(length, 16 * 1024)))
        while len(data) < length:
            count = self._receive(chunk[: length - len(data)])
            data += chunk[:count]
        return data

    def _open(self, request: AssociateRequest, receiver: ReceiverConfig) -> None:
        answers = contexts.negotiate(request, receiver.transfer_syntaxes)
        user = request.user
        accept = AssociateAccept(
            echo=request.echo,
            contexts=answers,
            max_pdu=_our_max_pdu(receiver),
            implementation_class=IMPLEMENTATION_CLASS_UID,
            implementation_version=IMPLEMENTATION_VERSION,
            asynchronous=None if user.asynchronous is None else (1, 1),
            roles=contexts.answer_roles(request, answers),
            extended=contexts.answer_extended(request, answers),
        )
        self._contexts = {item.id: item for item in answers if item.result == contexts.ACCEPTED}
        self._peer_max_pdu = user.max_pdu
        self._patience = receiver.idle_timeout
        self.peer_implementation = user.implementation_version or user.implementation_class
        self._origin = Origin(
            transfer=self.id, receiver=self.called, calling=self.calling, peer=self.peer
        )
        self.opened_at = time.time_ns()
        self._renew()
        self._observer.opened(self)
        self._transport.send(encode_accept(accept))

    # Sta6: data transfer.

    def _transfer(self, stream: PduStream) -> None:
        buffer = memoryview(bytearray(BUFFER))
        end = 0
        while True:
            end += self._receive(buffer[end:])
            while (event := stream.next(buffer, end)) is not None:
                self._take(event, stream)
            if not self._batch and stream.position == end:
                stream.position = end = 0
            elif end > BUFFER - _ROOM:
                self._flush()
                rest = end - stream.position
                buffer[:rest] = buffer[stream.position : end]
                stream.position, end = 0, rest

    def _take(self, event: Event, stream: PduStream) -> None:
        if event is Event.DATA:
            self._take_data(stream)
        elif event is Event.COMMAND:
            self._take_command(stream)
        elif event is Event.RELEASE:
            raise _Over(Ending.RELEASED, "released", pdu.encode_release_reply())
        else:
            raise _Over(Ending.ABORTED, "aborted by the sender")

    def _take_command(self, stream: PduStream) -> None:
        if self._command is not None:
            raise _user_abort("a command where a data set was due")
        if not self._command_set:
            self._context_id = stream.context
            self._renew()
        elif stream.context != self._context_id:
            raise _user_abort("a command over two presentation contexts")
        if len(self._command_set) + len(stream.piece) > LARGEST_COMMAND:
            raise _user_abort("command set above 64 KiB")
        self._command_set += stream.piece
        if stream.last:
            self._begin_message()

    def _take_data(self, stream: PduStream) -> None:
        if self._command is None or stream.context != self._context_id:
            raise _user_abort("a data set without its command")
        self.bytes += len(stream.piece)
        if self._incoming is not None and stream.piece:
            self._batch.append(stream.piece)
        if stream.last:
            self._flush()
            self._end_message(self._command)

    # Messages.

    def _begin_message(self) -> None:
        try:
            command = decode_command(self._command_set)
        except CommandError as error:
            raise _user_abort(str(error)) from None
        self._command_set.clear()
        context = self._contexts.get(self._context_id)
        if context is None:
            raise _provider_abort(
                Ending.VIOLATION, "presentation context not accepted", AbortReason.INVALID_PARAMETER
            )
        if command.field == Operation.C_CANCEL:
            return
        if command.field & RESPONSE:
            raise _user_abort("a response to nothing")
        self._command = command
        self._failure = _objection(command, context)
        if command.field == Operation.C_STORE:
            self.current = ObjectContext(
                sop_class=command.sop_class,
                sop_instance=command.sop_instance,
                transfer_syntax=context.transfer_syntax,
            )
            self.current_since = time.monotonic()
            if self._failure is None:
                self._begin_object(self.current)
        if not command.has_data:
            self._end_message(command)

    def _begin_object(self, context: ObjectContext) -> None:
        try:
            self._incoming = self._intake.begin(self._origin, context=context)
        except Exception as error:
            self._fault(error)

    def _flush(self) -> None:
        if self._batch and self._incoming is not None:
            try:
                self._incoming.write(self._batch)
            except Exception as error:
                self._fault(error)
        self._batch = []

    def _fault(self, error: Exception) -> None:
        """The intake broke: nothing may be kept, and the sender must not hear of success."""
        _log.error("intake_failed", transfer=self.id, error=type(error).__name__)
        self._abandon("the receiver failed")
        self._failure = (Status.PROCESSING_FAILURE, "the receiver failed")

    def _abandon(self, reason: str) -> None:
        incoming, self._incoming = self._incoming, None
        self._batch = []
        if incoming is not None:
            try:
                incoming.abandon(reason)
            except Exception as error:
                _log.error("abandon_failed", transfer=self.id, error=type(error).__name__)

    def _end_message(self, command: Command) -> None:
        answer = self._finish_object()
        if answer is not None:
            status, comment = answer.status, answer.comment
        else:
            status, comment = self._failure or (Status.SUCCESS, "")
            if self._failure is not None:
                self._decline(command, status, comment)
        if status != Status.SUCCESS:
            self.failures += 1
            self.last_error = comment
        response = encode_response(command, status, comment)
        self._transport.send(pdu.encode_command(self._context_id, response, self._peer_max_pdu))
        if command.field == Operation.C_STORE:
            self.objects += status == Status.SUCCESS
            self.last_object_at = time.time_ns()
        self._command = self.current = self._failure = None
        self.current_since = 0.0
        self._renew()
        self._observer.progressed(self)
        if self._stopping:
            raise _provider_abort(Ending.STOPPED, "the receiver stops")

    def _finish_object(self) -> Answer | None:
        if self._incoming is None:
            return None
        try:
            answer = self._incoming.finish()
        except Exception as error:
            self._fault(error)
            return None
        self.series = self._incoming.series
        self._incoming = None
        return answer

    def _decline(self, command: Command, status: int, comment: str) -> None:
        context = self._contexts[self._context_id]
        declined = Declined(
            at=time.time_ns(),
            field=command.field,
            sop_class=command.sop_class,
            sop_instance=command.sop_instance,
            transfer_syntax=context.transfer_syntax,
            status=status,
            comment=comment,
        )
        self._observer.declined(self, declined)

    # Reading with patience, and the end.

    def _renew(self) -> None:
        self._transport.patience = self._patience
        self._unrenewed = 0

    def _receive(self, target: memoryview) -> int:
        while True:
            try:
                count = self._transport.receive(target)
                break
            except Interrupted:
                self._heed_stop()
        if not count:
            raise _Over(Ending.LOST, "connection closed without release")
        self._heed_stop()
        self.last_seen = time.monotonic()
        self.last_seen_at = time.time_ns()
        self._unrenewed += count
        if self.receiver is not None and self._unrenewed >= _RENEWAL:
            self._renew()
        return count

    def _heed_stop(self) -> None:
        in_flight = self._command is not None or bool(self._command_set)
        if self._stopping and (self._at_once or not in_flight):
            raise _provider_abort(Ending.STOPPED, "the receiver stops")

    def _violation(self, error: PduError) -> _Over:
        if self.receiver is None:
            return _user_abort(str(error))
        return _provider_abort(Ending.VIOLATION, str(error), error.reason)

    def _timed_out(self) -> _Over:
        if self.receiver is None:
            return _Over(Ending.TIMED_OUT, "no association request in time")
        return _provider_abort(Ending.TIMED_OUT, "the sender fell silent")

    def _end(self, over: _Over) -> None:
        self._abandon(over.sentence)
        self.ending = over.ending
        if over.reply:
            self._transport.patience = self._linger
            with contextlib.suppress(OSError):
                self._transport.send(over.reply)
        try:
            if self.receiver is not None:
                if over.ending is not Ending.RELEASED:
                    self.last_error = over.sentence
                self.current, self.current_since = None, 0.0
                self._slots.give_back(self.receiver)
                self._observer.closed(self, over.ending)
            elif over.ending in (Ending.VIOLATION, Ending.TIMED_OUT, Ending.FAILED):
                self._reject(over.sentence)
        finally:
            self._transport.close(self._linger if over.reply else 0)
            if self.receiver is None:
                self._slots.depart(self.peer)

    def _reject(self, sentence: str, verdict: Verdict | None = None) -> None:
        self._observer.rejected(
            Rejection(
                at=time.time_ns(),
                peer=self.peer,
                port=self.port,
                called=self.called,
                calling=self.calling,
                reason=sentence,
                verdict=verdict,
            )
        )


def _our_max_pdu(receiver: ReceiverConfig) -> int:
    return min(max(receiver.max_pdu, pdu.SMALLEST_PDU), pdu.LARGEST_PDU)


def _objection(command: Command, context: ContextAnswer) -> tuple[int, str] | None:
    """Say why a request cannot be served, as status and comment; None when it can."""
    if command.field not in (Operation.C_STORE, Operation.C_ECHO):
        return Status.UNRECOGNIZED_OPERATION, "operation not supported"
    echo = command.field == Operation.C_ECHO
    if echo is not (context.abstract_syntax == contexts.VERIFICATION):
        return Status.SOP_CLASS_NOT_SUPPORTED, "operation does not fit its presentation context"
    if command.sop_class != context.abstract_syntax:
        return Status.SOP_CLASS_NOT_SUPPORTED, "SOP class is not that of the context"
    instance = command.sop_instance
    if not echo and not (0 < len(instance) <= _UID_LENGTH and instance.isprintable()):
        return Status.INVALID_INSTANCE, "SOP Instance UID missing or malformed"
    return None
