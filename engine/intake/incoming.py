# SPDX-License-Identifier: Apache-2.0
"""One object on its way in, by the intake contract: index, route, (filter,) site script, claim,
publish, answer. Receivers and uploads feed its bytes; the answer is success only for what is ours.
No database, no pydicom and no lock stand on this path."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from engine.anonymize.faults import ScriptError
from engine.anonymize.runtime.applied import Undo
from engine.dicom.guard import Unreadable
from engine.dicom.header import Header, HeaderError, HeaderReader
from engine.dicom.names import Texts
from engine.dicom.part10 import NOT_WALKED, is_explicit, write_meta
from engine.intake.answers import (
    CANNOT_UNDERSTAND,
    OUT_OF_RESOURCES,
    SUCCESS,
    Answer,
    ObjectContext,
    Origin,
    Refusal,
)
from engine.intake.body import Body
from engine.intake.claims import StaleSnapshot
from engine.intake.context import IntakeContext
from engine.intake.encoding import Encoding
from engine.intake.identity import (
    SOP_INSTANCE,
    check_received,
    unplaced,
    unsound,
)
from engine.intake.journal import PUBLISHED, Outcome
from engine.intake.publisher import Publisher, Ready
from engine.intake.recorder import ObjectRecorder
from engine.intake.site_script import (
    CHANGED,
    PREVENTED,
    UNCHANGED,
    Edited,
    ScriptResult,
    ScriptStep,
    rejected,
)
from engine.model.changes import ScriptOutcome
from engine.model.routing import Route
from engine.storage.staging import StagedFile

_SERIES_DESCRIPTION = 0x0008103E
_LONGEST_SERIES = 64
_LONGEST_BLIND_HEAD = 64 * 1024
"""Bytes held of a data set that cannot be walked."""
_TRIES = 16


class Intake(IntakeContext):
    """Takes objects in; shared by the threads of a process."""

    def begin(self, origin: Origin, *, context: ObjectContext) -> Incoming:
        """Start to take one object in."""
        return Incoming(self, origin, context)


class Incoming:
    """One object; used by one thread. Faults are remembered and answered in `finish`."""

    def __init__(self, intake: Intake, origin: Origin, context: ObjectContext) -> None:
        """Begin with nothing written."""
        self._intake = intake
        self._current = intake.in_force
        self._origin = origin
        self._context = context
        self._fate = ObjectRecorder(origin, context, intake.journal)
        self._head: bytearray | None = bytearray()
        self._header: Header | None = None
        self._route: Route | None = None
        self._met = ScriptResult(step=ScriptStep.AS_IT_IS)
        self._body: Body | None = None
        self._made: StagedFile | None = None
        """What the slow path has written."""
        self._fault: Refusal | None = None
        self._reader: HeaderReader | None = None
        if context.transfer_syntax not in NOT_WALKED:
            self._reader = HeaderReader(
                is_explicit(context.transfer_syntax), self._current.snapshot.max_header
            )
        self._encoding = Encoding(context.transfer_syntax)
        self.series = ""
        """The series description as it is stored; empty where nothing of the object was published:
        what a script has not seen yet, or would not let stand, is not told."""

    @property
    def size(self) -> int:
        """Bytes of the data set so far."""
        return self._fate.size

    def write(self, chunks: Sequence[memoryview]) -> None:
        """Take the next bytes of the data set; the chunks may be reused afterwards."""
        self._fate.take(chunks)
        if self._fault is not None:
            return
        try:
            if self._head is None:
                if self._body is not None:
                    self._body.write(chunks)
            else:
                for chunk in chunks:
                    self._head += chunk
                self._read_head(final=False)
        except Refusal as refusal:
            self._fault = refusal
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
            self._fate.record(Outcome.FAILED, self._current.snapshot, reason=reason)
        except OSError:
            pass  # nothing was promised; the transfer's own end is news enough
        finally:
            self._clean()

    # ---------------------------------------------------------------------------------- the head

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
        if self._header is None:
            reader, most = self._reader, self._current.snapshot.max_header
            large = reader is not None and reader.needs > most
            self._encoding.head_not_indexed(head, large=large)
            self._body = self._raw(head)
        else:
            self._begin(self._header, head)

    def _begin(self, header: Header, head: bytearray) -> None:
        """Route and meet the script as soon as the head is there, and write what comes of it."""
        self._encoding.head_indexed(header, head)
        check_received(header, self._context)
        self._route = self._current.router.route(header, receiver=self._origin.receiver)
        self._met = self._meet(header, self._route)
        if self._met.step is ScriptStep.REJECTED:
            return
        edited, site = self._met.edited, self._current.site
        if edited is None or site is None:
            self._body = self._raw(head)
            return
        self._body = Body(
            self._new_file(),
            start=(edited.start, *edited.head),
            head=header,
            rest=memoryview(head)[header.end :],
            limit=self._current.snapshot.max_header if site.looks_behind else 0,
        )

    def _meet(self, header: Header, route: Route, *, whole: bool = True) -> ScriptResult:
        site = self._current.site
        if self._origin.prevent_anon:
            return ScriptResult(
                step=ScriptStep.AS_IT_IS, script=PREVENTED if site is not None else ""
            )
        if site is None:
            return ScriptResult(step=ScriptStep.AS_IT_IS)
        return site.meet(header, self._meta, route, whole=whole)

    def _meta(self, sop_class: str, sop_instance: str) -> bytes:
        return write_meta(
            sop_class=sop_class,
            sop_instance=sop_instance,
            transfer_syntax=self._context.transfer_syntax,
            source_ae=self._origin.calling[:16],
        )

    def _received_meta(self) -> bytes:
        return self._meta(self._context.sop_class, self._context.sop_instance)

    def _new_file(self) -> StagedFile:
        return self._intake.staging.new_file(self._intake.next_name())

    def _raw(self, head: bytearray) -> Body:
        """Write the object as it came."""
        return Body(self._new_file(), start=(self._received_meta(),), rest=memoryview(head))

    # ------------------------------------------------------------------------- the whole object

    def _settle(self) -> Answer:
        header, route = self._header, self._route
        if header is None or route is None:
            assert self._body is not None
            start = len(self._received_meta())
            try:
                header = self._encoding.header(self._body, self._intake.guard, start)
            except Unreadable as unreadable:
                if self._encoding.is_noise:
                    raise Refusal(CANNOT_UNDERSTAND, "the data set is not DICOM") from unreadable
                return self._hold(unreadable.reason)
            check_received(header, self._context)
            route = self._current.router.route(header, receiver=self._origin.receiver)
            self._met = self._meet(header, route, whole=False)
        ready = self._ready(header, route)
        for _ in range(_TRIES):
            if not isinstance(ready, Ready):
                return ready
            try:
                return self._join(ready)
            except StaleSnapshot:
                ready = self._again(header, ready)
        raise Refusal(OUT_OF_RESOURCES, "the configuration changed again and again", Outcome.FAILED)

    def _ready(self, header: Header, route: Route) -> Ready | Answer:
        """Bring the bytes to their end, as the script wants it."""
        met = self._met
        self._fate.script = met.script
        self._fate.sop = self._context.sop_instance
        if met.step is ScriptStep.REJECTED:
            return self._reject(met)
        body = self._body
        assert body is not None
        self._encoding.look_behind(body, header)
        if self._encoding.contrary:
            self._restore_raw()
            return self._hold(self._encoding.contrary)
        if met.step is ScriptStep.HELD:
            return self._script_failed(met)
        undo: tuple[Undo, ...] = ()
        texts: Texts = header
        if met.edited is not None:
            behind = self._finish_tail(body, met.edited, header)
            if behind is None:
                self._restore_raw()
                self._met = replace(met, step=ScriptStep.SLOW, edited=None)
                return self._ready(header, route)
            texts, undo = met.edited.texts, (*met.edited.undo, *behind)
            self._fate.sop = texts.text(SOP_INSTANCE) or ""
        else:
            body.finish()
        if met.step is ScriptStep.SLOW:
            return self._run_slowly(header, route, met)
        return Ready(file=body.file, header=header, route=route, texts=texts, undo=undo)

    def _finish_tail(self, body: Body, edited: Edited, header: Header) -> tuple[Undo, ...] | None:
        """Write what follows the pixels; None where the script has to see it first."""
        site = self._current.site
        assert site is not None
        tail = body.finish()
        if body.lost:
            return None
        if tail is None:
            return ()
        stripped = site.strip(edited, tail, header)
        if stripped is None or (stripped[1] and self._met.script == UNCHANGED):
            return None
        data, undo = stripped
        body.file.write((data,))
        return tuple(undo)

    def _restore_raw(self) -> None:
        """Write the object again as it came, where another head stands before it."""
        body = self._body
        assert body is not None
        if body.head is None:
            return
        file = self._new_file()
        self._body = body.received(file, self._received_meta())
        body.file.discard()

    def _run_slowly(self, header: Header, route: Route, met: ScriptResult) -> Ready | Answer:
        site, body = self._current.site, self._body
        assert site is not None and body is not None
        if self._intake.defers and not self._origin.refuse_failed:
            return Ready(file=body.file, header=header, route=route, texts=header, later=True)
        target = self._intake.staging.folder / self._intake.next_name()
        try:
            done = self._intake.slow.run(
                body.file.path,
                target,
                site.script,
                secret=site.secret,
                given=met.given,
                record=site.record(met.given),
                received=header,
            )
        except ScriptError as error:
            return self._script_failed(site.failed(error.message, error.line))
        if done.outcome is ScriptOutcome.REJECTED:
            return self._reject(rejected(done.statement))
        if done.header is None:
            self._fate.script = UNCHANGED
            return Ready(file=body.file, header=header, route=route, texts=header)
        file = self._made = StagedFile.adopt(target)
        fault = unsound(done.header, received=header)
        if fault:
            return self._script_failed(site.failed(fault))
        self._fate.script = CHANGED
        self._fate.sop = done.header.text(SOP_INSTANCE) or ""
        return Ready(file=file, header=header, route=route, texts=done.header, undo=done.undo)

    def _join(self, ready: Ready) -> Answer:
        current = self._current
        joining = Publisher(
            self._fate,
            current.snapshot,
            current.template,
            book=self._intake.book,
            originals=self._intake.originals,
            writer=self._intake.journal.path.stem,
        )
        if ready.later:
            return joining.stage(ready, self._intake.staging, self._intake.next_name())
        lacking = unplaced(ready.texts)
        if lacking:
            self._restore_raw()
            return self._hold(lacking)
        if current.snapshot.durable:
            ready.file.sync()
        answer = joining.join(ready)
        if answer.outcome in PUBLISHED:
            description = ready.texts.text(_SERIES_DESCRIPTION) or ""
            self.series = "".join(filter(str.isprintable, description[:_LONGEST_SERIES]))
        return answer

    def _again(self, header: Header, ready: Ready) -> Ready | Answer:
        """Route again by the newer snapshot; where that matters to the script it runs again, over
        the object as it was received."""
        before, old = self._current.site, ready.route
        current = self._current = self._intake.in_force
        route = current.router.route(header, receiver=self._origin.receiver)
        site = current.site
        if self._origin.prevent_anon or (
            site is before and (site is None or site.given(route) == site.given(old))
        ):
            return replace(ready, route=route)
        if self._made is not None:
            self._made.discard()
            self._made = None
        assert self._body is not None
        self._restore_raw()
        self._met = self._meet(header, route, whole=False)
        return self._ready(header, route)

    # -------------------------------------------------------------------------------------- ends

    def _reject(self, met: ScriptResult) -> Answer:
        """Count an object that the script does not want; nothing of it is kept."""
        self._fate.script = ""
        self._fate.record(
            Outcome.REJECTED, self._current.snapshot, reason=met.reason, rule=met.rule
        )
        return Answer(status=SUCCESS, comment="", outcome=Outcome.REJECTED)

    def _script_failed(self, met: ScriptResult) -> Answer:
        if self._origin.refuse_failed:
            raise Refusal(OUT_OF_RESOURCES, met.reason, rule=met.rule)
        return self._hold(met.reason, rule=met.rule)

    def _hold(self, reason: str, *, rule: str = "") -> Answer:
        """Keep the object as it came in staging, durably, for a person to look at."""
        assert self._body is not None
        self._body.finish()
        self._fate.script = ""
        self._fate.sop = self._context.sop_instance
        name = f"{self._intake.next_name()}.dcm"
        record = partial(
            self._fate.record,
            Outcome.HELD,
            self._current.snapshot,
            file=name,
            reason=reason,
            rule=rule,
        )
        self._intake.staging.hold(self._body.file, name, record)
        return Answer(status=SUCCESS, comment="", outcome=Outcome.HELD)

    def _refuse(self, refusal: Refusal) -> Answer:
        # Should the journal fail too: the sender is told, and the worker's news carry the error.
        with suppress(OSError):
            self._fate.record(
                refusal.outcome,
                self._current.snapshot,
                reason=refusal.reason,
                rule=refusal.rule,
            )
        return Answer(status=refusal.status, comment=refusal.reason[:64], outcome=refusal.outcome)

    def _fail(self, error: OSError) -> None:
        said = os.strerror(error.errno) if error.errno else "the store did not take the object"
        self._fault = Refusal(OUT_OF_RESOURCES, f"storing failed: {said}", Outcome.FAILED)
        # Now, not when its sender has come to an end: the others need the room.
        self._clean()

    def _clean(self) -> None:
        files = [self._body.file if self._body is not None else None, self._made]
        self._body = self._made = None
        for file in files:
            if file is not None:
                with suppress(OSError):  # what stays is swept at the next start
                    file.discard()
