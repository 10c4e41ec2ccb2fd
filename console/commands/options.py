# SPDX-License-Identifier: Apache-2.0
"""Options that many commands have."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

HomeOption = Annotated[
    Path | None,
    typer.Option("--home", metavar="DIR", help="The home of the installation."),
]
UserOption = Annotated[
    str,
    typer.Option(
        "--user",
        metavar="LOGIN",
        help="Sign in as this user; the password is asked for. [env: ANTEROOM_USER]",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Write JSON.")]
Offset = Annotated[int, typer.Option("--offset", min=0, help="Leave out so many rows.")]
Limit = Annotated[int, typer.Option("--limit", min=1, help="Write at most so many rows.")]
Where = Annotated[
    str,
    typer.Option(
        "--where", metavar="FILTER", help="Conditions and words, such as 'age<7d !status:ready'."
    ),
]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept for ever, name no patient.")]


@dataclass(frozen=True, kw_only=True, slots=True)
class Before:
    """What was given before the name of a command."""

    home: Path | None = None
    user: str = ""
