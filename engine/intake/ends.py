# SPDX-License-Identifier: Apache-2.0
"""The outcomes of an object that is not published: rejected by the script, held, or refused. Each
is recorded before the sender is answered."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import partial

from engine.intake.answers import OUT_OF_RESOURCES, SUCCESS, Answer, Refusal
from engine.intake.journal import Outcome
from engine.intake.recorder import ObjectRecorder
from engine.intake.site_script import ScriptResult
from engine.intake.snapshot import Snapshot
from engine.storage.staging import NoRoom, StagedFile, StagingArea


def reject(recorder: ObjectRecorder, snapshot: Snapshot, result: ScriptResult) -> Answer:
    """Count an object that the script does not want; nothing of it is kept.

    Raises:
        OSError: if it cannot be written down.
    """
    recorder.script = ""
    recorder.record(Outcome.REJECTED, snapshot, reason=result.reason, rule=result.rule)
    return Answer(status=SUCCESS, comment="", outcome=Outcome.REJECTED)


def hold(
    recorder: ObjectRecorder,
    snapshot: Snapshot,
    staging: StagingArea,
    file: StagedFile,
    name: str,
    *,
    reason: str,
    rule: str = "",
) -> Answer:
    """Keep an object durably in staging as it came, for review.

    Raises:
        OSError: if it cannot be kept, or not be written down; then nothing of it is kept.
    """
    recorder.script = ""
    recorder.sop = recorder.context.sop_instance
    name = f"{name}.dcm"
    record = partial(recorder.record, Outcome.HELD, snapshot, file=name, reason=reason, rule=rule)
    staging.hold(file, name, record)
    return Answer(status=SUCCESS, comment="", outcome=Outcome.HELD)


def refuse(recorder: ObjectRecorder, snapshot: Snapshot, refusal: Refusal) -> Answer:
    """Tell the sender that nothing of an object is kept."""
    # Should the journal fail too: the sender is told, and the worker's news carry the error.
    with suppress(OSError):
        recorder.record(refusal.outcome, snapshot, reason=refusal.reason, rule=refusal.rule)
    return Answer(status=refusal.status, comment=refusal.reason[:64], outcome=refusal.outcome)


def store_failed(error: OSError) -> Refusal:
    """Say that the store did not take an object, without a path."""
    if isinstance(error, NoRoom):
        return Refusal(OUT_OF_RESOURCES, "the disk is nearly full")
    said = os.strerror(error.errno) if error.errno else "the store did not take the object"
    return Refusal(OUT_OF_RESOURCES, f"storing failed: {said}", Outcome.FAILED)
