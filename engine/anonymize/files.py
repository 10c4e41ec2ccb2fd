# SPDX-License-Identifier: Apache-2.0
"""Runs a script over one Part 10 file and writes the result under another name. The source file is
never changed. Callers decide which files are processed, and in how many processes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from secrets import token_bytes

from engine.anonymize.faults import ScriptError
from engine.anonymize.language import check
from engine.anonymize.language.lookups import read_table, usable_table
from engine.anonymize.pixels.guard import PixelGuard
from engine.anonymize.pixels.regions import Blanked
from engine.anonymize.runtime.plan import CompiledScript, PixelRequest, compile_script
from engine.anonymize.stored import open_stored, opened
from engine.dicom.edit import Piece
from engine.dicom.guard import Guard
from engine.dicom.header import HeaderError
from engine.model.anonymized import AnonymizedFile
from engine.model.changes import Change, ChangeKind, ScriptOutcome
from engine.model.errors import InvalidInput, Problem
from engine.model.remarks import Remark


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """A script and all that it needs, as it is handed to other processes."""

    name: str
    text: str
    variables: Mapping[str, str] = field(default_factory=dict)
    lookups: str = ""
    rejecting: bool = True
    changes: bool = False
    """Whether changes are to be told."""
    secret: bytes = field(default_factory=partial(token_bytes, 32), repr=False)
    """The key of mapped UIDs: one of this run alone, unless another is given."""
    hosts: tuple[str, ...] = ()
    """What scripts may fetch texts from."""

    def remarks(self) -> tuple[Remark, ...]:
        """Say what the lookup table holds that is no entry, or that nobody can use."""
        return read_table(self.lookups)[1]

    def plan(self) -> CompiledScript:
        """Make the script ready.

        Raises:
            InvalidScript: it has faults, or reads a variable that is not given.
            InvalidInput: the lookup table has faults.
        """
        table = usable_table(self.lookups)
        script = check.load(self.text, given=tuple(self.variables))
        return compile_script(
            script,
            name=self.name,
            secret=self.secret,
            lookups=table,
            hosts=frozenset(self.hosts),
        )


class FileRun:
    """One script over one file after the other."""

    def __init__(self, recipe: Recipe) -> None:
        """Make the script ready; raises `InvalidInput` as `Recipe.plan`."""
        self._recipe = recipe
        self._plan = recipe.plan()
        self._guard = Guard()
        self._pixels = PixelGuard()

    def close(self) -> None:
        """End the helper processes, if there are any."""
        self._guard.close()
        self._pixels.close()

    def run(self, source: Path, target: Path) -> AnonymizedFile:
        """Write what the script makes of a file; nothing is written when it rejects or fails."""
        problem: Problem
        try:
            return self._run(source, target)
        except ScriptError as error:
            problem = Problem(message=error.message, line=error.line, column=error.column)
        except InvalidInput as error:
            problem = Problem(message=error.message)
        except HeaderError as error:
            problem = Problem(message=f"its header cannot be read for sure: {error.reason}")
        except OSError as error:
            problem = Problem(message=error.strerror or "it cannot be read or written")
        except MemoryError:
            problem = Problem(message="there is not enough memory for it")
        return AnonymizedFile(source=str(source), outcome=ScriptOutcome.ERROR, error=problem)

    def _run(self, source: Path, target: Path) -> AnonymizedFile:
        if os.path.lexists(target):
            raise InvalidInput(f"{target} exists, and nothing is overwritten")
        found = opened(open_stored(source, guard=self._guard), self._plan.reach)
        recipe = self._recipe
        applied = self._plan.apply(
            found.subject,
            recipe.variables,
            rejecting=recipe.rejecting,
            changes=recipe.changes,
            undo=False,
        )
        told = AnonymizedFile(
            source=str(source),
            outcome=applied.outcome,
            echoes=applied.echoes,
            notes=applied.notes,
        )
        if applied.outcome is ScriptOutcome.REJECTED:
            return told
        changed, changes = found.subject.changed, applied.changes
        with _appearing(target, like=source) as partial:
            if changed or applied.pixels:
                _write(partial, found.pieces())
            else:
                shutil.copyfile(source, partial)
            if applied.pixels:
                blanked = self._blank(partial, applied.pixels)
                told = replace(told, notes=told.notes + blanked.notes)
                changed = changed or blanked.changed
                if blanked.changed and recipe.changes:
                    changes += (_blanking(applied.pixels[-1]),)
        outcome = ScriptOutcome.CHANGED if changed else ScriptOutcome.UNCHANGED
        return replace(told, target=str(target), outcome=outcome, changes=changes)

    def _blank(self, partial: Path, requests: Sequence[PixelRequest]) -> Blanked:
        """Blank what was asked for in a file that nobody sees yet."""
        blank = partial.with_suffix(".blank")
        try:
            blanked = self._pixels.blank_file(partial, blank, [one.asked for one in requests])
            if blanked.changed:
                blank.replace(partial)
            return blanked
        except ScriptError as error:
            raise error.at(requests[0].statement.line, 1) from None
        finally:
            blank.unlink(missing_ok=True)


def _blanking(request: PixelRequest) -> Change:
    return Change(
        path="(7FE0,0010)",
        name="PixelData",
        kind=ChangeKind.PIXELS,
        statement=request.statement,
    )


def _write(file: Path, pieces: Iterable[Piece]) -> None:
    with file.open("xb") as opened:
        for piece in pieces:
            opened.write(piece)


@contextmanager
def _appearing(target: Path, *, like: Path) -> Iterator[Path]:
    """Provide a hidden name to write to; the file appears at its own name at once and whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".anteroom-{os.getpid()}-{target.name[-100:]}.partial")
    try:
        yield partial
        with suppress(OSError):
            shutil.copymode(like, partial)
        partial.rename(target)
    finally:
        partial.unlink(missing_ok=True)
