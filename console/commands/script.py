# SPDX-License-Identifier: Apache-2.0
"""`anteroom script`: the anonymization scripts of the site and of projects. `check` needs no
engine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from console.commands import samples, script_waiting, trials
from console.commands.asking import FAILED, asks, failing
from console.commands.options import Json, Reason
from console.commands.output import Column, say, say_json, say_rows
from console.commands.source import Source, read_source
from console.views.text import plain_text
from engine.model.errors import InvalidInput
from engine.model.remarks import Severity
from engine.model.scripts import SITE, ScriptSummary, ScriptText, project_scope
from engine.service.api import EngineApi
from engine.service.offline import check_script, migrate_script, profile_script

app = typer.Typer(name="script", help="Anonymization scripts.", no_args_is_help=True)

Site = Annotated[bool, typer.Option("--site", help="The script of the site (default).")]
Project = Annotated[str, typer.Option("--project", metavar="P", help="That of a project.")]
Lookup = Annotated[
    Path | None,
    typer.Option("--lookup", metavar="FILE", help="The lookup table that goes with it."),
]
Given = Annotated[int, typer.Argument(min=1, metavar="VERSION")]

_LANGUAGES = {4: "DicomEdit 4.2", 6: "DicomEdit 6"}
_COLUMNS: list[Column[ScriptSummary]] = [
    Column("VERSION", lambda one: one.version, right=True),
    Column("ACTIVE", lambda one: one.active),
    Column("ID", lambda one: one.id),
    Column("LANGUAGE", lambda one: _LANGUAGES[one.language]),
    Column("AT", lambda one: one.at),
    Column("AUTHOR", lambda one: one.author),
    Column("REASON", lambda one: one.reason),
]


trials.add_to(app)
script_waiting.add_to(app)
app.add_typer(samples.app)


@app.callback()
def script() -> None:
    """Anonymization scripts."""


@asks(app, "list", alone=True)
async def list_(engine: EngineApi, as_json: Json = False) -> None:
    """List the scopes that have a script, and how each stands."""
    found = await engine.scripts.list()
    columns = [
        Column[ScriptSummary]("SCOPE", lambda one: one.scope),
        Column[ScriptSummary]("ENABLED", lambda one: one.enabled),
        *(column for column in _COLUMNS if column.title != "ACTIVE"),
    ]
    say_rows(found, columns, none="there are no scripts", as_json=as_json)


@asks(app, "show", alone=True)
async def show(
    engine: EngineApi,
    site: Site = False,
    project: Project = "",
    version: Annotated[
        int, typer.Option("--version", min=0, help="0, the active one, if not given.")
    ] = 0,
    lookups: Annotated[bool, typer.Option("--lookups", help="The lookup table instead.")] = False,
    as_json: Json = False,
) -> None:
    """Write a script as it is, so that it can be edited and set again."""
    found = await engine.scripts.show(_scope(site, project), version)
    if as_json:
        say_json(found)
        return
    for line in (found.lookups if lookups else found.text).splitlines():
        say(line)
    if not found.version:
        sys.stderr.write("nobody has written a script yet\n")
    elif not found.active:
        sys.stderr.write("this version is not the active one\n")
    elif not found.enabled:
        sys.stderr.write("this script is not enabled\n")


@asks(app, "set", alone=True)
async def set_(
    engine: EngineApi,
    source: Source,
    site: Site = False,
    project: Project = "",
    lookup: Lookup = None,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Save a script as the next version and make it the active one."""
    scope = _scope(site, project)
    table = read_source(str(lookup)) if lookup is not None else ""
    waiting = await engine.scripts.waiting(scope)
    if waiting.sessions:
        sys.stderr.write(f"{waiting}\n")
    saved = await engine.scripts.set(scope, read_source(source), table, reason=reason)
    if as_json:
        say_json(saved)
        return
    for remark in saved.remarks:
        sys.stderr.write(f"{plain_text(str(remark))}\n")
    for sample in saved.samples:
        if not (sample.is_as_expected and sample.same_changes):
            sys.stderr.write(f"{plain_text(str(sample))}\n")
    _say_state(saved)


@asks(app, "enable", alone=True)
async def enable(
    engine: EngineApi, site: Site = False, project: Project = "", as_json: Json = False
) -> None:
    """Let the active version run."""
    _tell(await engine.scripts.enable(_scope(site, project)), as_json)


@asks(app, "disable", alone=True)
async def disable(
    engine: EngineApi, site: Site = False, project: Project = "", as_json: Json = False
) -> None:
    """Let no version run; all are kept."""
    _tell(await engine.scripts.disable(_scope(site, project)), as_json)


