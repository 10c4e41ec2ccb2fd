# SPDX-License-Identifier: Apache-2.0
"""One association from its connection to its end: the acceptor's side of PS3.8 9.2, in one thread
over one socket. It asks for admission, negotiates, splits the received bytes into fragments for the
message exchange, and ends as the standard says. It parses no data set, holds no lock and opens no
database."""

from __future__ import annotations

import contextlib
import mmap
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TypeVar

import structlog

from engine.dicom import commitment
from engine.dicom.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION
from engine.intake.answers import Origin
from engine.intake.snapshot import ReceiverConfig, TlsConfig
from engine.receiver.protocol import contexts, pdu, tls
from engine.receiver.protocol.admission import RejectReason, Slots, admit
from engine.receiver.protocol.associate import (
    AssociateAccept,
    AssociateRequest,
    decode_request,
    encode_accept,
)
from engine.receiver.protocol.ending import Ending, Over, provider_abort, user_abort
from engine.receiver.protocol.exchange import (
    CommitmentsLike,
    Exchange,
    IncomingLike,
    IntakeLike,
    Report,
)
from engine.receiver.protocol.observer import AssociationProgress, Declined, Observer, Rejection
from engine.receiver.protocol.pdu import Event, PduError, PduStream
from engine.receiver.protocol.transport import Interrupted, Transport

__all__ = ["Association", "IncomingLike", "IntakeLike"]

BUFFER = 256 * 1024
# With less room than this after the last byte the buffer is compacted: a read into a short rest
# costs as much as a read into an empty buffer.
_ROOM = 32 * 1024
_FIRST_READ = 16 * 1024

RENEWAL = 64 * 1024
"""Bytes that buy a sender its whole idle time-out again: one byte a second is not alive."""

LINGER = 1.0
"""Seconds that a peer gets to read our last PDU and hang up, so that no reset overtakes it."""

DEFAULT_ARTIM = 30.0
"""Seconds to ask for an association on a port that no receiver has."""

_T = TypeVar("_T")

_log = structlog.get_logger(__name__)


