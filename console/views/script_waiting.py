# SPDX-License-Identifier: Apache-2.0
"""What a version of a script means for the sessions that wait: with which they were made, and what
is asked before the one in force runs over them again. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from console.views import figures
from console.views.question import Question, reason
from console.views.scripts import command
from engine.model.prearchive import ActOutcome
from engine.model.scripts import WaitingForScript


def question(waiting: WaitingForScript) -> Question:
    """Ask before the script in force runs over waiting sessions again."""
    behind = waiting.behind
    many = figures.plural(behind, "session")
    verb = "was" if behind == 1 else "were"
    return Question(
        title=f"Run v{waiting.active} of the site script over {many} again?",
        act="Run it again",
        rows=(str(waiting),),
        says=(
            f"{many} {verb} made with another version. Objects are taken as they were",
            "received where that is kept, else as they stand. Their labels stay.",
        ),
        fields=(reason(needed=True),),
        command=lambda given: command(
            "rerun",
            waiting.scope,
            *(["--reason", given["reason"]] if given["reason"] else []),
        ).removesuffix(" --site"),
    )


def told(outcomes: Sequence[ActOutcome]) -> tuple[str, Literal["information", "warning"]]:
    """Say how many runs were queued, and how many sessions cannot have one now."""
    done = sum(one.done for one in outcomes)
    words = f"the script runs over {figures.plural(done, 'session')} again"
    refused = [one for one in outcomes if not one.done]
    if not refused:
        return words, "information"
    return f"{words}; not over {len(refused)}: {refused[0].message}", "warning"


def after_saving(waiting: WaitingForScript) -> str:
    """Say what is left to be done once a version is saved; empty for nothing."""
    if not waiting.behind:
        return ""
    many = figures.plural(waiting.behind, "waiting session")
    return f"{many} made with an earlier version: r runs this one over them (ctrl+o, r)"
