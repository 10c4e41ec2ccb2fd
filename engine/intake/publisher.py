# SPDX-License-Identifier: Apache-2.0
"""An object that is written joins its session: claim, undo record, `link()` to its name, journal
record. Names that are taken are compared (intake contract 6 and 7)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from engine.anonymize.runtime.applied import Undo
from engine.dicom.digest import is_current
from engine.dicom.header import Header, HeaderError
from engine.dicom.names import FileNameTemplate, Texts, safe_name, scan_folder
from engine.intake.answers import OUT_OF_RESOURCES, SUCCESS, Answer, Refusal
from engine.intake.claims import Claim, ClaimBook, ClaimRequest, NoClaim
from engine.intake.journal import Outcome
from engine.intake.numbered import numbered
from engine.intake.originals import Original, Originals
from engine.intake.recorder import ObjectRecorder
from engine.intake.snapshot import Snapshot
from engine.model.routing import Route
from engine.routing.labels import bounded_label
from engine.storage.staging import (
    FolderGone,
    StagedFile,
    StagingArea,
    publish,
    stored_digest,
    vouch_for,
    withdraw,
)

_STUDY_UID, _STUDY_DATE, _STUDY_TIME = 0x0020000D, 0x00080020, 0x00080030
_TRIES = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Ready:
    """An object whose bytes are written, all of them."""

    file: StagedFile
    header: Header
    """As received."""
    route: Route
    texts: Texts
    """What the header says as stored."""
    undo: tuple[Undo, ...] = ()
    later: bool = False
    """Whether the helper is to run the script over it once its sender has the answer."""


class Publisher:
    """Joins one object to its session."""

    def __init__(
        self,
        recorder: ObjectRecorder,
        snapshot: Snapshot,
        template: FileNameTemplate,
        *,
        book: ClaimBook,
        originals: Originals,
        writer: str,
    ) -> None:
        """Join by one snapshot; `writer` is the name under which undo records are kept."""
        self._recorder = recorder
        self._snapshot = snapshot
        self._template = template
        self._book = book
        self._originals = originals
        self._writer = writer

    def publish(self, ready: Ready) -> Answer:
        """Publish the object.

        Raises:
            StaleSnapshot: if it has to be routed again.
            Refusal: if nothing of it can be kept.
            OSError: if the store fails; nothing of it is published.
        """
        key = self._key(ready)
        scan = scan_folder(ready.texts)
        named = ready.header if self._snapshot.names_as_received else ready.texts
        name = self._template.name(named)
        kept = ""
        for _ in range(_TRIES):
            claim = self._claim(key, ready)
            if kept != claim.session:
                self._keep(claim, ready)
                kept = claim.session
            try:
                return self._link(ready, claim, scan, name)
            except FolderGone:
                self._book.drop(key, claim)
        raise Refusal(
            OUT_OF_RESOURCES, "the session was taken away again and again", Outcome.FAILED
        )

    def stage(self, ready: Ready, staging: StagingArea, name: str) -> Answer:
        """Keep the object as it came until the helper has run the script over it. The session is
        claimed already: while something of it is on its way it is not taken for whole.

        Raises:
            StaleSnapshot: if it has to be routed again.
            Refusal: if nothing of it can be kept.
            OSError: if the store fails; nothing of it is kept.
        """
        key = self._key(ready)
        claim = self._claim(key, ready)
        if not Path(claim.folder).is_dir():
            self._book.drop(key, claim)
            claim = self._claim(key, ready)
        file = f"{name}.dcm"
        record = partial(
            self._recorder.record,
            Outcome.STAGED,
            self._snapshot,
            session=claim.session,
            file=file,
        )
        staging.hold(ready.file, file, record)
        return Answer(status=SUCCESS, comment="", outcome=Outcome.STAGED)

    def _key(self, ready: Ready) -> tuple[str, str, str]:
        route = ready.route
        return (route.project or "", ready.header.text(_STUDY_UID) or "", route.session)

    def _claim(self, key: tuple[str, str, str], ready: Ready) -> Claim:
        try:
            return self._book.get(key, partial(self._request, ready))
        except NoClaim as error:
            raise Refusal(OUT_OF_RESOURCES, str(error), Outcome.FAILED) from error

    def _keep(self, claim: Claim, ready: Ready) -> None:
        """Keep what the script changed, before anybody can see the object without it."""
        if not ready.undo or not self._snapshot.keep_originals:
            return
        original = Original(
            received_sop=self._recorder.context.sop_instance,
            digest=self._recorder.digest,
            sop=self._recorder.sop,
            undo=ready.undo,
        )
        self._originals.append(claim.session, self._writer, original)

    def _request(self, ready: Ready) -> ClaimRequest:
        route, origin = ready.route, self._recorder.origin
        # Before the script has run nobody knows what may be told of the header.
        told = None if ready.later else ready.texts
        return ClaimRequest(
            project=route.project or "",
            study_uid=ready.header.text(_STUDY_UID) or "",
            label=safe_name(route.session),
            subject=bounded_label(route.subject or ""),
            snapshot=self._snapshot.number,
            scan_date=(told and told.text(_STUDY_DATE)) or "",
            scan_time=(told and told.text(_STUDY_TIME)) or "",
            auto_archive=route.auto_archive,
            prevent_anon=origin.prevent_anon,
            receiver=origin.receiver,
            calling=origin.calling,
            source=origin.source,
            account=origin.account,
            file_name_template=origin.file_name_template,
        )

    def _link(self, ready: Ready, claim: Claim, scan: str, name: str) -> Answer:
        staged = ready.file
        stem, dot, ending = name.rpartition(".")
        outcome = Outcome.STORED
        for suffix in range(1, 1000):
            candidate = name if suffix == 1 else f"{stem}-{suffix}{dot}{ending}"
            try:
                durable = self._snapshot.durable
                publish(staged, claim.folder, scan, candidate, durable=durable)
            except FileExistsError:
                relation = self._compare(staged, claim, scan, candidate)
                if relation is Outcome.DUPLICATE:
                    return self._duplicate(claim, scan, candidate)
                if relation is Outcome.CONFLICT:
                    outcome = Outcome.CONFLICT
                continue
            return self._stored(ready, claim, scan, candidate, outcome)
        raise Refusal(OUT_OF_RESOURCES, "too many objects of one name", Outcome.FAILED)

    def _compare(self, staged: StagedFile, claim: Claim, scan: str, name: str) -> Outcome | None:
        """Say what the object that has the name already is to this one.

        Objects are told apart by their UID and the digest of their data set, both as received:

        | the file that has the name | the index knows of it | then it is |
        |---|---|---|
        | is ours as received | whatever | DUPLICATE |
        | is another | ours: a script has changed it | DUPLICATE |
        | is ours as stored | nothing, or that it was stored as received | DUPLICATE |
        | is another | others, one of our UID | CONFLICT |
        | is another, of our UID as stored | nothing, or that it was stored as received | CONFLICT |
        | is another | others, none of our UID | None: the next name is tried |
        """
        file = f"SCANS/{scan}/DICOM/{name}"
        try:
            stored = stored_digest(Path(claim.folder) / file)
        except FileNotFoundError:
            raise FolderGone from None
        except HeaderError:
            stored = "", ""
        mine = self._recorder.context.sop_instance, self._recorder.digest
        if stored == mine:
            return Outcome.DUPLICATE
        received = {
            (known.received_sop, known.digest) for known in self._book.known(claim.session, file)
        }
        if mine in received:
            return Outcome.DUPLICATE
        if stored in received or not any(is_current(digest) for _, digest in received):
            # Nobody knows how it was received: its record was lost in a crash, or its digest is of
            # an older kind. What a script makes of the same bytes is the same.
            if stored == staged.stored_digest():
                return Outcome.DUPLICATE
            received.add(
                (self._recorder.context.sop_instance if stored[0] == self._recorder.sop else "", "")
            )
        same_uid = {known for known, _ in received}
        return Outcome.CONFLICT if self._recorder.context.sop_instance in same_uid else None

    def _stored(self, ready: Ready, claim: Claim, scan: str, name: str, outcome: Outcome) -> Answer:
        file = f"SCANS/{scan}/DICOM/{name}"
        try:
            stands = numbered(ready.texts, self._recorder.context.sop_class)
            self._recorder.record(
                outcome, self._snapshot, session=claim.session, file=file, numbered=stands
            )
        except Exception:
            withdraw(Path(claim.folder), scan, name)
            raise
        return Answer(status=SUCCESS, comment="", outcome=outcome, session=claim.session)

    def _duplicate(self, claim: Claim, scan: str, name: str) -> Answer:
        if self._snapshot.durable:
            try:
                vouch_for(Path(claim.folder), scan, name)
            except FileNotFoundError:
                raise FolderGone from None
        self._recorder.record(
            Outcome.DUPLICATE,
            self._snapshot,
            session=claim.session,
            file=f"SCANS/{scan}/DICOM/{name}",
            reason="the same object is in the session already",
        )
        return Answer(status=SUCCESS, comment="", outcome=Outcome.DUPLICATE, session=claim.session)
