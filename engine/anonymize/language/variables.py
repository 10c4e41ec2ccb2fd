# SPDX-License-Identifier: Apache-2.0
"""Finds where a script reads variables, and which of them the host has to set. The values are not
known here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter

from engine.anonymize.language.tree import (
    Assign,
    AssignIfExists,
    Call,
    CallValue,
    Comparison,
    Condition,
    Describe,
    Echo,
    Generated,
    Guarded,
    If,
    ListValue,
    SetVariable,
    Statement,
    Ternary,
    Value,
    VariableRead,
)


class Survey:
    """What a walk over the statements of a script finds about its variables."""

    def __init__(self, statements: Iterable[Statement], *, language: int) -> None:
        self.external: dict[str, VariableRead] = {}
        """First read of each variable that nothing in the script sets before."""
        self.unsure: list[VariableRead] = []
        """Reads of variables that are set before, but not on every way to that place."""
        self._set: set[str] = set()
        if language == 4:
            # Declarations count wherever they stand.
            statements = tuple(statements)
            self._set.update(one.name for one in statements if isinstance(one, SetVariable))
            self._walk(statements, frozenset(self._set))
        else:
            self._walk(statements, frozenset())

    def _walk(self, statements: Iterable[Statement], sure: frozenset[str]) -> frozenset[str]:
        """Walk in order; gives the variables that are surely set behind the statements."""
        for statement in statements:
            sure = self._statement(statement, sure)
        return sure

    def _statement(self, statement: Statement, sure: frozenset[str]) -> frozenset[str]:
        match statement:
            case SetVariable(name=name, value=value):
                self._read(value, sure)
                self._set.add(name)
                return sure | {name}
            case Assign(value=value) | AssignIfExists(value=value) | Call(call=value):
                self._read(value, sure)
            case Echo(value=echoed) if echoed is not None:
                self._read(echoed, sure)
            case Describe(name=name, at=at):
                self._meet(VariableRead(at=at, name=name), sure)
            case Ternary(condition=condition, then=then, otherwise=otherwise):
                self._condition(condition, sure)
                first = self._statement(then, sure)
                return first & self._statement(otherwise, sure) if otherwise else sure
            case Guarded(conditions=conditions, action=action):
                for condition in conditions:
                    self._condition(condition, sure)
                self._statement(action, sure)
            case If():
                return self._if(statement, sure)
        return sure

    def _if(self, statement: If, sure: frozenset[str]) -> frozenset[str]:
        ends: list[frozenset[str]] = []
        for arm in statement.arms:
            self._condition(arm.condition, sure)
            ends.append(self._walk(arm.statements, sure))
        ends.append(sure if statement.otherwise is None else self._walk(statement.otherwise, sure))
        return frozenset.intersection(*ends)

    def _condition(self, condition: Condition, sure: frozenset[str]) -> None:
        if isinstance(condition, Comparison):
            self._read(condition.left, sure)
            self._read(condition.right, sure)
        else:
            self._read(condition, sure)

    def _read(self, value: Value, sure: frozenset[str]) -> None:
        for read in reads(value):
            self._meet(read, sure)

    def _meet(self, read: VariableRead, sure: frozenset[str]) -> None:
        if read.name in sure or read.name in self.external:
            return
        if read.name in self._set:
            self.unsure.append(read)
        else:
            self.external[read.name] = read


def reads(value: Value) -> Iterator[VariableRead]:
    """Yield the variables that a value reads, in order."""
    match value:
        case VariableRead():
            yield value
        case CallValue(arguments=parts) | ListValue(elements=parts) | Generated(arguments=parts):
            for part in parts:
                yield from reads(part)


def cycle(statements: Iterable[Statement]) -> SetVariable | None:
    """Find a declaration of 4.2 that needs itself; None when there is none."""
    declared = {one.name: one for one in statements if isinstance(one, SetVariable)}
    needs = {name: {read.name for read in reads(one.value)} for name, one in declared.items()}
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        return declared[error.args[1][0]]
    return None
