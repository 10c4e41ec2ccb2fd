# SPDX-License-Identifier: Apache-2.0
"""Reads the commands that the console shows as the command line would, without running them."""

from __future__ import annotations

import shlex
from typing import Any

from typer.main import get_command

from console.cli import app
from console.views.question import Question

WHY = 'it\'s "odd"; $(so) & so'
"""A reason that has to be quoted."""

OWN = ("Write the rows of ", "Write the record ", "Show what is masked")
"""Questions about the console itself: no command shows or writes what stands on a screen."""


def read(text: str) -> dict[str, Any]:
    """Return the arguments of a command; fails where the command line would not take it."""
    words = shlex.split(text)
    assert words[0] == "anteroom", text
    command: Any = get_command(app)
    context, rest = None, words[1:]
    while True:
        context = command.make_context(command.name, list(rest), parent=context)
        if not hasattr(command, "resolve_command"):
            found: dict[str, Any] = context.params
            return found
        rest = [*context._protected_args, *context.args]
        assert rest, f"{text}: what {command.name} is to do is not said"
        _, command, rest = command.resolve_command(context, rest)
        assert command is not None, text


def check(question: Question) -> None:
    """Fail where a question shows no command, or one that is none."""
    if question.local or question.title.startswith(OWN):
        return
    assert question.command is not None, f"{question.title} shows no command"
    given = {one.name: answer(one.name, one.value, one.choices) for one in question.fields}
    found = read(question.command(given))
    if "reason" in given and "reason" in found:
        assert found["reason"] == WHY, question.title


def answer(name: str, value: str, choices: tuple[str, ...]) -> str:
    """Return what somebody might type into a field."""
    if name == "reason":
        return WHY
    return value or (choices[0] if choices else "7")
