# SPDX-License-Identifier: Apache-2.0
"""Where a process of Anteroom logs: into a file, never to the terminal, which it may be drawing on,
nor to stdout, which its caller reads."""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
from datetime import datetime
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

import structlog
from platformdirs import user_state_path

from engine.model.access import PRIVATE_FILE
from engine.model.home import Home
from engine.model.settings import LogSettings

LARGEST = 10_000_000
KEPT = 5
DAYS = 30
_LONGEST_LINE = 1 << 16


def log_of_console() -> Path:
    """Return the console's own log, in the state folder of its user."""
    return user_state_path("anteroom") / "console.runtime.log"


class LogFile(RotatingFileHandler):
    """A log file that is begun anew when it is too large or too old, and opened anew when somebody
    else has renamed or removed it. Its files are for the eyes of their owner, whatever the umask
    is."""

    def __init__(
        self, path: Path, *, largest: int = LARGEST, kept: int = KEPT, days: int = DAYS
    ) -> None:
        """Write to `path`, and keep so many former files beside it."""
        self._seconds = days * 86_400
        self._opened: tuple[int, int] | None = None
        self._begun = 0.0
        super().__init__(path, maxBytes=largest, backupCount=kept, delay=True, encoding="utf-8")

    def shouldRollover(self, record: logging.LogRecord) -> bool:
        """Say whether the next line belongs into a new file."""
        self._reopen()
        if self.stream is None:
            self.stream = self._open()
        old = self.stream.tell() > 0 and record.created - self._begun > self._seconds
        return old or bool(super().shouldRollover(record))

    def _open(self) -> TextIOWrapper:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        handle = os.open(self.baseFilename, flags, PRIVATE_FILE)
        found = os.fstat(handle)
        self._opened = (found.st_dev, found.st_ino)
        self._begun = _begun(self.baseFilename) or found.st_mtime
        return open(handle, "a", encoding=self.encoding)

    def _reopen(self) -> None:
        if self.stream is None:
            return
        try:
            found = os.stat(self.baseFilename)
        except FileNotFoundError:
            found = None
        if found is None or (found.st_dev, found.st_ino) != self._opened:
            self.stream.close()
            self.stream = self._open()


def _begun(path: str) -> float | None:
    """Return the moment of the first line of a log; None where it has none that tells."""
    try:
        with open(path, encoding="utf-8") as file:
            told = json.loads(file.readline(_LONGEST_LINE))
        return datetime.fromisoformat(told["timestamp"]).timestamp()
    except (OSError, ValueError, KeyError, TypeError):
        return None


def log_to_file(
    path: Path,
    level: str = "info",
    *,
    largest: int = LARGEST,
    kept: int = KEPT,
    days: int = DAYS,
) -> None:
    """Send what this process logs to a file; where that cannot be written, to nowhere."""
    # When logging fails, as on a full disk, a traceback on stderr for every line helps nobody.
    logging.raiseExceptions = False
    handler: logging.Handler
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        handler = LogFile(path, largest=largest, kept=kept, days=days)
    except OSError:
        handler = logging.NullHandler()
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=_written()))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # A line for every request would fill the file.
    for talkative in ("httpx", "httpcore", "uvicorn", "alembic", "pynetdicom"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
    )


def log_to_home(home: Home, name: str, settings: LogSettings) -> None:
    """Send what this process logs to a file among the logs of a home, by its settings."""
    log_to_file(
        home.logs / name,
        settings.level,
        largest=settings.max_size,
        kept=settings.keep,
        days=settings.days,
    )


def _written() -> list[structlog.types.Processor]:
    return [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso"),
        _failure,
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.JSONRenderer(),
    ]


def _failure(
    logger: Any, method: str, event: structlog.types.EventDict
) -> structlog.types.EventDict:
    """Write the kind of an error and where it was; its message may hold data, so it is left out. So
    may what asyncio says behind its first line, where it shows the task that nobody waited for."""
    if event.get("logger") == "asyncio":
        event["event"] = str(event["event"]).partition("\n")[0]
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    error = info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        event["trace"] = traceback.format_tb(error.__traceback__)
    return event
