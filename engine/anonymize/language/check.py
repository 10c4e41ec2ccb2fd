# SPDX-License-Identifier: Apache-2.0
"""All checks of a script before it sees an object: syntax errors, calls that cannot work, variables
that nobody sets, and constructs that are legal but rarely intended. Everything that runs scripts
gets them from `load`."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import replace
from difflib import get_close_matches

from engine.anonymize.language.arguments import Arguments
from engine.anonymize.language.parser import invalid, read
from engine.anonymize.language.tree import (
    Assign,
    AssignIfExists,
    Call,
    CallValue,
    Delete,
    Echo,
    Guarded,
    If,
    ListValue,
    Number,
    Position,
    Script,
    SetVariable,
    Statement,
    TagStep,
    Ternary,
    Text,
    Value,
)
from engine.anonymize.language.variables import Survey, cycle
from engine.model.remarks import Remark, Severity

HOST = ("project", "subject", "session")
"""What every script is given."""

_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_WHOLE = re.compile(r"[+-]?[0-9]+")
_RANGES = {
    "US": (0, 2**16 - 1),
    "SS": (-(2**15), 2**15 - 1),
    "UL": (0, 2**32 - 1),
    "SL": (-(2**31), 2**31 - 1),
}
_FOLLOWS = {"(0002,0002)": "(0008,0016)", "(0002,0003)": "(0008,0018)"}


def load(text: str, *, given: Collection[str] = HOST) -> Script:
    """Read a script that is to run; raises `InvalidScript` with everything that is wrong."""
    script, remarks = _look(text, given)
    errors = tuple(one for one in remarks if one.severity is Severity.ERROR)
    if errors:
        raise invalid(errors)
    return script


def check(text: str, *, given: Collection[str] = HOST, path: str = "") -> tuple[Remark, ...]:
    """Say everything about a script, in the order of its text; `path` says where it came from."""
    _, remarks = _look(text, given)
    return tuple(replace(one, path=path) for one in remarks) if path else remarks


def _look(text: str, given: Collection[str]) -> tuple[Script, tuple[Remark, ...]]:
    reading = read(text)
    remarks = [
        Remark(message=one.message, line=one.line, column=one.column) for one in reading.problems
    ]
    checker = _Checker(reading.script.language)
    for statement in reading.script.statements:
        checker.statement(statement)
    if reading.whole:
        # A statement that could not be read may be the one that sets a variable.
        checker.variables(reading.script, given)
    broken = {one.line for one in remarks}
    remarks += (one for one in checker.remarks if one.line not in broken)
    # The same place may be visited twice, as a value and as an argument.
    unique = dict.fromkeys(sorted(remarks, key=lambda one: (one.line, one.column)))
    return reading.script, tuple(unique)


class _Checker(Arguments):
    def __init__(self, language: int) -> None:
        super().__init__(language)
        self._warned_of_hash = False

    # -------------------------------------------------------------------------------- statements

    def statement(self, statement: Statement, *, guarded: bool = False) -> None:
        """Look at a statement; a guarded one stands behind a condition."""
        match statement:
            case Assign():
                self._assign(statement, guarded)
            case AssignIfExists(path=path, value=value):
                self.path(path)
                self._assigned(value)
                if self.vr(path) == "SQ":
                    self.warn(path.at, f"{path} is a sequence: its value cannot be set")
                self._suits(statement)
                self._hashes(value, guarded)
            case SetVariable(value=value):
                self.value(value, lists=True)
            case Delete(path=path):
                self.path(path)
            case Call(call=call):
                self.call(call)
                self._hashes(call, guarded)
                if call.name == "reject" and not call.arguments and not guarded:
                    self.warn(call.at, "this rejects every object: put it behind a condition")
            case Echo(value=value) if value is not None:
                self.value(value)
            case Ternary(condition=condition, then=then, otherwise=otherwise):
                self.condition(condition)
                self.statement(then, guarded=True)
                if otherwise is not None:
                    self.statement(otherwise, guarded=True)
            case Guarded(conditions=conditions, action=action):
                for condition in conditions:
                    self.condition(condition)
                self.statement(action, guarded=True)
            case If(arms=arms, otherwise=block):
                for arm in arms:
                    self.condition(arm.condition)
                    self._block(arm.statements)
                self._block(block or ())

    def _block(self, statements: Iterable[Statement]) -> None:
        for statement in statements:
            self.statement(statement, guarded=True)

    def _assign(self, statement: Assign, guarded: bool) -> None:
        path = statement.path
        self.path(path, written=True)
        if self.language == 6:
            self.single(path, "“:=” writes one element (“?=” writes all that exist)")
        self._assigned(statement.value)
        followed = _FOLLOWS.get(str(path))
        last = path.last
        if followed:
            self.warn(path.at, f"{path} always follows {followed}: assign to that")
        elif isinstance(last, TagStep) and last.item is not None:
            self.warn(path.at, "an item has no value: it is only made, and the value is ignored")
        elif self.vr(path) == "SQ":
            self.warn(
                path.at, f"{path} is a sequence: an empty one is made, and the value is ignored"
            )
        self._suits(statement)
        self._hashes(statement.value, guarded)

    def _assigned(self, value: Value) -> None:
        if isinstance(value, ListValue):
            self.error(value.at, "a list cannot be written to an element")
        else:
            self.value(value)

    def _suits(self, statement: Assign | AssignIfExists) -> None:
        """Look whether a value fits the element it is written to."""
        value, vr = statement.value, self.vr(statement.path)
        if isinstance(value, Text | Number) and (vr in _RANGES or vr in ("FL", "FD")):
            for one in filter(None, value.value.split("\\")):
                if not _fits(one.strip(), vr):
                    self.error(value.at, f"{statement.path} has the VR {vr}: no such number fits")
                    break
        if isinstance(value, CallValue) and value.name == "newUID" and vr == "UI":
            self.warn(
                value.at,
                "a new UID at every run: an object that is sent again cannot be recognised; "
                "hashUID gives the same one each time",
            )

    def _hashes(self, value: Value, guarded: bool) -> None:
        if guarded or self._warned_of_hash or not isinstance(value, CallValue):
            return
        if value.name in ("hashUID", "hashUIDList"):
            self._warned_of_hash = True
            self.warn(
                value.at,
                "a script may be applied again, and would hash the hashed UID then: put it behind "
                'a condition, such as (0008,0018) !~ "2\\\\.25\\\\..*"',
            )

    # --------------------------------------------------------------------------------- variables

    def variables(self, script: Script, given: Collection[str]) -> None:
        """Look where variables come from."""
        known = {name.lower() for name in given}
        survey = Survey(script.statements, language=script.language)
        for name, read_at in survey.external.items():
            if name.lower() not in known:
                self.error(read_at.at, self._unset(name, script, given))
        told: set[str] = set()
        for read_at in survey.unsure:
            if read_at.name.lower() not in known and read_at.name not in told:
                told.add(read_at.name)
                self.warn(
                    read_at.at,
                    f"“{read_at.name}” is not set on every way to this place; "
                    "reading it is an error then",
                )
        if script.language == 4:
            self._declarations(script)

    def _unset(self, name: str, script: Script, given: Collection[str]) -> str:
        own = {one.name for one in script.statements if isinstance(one, SetVariable)}
        if name in own:
            return f"“{name}” is read before it is set"
        near = get_close_matches(name, sorted({*own, *given}), n=1, cutoff=0.6)
        if near:
            return f"nothing sets “{name}”: did you mean {near[0]}?"
        if name in self.functions:
            return f"nothing sets “{name}”; the function is called as {name}[…]"
        return f"nothing sets “{name}”; given are {', '.join(given) or 'no variables'}"

    def _declarations(self, script: Script) -> None:
        first: dict[str, Position] = {}
        for one in script.statements:
            if isinstance(one, SetVariable) and one.name in first:
                line = first[one.name].line
                self.error(one.at, f"“{one.name}” is declared in line {line}, and only once in 4.2")
            elif isinstance(one, SetVariable):
                first[one.name] = one.at
        circle = cycle(script.statements)
        if circle is not None:
            self.error(circle.at, f"“{circle.name}” needs itself: the declarations go in a circle")


def _fits(text: str, vr: str) -> bool:
    if vr not in _RANGES:
        return _DECIMAL.fullmatch(text) is not None
    if not _WHOLE.fullmatch(text) or len(text) > 12:
        return False
    low, high = _RANGES[vr]
    return low <= int(text) <= high
