# SPDX-License-Identifier: Apache-2.0
"""Settings that are changed while the engine runs: they are kept in the archive's database, lie
over those of the settings file, hold for all nodes, and are in force at once. Which ones these are
is said here; what each means and takes is said in `engine.model.settings`, where all are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from engine.model import settings_file
from engine.model.archive import Project
from engine.model.errors import InvalidInput, NotFound, Refused
from engine.model.settings import Settings

CHANGEABLE = frozenset(
    {
        *(
            f"dicom.{name}"
            for name in (
                "max_associations",
                "max_pdu",
                "idle_timeout",
                "artim_timeout",
                "storage_commitment",
                "file_name_template",
                "file_names",
                "script_error",
                "account",
                "private_storage",
                "storage_classes",
                "max_header",
            )
        ),
        *("session.build_after", "session.check_every"),
        *("projects.default_prearchive_code", "projects.allow_auto_archive"),
        *("projects.review_hours", "projects.claim_unassigned"),
        *("build.separate_secondary", "build.checksums", "build.scan_type_mapping", "build.pet_mr"),
        *("anonymization.url_hosts", "anonymization.keep_originals"),
        "anonymization.originals_days",
        "trash.prearchive_days",
        *("disk.keep_free", "disk.keep_free_percent"),
        *("retention.transfers_days", "retention.ledger_days", "retention.receipts_days"),
        *("retention.throughput_days", "retention.sends_days", "retention.commitments_days"),
        "retention.departures_days",
    }
)
"""Those that can be changed. The others say where an engine begins (folders, databases, ports,
keys), and are read from the file when it starts."""

_HINT = "list them: anteroom settings list"


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """A value that somebody has set while the engine runs."""

    value: str
    by: str
    at: datetime
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteSetting:
    """One setting as it stands. Values are written as in the settings file."""

    name: str
    """Section and name, as `session.build_after`."""
    value: str
    default: str
    origin: str
    """`default`, `file`, or `here` where somebody has set it while the engine runs."""
    meaning: str
    takes: str
    """What values it takes."""
    changeable: bool
    """Whether it can be changed while the engine runs."""
    by: str = ""
    at: datetime | None = None
    reason: str = ""
    fault: str = ""
    """Why a value that was set is not in force."""


class SettingsInForce:
    """The settings that hold now. Whoever needs them asks for them each time."""

    def __init__(self, settings: Settings) -> None:
        """Begin with those of the file."""
        self.now = settings
        self.projects: Mapping[str, Project] = {}
        """By ID: some of their values come before those of the site."""

    def build_after(self, project: str | None) -> float:
        """Return after how many seconds without a new object a session is built."""
        own = self.projects.get(project or "")
        return (own.build_after if own is not None else 0) or self.now.session.build_after

    def trash_days(self, project: str | None) -> int:
        """Return for how many days what was deleted in the prearchive can be put back."""
        own = self.projects.get(project or "")
        return (own.trash_days if own is not None else 0) or self.now.trash.prearchive_days

    def review_hours(self, project: str | None) -> int:
        """Return within how many hours somebody is to decide on a session; 0 for no such goal."""
        own = self.projects.get(project or "")
        return (own.review_hours if own is not None else 0) or self.now.projects.review_hours


def check(name: str) -> None:
    """See that there is such a setting, and that it can be changed.

    Raises:
        NotFound: there is no such setting.
        Refused: it is read from the file only.
    """
    section, _, key = name.partition(".")
    if key not in {part.name for part in _parts(getattr(Settings(), section, None))}:
        raise NotFound(f"there is no setting {name}", hint=_HINT)
    if name not in CHANGEABLE:
        raise Refused(
            f"{name} is read from the settings file when the engine starts",
            hint="change it there, and start again",
        )


def read(name: str, text: str) -> Any:
    """Read the value of a setting that can be changed.

    Raises:
        NotFound: there is no such setting.
        Refused: it is read from the file only.
        InvalidInput: it takes no such value.
    """
    check(name)
    section, _, key = name.partition(".")
    if "\n" in text:
        raise InvalidInput(f"{name}: a value has one line")
    content = f"{section}:\n  {key}: {text or chr(34) * 2}\n"
    made, problems = settings_file.parse(content.encode(), Path("here"))
    if problems:
        raise InvalidInput(problems[0].message.replace(f"{key}:", f"{name}:", 1))
    return getattr(getattr(made, section), key)


def lay_over(settings: Settings, given: Mapping[str, Given]) -> tuple[Settings, dict[str, str]]:
    """Return settings with what was set while the engine runs, and by name why some of it is not in
    force: another version may take other values, and the file may contradict it."""
    faults: dict[str, str] = {}
    values: dict[str, object] = {}
    for name, one in sorted(given.items()):
        try:
            value = read(name, one.value)
            settings.override(values | {name: value})
        except (InvalidInput, NotFound, Refused) as error:
            faults[name] = error.message
        else:
            values[name] = value
    return settings.override(values), faults


def listed(settings: Settings, given: Mapping[str, Given]) -> tuple[SiteSetting, ...]:
    """Describe all settings, with `settings` as those of the file."""
    in_force, faults = lay_over(settings, given)
    found = []
    for part in fields(Settings):
        section = getattr(in_force, part.name)
        if not is_dataclass(section):
            continue
        meanings = settings_file.meanings(type(section))
        for each in _parts(section):
            name = f"{part.name}.{each.name}"
            if each.name not in meanings:
                continue
            one = given.get(name)
            value = settings_file.written(getattr(section, each.name))
            default = settings_file.written(settings_file.default_of(each))
            origin = "default" if value == default else "file"
            if one is not None and name not in faults:
                origin = "here"
            found.append(
                SiteSetting(
                    name=name,
                    value=value,
                    default=default,
                    origin=origin,
                    meaning=meanings[each.name],
                    takes=settings_file.takes(type(section), each.name),
                    changeable=name in CHANGEABLE,
                    by=one.by if one is not None else "",
                    at=one.at if one is not None else None,
                    reason=one.reason if one is not None else "",
                    fault=faults.get(name, ""),
                )
            )
    return tuple(found)


def said(settings: Settings) -> dict[str, str]:
    """Return what a settings file says, defaults with it and passwords left out: texts by section
    and name."""
    top = {
        part.name: settings_file.written(getattr(settings, part.name))
        for part in fields(Settings)
        if not is_dataclass(getattr(settings, part.name))
    }
    of_sections = {row.name: row.value for row in listed(settings, {})}
    return {
        name: settings_file.without_passwords(text) for name, text in (top | of_sections).items()
    }


def _parts(section: Any) -> tuple[Any, ...]:
    return fields(section) if is_dataclass(section) else ()
