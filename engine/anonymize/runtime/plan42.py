# SPDX-License-Identifier: Apache-2.0
"""How scripts of version 4.2 run: all conditions and values are read from the object as it came,
then the actions are performed in reverse order, so that the first one for an element wins."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from engine.anonymize.functions.uid_calls import secret
from engine.anonymize.functions.uids import generated_uid
from engine.anonymize.language.tree import (
    Action,
    Assign,
    AssignIfExists,
    Call,
    Delete,
    Echo,
    Generated,
    Guarded,
    SetVariable,
    Statement,
)
from engine.anonymize.runtime.compiler import Check, Compiler
from engine.anonymize.runtime.paths import Path, compile_path
from engine.anonymize.runtime.run import Compiled, Run, Step, text_of
from engine.anonymize.runtime.writing import assign, assign_existing, delete

Doing: TypeAlias = Callable[[Run], None]
"""What is left to do when everything is worked out."""
Planned: TypeAlias = Callable[[Run], "Doing | None"]
"""Works a statement out; None where nothing is left to do."""


def compile_42(compiler: Compiler, statements: tuple[Statement, ...]) -> list[Step]:
    """Make the statements ready, as one step."""
    for one in statements:
        if isinstance(one, SetVariable):
            compiler.declared.setdefault(one.name, compiler.value(one.value))
    planned = [
        (one.at, compiler.placed(one.at), plan)
        for one in statements
        if (plan := _planned(compiler, one)) is not None
    ]

    def step(run: Run) -> None:
        pending: list[tuple[Step, Doing]] = []
        for _, place, plan in planned:
            place(run)
            run.tick()
            doing = plan(run)
            if doing is not None:
                pending.append((place, doing))
        for place, doing in reversed(pending):
            place(run)
            run.tick()
            doing(run)

    return [step]


def _planned(compiler: Compiler, statement: Statement) -> Planned | None:
    match statement:
        case Guarded(conditions=conditions, action=action):
            plan = _action(compiler, action)
            checks = [compiler.condition(one) for one in conditions]
            return None if plan is None else _guarded(checks, plan)
        case Assign() | AssignIfExists() | Delete() | Call() | Echo():
            return _action(compiler, statement)
        case _:
            return None


def _guarded(checks: list[Check], plan: Planned) -> Planned:
    return lambda run: plan(run) if all(check(run) for check in checks) else None


def _action(compiler: Compiler, action: Action) -> Planned | None:
    match action:
        case Assign(path=path, value=Generated()) | AssignIfExists(path=path, value=Generated()):
            return _generated(compile_path(path))
        case Assign(path=path, value=value) | AssignIfExists(path=path, value=value):
            return _assigned(compile_path(path), compiler.value(value))
        case Delete(path=path):
            target = compile_path(path)
            return lambda run: lambda later: delete(later.subject, target, creators=True)
        case Echo(value=value):
            return _echoed(None if value is None else compiler.value(value))
        case Call(call=call):
            return _called(compiler.call(call))
        case SetVariable():
            return None


def _assigned(path: Path, value: Compiled) -> Planned:
    def plan(run: Run) -> Doing:
        # What has no value empties the element.
        text = text_of(run, value(run)) or ""
        return lambda later: (assign if path.singular else assign_existing)(later, path, text)

    return plan


def _generated(path: Path) -> Planned:
    def plan(run: Run) -> Doing:
        key, place = secret(run), path.text
        if path.singular:
            uid = generated_uid(key, place, path.read(run.subject))
            return lambda later: assign(later, path, uid)
        found = path.find(run.subject)
        made = [
            (level, tag, generated_uid(key, f"{tag:08X}", level.text(tag))) for level, tag in found
        ]

        def doing(later: Run) -> None:
            for level, tag, uid in made:
                if level.holds(tag) and level.vr(tag) != "SQ":
                    level.put(tag, level.vr(tag), uid)

        return doing

    return plan


def _echoed(value: Compiled | None) -> Planned:
    # In the order of the text: the reverse would only confuse.
    return lambda run: run.echo("" if value is None else text_of(run, value(run)))


def _called(value: Compiled) -> Planned:
    def plan(run: Run) -> None:
        value(run)

    return plan
