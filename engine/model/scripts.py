# SPDX-License-Identifier: Apache-2.0
"""Stored anonymization scripts as clients see them: their versions, the active one, and what is in
force. The texts are not interpreted here."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from engine.model.remarks import Remark

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
