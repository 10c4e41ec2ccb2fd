# SPDX-License-Identifier: Apache-2.0
"""Runs the making of pictures in a helper process with limits on time and memory, which may die
without affecting anything else. This is the calling side; `engine.pictures.picture_worker` decodes.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import msgspec

from engine.model.pictures import Figures, PictureRequest, Region, Window
from engine.sandbox.client import GIB, NoAnswer, Sandbox
from engine.sandbox.protocol import DONE

LONGEST = 64 * 1024 * 1024
"""Bytes of one answer."""
_LARGEST_INFLATED = 4 * GIB


class Rendered(msgspec.Struct, frozen=True, kw_only=True):
    """What the helper answers: all of a picture that one file tells."""

    frame: int = 0
    figures: Figures | None = None
    window: Window | None = None
    region: Region | None = None
    width: int = 0
    height: int = 0
    channels: int = 1
    pixels: bytes = b""
    why: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Spent:
    """What one picture may cost."""

    seconds: float = 20
    """Of processor time."""
    patience: float = 4
    """So many times as long by the clock."""
    memory: int = 3 * GIB


class PictureGuard:
    """One helper process, started when first needed and again after it died; used by any thread."""

    def __init__(self, allowed: Spent | None = None, *, command: tuple[str, ...] | None = None):
        """Allow each picture so much; `command` starts another helper."""
        spent = allowed or Spent()
        self._sandbox = Sandbox(
            "engine.pictures.picture_worker",
            seconds=spent.seconds,
            patience=spent.patience,
            memory=spent.memory,
            largest_file=_LARGEST_INFLATED,
            longest=LONGEST,
            command=command,
        )

    @property
    def pid(self) -> int | None:
        """The helper process, while there is one."""
        return self._sandbox.pid

    def render(self, path: Path, asked: PictureRequest, scratch: Path) -> Rendered:
        """Make a picture of one frame of a file; `scratch` takes what has to be inflated.

        Raises:
            FileNotFoundError: if there is no such file any more.
        """
        work = {
            "path": os.path.abspath(path),
            "scratch": os.path.abspath(scratch),
            "asked": msgspec.to_builtins(asked),
        }
        try:
            answer = self._sandbox.ask(work, doing="making the picture")
        except NoAnswer as error:
            return Rendered(why=error.reason)
        if answer.status == DONE:
            return msgspec.msgpack.decode(answer.body, type=Rendered)
        if answer.number:
            raise FileNotFoundError(path.name)
        return Rendered(why=answer.body.decode("utf-8", "replace"))

    def close(self) -> None:
        """End the helper; nothing more can be asked."""
        self._sandbox.close()
