# SPDX-License-Identifier: Apache-2.0
"""How the run of a script ends early: by an error at run time, or by a rejection. Errors that are
found before any run are not here. No message contains a value of the object; it may quote the
script."""

from __future__ import annotations

from engine.model.errors import InvalidInput, Problem


class ScriptError(InvalidInput):
    """The script cannot continue with this object; the partly edited object is discarded.

    It is an `InvalidInput`, and crosses a process boundary as one: the script asks for something
    that this object does not allow. The line and column are those of the script and count from 1;
    0 stands for a place that is not known.
    """

    def __init__(self, message: str, line: int = 0, column: int = 0, *, hint: str = "") -> None:
        place = (Problem(message=message, line=line, column=column),) if line or column else ()
        super().__init__(message, hint=hint, problems=place)
        self.line = line
        self.column = column

    def at(self, line: int, column: int) -> ScriptError:
        """Return the same error with its place in the script; a place once known stays."""
        if self.line:
            return self
        return ScriptError(self.message, line, column, hint=self.hint)


class Rejected(Exception):
    """The script rejects the object: it is not stored, and nothing is wrong."""
