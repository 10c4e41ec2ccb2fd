# SPDX-License-Identifier: Apache-2.0
"""Every error that a person or a program outside may meet. Each carries one sentence that says what
happened, a hint that says what to do next, and never patient data.

    EngineError
    ├── NotFound          what was named does not exist (or may not be seen)
    ├── Conflict          it exists, but its state does not allow this now
    ├── Refused           the actor may not do this, or it is never done
    │   └── NotTaken          the sign-in or token that was shown is not good any more
    ├── Unavailable       a part that is needed does not answer
    │   └── Outage            a disk or a database does not work now, and may again
    └── InvalidInput      what was given is wrong; says where
        ├── InvalidSettings   the settings file is wrong
        └── InvalidScript     an anonymization script is wrong
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One fault in a text: where it is (line and column count from 1) and what was expected."""

    message: str
    line: int = 0
    column: int = 0
    path: str = ""

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.path, self.line, self.column) if part)
        return f"{place}: {self.message}" if place else self.message


class EngineError(Exception):
    """Base of all errors that leave the engine."""

    code: ClassVar[str] = "error"
    """Short stable name by which the error crosses a process boundary."""

    def __init__(self, message: str, *, hint: str = "", problems: tuple[Problem, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.problems = problems


class NotFound(EngineError):
    """What was named does not exist, or may not be seen."""

    code = "not-found"


class Conflict(EngineError):
    """The state of things does not allow this now."""

    code = "conflict"


class Refused(EngineError):
    """The actor may not do this, or it is never done."""

    code = "refused"


class NotTaken(Refused):
    """The sign-in or the token that was shown is not good, or not any more."""

    code = "not-taken"


class Unavailable(EngineError):
    """A part that is needed does not answer."""

    code = "unavailable"


class Outage(Unavailable):
    """A disk or a database does not work now; it may again without anybody asking once more."""

    code = "outage"


class InvalidInput(EngineError):
    """What was given is wrong; `problems` says where."""

    code = "invalid-input"


class InvalidSettings(InvalidInput):
    """The settings file is wrong; nothing starts half."""

    code = "invalid-settings"


class InvalidScript(InvalidInput):
    """An anonymization script is wrong; no object is touched by it."""

    code = "invalid-script"


_BY_CODE = {
    kind.code: kind
    for kind in (
        EngineError,
        NotFound,
        Conflict,
        Refused,
        NotTaken,
        Unavailable,
        Outage,
        InvalidInput,
        InvalidSettings,
        InvalidScript,
    )
}


def from_code(code: str) -> type[EngineError]:
    """Return the class for a code; `EngineError` for one that this program does not know."""
    return _BY_CODE.get(code, EngineError)
