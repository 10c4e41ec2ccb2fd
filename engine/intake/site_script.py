# SPDX-License-Identifier: Apache-2.0
"""The site script on received objects: compiled once per snapshot, applied to each head in memory.
The bytes of the object are handled in `incoming`, and objects that need more than their head in
`slow_path`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

import structlog

from engine.anonymize import hosting
from engine.anonymize.faults import ScriptError
from engine.anonymize.runtime.applied import Undo
from engine.anonymize.runtime.changes import undo_of
from engine.anonymize.runtime.plan import CompiledScript
from engine.anonymize.runtime.record import record as write_record
from engine.anonymize.runtime.record import recorded_in
from engine.anonymize.runtime.subject import ScriptedObject, index_meta, index_tail
from engine.dicom.edit import Piece
from engine.dicom.header import MAX_HEADER, Header, HeaderError
from engine.dicom.names import Texts, safe_name
from engine.intake.identity import SOP_CLASS, SOP_INSTANCE, unsound
from engine.intake.snapshot import Snapshot
from engine.model.changes import ScriptOutcome, Statement
from engine.model.errors import InvalidInput
from engine.model.routing import Route
from engine.model.scripts import ScriptInForce
from engine.routing.labels import bounded_label

SKIPPED, PREVENTED, CHANGED, UNCHANGED = "skipped", "prevented", "changed", "unchanged"
"""What records tell of the script; see `Record.script`."""

_PREAMBLE = bytes(128) + b"DICM"
_BEHIND_PIXELS = 0xFFFCFFFC

Meta = Callable[[str, str], bytes]

_log = structlog.get_logger(__name__)


class ScriptStep(Enum):
    """What is to be done with an object by the script's result."""

    AS_IT_IS = "as it is"
    EDITED = "edited"
    SLOW = "slow"
    """A head is not enough: the guarded helper runs the script over the whole object."""
    HELD = "held"
    REJECTED = "rejected"


@dataclass(frozen=True, kw_only=True, slots=True)
class Edited:
    """What is to be written instead of the head."""

    start: bytes
    """Preamble and group 2."""
    head: list[Piece]
    texts: Texts
    undo: tuple[Undo, ...]
    stripped: bool
    """Private elements after the pixels are to go, too."""
    statement: Statement


@dataclass(frozen=True, kw_only=True, slots=True)
class ScriptResult:
    """The result of the script for one object."""

    step: ScriptStep
    script: str = ""
    reason: str = ""
    """In words, without values of the object."""
    rule: str = ""
    edited: Edited | None = None
    given: dict[str, str] = field(default_factory=dict)


class StoredTexts:
    """What a header says once it is stored."""

    def __init__(self, subject: ScriptedObject, header: Header) -> None:
        """Read the header where the script left it alone."""
        self._subject = subject
        self._header = header

    def text(self, tag: int) -> str | None:
        """Return the first value as text; None where the element is absent."""
        if tag not in self._subject.head.by:
            return self._header.text(tag)
        text = self._subject.text(tag)
        return None if text is None else text.partition("\\")[0].strip(" \0")


