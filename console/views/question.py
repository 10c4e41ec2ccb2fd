# SPDX-License-Identifier: Apache-2.0
"""Questions as data: what an act is about, what its consequences are, and what has to be entered
before it is carried out. How they are asked is in `console.widgets.dialogs`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

REASON_HINT = "kept for ever in the audit trail: no patient names"

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
