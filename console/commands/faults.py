# SPDX-License-Identifier: Apache-2.0
"""How commands report faults in the files of an archived session, and fail because of them."""

from __future__ import annotations

import typer

from console.commands.asking import FAILED
from console.commands.output import say_faults
from engine.model.verification import Faults


def fail_for(accession: str, faults: Faults) -> None:
    """Tell of every fault, and end with an exit code of failure. A stray file alone is told of
    only: it is no part of the session."""
    say_faults(accession, faults)
    if faults.counts.total > faults.counts.stray:
        raise typer.Exit(FAILED)
