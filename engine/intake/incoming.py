"""One object on its way in, by the intake contract: index, route, (filter, site script,) claim,
publish, answer. Receivers and uploads feed its bytes; the answer is success only for what is ours.
No database, no pydicom and no lock stand on this path."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path

from engine.dicom.guard import Guard, Unreadable
from engine.dicom.header import Header, HeaderError, HeaderReader
from engine.dicom.names import FileNameTemplate, safe_name, scan_folder
from engine.dicom.part10 import NOT_WALKED, is_explicit, write_meta
from engine.intake.answers import (
    CANNOT_UNDERSTAND,
    MISMATCH,
    OUT_OF_RESOURCES,
    SUCCESS,
    Answer,
    ObjectContext,
    Origin,
    Refusal,
)
from engine.intake.claims import Claim, ClaimBook, ClaimRequest, Claims, NoClaim, StaleSnapshot
from engine.intake.journal import NEEDS_SYNC, Journal, NotSynced, Outcome, Record, sync_folder
from engine.intake.labels import bounded_label
from engine.intake.routing import Router
from engine.intake.snapshot import Snapshot
from engine.intake.staging import (
    FolderGone,
    StagedFile,
    StagingArea,
    publish,
    stored_digest,
    vouch_for,
    withdraw,
)
from engine.model.routing import Route

_SOP_CLASS, _SOP_INSTANCE, _STUDY_UID = 0x00080016, 0x00080018, 0x0020000D
_STUDY_DATE, _STUDY_TIME = 0x00080020, 0x00080030
_SERIES_DESCRIPTION = 0x0008103E
_LONGEST_SERIES = 64
_LONGEST_UID = 128
"""Characters; twice what PS3.5 9.1 allows, for senders that cannot count."""
_LONGEST_BLIND_HEAD = 64 * 1024
"""Bytes held of a data set that cannot be walked."""
_TRIES = 16


class Intake:
    """What one process needs to take objects in; shared by its threads."""

    def __init__(
        self, *, staging: StagingArea, journal: Journal, claims: Claims, guard: Guard
    ) -> None:
        """Put the parts together; `take` must give a snapshot before the first object."""
        self.staging = staging
        self.journal = journal
        self.book = ClaimBook(claims)
        self.guard = guard
        # Also of a process that had our number before, and of those on other nodes.
        self._names = f"{time.time_ns():x}{os.urandom(4).hex()}"
        self._serial = count(1)

    def take(self, snapshot: Snapshot) -> None:
        """Put a snapshot into force: objects that begin from now on see it."""
        self.current = _InForce(snapshot)

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot in force."""
        return self.current.snapshot

    def begin(self, origin: Origin, *, context: ObjectContext) -> Incoming:
        """Start to take one object in."""
        return Incoming(self, origin, context)

    def next_name(self) -> str:
        """Make a file's name that nobody else makes, without a lock."""
        return f"{self._names}-{next(self._serial):x}"


