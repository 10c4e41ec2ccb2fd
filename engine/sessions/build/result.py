# SPDX-License-Identifier: Apache-2.0
"""The input and the result of a build. The build itself is in `assemble`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from engine.model.imaging import SessionDocument
from engine.model.settings import PetMr
from engine.sessions.build.patients import NOBODY, Patient, Routed
from engine.sessions.build.types import SessionTypes


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildOptions:
    """How to build."""

    types: SessionTypes | None = None
    """None for the table as it comes."""

    separate_secondary: bool = True
    checksums: bool = True
    scan_type_mapping: Mapping[str, str] = field(default_factory=dict)
    """Learned from earlier scans of the project, by normal description."""

    pet_mr: PetMr = PetMr.PETMR
    routed: Routed = NOBODY
    """For whom the objects were routed."""

    file_names: str = ""
    """The template by which headers name their files. A script may have changed what a header says
    since its file was named. Empty: files keep the names that they have."""


CONFLICTS = frozenset({"conflict", "patients"})
"""Codes of what a person has to decide: several objects of one UID, several patients."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """Something about files that a person should look at."""

    code: str
    """`unreadable`, `strange`, or one of `CONFLICTS`."""

    paths: tuple[str, ...]
    reason: str
    """A sentence without patient data."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """One file that changed its place."""

    source: str
    target: str


class BuildError(Exception):
    """A session that cannot be built: `code` is `gone`, `empty`, `two studies` or `no type`."""

    def __init__(self, code: str, reason: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(code, reason, tuple(problems))
        self.code = code
        self.reason = reason
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return self.reason


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildResult:
    """What a build found and did. Paths are relative to the session folder and as they are now."""

    document: SessionDocument
    moves: tuple[Move, ...]
    problems: tuple[Problem, ...]
    duplicates: tuple[str, ...]
    """Files that repeat another one's data set and may be dropped; they are in no catalog."""

    covered: Mapping[str, str]
    """Every file that the build looked at -> its SOP Instance UID, empty where it cannot be read.
    What arrives meanwhile is not among them."""

    file_count: int
    bytes: int
    split: bool
    """The study is to be separated into a PET and an MR session (intake contract 7.6)."""

    patients: tuple[Patient, ...] = ()
    """Whose objects they are: one patient, or several who contradict each other."""

    @property
    def conflicts(self) -> tuple[str, ...]:
        """Why the session is in conflict, in words: different objects of one SOP Instance UID, or
        several patients, once somebody has looked whether they were decided on."""
        return tuple(each.reason for each in self.problems if each.code in CONFLICTS)

    @property
    def conflict(self) -> str:
        """Say in one line why the session is in conflict, each kind once; empty when it is not."""
        kinds: dict[str, str] = {}
        for each in self.problems:
            if each.code in CONFLICTS:
                kinds.setdefault(each.code, each.reason)
        more = len(self.conflicts) - len(kinds)
        return "; ".join([*kinds.values(), *([f"and {more} more"] if more else [])])

    @property
    def unreadable(self) -> str:
        """Say in words that files could not be taken into the session; empty when all were."""
        problems = [each for each in self.problems if each.code not in CONFLICTS]
        if not problems:
            return ""
        count = sum(len(each.paths) for each in problems)
        files = "1 file" if count == 1 else f"{count} files"
        return f"{files} cannot be read: {problems[0].reason}"
