# SPDX-License-Identifier: Apache-2.0
"""How the steps of an acceptance stand, by what was seen of the sender. Pure: what was seen is an
argument. Nothing of an object is repeated: only places, rules, statements and counts. Somebody
signs it: what was not looked at is said to be that, and nothing is concluded from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.model.acceptance import Step, StepName, StepState
from engine.model.accounts import Place
from engine.model.measures import say_count, say_size
from engine.prearchive.evidence import Evidence, FedSession

_KEPT = (Place.WAITING, Place.ARCHIVED, Place.HELD)
_TURNED_AWAY = ("rejected", "refused")


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionFacts:
    """What is known of one session that the sender has fed."""

    rules: tuple[str, ...] = ()
    """What found its project, subject and label, as `project: site rule 1`."""
    changes: Mapping[str, int] = field(default_factory=dict)
    """Elements that were changed, by script and version."""


def steps(
    calling: str,
    receiver: str,
    expected: int,
    seen: Evidence,
    facts: Mapping[str, SessionFacts],
) -> tuple[Step, ...]:
    """Judge every step."""
    return (
        _connection(calling, receiver, seen),
        _echo(calling, seen),
        _series(seen),
        _routing(seen, facts),
        _script(seen, facts),
        _counts(expected, seen),
    )


def _connection(calling: str, receiver: str, seen: Evidence) -> Step:
    name, where = StepName.CONNECTION, receiver or "a receiver"
    refusals = _told(seen, *_TURNED_AWAY)
    if not seen.associations:
        if refusals:
            said = f"{calling} was turned away: correct its settings, or the allow-list"
            return Step(name=name, state=StepState.WRONG, said=said, details=refusals)
        said = f"let {calling} call {where}"
        return Step(name=name, state=StepState.WAITING, said=said)
    said = f"{say_count(seen.associations, 'association')} from {_list(seen.peers)}"
    said += f" to {_list(seen.receivers)}"
    if seen.broken:
        details = tuple(f"ended otherwise than by release: {each}" for each in seen.broken)
        return Step(name=name, state=StepState.WRONG, said=said, details=details)
    return Step(name=name, state=StepState.DONE, said=said, details=refusals)


def _echo(calling: str, seen: Evidence) -> Step:
    if seen.echoes:
        said = f"{say_count(seen.echoes, 'echo', 'echoes')} answered"
        return Step(name=StepName.ECHO, state=StepState.DONE, said=said)
    said = f"let {calling} send an echo (verification), if it can"
    return Step(name=StepName.ECHO, state=StepState.WAITING, said=said)


def _series(seen: Evidence) -> Step:
    name = StepName.SERIES
    failed = seen.places.get(Place.FAILED, 0) + seen.places.get(Place.REFUSED, 0)
    if failed:
        said = f"{say_count(failed, 'object')} could not be taken"
        return Step(
            name=name,
            state=StepState.WRONG,
            said=said,
            details=_told(seen, Place.FAILED.value, Place.REFUSED.value),
        )
    if not seen.objects:
        return Step(name=name, state=StepState.WAITING, said="let it send a series of a phantom")
    said = f"{say_count(seen.objects, 'object')}, {say_size(seen.bytes)}"
    if seen.open:
        return Step(name=name, state=StepState.WAITING, said=f"{said} so far; it is still sending")
    return Step(name=name, state=StepState.DONE, said=said)


def _routing(seen: Evidence, facts: Mapping[str, SessionFacts]) -> Step:
    name = StepName.ROUTING
    if not seen.fed:
        return Step(name=name, state=StepState.WAITING, said="comes with the test series")
    waiting = tuple(one.session for one in seen.sessions if one.waits)
    details = [f"{one.session}: {_whereabouts(one, facts)}" for one in seen.sessions]
    if seen.fed > len(seen.sessions):
        details.append(f"and {seen.fed - len(seen.sessions)} more")
    if seen.astray:
        astray = say_count(seen.astray, "session")
        said = f"{astray} found no project: see `anteroom prearchive route`"
        state = StepState.WRONG
        return Step(name=name, state=state, said=said, details=tuple(details), sessions=waiting)
    gone = seen.fed - seen.routed
    if not seen.routed:
        said = f"{say_count(gone, 'session')} left before anybody looked: let it send another"
        return Step(name=name, state=StepState.WAITING, said=said, details=tuple(details))
    said = f"{say_count(seen.routed, 'session')} found a project"
    said += f"; {gone} left before anybody looked" if gone else ""
    return Step(
        name=name, state=StepState.DONE, said=said, details=tuple(details), sessions=waiting
    )


def _whereabouts(one: FedSession, facts: Mapping[str, SessionFacts]) -> str:
    if not one.waits:
        return "has left the prearchive" + (" for the archive" if one.filed else "")
    rules = "; ".join(facts[one.session].rules) if one.session in facts else ""
    return (one.project or "no project") + (f" ({rules})" if rules else "")


def _script(seen: Evidence, facts: Mapping[str, SessionFacts]) -> Step:
    name = StepName.SCRIPT
    held, dropped = seen.places.get(Place.HELD, 0), seen.places.get(Place.REJECTED, 0)
    if held:
        said = f"{say_count(held, 'object')} held: see `anteroom held list`"
        return Step(name=name, state=StepState.WRONG, said=said)
    if not seen.fed and not dropped:
        return Step(name=name, state=StepState.WAITING, said="comes with the test series")
    changed: dict[str, int] = {}
    for one in facts.values():
        for script, elements in one.changes.items():
            changed[script] = max(elements, changed.get(script, 0))
    details = [
        f"{script} changed {say_count(elements, 'element')}" for script, elements in changed.items()
    ]
    if dropped:
        details += _told(seen, Place.REJECTED.value)
    unseen = seen.fed - len(facts)
    if changed or dropped:
        said = "ran"
        if unseen:
            details.append(f"{say_count(unseen, 'session')} not looked at")
    elif not facts:
        said = f"{say_count(unseen, 'session')} not looked at: let it send another, and look while "
        said += "that waits"
        return Step(name=name, state=StepState.WAITING, said=said)
    else:
        said = "no change is known: no script is in force, it leaves these alone, or what was "
        said += "changed is not kept"
        if unseen:
            details.append(f"looked at {len(facts)} of {say_count(seen.fed, 'session')}")
    return Step(name=name, state=StepState.DONE, said=said, details=tuple(details))


def _counts(expected: int, seen: Evidence) -> Step:
    name = StepName.COUNTS
    kept = sum(seen.places.get(place, 0) for place in _KEPT)
    details = tuple(
        f"{place.value}: {count}" for place, count in sorted(seen.places.items()) if count
    )
    if not expected:
        said = "say how many images its own screen counts"
        return Step(name=name, state=StepState.WAITING, said=said, details=details)
    said = f"{kept} of {expected} are here"
    if kept == expected:
        return Step(name=name, state=StepState.DONE, said=said, details=details)
    state = StepState.WAITING if kept < expected and (seen.open or not kept) else StepState.WRONG
    return Step(name=name, state=state, said=said, details=details)


def _told(seen: Evidence, *outcomes: str) -> tuple[str, ...]:
    return tuple(
        # A count that began before the acceptance says nothing about it.
        f"{one.outcome} again since the start: {one.reason}"
        if one.count is None
        else f"{one.count} {one.outcome}: {one.reason}"
        for one in seen.told
        if one.outcome in outcomes and one.reason
    )


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(name for name in names if name) or "unknown"
