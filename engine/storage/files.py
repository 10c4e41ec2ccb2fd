# SPDX-License-Identifier: Apache-2.0
"""Writes and renames files and folders so that a power loss leaves either the old or the new one.
Callers decide what the calls are for, and their order."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from engine.storage.folders import sync_folder

PRIVATE = 0o600
_USUAL = 0o666
"""But for what the umask takes."""


def write_synced(path: Path, pieces: Iterable[bytes], *, mode: int = _USUAL) -> None:
    """Write a file, or write it anew, and make its bytes durable; its name is not yet.

    Raises:
        OSError: if it cannot be written; then it may be there in part.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, mode), "wb") as file:
        file.writelines(pieces)
        file.flush()
        os.fsync(file.fileno())


def write_durably(
    path: Path, data: bytes, *, mode: int = _USUAL, written: Callable[[], None] | None = None
) -> None:
    """Write a file under a hidden name and rename it, so that it is either the old one or the new
    one, also after a power loss. `written` is told before it is renamed.

    Raises:
        OSError: if it cannot be written; the old one is then still there.
    """
    # An ending of its own: who looks for files of this kind must not find half a one.
    hidden = path.with_name(f".{path.name}.tmp")
    write_synced(hidden, (data,), mode=mode)
    if written is not None:
        written()
    # Bytes, name, folder, in this order: a name that is durable before its bytes shows an empty
    # file after a power loss.
    hidden.replace(path)
    sync_folder(path.parent)


def rename_durably(source: Path, target: Path) -> None:
    """Rename a file or a folder, and make durable that it is there and no longer here. Run again
    after a kill, it ends what was begun: a source that is gone has been renamed.

    Raises:
        OSError: if it cannot be renamed or synced.
    """
    with suppress(FileNotFoundError):
        os.rename(source, target)
    # The target first: a power loss in between may leave both names, but never none.
    sync_folder(target.parent)
    if source.parent != target.parent:
        with suppress(FileNotFoundError):
            sync_folder(source.parent)


def link_or_copy(source: Path, target: Path) -> None:
    """Bring a file to another place: linked on one file system, copied and synced elsewhere.

    Raises:
        OSError: if it cannot be brought.
    """
    try:
        os.link(source, target)
    # Another file system (EXDEV), one without links (EPERM), or too many links (EMLINK).
    except OSError:
        with source.open("rb") as old, target.open("xb") as new:
            shutil.copyfileobj(old, new, 1 << 20)
            new.flush()
            os.fdatasync(new.fileno())
