# SPDX-License-Identifier: Apache-2.0
"""Scripts that were edited and not saved. Each is kept in a file of its own that only its author
can read: a console that is closed, or a line that drops, costs no work. A lookup table may name
patients."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from threading import Lock

import msgspec
import structlog

from console.views.script_draft import ScriptDraft

log = structlog.get_logger(__name__)

FOLDER = "drafts"


class ScriptDrafts:
    """The drafts of one person, by the home of the engine and the scope of the script."""

    def __init__(self, folder: Path | None) -> None:
        """Keep them in a folder of `folder`; None keeps them for as long as the console runs."""
        self._folder = None if folder is None else folder / FOLDER
        self._known: dict[tuple[str, str], ScriptDraft] = {}
        self._lock = Lock()

    def get(self, home: str, scope: str) -> ScriptDraft | None:
        """Return the draft of a script; None where there is none."""
        known = self._known.get((home, scope))
        if known is not None or self._folder is None:
            return known
        try:
            read = msgspec.json.decode(self._file(home, scope).read_bytes(), type=ScriptDraft)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError) as error:
            log.warning("no draft", action="draft", error=type(error).__name__)
            return None
        # The name of the file is only a digest of what it is about.
        if read.scope != scope:
            return None
        self._known[home, scope] = read
        return read

    def keep(self, home: str, draft: ScriptDraft) -> bool:
        """Keep a draft in the place of an earlier one; False where only this console has it."""
        with self._lock:
            if self._known.get((home, draft.scope)) == draft:
                return True
            self._known[home, draft.scope] = draft
            return self._folder is None or self._write(home, draft)

    def drop(self, home: str, scope: str) -> None:
        """Forget a draft."""
        with self._lock:
            self._known.pop((home, scope), None)
            if self._folder is not None:
                try:
                    self._file(home, scope).unlink(missing_ok=True)
                except OSError as error:
                    log.warning("draft stays", action="draft", error=type(error).__name__)

    def _write(self, home: str, draft: ScriptDraft) -> bool:
        file = self._file(home, draft.scope)
        temporary = file.with_name(f".{file.name}.{os.getpid()}")
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as out:
                out.write(msgspec.json.encode(draft))
            temporary.replace(file)
        except OSError as error:
            log.warning("draft not kept", action="draft", error=type(error).__name__)
            return False
        return True

    def _file(self, home: str, scope: str) -> Path:
        assert self._folder is not None
        name = hashlib.sha256(f"{home}\0{scope}".encode(errors="replace")).hexdigest()[:24]
        return self._folder / f"{name}.json"
