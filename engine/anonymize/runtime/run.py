# SPDX-License-Identifier: Apache-2.0
"""One run of a script over one object: its variables, its output, and its time limit. Also the
types of values at run time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from time import monotonic, thread_time
from typing import TypeAlias

from engine.anonymize.faults import ScriptError
from engine.anonymize.functions.texts import truth_text
from engine.anonymize.java_regex.expressions import Expression
from engine.anonymize.language.lookups import LookupTable
from engine.anonymize.language.messages import Message
from engine.anonymize.language.tree import Position
from engine.anonymize.runtime.applied import PixelRequest
from engine.anonymize.runtime.paths import Path
from engine.anonymize.runtime.subject import ScriptedObject

NOWHERE = Position(line=0, column=0)
MOST_ECHOES = 1000
LONGEST_ECHO = 4096


class Void(Enum):
    """What an action gives: nothing, and not even null."""

    VOID = "void"


VOID = Void.VOID

Value: TypeAlias = "str | bool | Path | Expression | Message | list[Value] | Void | None"
"""Texts, booleans and null; paths as arguments; lists; what was prepared of a constant text."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tools:
    """What the host lends to a script."""

    language: int
    secret: bytes = field(default=b"", repr=False)
    lookups: LookupTable = field(default_factory=LookupTable, repr=False)
    hosts: frozenset[str] = frozenset()


class Run:
    """What changes while a script runs."""

    __slots__ = (
        "_began",
        "_host",
        "_seconds",
        "at",
        "deadline",
        "echoes",
        "notes",
        "patience",
        "pixels",
        "rejecting",
        "stripped",
        "subject",
        "tools",
        "variables",
    )

    def __init__(
        self,
        subject: ScriptedObject,
        tools: Tools,
        host: Mapping[str, str],
        *,
        rejecting: bool,
        seconds: float,
    ) -> None:
        self.subject = subject
        self.at = NOWHERE
        self.tools = tools
        self.variables: dict[str, Value] = {}
        self.rejecting = rejecting
        self.deadline = monotonic() + seconds
        """When to look, on the monotonic clock, whether too much processor time was used: the clock
        costs less, and no thread uses more than passes."""
        self.patience = seconds
        """How many seconds by the clock it may wait for others, as web servers."""
        self.echoes: list[str] = []
        self.notes: list[str] = []
        self.pixels: list[PixelRequest] = []
        self.stripped = False
        self._began = thread_time()
        self._seconds = seconds
        self._host = {name.lower(): text for name, text in host.items()}

    def tick(self) -> None:
        """Stop a run that takes too much processor time. Only that of its own thread counts: what
        others do meanwhile, on a busy machine or in other threads, is no fault of the object."""
        now = monotonic()
        if now > self.deadline:
            left = self._seconds - (thread_time() - self._began)
            if left <= 0:
                raise ScriptError("the script takes too long for this object")
            self.deadline = now + left

    def variable(self, name: str) -> Value:
        """Read a variable; the script's own come before those of the host, in any case."""
        if name in self.variables:
            return self.variables[name]
        text = self._host.get(name.lower())
        if text is None:
            raise ScriptError(f"the variable “{name}” has no value")
        return text

    def echo(self, text: str | None) -> None:
        """Say a line; what is too much is left out."""
        if len(self.echoes) < MOST_ECHOES:
            line = "null" if text is None else text
            self.echoes.append(line if len(line) <= LONGEST_ECHO else line[:LONGEST_ECHO] + "…")

    def note(self, text: str) -> None:
        """Tell the author something; `text` holds no value."""
        note = f"line {self.at.line}: {text}"
        if note not in self.notes and len(self.notes) < MOST_ECHOES:
            self.notes.append(note)


Compiled: TypeAlias = Callable[[Run], Value]
"""A value that is worked out when the script runs."""
Step: TypeAlias = Callable[[Run], None]
"""A statement that is ready to run."""


def text_of(run: Run, value: Value) -> str | None:
    """Return a value as a text; a path stands for what its element holds."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, Path):
        return value.read(run.subject)
    if isinstance(value, bool):
        return truth_text(value)
    if isinstance(value, list):
        raise ScriptError("a list stands where one value is wanted")
    raise ScriptError("what gives nothing back stands where a value is wanted")


def flat(values: list[Value]) -> list[Value]:
    """Return what is in lists, and in lists of these, one after the other."""
    found: list[Value] = []
    pending = values[::-1]
    while pending:
        value = pending.pop()
        if isinstance(value, list):
            pending.extend(value[::-1])
        else:
            found.append(value)
    return found
