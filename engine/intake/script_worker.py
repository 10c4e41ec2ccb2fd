# SPDX-License-Identifier: Apache-2.0
"""The helper process of the slow path: runs a script over a staged file, writes the result, and
reports it. Only the server of the sandbox imports this module, by its name."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import msgspec

from engine.anonymize import hosting
from engine.anonymize.faults import ScriptError
from engine.anonymize.pixels.guard import NO_FILE
from engine.anonymize.pixels.regions import numbers_of
from engine.anonymize.runtime.applied import Applied
from engine.anonymize.runtime.plan import CompiledScript
from engine.anonymize.stored import Opened, open_stored, opened
from engine.dicom.guard import Guard
from engine.intake.originals import too_large
from engine.intake.site_script import recorded
from engine.intake.slow_path import HelperAnswer, StatementPlace, encode_told
from engine.model.changes import ScriptOutcome, Statement
from engine.model.errors import InvalidInput
from engine.model.outage import store_outage
from engine.model.scripts import ScriptInForce
from engine.sandbox.protocol import FAILED, Answer, reason


class Worker:
    """Scripts that were made ready, and the guard that reads odd heads."""

    def __init__(self) -> None:
        """Begin with no script."""
        self._guard = Guard()
        self._plans: dict[str, CompiledScript] = {}

    def run(self, request: dict[str, Any]) -> Answer:
        """Run a script over a file."""
        return Answer(body=encode_told(self._run(request)))

    def fault(self, error: Exception) -> Answer:
        """Tell why a script cannot be run."""
        if isinstance(error, OSError) and store_outage(error) is not None:
            return Answer(status=NO_FILE, number=error.errno or 0)
        said = f"the script cannot be run over the whole object ({reason(error)})"
        return Answer(status=FAILED, body=said.encode())

    def _run(self, request: dict[str, Any]) -> HelperAnswer:
        try:
            plan = self._plan(request)
            found = opened(open_stored(Path(request["raw"]), guard=self._guard), plan.reach)
            applied = plan.apply(found.subject, request["given"], undo=False, record="")
            return _write(request, found, applied, plan)
        except ScriptError as error:
            return HelperAnswer("error", error.message, error.line)
        except InvalidInput as error:
            return HelperAnswer("error", error.message)

    def _plan(self, request: dict[str, Any]) -> CompiledScript:
        key = json.dumps([request["script"], request["secret"]])
        plan = self._plans.get(key)
        if plan is None:
            script = msgspec.convert(request["script"], ScriptInForce)
            plan = hosting.ready(script, secret=base64.b64decode(request["secret"]))
            self._plans = {key: plan}
        return plan


def _write(
    request: dict[str, Any], found: Opened, applied: Applied, plan: CompiledScript
) -> HelperAnswer:
    """Write what the script makes of an object, where it changes anything."""
    running = _place(found.subject.statement)
    if applied.outcome is ScriptOutcome.REJECTED:
        return HelperAnswer(applied.outcome.value, place=running)
    if not applied.pixels and not found.subject.changed:
        return HelperAnswer(ScriptOutcome.UNCHANGED.value, place=running)
    undo = recorded(found.subject, request["record"], plan)
    unkept = too_large(undo)
    target = Path(request["target"])
    with target.open("xb", buffering=1 << 16) as file:
        target.chmod(0o600)
        for piece in found.pieces():
            file.write(piece)
    return HelperAnswer(
        applied.outcome.value,
        place=running,
        undo=[]
        if unkept
        else [(list(one.path), one.element, _place(one.statement)) for one in undo],
        unkept=unkept,
        asked=[numbers_of(request.asked) for request in applied.pixels],
        blanked_by=_place(applied.pixels[0].statement) if applied.pixels else None,
    )


def _place(statement: Statement) -> StatementPlace:
    return StatementPlace(statement.script, statement.version, statement.line)