class Association(AssociationProgress):
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
        commitments: CommitmentsLike | None = None,
    ) -> None:
        """Take over `sock`, accepted on our `port` from the numeric address `peer`. Storage
        Commitment is served with `commitments` only.

        Raises OSError when there are no descriptors left; the socket is then still the caller's."""
        super().__init__()
        self.id = new_id()
        self.peer = peer
        self.port = port
        self.calling = ""
        self.called = ""
        self.peer_implementation = ""
        self.receiver: ReceiverConfig | None = None
        """Set with the A-ASSOCIATE-AC; None before, and for ever when there is none."""
        self.opened_at = 0
        """Nanoseconds since 1970 (UTC) of the A-ASSOCIATE-AC; 0 before."""
        self.certificate = ""
        """The subject of the certificate that the peer has shown and that was accepted."""
        self.ending: Ending | None = None
        self._intake = intake
        self._observer = observer
        self._slots = slots
        self._linger = linger
        self._commitments = commitments
        self._takes_reports = False
        self._reports: deque[Report] = deque()
        self._reporting = threading.Lock()
        self._transport = Transport(sock)
        self._exchange: Exchange | None = None
        self._stopping = False
        self._at_once = False

    def stop(self, *, at_once: bool = False) -> None:
        """End soon, from any thread: after the object on its way, or `at_once` without it."""
        self._at_once = self._at_once or at_once
        self._stopping = True
        self._transport.interrupt()

    def report(self, report: Report) -> bool:
        """Send a report soon, from any thread; false where it is too late, or not wanted. What
        becomes of it the observer hears."""
        with self._reporting:
            if not self._takes_reports:
                return False
            self._reports.append(report)
        self._transport.interrupt()
        return True

    def run(self) -> None:
        """Serve the connection until it is closed. Does not raise."""
        if not self._slots.arrive(self.peer):
            self._transport.close()
            # No A-ASSOCIATE-RJ is sent: it answers a request, and reading one would occupy this
            # thread for as long as the peer likes.
            self._reject("too many connections without an association")
            return
        try:
            self._serve()
        except Over as over:
            self._end(over)
        except PduError as error:
            self._end(self._violation(error))
        # TimeoutError is an OSError too, so its clause has to come first.
        except TimeoutError:
            self._end(self._timed_out())
        except OSError:
            self._end(Over(Ending.LOST, "connection lost"))
        except Exception as error:
            _log.error("association_failed", transfer=self.id, error=type(error).__name__)
            self._end(provider_abort(Ending.FAILED, "the receiver failed"))

    def _serve(self) -> None:
        snapshot = self._intake.snapshot
        here = [receiver for receiver in snapshot.receivers if receiver.port == self.port]
        # Which receiver is called is not known yet: the most patient one on the port decides.
        artim = max((receiver.artim_timeout for receiver in here), default=DEFAULT_ARTIM)
        self._transport.allow(artim)
        config = snapshot.tls_of(self.port)
        if config is not None:
            self._secure(config)
        request = self._request()
        self.called, self.calling = request.called, request.calling
        verdict = admit(request, peer=self.peer, port=self.port, receivers=snapshot.receivers)
        if not isinstance(verdict, RejectReason):
            verdict = self._take(verdict)
        if isinstance(verdict, RejectReason):
            self._reject(verdict.sentence, verdict)
            reply = pdu.encode_reject(*verdict.codes)
            raise Over(Ending.REJECTED, verdict.sentence, reply)
        self.receiver = verdict
        # Counted as established from now on. `_end` departs only for connections that never came
        # this far; with `self.receiver` set, it gives back the receiver's slot instead.
        self._slots.depart(self.peer)
        self._open(request, verdict)

    def _secure(self, config: TlsConfig) -> None:
        """Make the TLS handshake, within the time for the association request."""
        first = self._attentive(self._transport.peek)
        if first < 0:
            raise Over(Ending.LOST, "connection closed without release")
        if first != tls.HANDSHAKE:
            raise user_abort("the sender does not use TLS")
        try:
            context = tls.server_context(config)
            self._attentive(lambda: self._transport.secure(context))
        except TimeoutError:
            raise Over(Ending.TIMED_OUT, "no TLS handshake in time") from None
        except OSError as error:
            # OpenSSL has sent an alert, which a reset would overtake.
            raise Over(Ending.VIOLATION, tls.failure(error), lingers=True) from None
        self.certificate = tls.subject(self._transport.peer_certificate())

    @property
    def account(self) -> str:
        """The account of the receiver that was called."""
        return self.receiver.account if self.receiver is not None else ""

    def _attentive(self, work: Callable[[], _T]) -> _T:
        """Do what may be interrupted, and heed why."""
        while True:
            try:
                return work()
            except Interrupted:
                self._heed_stop()

    def _take(self, receiver: ReceiverConfig) -> ReceiverConfig | RejectReason:
        """Take both of a receiver's slots, or neither."""
        if not self._slots.take_peer(receiver, self.peer):
            return RejectReason.PEER_LIMIT
        if not self._slots.take(receiver):
            self._slots.give_back_peer(receiver, self.peer)
            return RejectReason.LOCAL_LIMIT
        return receiver

    def _request(self) -> AssociateRequest:
        kind, length = pdu.HEADER.unpack(self._exactly(pdu.HEADER.size))
        if kind == pdu.ABORT:
            # Unread bytes would turn our closing into a reset.
            self._exactly(min(length, pdu.CONTROL_LENGTH))
            raise Over(Ending.ABORTED, "aborted before an association")
        if kind == tls.HANDSHAKE:
            raise user_abort("the sender uses TLS, and the receiver does not")
        if kind != pdu.ASSOCIATE_RQ:
            raise user_abort("not an association request")
        if length > pdu.LARGEST_ASSOCIATE:
            raise user_abort("association request above 1 MiB")
        return decode_request(self._exactly(length))

    def _exactly(self, length: int) -> bytearray:
        # Grows with what arrives: a claimed length alone must not cost memory.
        data = bytearray()
        chunk = memoryview(bytearray(min(length, _FIRST_READ)))
        while len(data) < length:
            count = self._receive(chunk[: length - len(data)])
            data += chunk[:count]
        return data

    def _open(self, request: AssociateRequest, receiver: ReceiverConfig) -> None:
        commits = self._commitments is not None and receiver.commits
        answers = contexts.negotiate(
            request, receiver.transfer_syntaxes, receiver.storage_classes, commits=commits
        )
        roles = contexts.answer_roles(request, answers)
        user = request.user
        largest = min(max(receiver.max_pdu, pdu.SMALLEST_PDU), pdu.LARGEST_PDU)
        accept = AssociateAccept(
            echo=request.echo,
            contexts=answers,
            max_pdu=largest,
            implementation_class=IMPLEMENTATION_CLASS_UID,
            implementation_version=IMPLEMENTATION_VERSION,
            # Answered only where it was offered (PS3.7 D.3.3.3); 1 and 1 mean one operation
            # at a time.
            asynchronous=None if user.asynchronous is None else (1, 1),
            roles=roles,
            extended=contexts.answer_extended(request, answers),
        )
        exchange = self._exchange = Exchange(
            live=self,
            transport=self._transport,
            intake=self._intake,
            origin=Origin(
                transfer=self.id,
                receiver=self.called,
                calling=self.calling,
                peer=self.peer,
                prevent_anon=not receiver.anonymize,
                refuse_failed=receiver.refuse_failed,
                account=receiver.account,
                file_name_template=receiver.file_name_template,
                durable=receiver.durable,
            ),
            contexts={item.id: item for item in answers if item.result == contexts.ACCEPTED},
            largest=user.max_pdu,
            answered=self._answered,
            declined=self._declined,
            commitments=self._commitments if commits else None,
            reported=self._observer.reported,
        )
        # Who proposed not to be SCU takes no reports, which an SCP sends.
        self._takes_reports = commits and all(
            role.scu for role in roles if role.sop_class == commitment.SOP_CLASS
        )
        self.peer_implementation = user.implementation_version or user.implementation_class
        self.opened_at = time.time_ns()
        self._transport.allow(receiver.idle_timeout, renewal=RENEWAL)
        # Reported before the answer is sent: if sending fails, `_end` reports the end of this
        # association, and an end needs a beginning.
        self._observer.opened(self)
        self._transport.send(encode_accept(accept))
        if not any(item.result == contexts.ACCEPTED for item in answers):
            # By the book this is an association all the same; the admin should know why it is idle.
            self._reject("nothing that the sender offered can be stored here")
        self._transfer(exchange, PduStream(largest))

    def _transfer(self, exchange: Exchange, stream: PduStream) -> None:
        # Pages that nothing was read into cost no memory: an idle association needs none of them.
        buffer = memoryview(mmap.mmap(-1, BUFFER))
        end = 0
        while True:
            end += self._receive(buffer[end:])
            while (event := stream.next(buffer, end)) is not None:
                if event is Event.DATA:
                    exchange.take_data(stream.context, stream.piece, last=stream.last)
                elif event is Event.COMMAND:
                    exchange.take_command(stream.context, stream.piece, last=stream.last)
                elif event is Event.RELEASE:
                    raise Over(Ending.RELEASED, "released", pdu.encode_release_reply())
                else:
                    raise Over(Ending.ABORTED, "aborted by the sender")
            # Fragments are views into the buffer, so its bytes may move only when nobody
            # holds a view:
            #   nothing held, nothing left over  start again at the front, without copying
            #   little room left                 hand the views on, move the unread rest up
            #   else                             go on reading after `end`
            if not exchange.holds_views and stream.position == end:
                stream.position = end = 0
            elif end > BUFFER - _ROOM:
                exchange.flush()
                rest = end - stream.position
                buffer[:rest] = buffer[stream.position : end]
                stream.position, end = 0, rest

    def _receive(self, target: memoryview) -> int:
        while True:
            try:
                count = self._transport.receive(target)
                break
            except Interrupted:
                self._heed_stop()
                self._send_reports()
        if not count:
            raise Over(Ending.LOST, "connection closed without release")
        # A peer that always has data ready never makes us wait, and only waiting sees an interrupt:
        # check for a stop after each read as well.
        self.last_seen = time.monotonic()
        self.last_seen_at = time.time_ns()
        self._heed_stop()
        return count

    def _heed_stop(self) -> None:
        in_flight = self._exchange is not None and self._exchange.in_flight
        if self._stopping and (self._at_once or not in_flight):
            raise provider_abort(Ending.STOPPED, "the receiver stops")

    def _answered(self) -> None:
        self._observer.progressed(self)
        self._heed_stop()
        if self._reports:
            self._send_reports()

    def _send_reports(self) -> None:
        exchange = self._exchange
        while exchange is not None and self._reports and exchange.may_report:
            exchange.send_report(self._reports.popleft())

    def _declined(self, declined: Declined) -> None:
        self._observer.declined(self, declined)

    def _violation(self, error: PduError) -> Over:
        if self.receiver is None:
            # PS3.8 9.2.3: before the association exists a bad PDU is answered by AA-1, an A-ABORT
            # of the service user; afterwards by AA-8, one of the provider that carries a reason.
            return user_abort(str(error))
        return provider_abort(Ending.VIOLATION, str(error), error.reason)

    def _timed_out(self) -> Over:
        if self.receiver is None:
            return Over(Ending.TIMED_OUT, "no association request in time")
        return provider_abort(Ending.TIMED_OUT, "the sender fell silent")

    def _end(self, over: Over) -> None:
        with self._reporting:
            self._takes_reports = False
        for report in self._reports:
            self._observer.reported(report.id, None)
        if self._exchange is not None:
            self._exchange.abandon(over.sentence)
        self.ending = over.ending
        if over.reply:
            self._transport.allow(self._linger)
            with contextlib.suppress(OSError):
                self._transport.send(over.reply)
        try:
            # Before the socket is closed: lingering takes up to a second, and the receiver's slot
            # should be free for the sender's next attempt by then.
            self._announce(over)
        except Exception as error:
            _log.error("observer_failed", transfer=self.id, error=type(error).__name__)
        finally:
            self._transport.close(self._linger if over.lingers else 0)
            if self.receiver is None:
                self._slots.depart(self.peer)

    def _announce(self, over: Over) -> None:
        if self.receiver is not None:
            if over.ending is not Ending.RELEASED:
                self.last_error = over.sentence
            self.current, self.current_since = None, 0.0
            self._slots.give_back(self.receiver)
            self._slots.give_back_peer(self.receiver, self.peer)
            self._observer.closed(self, over.ending)
        elif over.ending in (Ending.VIOLATION, Ending.TIMED_OUT, Ending.FAILED):
            self._reject(over.sentence)

    def _reject(self, sentence: str, verdict: RejectReason | None = None) -> None:
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
