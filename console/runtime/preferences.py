# SPDX-License-Identifier: Apache-2.0
"""What users set once for their terminal, in a file of their own: `console.yaml` in the platform's
configuration folder. What the console remembers by itself is in `console.runtime.memory`."""

from __future__ import annotations

import os
import time
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from platformdirs import user_config_path

from engine.model.errors import InvalidSettings, Problem


class Switch(StrEnum):
    """On or off, as YAML reads it and as people write it in quotes."""

    ON = "on"
    OFF = "off"


class Glyphs(StrEnum):
    """Which signs the terminal can draw."""

    ALL = "all"
    ASCII = "ascii"


class Preferences(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file. Everything has a default; a file that is not there is an empty one."""

    mouse: Switch | bool = Switch.ON
    """Off: the terminal is never asked to report the mouse, and selects text by itself."""
    glyphs: Glyphs = Glyphs.ALL
    theme: str = ""
    """A theme that stands whatever was chosen last."""
    blank_after: float = 600.0
    """Seconds without a key until the screen shows the rate only; 0 never."""

    time_zone: str = ""
    """In which times are shown, by its IANA name; empty for that of the machine."""
    reaction: float = 0.25
    """Seconds that a question has to be on show before it takes a key that decides it."""

    @property
    def uses_mouse(self) -> bool:
        """Whether the terminal reports the mouse."""
        return self.mouse in (Switch.ON, True)

    def __post_init__(self) -> None:
        """Look whether the time zone is one."""
        if self.time_zone:
            try:
                ZoneInfo(self.time_zone)
            except (ZoneInfoNotFoundError, ValueError, OSError):
                raise ValueError(f"{self.time_zone!r} is no time zone like Europe/Berlin") from None


def use_time_zone(preferences: Preferences) -> None:
    """Let this process show times in the zone that was chosen."""
    if preferences.time_zone:
        os.environ["TZ"] = preferences.time_zone
        time.tzset()


def preferences_file() -> Path:
    """Return the place of the file."""
    return user_config_path("anteroom") / "console.yaml"


def read_preferences(path: Path) -> Preferences:
    """Read the file.

    Raises:
        InvalidSettings: if it cannot be understood; says what was expected.
    """
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return Preferences()
    except OSError as error:
        raise _invalid(path, error.strerror or "cannot be read") from error
    try:
        return msgspec.yaml.decode(text or b"{}", type=Preferences)
    except msgspec.MsgspecError as error:
        raise _invalid(path, str(error)) from error


def _invalid(path: Path, why: str) -> InvalidSettings:
    return InvalidSettings(
        f"{path} cannot be used: {why}",
        hint="it may have mouse (on, off), glyphs (all, ascii), theme, blank_after, time_zone "
        "and reaction",
        problems=(Problem(message=why, path=str(path)),),
    )