class SiteScript:
    """The script of one snapshot; shared by threads."""

    def __init__(self, script: ScriptInForce, secret: bytes) -> None:
        """Make it ready; one that cannot be fails for each object."""
        self.script = script
        self.secret = secret
        self.name = Statement(script=script.name, version=script.version)
        self._plan: CompiledScript | None = None
        self._fault = ""
        try:
            self._plan = hosting.ready(script, secret=secret)
        except InvalidInput as error:
            self._fault = f"{self.name} cannot be run: {error.message}"
        except Exception as error:
            _log.error("script_not_compiled", version=script.version, error=type(error).__name__)
            self._fault = f"{self.name} cannot be run"

    @classmethod
    def of(cls, snapshot: Snapshot, before: SiteScript | None) -> SiteScript | None:
        """Return that of a snapshot: the one before where nothing of it has changed."""
        script = snapshot.site_script
        if script is None:
            return None
        if before is not None and (before.script, before.secret) == (script, snapshot.uid_secret):
            return before
        return cls(script, snapshot.uid_secret)

    def given(self, route: Route) -> dict[str, str]:
        """Return the variables for an object that was routed so."""
        return hosting.variables(
            project=route.project or "",
            subject=bounded_label(route.subject or ""),
            session=session_label(route),
        )

    def record(self, given: dict[str, str]) -> str:
        """Return the id that an object carries once the script has run with these variables."""
        return hosting.record_id(self.script.id, given, self.secret)

    def apply(
        self, header: Header, meta: Meta, route: Route, *, whole: bool = True
    ) -> ScriptResult:
        """Run on a head. `meta` writes preamble and group 2 for a SOP class and instance; without
        `whole` the head is only a picture of the one that was received, and is not written."""
        given = self.given(route)
        record = self.record(given)
        plan = self._plan
        if plan is None:
            return ScriptResult(step=ScriptStep.HELD, reason=self._fault, rule=str(self.name))
        reach = plan.reach
        try:
            if recorded_in(header, record):
                return ScriptResult(step=ScriptStep.AS_IT_IS, script=SKIPPED)
            large = not whole and header.end > MAX_HEADER
            if reach.tail or reach.pixel_group or reach.urls or large:
                return ScriptResult(step=ScriptStep.SLOW, given=given)
            group2 = None
            if reach.meta:
                start = meta(header.text(SOP_CLASS) or "", header.text(SOP_INSTANCE) or "")
                group2 = index_meta(start[len(_PREAMBLE) :])
            subject = ScriptedObject(header, meta=group2)
            applied = plan.apply(subject, given, undo=False, record="")
            if applied.outcome is ScriptOutcome.REJECTED:
                return rejected(subject.statement)
            behind = applied.stripped or reach.wanders
            if applied.pixels or (not whole and (subject.changed or behind)):
                return ScriptResult(step=ScriptStep.SLOW, given=given)
            if not subject.changed and not behind:
                return ScriptResult(step=ScriptStep.AS_IT_IS, script=UNCHANGED, given=given)
            # An unchanged head is told apart from what may follow the pixels.
            changed = subject.changed
            undo = recorded(subject, record, plan) if changed else ()
            texts = StoredTexts(subject, header)
            fault = unsound(texts, received=header)
            if fault:
                return self.failed(fault)
            if group2 is None:
                start = meta(texts.text(SOP_CLASS) or "", texts.text(SOP_INSTANCE) or "")
            else:
                start = _PREAMBLE + subject.meta_bytes()
            edited = Edited(
                start=start,
                head=subject.head_pieces(),
                texts=texts,
                undo=undo,
                stripped=applied.stripped,
                statement=subject.statement,
            )
        except ScriptError as error:
            return self.failed(error.message, error.line)
        except HeaderError:
            return self.failed("a sequence cannot be read exactly")
        except Exception as error:
            _log.error("script_failed", version=self.script.version, error=type(error).__name__)
            return self.failed(f"the script failed ({type(error).__name__})")
        script = CHANGED if changed else UNCHANGED
        return ScriptResult(step=ScriptStep.EDITED, script=script, edited=edited, given=given)

    def failed(self, message: str, line: int = 0) -> ScriptResult:
        """Tell that the script failed with an object."""
        at = Statement(script=self.name.script, version=self.name.version, line=line)
        return ScriptResult(step=ScriptStep.HELD, reason=f"{at}: {message}", rule=str(at))

    @property
    def looks_behind(self) -> bool:
        """Whether what follows the pixels may matter."""
        plan = self._plan
        return plan is not None and (plan.reach.wanders or plan.reach.strips)

    def strip(
        self, edited: Edited, tail: bytearray, head: Header
    ) -> tuple[bytes, list[Undo]] | None:
        """Return what follows the pixels as it is to be written, with its undo; None where the
        script has to see it, too."""
        try:
            header = index_tail(tail, head)
        except HeaderError:
            return None
        if header.sequences():
            return None
        subject = ScriptedObject(head, tail=header)
        subject.statement = edited.statement
        level = subject.part(_BEHIND_PIXELS)
        if edited.stripped and level is not None:
            for tag in header.tags():
                if tag & 0x10000:
                    level.remove(tag)
        return b"".join(subject.tail_pieces()), list(undo_of(subject))


def session_label(route: Route) -> str:
    """Return the label that scripts read: that of the session's folder."""
    return safe_name(route.session)


def rejected(statement: Statement) -> ScriptResult:
    """Tell that a statement rejects an object."""
    return ScriptResult(
        step=ScriptStep.REJECTED, reason="the site script rejects it", rule=str(statement)
    )


def recorded(subject: ScriptedObject, record: str, plan: CompiledScript) -> tuple[Undo, ...]:
    """Let a changed object say that the script ran over it; return the undo of all."""
    subject.statement = Statement(script=plan.name, version=plan.version)
    write_record(subject, record, plan.language)
    return undo_of(subject)
