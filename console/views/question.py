# SPDX-License-Identifier: Apache-2.0
"""Questions as data: what an act is about, what its consequences are, and what has to be entered
before it is carried out; and what differs in the answers. How they are asked is in
`console.widgets.dialogs`."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass

REASON_HINT = "kept for ever in the audit trail: no patient names"

YES_NO = YES, NO = ("yes", "no")
"""The answers where something is on or off."""

UNCHANGED = "nothing is changed yet"

Answers = Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """Something to be typed."""

    name: str
    label: str
    value: str = ""
    hint: str = ""
    needed: bool = False
    choices: tuple[str, ...] = ()
    """Offered while it is typed; anything else may be typed as well."""


def reason(*, needed: bool) -> Field:
    """Make the field for a reason."""
    return Field(name="reason", label="Reason", hint=REASON_HINT, needed=needed)


def yes_no(held: bool) -> str:
    """Return what is typed where something is on or off."""
    return YES if held else NO


def flag(typed: str) -> str:
    """Return a typed yes or no as the engine takes it."""
    return "true" if typed == YES else "false"


def differing(before: Answers, given: Answers, flags: Container[str]) -> dict[str, str]:
    """Return the answers that differ from the values before, as the engine takes them; `flags` are
    the names of those that are yes or no."""
    return {
        name: flag(text) if name in flags else text
        for name, text in given.items()
        if text != before.get(name, "")
    }


def edit_command(words: Sequence[str], changes: Answers, *options: str) -> str:
    """Return the command that makes changes."""
    pairs = [f"{name}={text}" for name, text in changes.items()]
    return shlex.join(["anteroom", *words, *pairs, *options])


def _no_fault(_answers: Answers) -> str:
    return ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What is asked before an act."""

    title: str
    act: str
    """The word on the button that does it."""
    keep: str = "Cancel"
    """The word on the button that does not."""
    rows: tuple[str, ...] = ()
    """What the act is about."""
    says: tuple[str, ...] = ()
    """What comes of it, and whether it can be undone."""
    warning: str = ""
    """What cannot be undone."""
    fields: tuple[Field, ...] = ()
    confirm: int = 0
    """A number that has to be typed; 0 for none."""
    danger: bool = False
    """The question begins on the button that does nothing."""
    command: Callable[[Answers], str] | None = None
    """The same act as a command."""
    local: bool = False
    """It is answered here: the engine is not needed for it."""
    fault: Callable[[Answers], str] = _no_fault
    """Says what is wrong with the answers, empty for nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Option:
    """One thing to choose."""

    key: str
    title: str
    detail: str = ""
