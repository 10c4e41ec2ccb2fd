# SPDX-License-Identifier: Apache-2.0
"""Where a process of Anteroom logs: into a file, never to the terminal, which it may be drawing on,
nor to stdout, which its caller reads."""

from __future__ import annotations

import logging
import sys
import traceback
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

import structlog
from platformdirs import user_state_path

LARGEST = 10_000_000
KEPT = 5


def log_of_console() -> Path:
    """Return the console's own log, in the state folder of its user."""
    return user_state_path("anteroom") / "console.runtime.log"


def log_to_file(path: Path, level: str = "info") -> None:
    """Send what this process logs to a file; where that cannot be written, to nowhere."""
    # When logging fails, as on a full disk, a traceback on stderr for every line helps nobody.
    logging.raiseExceptions = False
    handler: logging.Handler
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        handler = RotatingFileHandler(path, maxBytes=LARGEST, backupCount=KEPT, delay=True)
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
