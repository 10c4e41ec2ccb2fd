# SPDX-License-Identifier: Apache-2.0
"""The result of a run of a script: its outcome, its changes, and the undo record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from engine.anonymize.pixels.regions import Asked
from engine.model.changes import Change, ScriptOutcome, Statement


class Undo(NamedTuple):
    """What one element was before."""

    path: tuple[int, ...]
    """Tags and item numbers in turn; one that ends with an item number is an item that was made."""
    element: bytes | None
    """All of its bytes, tag and length included; None where it was not there."""
    statement: Statement
    """The last that touched it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PixelRequest:
    """What a script asks to be done to the pixels; who runs it has to do that."""

    asked: Asked
    statement: Statement


@dataclass(frozen=True, kw_only=True, slots=True)
class Applied:
    """What a run did. Changes and undo are those of the subject since it was opened, whatever
    script made them; the rest is of this run."""

    outcome: ScriptOutcome
    changes: tuple[Change, ...] = ()
    """Empty unless they were asked for."""
    echoes: tuple[str, ...] = ()
    """They may hold values of the object."""
    notes: tuple[str, ...] = ()
    """What the author should know, without values: `line 3: reject is switched off here`."""
    undo: tuple[Undo, ...] = ()
    pixels: tuple[PixelRequest, ...] = ()
    stripped: bool = False
    """All private elements were removed: those after the pixels go, too."""
