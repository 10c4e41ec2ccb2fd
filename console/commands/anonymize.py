# SPDX-License-Identifier: Apache-2.0
"""`anteroom anonymize`: run a script over files and folders, without an engine."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from console.commands.asking import FAILED, pairs
from console.commands.options import Json
from console.commands.output import complain, say
from console.views.text import plain_text
from engine.model.anonymized import AnonymizedFile
from engine.model.change_fold import ChangeFold
from engine.model.changes import ChangeKind, FoldedChange, ScriptOutcome
from engine.model.errors import EngineError, InvalidInput, InvalidScript, NotFound
from engine.service.anonymizing import Recipe, anonymize, pair_up

SHORTEST_KEY = 16
"""Bytes of a key of mapped UIDs."""


def add_to(app: typer.Typer) -> None:
    """Add the command `anonymize`."""
    app.command("anonymize")(run)


def run(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A file, or a folder of files.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="A new file, or a new folder.")],
    script: Annotated[Path, typer.Option("--script", metavar="FILE", help="The script.")],
    project: Annotated[str | None, typer.Option("--project", metavar="P")] = None,
    subject: Annotated[str | None, typer.Option("--subject", metavar="S")] = None,
    session: Annotated[str | None, typer.Option("--session", metavar="E")] = None,
    var: Annotated[
        list[str] | None, typer.Option("--var", metavar="N=V", help="Give another variable.")
    ] = None,
    lookup: Annotated[
        Path | None, typer.Option("--lookup", metavar="FILE", help="The lookup table.")
    ] = None,
    secret: Annotated[
        Path | None,
        typer.Option(
            "--secret",
            metavar="FILE",
            help="Holds the key of mapped UIDs; without one they differ from run to run.",
        ),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option("--allow-host", metavar="HOST", help="Let getURL fetch from it."),
    ] = None,
    diff: Annotated[bool, typer.Option("--diff", help="Write what changed, all files in one.")] = (
        False
    ),
    keep_rejected: Annotated[
        bool, typer.Option("--keep-rejected", help="Write what the script rejects, too.")
    ] = False,
    jobs: Annotated[
        int, typer.Option("--jobs", min=0, metavar="N", help="Processes; 0: as processors.")
    ] = 0,
    as_json: Json = False,
) -> None:
    """Run a script over files and write the results elsewhere; what goes in is never changed."""
    given = {"project": project, "subject": subject, "session": session}
    try:
        recipe = Recipe(
            name=script.name,
            text=_read(script),
            variables={name: value for name, value in given.items() if value is not None}
            | pairs(var or []),
            lookups=_read(lookup) if lookup is not None else "",
            rejecting=not keep_rejected,
            changes=diff or as_json,
            hosts=tuple(allow_host or ()),
        )
        if secret is not None:
            recipe = replace(recipe, secret=_key(secret))
        files = pair_up(source, target)
        results = anonymize(recipe, files, jobs=jobs)
        for remark in recipe.remarks():
            sys.stderr.write(f"{plain_text(f'{lookup}:{remark}')}\n")
    except InvalidScript as error:
        hint = "give variables by --project, --subject, --session and --var NAME=VALUE"
        complain(InvalidScript(error.message, hint=hint, problems=error.problems))
        raise typer.Exit(FAILED) from error
    except EngineError as error:
        complain(error)
        raise typer.Exit(FAILED) from error
    outcomes: Counter[ScriptOutcome] = Counter()
    fold = ChangeFold()
    for one in watched(results, len(files)):
        outcomes[one.outcome] += 1
        fold.add(one.changes)
        _tell(one, script.name, as_json)
    if not as_json:
        if diff:
            for change in fold.folded():
                say(_line(change))
        say(_sum(outcomes))
    if outcomes[ScriptOutcome.ERROR]:
        raise typer.Exit(FAILED)


def _tell(one: AnonymizedFile, script: str, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(_object(one), ensure_ascii=True) + "\n")
        return
    for text in (*one.echoes, *one.notes):
        sys.stderr.write(f"{plain_text(f'{one.source}: {text}')}\n")
    if one.error is not None:
        place = f"{script}:" if one.error.line else ""
        sys.stderr.write(f"{plain_text(f'{one.source}: {place}{one.error}')}\n")


def _object(one: AnonymizedFile) -> dict[str, Any]:
    return {
        "in": one.source,
        "out": one.target or None,
        "outcome": one.outcome.value,
        "error": msgspec.to_builtins(one.error),
        "changes": msgspec.to_builtins(one.changes),
        "echoes": list(one.echoes),
        "notes": list(one.notes),
    }


def _line(folded: FoldedChange) -> str:
    change = folded.change
    files = "1 file" if folded.files == 1 else f"{folded.files} files"
    name = f" {change.name}" if change.name else ""
    values = {
        ChangeKind.ADDED: f" “{change.after}”",
        ChangeKind.CHANGED: f" “{change.before}” → “{change.after}”",
        ChangeKind.PIXELS: "",
    }.get(change.kind, f" “{change.before}”")
    return f"{change.path}{name}: {change.kind.value}{values} ({files}; {change.statement})"


def _sum(outcomes: Counter[ScriptOutcome]) -> str:
    total = sum(outcomes.values())
    parts = ", ".join(f"{outcomes[each]} {each.value}" for each in ScriptOutcome if outcomes[each])
    return f"{total} file{'s' * (total != 1)}: {parts}" if parts else "there are no files"


def watched(results: Iterable[AnonymizedFile], total: int) -> Iterator[AnonymizedFile]:
    """Show on a terminal how far it is."""
    shown = sys.stderr.isatty() and total > 1
    for number, one in enumerate(results, 1):
        if shown:
            sys.stderr.write("\r\x1b[K")
        yield one
        if shown and number < total:
            sys.stderr.write(f"{number} of {total}")
            sys.stderr.flush()


def _key(file: Path) -> bytes:
    try:
        key = file.read_bytes().strip()
    except OSError as error:
        raise NotFound(f"the key in {file} cannot be read: {error.strerror}") from error
    if len(key) < SHORTEST_KEY:
        raise InvalidInput(
            f"the key in {file} has fewer than {SHORTEST_KEY} bytes: it could be guessed",
            hint="make one with: openssl rand -hex 32",
        )
    return key


def _read(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8")
    except FileNotFoundError as error:
        raise NotFound(f"there is no file {file}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} cannot be read as UTF-8 text") from error
