# SPDX-License-Identifier: Apache-2.0
"""One object on its way in, by the intake contract: index, route, (filter,) site script, claim,
publish, answer. Receivers and uploads feed its bytes; the answer is success only for what is ours.
No database, no pydicom and no lock stand on this path."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import StrEnum

from engine.anonymize.faults import ScriptError
from engine.anonymize.runtime.applied import Undo
from engine.dicom.guard import Unreadable
from engine.dicom.header import Header
from engine.intake import ends
from engine.intake.answers import (
    CANNOT_UNDERSTAND,
    OUT_OF_RESOURCES,
    Answer,
    ObjectContext,
    Origin,
    Refusal,
)
from engine.intake.claims import StaleSnapshot
from engine.intake.context import IntakeContext
from engine.intake.encoding import Encoding
from engine.intake.head import Head
from engine.intake.identity import SOP_INSTANCE, check_received, unplaced, unsound
from engine.intake.journal import PUBLISHED, Outcome
from engine.intake.object_files import ObjectFiles
from engine.intake.publisher import Publisher, Ready
from engine.intake.recorder import ObjectRecorder
from engine.intake.site_script import (
    CHANGED,
    PREVENTED,
    UNCHANGED,
    Edited,
    ScriptResult,
    ScriptStep,
    SiteScript,
    rejected,
)
from engine.model.changes import ScriptOutcome
from engine.model.routing import Route

_SERIES_DESCRIPTION = 0x0008103E
_LONGEST_SERIES = 64
_TRIES = 16
"""Snapshots by which an object is routed before that is given up."""


class Intake(IntakeContext):
    """Takes objects in; shared by the threads of a process."""

    def begin(self, origin: Origin, *, context: ObjectContext) -> Incoming:
        """Start to take one object in."""
        return Incoming(self, origin, context)


class State(StrEnum):
    """The state of an object; see `Incoming`. The last step gives an `Answer`."""

    READING_HEAD = "reading head"
    STREAMING = "streaming"
    STREAMING_UNREAD = "streaming unread"
    DROPPING = "dropping"
    FAULTY = "faulty"
    ROUTED = "routed"
    WAITS_FOR_TAIL = "waits for tail"
    SCRIPT_ON_WHOLE_OBJECT = "script on whole object"
    STAGING = "staging"
    PUBLISHING = "publishing"
    STALE = "stale"


class Incoming:
    """One object; used by one thread. While its bytes come, `write` moves it:

        READING_HEAD      gathers bytes until the head is whole, routes it and applies the script
                          -> READING_HEAD, STREAMING, STREAMING_UNREAD, DROPPING, FAULTY
        STREAMING         writes the bytes behind the head, received or edited -> FAULTY
        STREAMING_UNREAD  writes them as they come, the head cannot be indexed here -> FAULTY
        DROPPING          counts the bytes of an object that the script rejects
        FAULTY            counts the bytes of one that is refused or that the store did not take

    Then `finish` takes one step after the other until one gives the answer:

        READING_HEAD      takes what has come for the head -> as above
        STREAMING_UNREAD  lets the guarded helper read the head, routes it and applies the script
                          -> ROUTED, or HELD, REFUSED
        STREAMING, DROPPING, ROUTED
                          goes the way that encoding and script say -> WAITS_FOR_TAIL,
                          SCRIPT_ON_WHOLE_OBJECT, PUBLISHING, or HELD, REJECTED, REFUSED
        WAITS_FOR_TAIL    writes what follows the pixels as the script leaves it -> PUBLISHING,
                          SCRIPT_ON_WHOLE_OBJECT
        SCRIPT_ON_WHOLE_OBJECT
                          runs the slow path, or leaves it to the engine
                          -> PUBLISHING, STAGING, or HELD, REJECTED, REFUSED
        STAGING           claims the session, keeps the object for the engine -> STALE, or STAGED
        PUBLISHING        claims the session, links the object into it
                          -> STALE, or STORED, DUPLICATE, CONFLICT, HELD
        STALE             routes by the newer snapshot, applies a script again that this matters to
                          -> PUBLISHING, STAGING, ROUTED
        FAULTY            -> REFUSED, FAILED

    The ends are outcomes. It may end as FAILED everywhere: where the store fails, where no session
    can be claimed, and by `abandon`."""

    __slots__ = (
        "_context",
        "_current",
        "_encoding",
        "_fault",
        "_files",
        "_head",
        "_header",
        "_intake",
        "_origin",
        "_ready",
        "_recorder",
        "_result",
        "_route",
        "_state",
        "_tries",
        "series",
    )

    _head: Head
    """There in READING_HEAD only: it may be large."""
    _header: Header
    """As received. There are a header and a route behind READING_HEAD and STREAMING_UNREAD."""
    _route: Route
    _ready: Ready
    """There in PUBLISHING, STAGING and STALE."""
    _fault: Refusal
    """There in FAULTY."""

    def __init__(self, intake: Intake, origin: Origin, context: ObjectContext) -> None:
        """Begin with nothing written."""
        self._intake = intake
        self._current = intake.in_force.for_origin(origin)
        self._origin = origin
        self._context = context
        self._state = State.READING_HEAD
        self._recorder = ObjectRecorder(origin, context, intake.journal)
        self._files = ObjectFiles(intake, origin, context)
        self._head = Head(context.transfer_syntax, limit=self._current.snapshot.max_header)
        self._encoding = Encoding(context.transfer_syntax)
        self._result = ScriptResult(step=ScriptStep.AS_IT_IS)
        """What the script makes of the head."""
        self._tries = 0
        self.series = ""
        """The series description as it is stored; empty where nothing of the object was published:
        what a script has not seen yet, or would not let stand, is not told."""

    @property
    def size(self) -> int:
        """Bytes of the data set so far."""
        return self._recorder.size

    def write(self, chunks: Sequence[memoryview]) -> None:
        """Take the next bytes of the data set; the chunks may be reused afterwards. Faults are
        remembered and answered in `finish`."""
        self._recorder.take(chunks)
        state = self._state
        try:
            if state is State.STREAMING or state is State.STREAMING_UNREAD:
                self._files.body.write(chunks)
            elif state is State.READING_HEAD:
                rest = self._head.take(chunks)
                self._state = self._read_head(rest, final=False)
        except Refusal as refusal:
            self._fault, self._state = refusal, State.FAULTY
        except OSError as error:
            self._fault, self._state = self._failed(error), State.FAULTY

    def finish(self) -> Answer:
        """End the object and say what became of it."""
        try:
            while not isinstance(following := _STEPS[self._state](self), Answer):
                self._state = following
            return following
        except Refusal as refusal:
            return self._refuse(refusal)
        except OSError as error:
            return self._refuse(self._failed(error))
        finally:
            self._files.discard()

    def abandon(self, reason: str) -> None:
        """Keep nothing: the sender went away before the object was whole."""
        try:
            self._recorder.record(Outcome.FAILED, self._current.snapshot, reason=reason)
        except OSError:
            pass  # nothing was promised; the transfer's own end is news enough
        finally:
            self._files.discard()

    # ---------------------------------------------------------------------------------- the head

    def _read_head(self, rest: Sequence[memoryview], *, final: bool) -> State:
        head = self._head
        if not head.advance(final=final):
            return State.READING_HEAD
        del self._head
        if not head.data:
            raise Refusal(CANNOT_UNDERSTAND, "the data set is empty")
        if head.header is not None:
            return self._begin(head.header, head.data, rest)
        self._encoding.head_not_indexed(head.data, large=head.is_large)
        self._files.write_received((memoryview(head.data), *rest))
        return State.STREAMING_UNREAD

    def _begin(self, header: Header, head: bytearray, rest: Sequence[memoryview]) -> State:
        """Route and run the script as soon as the head is there, and write what comes of it."""
        self._encoding.head_indexed(header, head)
        self._place(header, whole=True)
        if self._result.step is ScriptStep.REJECTED:
            return State.DROPPING
        edited, site = self._result.edited, self._current.site
        if edited is None or site is None:
            self._files.write_received((memoryview(head), *rest))
            return State.STREAMING
        limit = self._current.snapshot.max_header if site.looks_behind else 0
        behind = (memoryview(head)[header.end :], *rest)
        self._files.write_edited(edited, header, behind, tail_limit=limit)
        return State.STREAMING

    def _place(self, header: Header, *, whole: bool) -> None:
        check_received(header, self._context)
        self._header = header
        self._route = self._current.router.route(header, receiver=self._origin.receiver)
        self._result = self._apply_script(whole=whole)

    def _apply_script(self, *, whole: bool) -> ScriptResult:
        site = self._current.site
        if site is None:
            return ScriptResult(step=ScriptStep.AS_IT_IS)
        if self._origin.prevent_anon:
            return ScriptResult(step=ScriptStep.AS_IT_IS, script=PREVENTED)
        return site.apply(self._header, self._files.meta, self._route, whole=whole)

    # ------------------------------------------------------------------------- the whole object

    def _end_head(self) -> State:
        return self._read_head((), final=True)

    def _read_with_helper(self) -> State | Answer:
        start = len(self._files.received_meta())
        try:
            header = self._encoding.header(self._files.body, self._intake.guard, start)
        except Unreadable as unreadable:
            if self._encoding.is_noise:
                raise Refusal(CANNOT_UNDERSTAND, "the data set is not DICOM") from unreadable
            return self._hold(unreadable.reason)
        self._place(header, whole=False)
        return State.ROUTED

    def _decide(self) -> State | Answer:
        """Go the way that the script's result and the encoding say."""
        result, files = self._result, self._files
        self._recorder.script = result.script
        self._recorder.sop = self._context.sop_instance
        if result.step is ScriptStep.REJECTED:
            return self._reject(result)
        self._encoding.look_behind(files.body, self._header)
        if self._encoding.contrary:
            files.restore()
            return self._hold(self._encoding.contrary)
        if result.step is ScriptStep.HELD:
            return self._script_failed(result)
        if result.step is ScriptStep.EDITED:
            return State.WAITS_FOR_TAIL
        if result.step is ScriptStep.SLOW:
            return State.SCRIPT_ON_WHOLE_OBJECT
        return self._publish_next(self._as_received())

    def _finish_tail(self) -> State:
        site, edited = self._current.site, self._result.edited
        assert site is not None and edited is not None
        undo_of_tail = self._write_tail(site, edited)
        if undo_of_tail is None:
            self._files.restore()
            self._result = replace(self._result, step=ScriptStep.SLOW, edited=None)
            return State.SCRIPT_ON_WHOLE_OBJECT
        self._recorder.sop = edited.texts.text(SOP_INSTANCE) or ""
        return self._publish_next(
            Ready(
                file=self._files.body.file,
                header=self._header,
                route=self._route,
                texts=edited.texts,
                undo=(*edited.undo, *undo_of_tail),
            )
        )

    def _write_tail(self, site: SiteScript, edited: Edited) -> tuple[Undo, ...] | None:
        """Write what follows the pixels; None where the script has to see it first."""
        body = self._files.body
        tail = body.finish()
        if body.lost:
            return None
        if tail is None:
            return ()
        stripped = site.strip(edited, tail, self._header)
        if stripped is None or (stripped[1] and self._result.script == UNCHANGED):
            return None
        data, undo = stripped
        body.file.write((data,))
        return tuple(undo)

    def _run_slowly(self) -> State | Answer:
        site, given = self._current.site, self._result.given
        assert site is not None
        if self._intake.defers and not self._origin.refuse_failed:
            return self._publish_next(replace(self._as_received(), later=True))
        target = self._files.name_for_slow_path()
        try:
            done = self._intake.slow.run(
                self._files.body.file.named(),
                target,
                site.script,
                secret=site.secret,
                given=given,
                record=site.record(given),
                received=self._header,
            )
        except ScriptError as error:
            return self._script_failed(site.failed(error.message, error.line))
        if done.outcome is ScriptOutcome.REJECTED:
            return self._reject(rejected(done.statement))
        if done.header is None:
            self._recorder.script = UNCHANGED
            return self._publish_next(self._as_received())
        file = self._files.adopt(target)
        fault = unsound(done.header, received=self._header)
        if fault:
            return self._script_failed(site.failed(fault))
        self._recorder.script = CHANGED
        self._recorder.sop = done.header.text(SOP_INSTANCE) or ""
        return self._publish_next(
            replace(self._as_received(), file=file, texts=done.header, undo=done.undo)
        )

    def _as_received(self) -> Ready:
        header, file = self._header, self._files.body.file
        return Ready(file=file, header=header, route=self._route, texts=header)

    def _publish_next(self, ready: Ready) -> State:
        self._ready = ready
        return State.STAGING if ready.later else State.PUBLISHING

    def _stage(self) -> State | Answer:
        intake = self._intake
        try:
            return self._publisher().stage(self._ready, intake.staging, intake.next_name())
        except StaleSnapshot:
            return State.STALE

    def _publish(self) -> State | Answer:
        ready = self._ready
        lacking = unplaced(ready.texts)
        if lacking:
            self._files.restore()
            return self._hold(lacking)
        if self._current.snapshot.durable:
            ready.file.prepare()
        try:
            answer = self._publisher().publish(ready)
        except StaleSnapshot:
            return State.STALE
        if answer.outcome in PUBLISHED:
            description = ready.texts.text(_SERIES_DESCRIPTION) or ""
            self.series = "".join(filter(str.isprintable, description[:_LONGEST_SERIES]))
        return answer

    def _publisher(self) -> Publisher:
        return Publisher(
            self._recorder,
            self._current.snapshot,
            self._current.template,
            book=self._intake.book,
            originals=self._intake.originals,
            writer=self._intake.journal.path.stem,
        )

    def _route_again(self) -> State:
        """Route by the newer snapshot; where that matters to the script it runs again, over the
        object as it was received."""
        self._tries += 1
        if self._tries == _TRIES:
            reason = "the configuration changed again and again"
            raise Refusal(OUT_OF_RESOURCES, reason, Outcome.FAILED)
        before, old = self._current.site, self._route
        self._current = self._intake.in_force.for_origin(self._origin)
        self._route = self._current.router.route(self._header, receiver=self._origin.receiver)
        site = self._current.site
        if self._origin.prevent_anon or (
            site is before and (site is None or site.given(self._route) == site.given(old))
        ):
            return self._publish_next(replace(self._ready, route=self._route))
        self._files.drop_rewritten()
        self._files.restore()
        self._result = self._apply_script(whole=False)
        return State.ROUTED

    def _raise_fault(self) -> Answer:
        raise self._fault

    # -------------------------------------------------------------------------------------- ends

    def _reject(self, result: ScriptResult) -> Answer:
        return ends.reject(self._recorder, self._current.snapshot, result)

    def _script_failed(self, result: ScriptResult) -> Answer:
        if self._origin.refuse_failed:
            raise Refusal(OUT_OF_RESOURCES, result.reason, rule=result.rule)
        return self._hold(result.reason, rule=result.rule)

    def _hold(self, reason: str, *, rule: str = "") -> Answer:
        return ends.hold(
            self._recorder,
            self._current.snapshot,
            self._intake.staging,
            self._files.body.file,
            self._intake.next_name(),
            reason=reason,
            rule=rule,
        )

    def _refuse(self, refusal: Refusal) -> Answer:
        return ends.refuse(self._recorder, self._current.snapshot, refusal)

    def _failed(self, error: OSError) -> Refusal:
        # Now, not when its sender has come to an end: the others need the room.
        self._files.discard()
        return ends.store_failed(error)


_STEPS: dict[State, Callable[[Incoming], State | Answer]] = {
    State.READING_HEAD: Incoming._end_head,
    State.STREAMING: Incoming._decide,
    State.STREAMING_UNREAD: Incoming._read_with_helper,
    State.DROPPING: Incoming._decide,
    State.FAULTY: Incoming._raise_fault,
    State.ROUTED: Incoming._decide,
    State.WAITS_FOR_TAIL: Incoming._finish_tail,
    State.SCRIPT_ON_WHOLE_OBJECT: Incoming._run_slowly,
    State.STAGING: Incoming._stage,
    State.PUBLISHING: Incoming._publish,
    State.STALE: Incoming._route_again,
}
"""What `finish` does in each state."""
