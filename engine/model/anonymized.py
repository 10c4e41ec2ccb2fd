# SPDX-License-Identifier: Apache-2.0
"""The results of a script run over files. Values and names of files may identify a patient: they
are for the user who ran the script."""

from __future__ import annotations

from dataclasses import dataclass

from engine.model.changes import Change, ScriptOutcome
from engine.model.errors import Problem


@dataclass(frozen=True, kw_only=True, slots=True)
class AnonymizedFile:
    """The result for one file."""

    source: str
    target: str = ""
    """Empty when nothing was written."""
    outcome: ScriptOutcome
    error: Problem | None = None
    """What went wrong; it names line and column where the script is at fault."""
    changes: tuple[Change, ...] = ()
    echoes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