@asks(app, "activate", alone=True)
async def activate(
    engine: EngineApi,
    version: Given,
    site: Site = False,
    project: Project = "",
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Make an earlier version the active one again."""
    _tell(await engine.scripts.activate(_scope(site, project), version, reason), as_json)


@asks(app, "history", alone=True)
async def history(
    engine: EngineApi, site: Site = False, project: Project = "", as_json: Json = False
) -> None:
    """List every version, the newest first."""
    found = await engine.scripts.history(_scope(site, project))
    say_rows(found, _COLUMNS, none="nobody has written a script yet", as_json=as_json)


@asks(app, "diff", alone=True)
async def diff(
    engine: EngineApi,
    old: Annotated[int, typer.Argument(min=1, metavar="OLD")],
    new: Annotated[
        int, typer.Argument(min=0, metavar="[NEW]", help="The active version if not given.")
    ] = 0,
    site: Site = False,
    project: Project = "",
    as_json: Json = False,
) -> None:
    """Write what differs between two versions as a unified diff."""
    found = await engine.scripts.diff(_scope(site, project), old, new)
    if as_json:
        say_json(found.splitlines())
        return
    for line in found.splitlines():
        say(line)


@app.command("check")
def check(
    source: Source,
    as_json: Json = False,
) -> None:
    """Look for faults in a script, without an engine: path:line:column: message."""
    with failing():
        remarks = check_script(read_source(source), path=source)
    if as_json:
        say_json(remarks)
    else:
        for remark in remarks:
            say(str(remark))
    if any(remark.severity is Severity.ERROR for remark in remarks):
        raise typer.Exit(FAILED)


@app.command("migrate")
def migrate(
    source: Source,
    as_json: Json = False,
) -> None:
    """Write a script of DicomEdit 4.2 as one of version 6, without an engine.

    What cannot be turned stands in it as a comment, and is named by line with the reason.
    """
    with failing():
        turned = migrate_script(read_source(source), path=source)
    if as_json:
        say_json(turned)
    else:
        sys.stdout.write(turned.text)
        for remark in turned.remarks:
            sys.stderr.write(f"{plain_text(str(remark))}\n")
    if any(remark.severity is Severity.ERROR for remark in turned.remarks):
        raise typer.Exit(FAILED)


def _tell(found: ScriptText, as_json: bool) -> None:
    if as_json:
        say_json(found)
    else:
        _say_state(found)


def _say_state(found: ScriptText) -> None:
    state = "in force" if found.enabled and found.active else "kept, not enabled"
    say(f"{found.scope} script, version {found.version}: {state}")


def _scope(site: bool, project: str) -> str:
    if site and project:
        raise InvalidInput("a script is of the site or of a project, not of both")
    return project_scope(project) if project else SITE


@app.command("profile")
def profile(
    retain_uids: Annotated[bool, typer.Option("--retain-uids", help="Keep all UIDs.")] = False,
    retain_device: Annotated[
        bool, typer.Option("--retain-device", help="Keep what identifies the device.")
    ] = False,
    retain_institution: Annotated[
        bool, typer.Option("--retain-institution", help="Keep the institution.")
    ] = False,
    retain_patient: Annotated[
        bool, typer.Option("--retain-patient", help="Keep sex, age, size, weight.")
    ] = False,
    retain_private: Annotated[
        bool, typer.Option("--retain-private", help="Keep safe private elements.")
    ] = False,
    full_dates: Annotated[
        bool, typer.Option("--full-dates", help="Keep dates and times as they are.")
    ] = False,
    shift_dates: Annotated[
        int | None, typer.Option(metavar="DAYS", help="Keep dates, moved by so many days.")
    ] = None,
    clean_descriptors: Annotated[
        bool, typer.Option("--clean-descriptors", help="Keep texts of safe words.")
    ] = False,
    clean_structured: Annotated[
        bool, typer.Option("--clean-structured", help="Keep the content of reports.")
    ] = False,
    clean_graphics: Annotated[
        bool, typer.Option("--clean-graphics", help="Keep graphics without texts.")
    ] = False,
    clean_pixels: Annotated[
        bool, typer.Option("--clean-pixels", help="Add a pattern to black out text.")
    ] = False,
) -> None:
    """Write the confidentiality profile of DICOM (PS3.15) as a script to begin with."""
    options = {
        "retain_uids": retain_uids,
        "retain_device_identity": retain_device,
        "retain_institution_identity": retain_institution,
        "retain_patient_characteristics": retain_patient,
        "retain_safe_private": retain_private,
        "full_dates": full_dates,
        "clean_descriptors": clean_descriptors,
        "clean_structured_content": clean_structured,
        "clean_graphics": clean_graphics,
        "clean_pixels": clean_pixels,
    }
    chosen = [name for name, wanted in options.items() if wanted]
    with failing():
        text = profile_script(chosen, date_shift=shift_dates)
    sys.stdout.write(text)
