# SPDX-License-Identifier: Apache-2.0
"""The file of heads: number and hash of the newest link, added to it at intervals, outside the
database."""

from __future__ import annotations

import os
from pathlib import Path

from engine.model.audit import AuditHead, head_line, read_heads
from engine.storage.files import PRIVATE
from engine.storage.folders import sync_folder

_LARGEST = 64 * 1024 * 1024
"""Of a file that is read: some 250,000 heads, 28 years of one an hour."""


def read(path: Path) -> tuple[AuditHead, ...]:
    """Return the heads of a file, the newest ones of a file that is too long; none without one.

    Raises:
        OSError: if it cannot be read.
    """
    try:
        with path.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _LARGEST))
            return tuple(read_heads(file.read().decode("utf-8", "replace")))
    except FileNotFoundError:
        return ()


def add(path: Path, head: AuditHead) -> None:
    """Add a head at the end of a file, and make it durable.

    Raises:
        OSError: if it cannot be written.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    is_new = not path.exists()
    with os.fdopen(os.open(path, flags, PRIVATE), "r+b", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        torn = False
        if size:
            file.seek(-1, os.SEEK_END)
            torn = file.read(1) != b"\n"
        # A line that a power cut has torn is ended first: it must not take this one with it.
        file.write((b"\n" if torn else b"") + head_line(head).encode("ascii") + b"\n")
        os.fsync(file.fileno())
    if is_new:
        sync_folder(path.parent)
