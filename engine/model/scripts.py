# SPDX-License-Identifier: Apache-2.0
"""Stored anonymization scripts as clients see them: their versions, the active one, and what is in
force. The texts are not interpreted here."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from engine.model.remarks import Remark
from engine.model.samples import SampleResult

SITE = "site"
"""The scope of the script that every received object meets."""

_PROJECT = "project:"


def project_scope(project: str) -> str:
    """Return the scope of a project's script."""
    return f"{_PROJECT}{project}"


def project_of(scope: str) -> str | None:
    """Return the project of a scope; None where the scope is of no project."""
    return scope.removeprefix(_PROJECT) or None if scope.startswith(_PROJECT) else None


@dataclass(frozen=True, kw_only=True, slots=True)
class ScriptSummary:
    """One version of a script without its text; version 0 is the one that nobody has written."""

    scope: str
    """`site` or `project:{ID}`."""
    version: int = 0
    id: str = ""
    """What objects that this version has changed carry for ever."""
    enabled: bool = False
    """Whether the scope's script runs at all."""
    active: bool = False
    """Whether this version is the one that runs."""
    language: int = 6
    """6 for DicomEdit 6, 4 for DicomEdit 4.2."""
    at: datetime | None = None
    author: str = ""
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ScriptText(ScriptSummary):
    """One version of a script as it was written."""

    text: str = ""
    lookups: str = ""
    """The lookup table, `type/key = value` a line. It may name patients."""
    remarks: tuple[Remark, ...] = ()
    """What is said about it when it is saved; empty in every other answer."""
    samples: tuple[SampleResult, ...] = ()
    """What it makes of its samples; as `remarks`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ScriptInForce:
    """An enabled script as those who run it need it."""

    scope: str
    version: int
    id: str
    text: str
    lookups: str = field(default="", repr=False)
    language: int = 6
    hosts: tuple[str, ...] = ()
    """What it may fetch texts from, by the settings."""

    @property
    def name(self) -> str:
        """Return the name by which changes tell of it."""
        project = project_of(self.scope)
        return self.scope if project is None else f"project {project}"


@dataclass(frozen=True, kw_only=True, slots=True)
class MadeWith:
    """Waiting sessions whose objects say that the same version has changed them."""

    version: int
    """0 where they name no version: none ran, or it changed nothing."""
    sessions: int


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitingForScript:
    """What a change of a script means for the sessions that wait."""

    scope: str
    active: int = 0
    """The version that runs; 0 where none does."""
    sessions: int = 0
    """How many wait."""
    made: tuple[MadeWith, ...] = ()
    """By version, the newest first. Empty for a project: its script runs when they are filed."""
    unread: int = 0
    """Sessions beyond the most that are looked at."""

    @property
    def behind(self) -> int:
        """How many were made with another version than the one that runs."""
        return sum(one.sessions for one in self.made if one.version not in (0, self.active))

    def __str__(self) -> str:
        """Say it in a sentence."""
        if project_of(self.scope) is not None:
            if not self.sessions:
                return "no session waits in the project"
            return (
                f"{self.sessions:,} waiting in the project: nothing is to be done, its script runs "
                "when they are filed, in the version that is in force then"
            )
        if not self.made:
            return "no session waits that the script of the site runs over"
        told = ", ".join(
            f"{one.sessions:,} with v{one.version}"
            if one.version
            else f"{one.sessions:,} that name no version"
            for one in self.made
        )
        more = f"; {self.unread:,} more were not looked at" if self.unread else ""
        return f"waiting sessions were made: {told}{more}"


@dataclass(frozen=True, kw_only=True, slots=True)
class MigratedScript:
    """A script of version 4.2 as one of version 6."""

    text: str
    remarks: tuple[Remark, ...] = ()
    """By places of the old text: errors name statements that cannot be turned and stand in the text
    as comments, warnings what may do something else than before."""
