# SPDX-License-Identifier: Apache-2.0
"""What users set once for their terminal, in a file of their own: `console.yaml` in the platform's
configuration folder. What the console remembers by itself is in `console.runtime.memory`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

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

    reaction: float = 0.25
    """Seconds that a question has to be on show before it takes a key that decides it."""

    @property
    def uses_mouse(self) -> bool:
        """Whether the terminal reports the mouse."""
        return self.mouse in (Switch.ON, True)


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
        hint="it may have mouse (on, off), glyphs (all, ascii), theme, blank_after and reaction",
        problems=(Problem(message=why, path=str(path)),),
    )
