# SPDX-License-Identifier: Apache-2.0
"""What is told of backups: of one that was made, of one that was checked, and of one from which a
home was restored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Backup:
    """One whole backup."""

    path: str
    at: datetime
    """The moment at which it shows the home."""
    version: str
    """The program that made it."""
    node: str
    home: str
    files: int
    bytes: int
    warnings: tuple[str, ...] = ()
    """What is not in it, or was not there: a sentence each."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """A backup that was just made."""

    backup: Backup
    copied: int
    """Files whose bytes were written."""
    linked: int
    """Files that are links: to the home's own, which never change, or to the backup before."""
    stood_still: float
    """For how many seconds jobs waited."""
    seconds: float
    swept: int = 0
    """Backups that had been cut off, and were removed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Restored:
    """A home that was just restored."""

    home: str
    backup: Backup
    brought_in: tuple[str, ...] = ()
    """Settings that named another place, and name one within the home now."""
