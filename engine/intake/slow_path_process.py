# SPDX-License-Identifier: Apache-2.0
"""The helper process of the slow path: reads requests, a line of JSON each, from standard input,
runs a script over a staged file and writes another, and answers what became of it. It limits itself
before it imports anything that parses. Nothing imports this module; it is run."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Any

from engine.dicom.confinement import allow_cpu, allow_memory, confine

_LARGEST = 64 * 1024 * 1024 * 1024


def main() -> None:
    """Serve until standard input ends."""
    memory = int(sys.argv[1])
    confine(memory=memory, largest_file=_LARGEST)
    from engine.anonymize.pixels.guard import NO_FILE  # noqa: PLC0415 (limits first)
    from engine.dicom.guard import ANSWER, GREETING, SPENT  # noqa: PLC0415 (limits first)
    from engine.model.outage import store_outage  # noqa: PLC0415 (limits first)

    work = _Work()
    out = sys.stdout.buffer
    out.write(GREETING)
    out.flush()
    for line in sys.stdin.buffer:
        request = json.loads(line)
        allow_cpu(request["seconds"])
        allow_memory(memory, mapped=request["size"])
        status = number = 0
        try:
            body = work.run(request)
        except Exception as error:  # whatever hostile bytes make of it
            if isinstance(error, OSError) and store_outage(error) is not None:
                status, number, body = NO_FILE, error.errno or 0, b""
            else:
                fatal = isinstance(error, MemoryError | RecursionError)
                status = SPENT if fatal else 1
                reason = "more memory is needed than allowed" if fatal else type(error).__name__
                body = f"the script cannot be run over the whole object ({reason})".encode()
        out.write(ANSWER.pack(status, number, len(body)))
        out.write(body)
        out.flush()


class _Work:
    """Scripts that were made ready, and the guard that reads odd heads."""

    def __init__(self) -> None:
        from engine.dicom.guard import Guard  # noqa: PLC0415 (limits first)

        self._guard = Guard()
        self._plans: dict[str, Any] = {}

    def run(self, request: dict[str, Any]) -> bytes:
        """Run a script over a file; return the answer."""
        from engine.anonymize import stored  # noqa: PLC0415 (limits first)
        from engine.anonymize.faults import ScriptError  # noqa: PLC0415 (limits first)
        from engine.intake.slow_path import HelperAnswer, encode_told  # noqa: PLC0415 (limits first)
        from engine.model.errors import InvalidInput  # noqa: PLC0415 (limits first)

        try:
            plan = self._plan(request)
            source = stored.open_stored(Path(request["raw"]), guard=self._guard)
            found = stored.opened(source, plan.reach)
            applied = plan.apply(found.subject, request["given"], undo=False, record="")
            return encode_told(_answer(request, source, found, applied, plan))
        except ScriptError as error:
            return encode_told(HelperAnswer("error", error.message, error.line))
        except InvalidInput as error:
            return encode_told(HelperAnswer("error", error.message))

    def _plan(self, request: dict[str, Any]) -> Any:
        import msgspec  # noqa: PLC0415 (limits first)

        from engine.anonymize import hosting  # noqa: PLC0415 (limits first)
        from engine.model.scripts import ScriptInForce  # noqa: PLC0415 (limits first)

        key = json.dumps([request["script"], request["secret"]])
        plan = self._plans.get(key)
        if plan is None:
            script = msgspec.convert(request["script"], ScriptInForce)
            plan = hosting.ready(script, secret=base64.b64decode(request["secret"]))
            self._plans = {key: plan}
        return plan


def _answer(request: dict[str, Any], source: Any, found: Any, applied: Any, plan: Any) -> Any:
    from engine.anonymize.pixels.regions import numbers_of  # noqa: PLC0415 (limits first)
    from engine.intake.originals import too_large  # noqa: PLC0415 (limits first)
    from engine.intake.site_script import recorded  # noqa: PLC0415 (limits first)
    from engine.intake.slow_path import HelperAnswer, StatementPlace  # noqa: PLC0415 (limits first)
    from engine.model.changes import ScriptOutcome  # noqa: PLC0415 (limits first)

    def place(statement: Any) -> StatementPlace:
        return StatementPlace(statement.script, statement.version, statement.line)

    running = place(found.subject.statement)
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
        else [(list(one.path), one.element, place(one.statement)) for one in undo],
        unkept=unkept,
        asked=[numbers_of(request.asked) for request in applied.pixels],
        blanked_by=place(applied.pixels[0].statement) if applied.pixels else None,
    )


if __name__ == "__main__":
    main()
