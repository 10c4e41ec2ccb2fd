# SPDX-License-Identifier: Apache-2.0
"""Anonymization scripts as rows of a list, their versions as a card, and the question before one is
enabled or disabled. Pure; what a script says is not known here."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from console.views import figures
from console.views.people import lacking
from console.views.question import Question
from console.views.rows import Piece, Row, TableColumn
from engine.model.archive import Project
from engine.model.people import Permission, WhoAmI
from engine.model.scripts import (
    SITE,
    ScriptSummary,
    WaitingForScript,
    project_of,
    project_scope,
)

COLUMNS = (
    TableColumn(title="Script of", width=12),
    TableColumn(title="State", width=9),
    TableColumn(title="Version", width=7, right=True),
    TableColumn(title="Author", width=10, priority=2),
    TableColumn(title="Since", width=16, priority=1),
    TableColumn(title="Reason", width=12, grows=True),
)

EXPORTED = ("scope", "state", "version", "id", "language", "author", "at", "reason")
"""The titles of what is written of a script to a file."""

LANGUAGES = {4: "DicomEdit 4.2", 6: "DicomEdit 6"}

_STATES = {
    "enabled": ("● enabled", "good"),
    "disabled": ("○ off", "look"),
    "none": ("– none", "dim"),
}


def scopes(
    written: Sequence[ScriptSummary], projects: Sequence[Project]
) -> dict[str, ScriptSummary]:
    """Return what the list has by scope: the site, then every project, with a script or without."""
    found = {SITE: ScriptSummary(scope=SITE)}
    found |= {(scope := project_scope(one.id)): ScriptSummary(scope=scope) for one in projects}
    return found | {one.scope: one for one in written}


def owner(scope: str) -> str:
    """Say whose script it is."""
    return project_of(scope) or "the site"


def state(one: ScriptSummary) -> str:
    """Say how a script stands: enabled, disabled or none."""
    if not one.version:
        return "none"
    return "enabled" if one.enabled else "disabled"


def row(one: ScriptSummary) -> Row:
    """Show one script in the list."""
    how = state(one)
    shown, tone = _STATES[how]
    return Row(
        key=one.scope,
        cells=(
            owner(one.scope),
            shown,
            f"v{one.version}" if one.version else "–",
            one.author or "–",
            figures.moment(one.at)[:16] or "–",
            one.reason or ("–" if one.version else "nobody has written one yet"),
        ),
        tone="dim" if how == "none" else "plain",
        tones=((1, tone),),
    )


def exported(one: ScriptSummary) -> tuple[str, ...]:
    """Return what is written of a script to a file."""
    return (
        one.scope,
        state(one),
        str(one.version),
        one.id,
        LANGUAGES[one.language],
        one.author,
        one.at.isoformat(timespec="seconds") if one.at else "",
        one.reason,
    )


def card(
    one: ScriptSummary,
    versions: Sequence[ScriptSummary],
    waiting: WaitingForScript | None = None,
) -> list[tuple[str, str]]:
    """Return the lines of a script's card: when it runs, what it means for sessions that wait, then
    its versions, the newest first."""
    lines = [("Runs", when(one.scope)), ("State", _STATES[state(one)][0])]
    if one.version:
        lines += [("Language", LANGUAGES[one.language]), ("Id", one.id)]
    if waiting is not None:
        lines.append(("Waiting", str(waiting)))
        if waiting.behind:
            lines.append(("", "r runs the one in force over those of others"))
    lines.append(("", ""))
    for version in versions:
        sign = "●" if version.active else " "
        by = f"{figures.moment(version.at)[:16]}  {version.author}"
        why = f"  “{version.reason}”" if version.reason else ""
        lines.append((f"{sign} v{version.version}", f"{by}{why}"))
    return lines


def when(scope: str) -> str:
    """Say when a script runs."""
    if scope == SITE:
        return "on every object that is received, before it can be seen"
    return "while a session of the project is archived, after that of the site"


def may_not(me: WhoAmI | None, scope: str) -> str:
    """Say why somebody may not change a script; empty where they may."""
    project = project_of(scope)
    if project is None:
        return lacking(me, Permission.ADMINISTER)
    return lacking(me, Permission.CONFIGURE, project)


def may_not_read(me: WhoAmI | None, scope: str) -> str:
    """Say why somebody may not read a script; empty where they may."""
    project = project_of(scope)
    if project is None:
        return lacking(me, Permission.ADMINISTER)
    return lacking(me, Permission.TRIAGE, project)


def told(found: Iterable[ScriptSummary]) -> list[Piece]:
    """Say how many scripts are enabled; that of the site first, as all depends on it."""
    states = {one.scope: state(one) for one in found}
    site = states.pop(SITE, "none")
    pieces: list[Piece] = []
    if site == "enabled":
        pieces.append(("the site script is enabled", "muted"))
    else:
        off = "the site script is off" if site == "disabled" else "there is no site script"
        pieces.append((f"{off}: what arrives is kept as it is", "look"))
    enabled = sum(how == "enabled" for how in states.values())
    pieces.append((f" · {enabled} of {figures.plural(len(states), 'project')} with one", "muted"))
    return pieces


def turning(one: ScriptSummary) -> Question:
    """Ask before a script is enabled, or disabled."""
    on = not one.enabled
    whose = owner(one.scope)
    says: tuple[str, ...] = (f"Version {one.version} runs from now on: {when(one.scope)}.",)
    warning = ""
    if not on and one.scope == SITE:
        says = ("Objects that are here already stay as they are. All versions are kept.",)
        warning = "what arrives from now on is kept with everything that names the patient"
    elif not on:
        says = (
            "Sessions are archived without it from now on. All versions are kept.",
            "The script of the site runs on what arrives as before.",
        )
    return Question(
        title=f"{'Enable' if on else 'Disable'} the script of {whose}?",
        act="Enable" if on else "Disable",
        keep="Keep it off" if on else "Keep it on",
        rows=(f"version {one.version} by {one.author}, {figures.moment(one.at)[:16]}",),
        says=says,
        warning=warning,
        danger=not on,
        command=lambda _given: turn_command(one.scope, on),
    )


def turn_command(scope: str, on: bool) -> str:
    """Return the command that enables or disables a script."""
    return command("enable" if on else "disable", scope)


def options(scope: str) -> tuple[str, ...]:
    """Return the options by which a command knows a scope."""
    project = project_of(scope)
    return ("--site",) if project is None else ("--project", project)


def command(verb: str, scope: str, *words: str) -> str:
    """Return the command that does something to a script."""
    return shlex.join(["anteroom", "script", verb, *words, *options(scope)])
