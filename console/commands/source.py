# SPDX-License-Identifier: Apache-2.0
"""Texts that are given to commands: a file, or stdin."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from engine.model.errors import InvalidInput, NotFound

Source = Annotated[str, typer.Argument(metavar="FILE", help="A file, or - for stdin.")]


def read_source(source: str) -> str:
    """Read a text as it is, with its ends of lines.

    Raises:
        NotFound: there is no such file.
        InvalidInput: it cannot be read, or is no UTF-8.
    """
    try:
        given = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
        return given.decode("utf-8")
    except FileNotFoundError as error:
        raise NotFound(f"there is no file {source}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{source} cannot be read as UTF-8 text") from error
