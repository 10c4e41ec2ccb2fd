# SPDX-License-Identifier: Apache-2.0
"""A secret in a file of its own, made where there is none."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from engine.storage.files import PRIVATE, write_synced
from engine.storage.folders import sync_folder

LENGTH = 32
"""Bytes of a secret."""


def read_or_make(path: Path) -> bytes:
    """Return the secret of a file, which is made where there is none; empty where the file holds
    something else.

    Raises:
        OSError: if it cannot be read or made.
    """
    if not path.exists():
        _make(path)
    # Its owner may have been careless with a copy.
    path.chmod(PRIVATE)
    try:
        secret = bytes.fromhex(path.read_text("ascii").strip())
    except ValueError:
        return b""
    return secret if len(secret) == LENGTH else b""


def _make(path: Path) -> None:
    """Make a key. A file is never there in part, and never replaced: two may make one at once."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    write_synced(fresh, (secrets.token_hex(LENGTH).encode("ascii") + b"\n",), mode=PRIVATE)
    try:
        with suppress(FileExistsError):
            os.link(fresh, path)
    finally:
        fresh.unlink()
    sync_folder(path.parent)
