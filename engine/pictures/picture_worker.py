# SPDX-License-Identifier: Apache-2.0
"""The helper process of the picture guard. Only the server of the sandbox imports this module, by
its name."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import msgspec

from engine.anonymize.faults import ScriptError
from engine.anonymize.pixels.codestream import Unclear
from engine.dicom.guard import Unreadable
from engine.dicom.header import HeaderError
from engine.model.pictures import PictureRequest
from engine.pictures.image import Images
from engine.pictures.rendering import rendered
from engine.sandbox.protocol import FAILED, Answer, reason


class Worker:
    """Makes pictures; it remembers where the frames of the last files are."""

    def __init__(self) -> None:
        self._images = Images()

    def run(self, request: dict[str, Any]) -> Answer:
        """Make a picture."""
        asked = msgspec.convert(request["asked"], PictureRequest)
        made = rendered(self._images, Path(request["path"]), asked, Path(request["scratch"]))
        return Answer(body=msgspec.msgpack.encode(made))

    def fault(self, error: Exception) -> Answer:
        """Tell why there is no picture."""
        if isinstance(error, FileNotFoundError):
            return Answer(status=FAILED, number=errno.ENOENT)
        return Answer(status=FAILED, body=why(error).encode())


def why(error: Exception) -> str:
    """Say it in a sentence without anything from the object."""
    if isinstance(error, ScriptError):
        # The pixels are read by what alters them for scripts, and tells so.
        said = error.message.removeprefix("alterPixels: ")
        return said.removeprefix("the image cannot be altered: ")
    if isinstance(error, Unclear):
        return f"the compressed frame cannot be read: {error}"
    if isinstance(error, HeaderError | Unreadable):
        return f"the header cannot be read: {error.reason}"
    return f"the picture cannot be made ({reason(error)})"
