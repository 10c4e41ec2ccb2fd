# SPDX-License-Identifier: Apache-2.0
"""Removes what workers have left in staging that are no more."""

from __future__ import annotations

import re
import shutil
from pathlib import Path


def sweep_staging(prearchive: Path, node: str) -> None:
    """Remove staged files of workers of this node that are no more. What is held stays."""
    mine = re.compile(re.escape(node) + r"-w\d+-(\d+)")
    staging = prearchive / ".staging"
    if not staging.is_dir():
        return
    for folder in staging.iterdir():
        found = mine.fullmatch(folder.name)
        # If another process has been given that number, the folder stays until a later sweep.
        if found and not _is_alive(int(found[1])):
            shutil.rmtree(folder, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2]
    except FileNotFoundError:
        return False
    except OSError:
        return True
    # One that was killed and that nobody has waited for yet writes nothing more.
    return state.split()[0] not in ("Z", "X")
