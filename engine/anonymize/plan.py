"""A script made ready to run: paths, formats and expressions are prepared once, and then it is
applied to one object after the other. A plan never changes and can be shared by threads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.anonymize.lookups import LookupTable
from engine.anonymize.reach import Reach
from engine.anonymize.subject import Subject
from engine.anonymize.tree import Script
from engine.model.changes import Change, ScriptOutcome, Statement

SECONDS = 5.0
"""How long a script may take for one object."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Undo:
    """What one element was before."""

    path: tuple[int, ...]
    """Tags and item numbers in turn; one that ends with an item number is an item that was made."""
    element: bytes | None
    """All of its bytes, tag and length included; None where it was not there."""
    statement: Statement
    """The last that touched it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PixelRequest:
    """One call of alterPixels, its texts as they were given."""

    shape: str
    region: str
    fill: str
    colour: str
    statement: Statement


@dataclass(frozen=True, kw_only=True, slots=True)
class Applied:
    """What a run did. Changes and undo are those of the subject since it was opened, whatever
    script made them; the rest is of this run."""

    outcome: ScriptOutcome
    changes: tuple[Change, ...] = ()
    """Empty unless they were asked for."""
    echoes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """What the script should know, without values: `line 3: reject is switched off here`."""
    undo: tuple[Undo, ...] = ()
    pixels: tuple[PixelRequest, ...] = ()
    stripped: bool = False
    """All private elements were removed: those after the pixels go, too."""


class Plan:
    """A script that is ready to run."""

    name: str
    version: int
    language: int
    reach: Reach

    def apply(
        self,
        subject: Subject,
        variables: Mapping[str, str],
        *,
        rejecting: bool = True,
        changes: bool = False,
        record: str | None = None,
        seconds: float = SECONDS,
    ) -> Applied:
        """Run on one object. A subject that a `ScriptError` left is of no use.

        `record` is the id to be put into (0012,0064), instead of that given to `compile_script`.
        """
        raise NotImplementedError


def compile_script(
    script: Script,
    *,
    name: str,
    version: int = 0,
    secret: bytes = b"",
    lookups: LookupTable | None = None,
    hosts: frozenset[str] = frozenset(),
    record: str = "",
) -> Plan:
    """Make a script ready that `load` has found sound."""
    raise NotImplementedError