class _InForce:
    """A snapshot with what is compiled from it once."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.router = Router(snapshot.routing)
        self.template = FileNameTemplate(snapshot.file_name_template)


class Incoming:
    """One object; used by one thread. Faults are remembered and answered in `finish`."""

    def __init__(self, intake: Intake, origin: Origin, context: ObjectContext) -> None:
        """Begin with nothing written."""
        self._intake = intake
        self._current = intake.current
        self._origin = origin
        self._context = context
        self._digest = hashlib.sha256()
        self._size = 0
        self._head: bytearray | None = bytearray()
        self._header: Header | None = None
        self._file: StagedFile | None = None
        self._fault: Refusal | None = None
        self._unsynced: Record | None = None
        self._reader: HeaderReader | None = None
        if context.transfer_syntax not in NOT_WALKED:
            self._reader = HeaderReader(
                is_explicit(context.transfer_syntax), self._current.snapshot.max_header
            )
        self._plausible = True
        self.series = ""

    @property
    def size(self) -> int:
        """Bytes of the data set so far."""
        return self._size

    def write(self, chunks: Sequence[memoryview]) -> None:
        """Take the next bytes of the data set; the chunks may be reused afterwards."""
        for chunk in chunks:
            self._digest.update(chunk)
            self._size += len(chunk)
        if self._fault is not None:
            return
        try:
            if self._head is None:
                self._staged().write(chunks)
            else:
                for chunk in chunks:
                    self._head += chunk
                self._read_head(final=False)
        except OSError as error:
            self._fail(error)

    def finish(self) -> Answer:
        """End the object and say what became of it."""
        try:
            if self._fault is None and self._head is not None:
                self._read_head(final=True)
            if self._fault is not None:
                raise self._fault
            return self._settle()
        except Refusal as refusal:
            return self._refuse(refusal)
        except OSError as error:
            self._fail(error)
            assert self._fault is not None
            return self._refuse(self._fault)
        finally:
            self._clean()

    def abandon(self, reason: str) -> None:
        """Keep nothing: the sender went away before the object was whole."""
        try:
            self._journal(Outcome.FAILED, reason=reason)
        except OSError:
            pass  # nothing was promised; the transfer's own end is news enough
        finally:
            self._clean()

    def _read_head(self, *, final: bool) -> None:
        assert self._head is not None
        if self._reader is not None:
            try:
                if not self._reader.advance(self._head, final=final):
                    return
                self._header = self._reader.header(self._head)
            except HeaderError:
                self._header = None
        elif not final and len(self._head) < _LONGEST_BLIND_HEAD:
            return
        if not self._head:
            raise Refusal(CANNOT_UNDERSTAND, "the data set is empty")
        # The header goes on pointing into `head`, which nothing appends to any more.
        head, self._head = self._head, None
        self._plausible = _looks_like_elements(head)
        self._staged().write((self._meta(), head))

    def _meta(self) -> bytes:
        return write_meta(
            sop_class=self._context.sop_class,
            sop_instance=self._context.sop_instance,
            transfer_syntax=self._context.transfer_syntax,
            source_ae=self._origin.calling[:16],
        )

    def _staged(self) -> StagedFile:
        if self._file is None:
            self._file = self._intake.staging.new_file(self._intake.next_name())
        return self._file

    def _settle(self) -> Answer:
        header = self._header
        if header is None:
            try:
                header = self._slow_header()
            except Unreadable as unreadable:
                if not self._plausible and self._context.transfer_syntax not in NOT_WALKED:
                    raise Refusal(CANNOT_UNDERSTAND, "the data set is not DICOM") from unreadable
                return self._hold(unreadable.reason)
        self._check(header)
        return self._publish(header)

    def _slow_header(self) -> Header:
        """Let the guarded helper read what cannot be indexed exactly in memory."""
        staged = self._staged()
        normal = self._intake.guard.normalise(
            staged.path, self._context.transfer_syntax, len(self._meta())
        )
        try:
            return Header.index(normal, explicit=True)
        except HeaderError as error:
            raise Unreadable(error.reason) from error

    def _check(self, header: Header) -> None:
        sop_class, sop_instance = header.text(_SOP_CLASS), header.text(_SOP_INSTANCE)
        if not sop_class or not sop_instance:
            raise Refusal(CANNOT_UNDERSTAND, "SOP Class UID or SOP Instance UID is missing")
        study = header.text(_STUDY_UID)
        if not study:
            raise Refusal(CANNOT_UNDERSTAND, "Study Instance UID is missing")
        for name, uid in (
            ("SOP Class", sop_class),
            ("SOP Instance", sop_instance),
            ("Study Instance", study),
        ):
            if len(uid) > _LONGEST_UID or not uid.isprintable():
                raise Refusal(CANNOT_UNDERSTAND, f"{name} UID is malformed")
        if sop_class != self._context.sop_class:
            raise Refusal(MISMATCH, "SOP Class UID differs between command and data set")
        if sop_instance != self._context.sop_instance:
            raise Refusal(MISMATCH, "SOP Instance UID differs between command and data set")

    def _publish(self, header: Header) -> Answer:
        staged = self._staged()
        if self._current.snapshot.durable:
            staged.sync()
        description = header.text(_SERIES_DESCRIPTION) or ""
        self.series = "".join(filter(str.isprintable, description[:_LONGEST_SERIES]))
        for _ in range(_TRIES):
            current = self._current = self._intake.current
            route = current.router.route(header, receiver=self._origin.receiver)
            key = (route.project or "", header.text(_STUDY_UID) or "", route.session)
            try:
                claim = self._intake.book.get(key, partial(self._request, header, route))
            except StaleSnapshot:
                continue
            except NoClaim as error:
                raise Refusal(OUT_OF_RESOURCES, str(error), Outcome.FAILED) from error
            try:
                return self._link(claim, scan_folder(header), current.template.name(header))
            except FolderGone:
                self._intake.book.drop(key, claim)
        raise Refusal(
            OUT_OF_RESOURCES, "the session was taken away again and again", Outcome.FAILED
        )

    def _request(self, header: Header, route: Route) -> ClaimRequest:
        return ClaimRequest(
            project=route.project or "",
            study_uid=header.text(_STUDY_UID) or "",
            label=safe_name(route.session),
            subject=bounded_label(route.subject or ""),
            snapshot=self._current.snapshot.number,
            scan_date=header.text(_STUDY_DATE) or "",
            scan_time=header.text(_STUDY_TIME) or "",
            auto_archive=route.auto_archive,
            prevent_anon=self._origin.prevent_anon,
            receiver=self._origin.receiver,
            calling=self._origin.calling,
            source=self._origin.source,
        )

    def _link(self, claim: Claim, scan: str, name: str) -> Answer:
        folder = Path(claim.folder)
        stem, dot, ending = name.rpartition(".")
        outcome = Outcome.STORED
        for suffix in range(1, 1000):
            candidate = name if suffix == 1 else f"{stem}-{suffix}{dot}{ending}"
            try:
                publish(
                    self._staged().path,
                    folder,
                    scan,
                    candidate,
                    durable=self._current.snapshot.durable,
                )
            except FileExistsError:
                relation = self._compare(claim, scan, candidate)
                if relation is Outcome.DUPLICATE:
                    return self._duplicate(claim, scan, candidate)
                if relation is Outcome.CONFLICT:
                    outcome = Outcome.CONFLICT
                continue
            return self._stored(claim, scan, candidate, outcome)
        raise Refusal(OUT_OF_RESOURCES, "too many objects of one name", Outcome.FAILED)

    def _compare(self, claim: Claim, scan: str, name: str) -> Outcome | None:
        """Say what the object that has the name already is to this one."""
        file = f"SCANS/{scan}/DICOM/{name}"
        try:
            sop, digest = stored_digest(Path(claim.folder) / file)
        except FileNotFoundError:
            raise FolderGone from None
        except HeaderError:
            sop, digest = "", ""
        if digest == self._digest.hexdigest() and sop == self._context.sop_instance:
            return Outcome.DUPLICATE
        received = {
            (known.received_sop, known.digest)
            for known in self._intake.book.known(claim.session, file)
        }
        if (self._context.sop_instance, self._digest.hexdigest()) in received:
            return Outcome.DUPLICATE
        same_uid = {known for known, _ in received} or {sop}
        return Outcome.CONFLICT if self._context.sop_instance in same_uid else None

    def _stored(self, claim: Claim, scan: str, name: str, outcome: Outcome) -> Answer:
        try:
            self._journal(outcome, session=claim.session, file=f"SCANS/{scan}/DICOM/{name}")
        except Exception:
            withdraw(Path(claim.folder), scan, name)
            raise
        return Answer(status=SUCCESS, comment="", outcome=outcome, session=claim.session)

    def _duplicate(self, claim: Claim, scan: str, name: str) -> Answer:
        if self._current.snapshot.durable:
            try:
                vouch_for(Path(claim.folder), scan)
            except FileNotFoundError:
                raise FolderGone from None
        self._journal(
            Outcome.DUPLICATE,
            session=claim.session,
            file=f"SCANS/{scan}/DICOM/{name}",
            reason="the same object is in the session already",
        )
        return Answer(status=SUCCESS, comment="", outcome=Outcome.DUPLICATE, session=claim.session)

    def _hold(self, reason: str) -> Answer:
        """Keep the object in staging, durably, for a person to look at."""
        staged = self._staged()
        staged.sync()
        staged.close()
        held = self._intake.staging.held
        name = f"{self._intake.next_name()}.dcm"
        os.link(staged.path, held / name)
        try:
            sync_folder(held)
            self._journal(Outcome.HELD, file=name, reason=reason)
        except Exception:
            (held / name).unlink(missing_ok=True)
            raise
        return Answer(status=SUCCESS, comment="", outcome=Outcome.HELD)

    def _refuse(self, refusal: Refusal) -> Answer:
        # Should the journal fail too: the sender is told, and the worker's news carry the error.
        with suppress(OSError):
            self._journal(refusal.outcome, reason=refusal.reason)
        return Answer(status=refusal.status, comment=refusal.reason[:64], outcome=refusal.outcome)

    def _fail(self, error: OSError) -> None:
        said = os.strerror(error.errno) if error.errno else "the store did not take the object"
        self._fault = Refusal(OUT_OF_RESOURCES, f"storing failed: {said}", Outcome.FAILED)
        # Now, not when its sender has come to an end: the others need the room.
        self._clean()

    def _journal(
        self, outcome: Outcome, *, session: str = "", file: str = "", reason: str = ""
    ) -> None:
        snapshot = self._current.snapshot
        record = Record(
            at=time.time_ns(),
            transfer=self._origin.transfer,
            outcome=outcome,
            session=session,
            file=file,
            sop_class=self._context.sop_class,
            received_sop=self._context.sop_instance,
            sop=self._context.sop_instance,
            digest=self._digest.hexdigest(),
            size=self._size,
            reason=reason,
            snapshot=snapshot.number,
            receiver=self._origin.receiver,
            calling=self._origin.calling,
            peer=self._origin.peer,
            transfer_syntax=self._context.transfer_syntax,
            undoes=self._unsynced,
        )
        try:
            self._intake.journal.append(record, sync=snapshot.durable and outcome in NEEDS_SYNC)
        except NotSynced:
            self._unsynced = record
            raise

    def _clean(self) -> None:
        if self._file is not None:
            with suppress(OSError):  # what stays is swept at the next start
                self._file.discard()
            self._file = None


def _looks_like_elements(head: bytearray) -> bool:
    """Tell a damaged data set from bytes that never were one: the first tag says it."""
    group = int.from_bytes(head[:2], "little")
    return len(head) >= 8 and group in (0x0002, 0x0004, 0x0008, 0x0010, 0x0018, 0x0020, 0x0028)
