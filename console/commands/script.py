"""`anteroom script`: anonymization scripts. `check` needs no engine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from console.asking import FAILED, Json
from console.output import complain, say, say_json
from engine.model.errors import EngineError, InvalidInput, NotFound
from engine.model.remarks import Severity
from engine.service.offline import check_script

app = typer.Typer(name="script", help="Anonymization scripts.", no_args_is_help=True)


@app.callback()
def script() -> None:
    """Anonymization scripts."""


@app.command("check")
def check(
    source: Annotated[str, typer.Argument(metavar="FILE", help="A file, or - for stdin.")],
    as_json: Json = False,
) -> None:
    """Look for faults in a script, without an engine: path:line:column: message."""
    try:
        remarks = check_script(_read(source), path=source)
    except EngineError as error:
        complain(error)
        raise typer.Exit(FAILED) from error
    if as_json:
        say_json(remarks)
    else:
        for remark in remarks:
            say(str(remark))
    if any(remark.severity is Severity.ERROR for remark in remarks):
        raise typer.Exit(FAILED)


def _read(source: str) -> str:
    try:
        given = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
        return given.decode("utf-8")
    except FileNotFoundError as error:
        raise NotFound(f"there is no file {source}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{source} cannot be read as UTF-8 text") from error
