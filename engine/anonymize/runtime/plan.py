# SPDX-License-Identifier: Apache-2.0
"""A compiled script: paths, formats and expressions are prepared once, then it is applied to one
object after the other. A plan is immutable and can be shared by threads."""

from __future__ import annotations

from collections.abc import Mapping

from engine.anonymize.faults import Rejected, ScriptError
from engine.anonymize.language.lookups import LookupTable
from engine.anonymize.language.tree import Script
from engine.anonymize.pixels.overlays import removed
from engine.anonymize.runtime.applied import Applied, PixelRequest, Undo
from engine.anonymize.runtime.changes import changes_of, undo_of
from engine.anonymize.runtime.compiler import Compiler
from engine.anonymize.runtime.plan42 import compile_42
from engine.anonymize.runtime.reach import Reach, reach_of
from engine.anonymize.runtime.record import record
from engine.anonymize.runtime.run import Run, Step, Tools
from engine.anonymize.runtime.subject import ScriptedObject
from engine.dicom.header import HeaderError
from engine.model.changes import ScriptOutcome, Statement

__all__ = [
    "SECONDS",
    "Applied",
    "CompiledScript",
    "PixelRequest",
    "Reach",
    "Undo",
    "compile_script",
]

SECONDS = 5.0
"""How much processor time a script may use for one object."""


class CompiledScript:
    """A script that is ready to run."""

    __slots__ = (
        "_record",
        "_recording",
        "_steps",
        "_tools",
        "language",
        "name",
        "reach",
        "version",
    )

    def __init__(
        self,
        steps: list[Step],
        tools: Tools,
        *,
        name: str,
        version: int,
        reach: Reach,
        record: str,
    ) -> None:
        """Hold what `compile_script` made."""
        self.name = name
        self.version = version
        self.language = tools.language
        self.reach = reach
        self._steps = tuple(steps)
        self._tools = tools
        self._record = record
        self._recording = Statement(script=name, version=version)

    def apply(
        self,
        subject: ScriptedObject,
        variables: Mapping[str, str],
        *,
        rejecting: bool = True,
        undo: bool = True,
        changes: bool = False,
        record: str | None = None,
        seconds: float = SECONDS,
    ) -> Applied:
        """Run on one object. A subject that a `ScriptError` left is of no use.

        `undo` and `changes` say what is to be given back; `record` is the id that is put into
        (0012,0064), instead of that given to `compile_script`; `seconds` are of processor time.
        """
        run = Run(subject, self._tools, variables, rejecting=rejecting, seconds=seconds)
        before = subject.journal.mutations
        outcome = self._run(run, self._record if record is None else record)
        if outcome is not ScriptOutcome.REJECTED:
            run.pixels += removed(subject)
            # Both conditions are needed: an earlier plan may have changed the subject, and this one
            # may have taken back its own changes.
            changed = (subject.journal.mutations > before and subject.changed) or bool(run.pixels)
            outcome = ScriptOutcome.CHANGED if changed else ScriptOutcome.UNCHANGED
        return Applied(
            outcome=outcome,
            changes=changes_of(subject) if changes else (),
            echoes=tuple(run.echoes),
            notes=tuple(run.notes),
            undo=undo_of(subject) if undo else (),
            pixels=tuple(run.pixels),
            stripped=run.stripped,
        )

    def _run(self, run: Run, identifier: str) -> ScriptOutcome:
        try:
            for step in self._steps:
                step(run)
            if identifier:
                run.subject.statement = self._recording
                record(run.subject, identifier, self.language)
            run.subject.settle()
        except Rejected:
            return ScriptOutcome.REJECTED
        except ScriptError as error:
            raise error.at(run.at.line, run.at.column) from None
        except HeaderError as error:
            message = f"a sequence of the object cannot be read: {error.reason}"
            raise ScriptError(message, run.at.line, run.at.column) from None
        return ScriptOutcome.CHANGED


def compile_script(
    script: Script,
    *,
    name: str,
    version: int = 0,
    secret: bytes = b"",
    lookups: LookupTable | None = None,
    hosts: frozenset[str] = frozenset(),
    record: str = "",
) -> CompiledScript:
    """Make a script ready that `load` has found sound."""
    tools = Tools(
        language=script.language,
        secret=secret,
        lookups=LookupTable() if lookups is None else lookups,
        hosts=hosts,
    )
    compiler = Compiler(tools, name=name, version=version)
    if script.language == 6:
        steps = compiler.steps(script.statements)
    else:
        steps = compile_42(compiler, script.statements)
    return CompiledScript(
        steps, tools, name=name, version=version, reach=reach_of(script), record=record
    )
