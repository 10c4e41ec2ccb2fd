# SPDX-License-Identifier: Apache-2.0
"""Compiles the syntax tree of a script to steps: everything that does not depend on an object is
computed here, once. The plan decides in which order the steps run."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from engine.anonymize.faults import ScriptError
from engine.anonymize.functions.calls import FUNCTIONS, PURE, Function
from engine.anonymize.functions.private import remove_private
from engine.anonymize.functions.text_calls import expression_of
from engine.anonymize.functions.texts import truth
from engine.anonymize.functions.uids import new_uid
from engine.anonymize.java_regex.expressions import compile_java
from engine.anonymize.language.messages import compile_message
from engine.anonymize.language.signatures import FUNCTIONS as SIGNATURES
from engine.anonymize.language.signatures import Takes
from engine.anonymize.language.tree import (
    Action,
    Arm,
    Assign,
    AssignIfExists,
    Call,
    CallValue,
    Comparison,
    Condition,
    Delete,
    Echo,
    Generated,
    If,
    ListValue,
    Number,
    Operator,
    PathValue,
    Position,
    RemoveAllPrivate,
    SetVariable,
    Ternary,
    Text,
    VariableRead,
)
from engine.anonymize.language.tree import Statement as Node
from engine.anonymize.language.tree import Value as ValueNode
from engine.anonymize.runtime.paths import Path, compile_path, direct_path, path_of
from engine.anonymize.runtime.plain import Plain, one_step, plain_removal, plain_write
from engine.anonymize.runtime.run import Compiled, Run, Step, Tools, Value, flat, text_of
from engine.anonymize.runtime.subject import ScriptedObject
from engine.anonymize.runtime.writing import assign, assign_existing, delete
from engine.dicom.header import Header
from engine.model.changes import Statement

Check = Callable[[Run], bool]
"""A condition."""

_PATHS = frozenset((Takes.PATHS, Takes.QUIET_PATHS, Takes.PRIVATE))


class Constant:
    """A value that is the same for all objects."""

    __slots__ = ("value",)

    def __init__(self, value: Value) -> None:
        self.value = value

    def __call__(self, run: Run) -> Value:
        """Return it."""
        return self.value


class Compiler:
    """Makes values, conditions and statements of one script ready."""

    def __init__(self, tools: Tools, *, name: str, version: int) -> None:
        self.language = tools.language
        self.declared: dict[str, Compiled] = {}
        """Variables of 4.2, which count wherever they are declared."""
        self._name = name
        self._version = version
        # Calls whose arguments are all constant are made at compile time, with a run over an object
        # that has no elements.
        nothing = Header(b"", {}, explicit=True, start=0, end=0, depth=0)
        self._idle = Run(ScriptedObject(nothing), tools, {}, rejecting=True, seconds=60)

    # ------------------------------------------------------------------------------------ values

    def value(self, node: ValueNode) -> Compiled:
        """Make a value ready where a path stands for what its element holds."""
        if isinstance(node, PathValue):
            path = compile_path(node.path)
            return lambda run: path.read(run.subject)
        return self.argument(node, Takes.ANYTHING)

    def argument(self, node: ValueNode, takes: Takes) -> Compiled:
        """Make a value ready where a path stands for itself."""
        match node:
            case Text(value=text) | Number(value=text):
                return Constant(_prepared(text, takes))
            case PathValue(path=path):
                if takes is Takes.DIRECT:
                    return Constant(direct_path(str(path)))
                return Constant(compile_path(path))
            case VariableRead(name=name):
                return self._variable(name)
            case CallValue():
                return self.call(node)
            case ListValue(elements=elements):
                return _listed([self.argument(one, takes) for one in elements])
            case Generated():
                return lambda run: new_uid()

    def _variable(self, name: str) -> Compiled:
        if self.language == 6:
            return lambda run: run.variable(name)
        declared = self.declared

        def read(run: Run) -> Value:
            if name not in run.variables and name in declared:
                run.variables[name] = declared[name](run)
            return run.variable(name)

        return read

    def call(self, node: CallValue) -> Compiled:
        """Make a call ready; one of constants only is made at once."""
        function = FUNCTIONS[self.language][node.name]
        signature = SIGNATURES[self.language][node.name]
        arguments = [
            self.argument(one, signature.argument(index) or Takes.ANYTHING)
            for index, one in enumerate(node.arguments)
        ]
        given = [one.value for one in arguments if isinstance(one, Constant)]
        # A path is a constant too, but the value it stands for depends on the object.
        if node.name in PURE and len(given) == len(arguments) and not _has_path(given):
            try:
                return Constant(function(self._idle, given))
            except ScriptError:
                # It is told when the script runs, where that is reached at all.
                pass
        return _called(function, arguments)

    # -------------------------------------------------------------------------------- conditions

    def condition(self, node: Condition) -> Check:
        """Make a condition ready."""
        if not isinstance(node, Comparison):
            answer = self.call(node)
            return lambda run: truth(text_of(run, answer(run)))
        left = self.value(node.left)
        if node.operator in (Operator.EQUAL, Operator.DIFFERENT):
            return self._equality(left, self.value(node.right), node.operator)
        wanted = node.operator is Operator.MATCHES
        pattern = (
            self.argument(node.right, Takes.REGEX)
            if isinstance(node.right, Text | Number)
            else self.value(node.right)
        )

        def matches(run: Run) -> bool:
            text = text_of(run, left(run))
            if text is None:
                return not wanted
            expression = expression_of(run, pattern(run))
            return (expression.fullmatch(text) is not None) is wanted

        return matches

    def _equality(self, left: Compiled, right: Compiled, operator: Operator) -> Check:
        wanted = operator is Operator.EQUAL
        nulls_equal = self.language == 4

        def equal(run: Run) -> bool:
            one, other = text_of(run, left(run)), text_of(run, right(run))
            # If both values are missing, `=` is true in 4.2 only. In 6 a missing value equals
            # nothing, so `!=` is true: `(0010,0010) != "x"` holds for an object without a name.
            return (one == other and (one is not None or nulls_equal)) is wanted

        return equal

    # -------------------------------------------------------------------------------- statements

    def statement(self, node: Node) -> Step | None:
        """Make a statement ready; None for one that does nothing to an object."""
        match node:
            case Ternary(condition=condition, then=then, otherwise=otherwise):
                body = _choice(
                    self.condition(condition),
                    self.statement(then),
                    None if otherwise is None else self.statement(otherwise),
                )
            case If(arms=arms, otherwise=block):
                body = _arms([self._arm(arm) for arm in arms], self.steps(block or ()))
            case RemoveAllPrivate():
                body = remove_private
            case Assign() | AssignIfExists() | SetVariable() | Delete() | Call() | Echo():
                body = self.action(node)
            case _:
                return None
        place, statement = node.at, self.told(node.at)

        def step(run: Run) -> None:
            run.at = place
            run.subject.journal.statement = statement
            # `tick` checks this too; checking here saves a call before each statement.
            if monotonic() > run.deadline:
                run.tick()
            body(run)

        return step

    def _arm(self, arm: Arm) -> tuple[Step, Check, list[Step]]:
        return self.placed(arm.at), self.condition(arm.condition), self.steps(arm.statements)

    def steps(self, nodes: tuple[Node, ...]) -> list[Step]:
        """Make statements ready; plain ones that follow each other become one step."""
        found: list[Step] = []
        plain: list[tuple[Position, Statement, Plain]] = []
        for node in nodes:
            body = self.action(node) if isinstance(node, Assign | Delete) else None
            if isinstance(body, Plain):
                plain.append((node.at, self.told(node.at), body))
                continue
            if plain:
                found.append(one_step(plain))
                plain = []
            step = self.statement(node)
            if step is not None:
                found.append(step)
        if plain:
            found.append(one_step(plain))
        return found

    def placed(self, at: Position) -> Step:
        """Return a step that only says where the run is."""
        statement = self.told(at)

        def place(run: Run) -> None:
            run.at = at
            run.subject.journal.statement = statement

        return place

    def told(self, at: Position) -> Statement:
        """Return how a statement is named to people."""
        return Statement(script=self._name, version=self._version, line=at.line)

    def action(self, node: Action) -> Step:
        """Make ready what an action does."""
        match node:
            case Assign(path=path, value=value):
                return _assigner(compile_path(path), self.value(value))
            case AssignIfExists(path=path, value=value):
                return _writer(assign_existing, compile_path(path), self.value(value))
            case Delete(path=path):
                return _deleter(compile_path(path))
            case SetVariable(name=name, value=value):
                return _setter(name, self.value(value))
            case Call(call=call):
                called = self.call(call)
                return lambda run: _ignore(called(run))
            case Echo(value=echoed):
                shown = Constant("") if echoed is None else self.value(echoed)
                return lambda run: run.echo(text_of(run, shown(run)))


def _prepared(text: str, takes: Takes) -> Value:
    try:
        if takes in _PATHS:
            return path_of(text) or text
        if takes is Takes.DIRECT:
            return direct_path(text)
        if takes is Takes.REGEX:
            return compile_java(text)
        if takes is Takes.FORMAT:
            return compile_message(text)
    except ScriptError:
        # It is told when the script runs, where that is reached at all.
        pass
    return text


def _listed(elements: list[Compiled]) -> Compiled:
    constant = [one.value for one in elements if isinstance(one, Constant)]
    if len(constant) == len(elements):
        return Constant(constant)
    return lambda run: [element(run) for element in elements]


def _has_path(values: list[Value]) -> bool:
    return any(isinstance(value, Path) for value in flat(values))


def _called(function: Function, arguments: list[Compiled]) -> Compiled:
    if len(arguments) == 1:
        only = arguments[0]
        return lambda run: function(run, [only(run)])
    return lambda run: function(run, [argument(run) for argument in arguments])


def _choice(condition: Check, then: Step | None, otherwise: Step | None) -> Step:
    def choose(run: Run) -> None:
        step = then if condition(run) else otherwise
        if step is not None:
            step(run)

    return choose


def _arms(arms: list[tuple[Step, Check, list[Step]]], otherwise: list[Step]) -> Step:
    def choose(run: Run) -> None:
        chosen = otherwise
        for place, condition, steps in arms:
            place(run)
            if condition(run):
                chosen = steps
                break
        for step in chosen:
            step(run)

    return choose


def _writer(write: Callable[[Run, Path, str], None], path: Path, value: Compiled) -> Step:
    def body(run: Run) -> None:
        text = text_of(run, value(run))
        if text is not None:
            write(run, path, text)

    return body


def _assigner(path: Path, value: Compiled) -> Step:
    write = _writer(assign, path, value)
    text = value.value if isinstance(value, Constant) else None
    plain = plain_write(path, text, write) if isinstance(text, str) else None
    return plain or write


def _deleter(path: Path) -> Step:
    def remove(run: Run) -> None:
        delete(run.subject, path)

    return plain_removal(path, remove) or remove


def _setter(name: str, value: Compiled) -> Step:
    def body(run: Run) -> None:
        run.variables[name] = value(run)

    return body


def _ignore(value: Value) -> None:
    """Take no notice of what a call gives."""
