"""Where the console logs: a file in the user's state folder, never the terminal it draws on."""

from __future__ import annotations

import logging
from logging.handlers import RotatingFileHandler

import structlog
from platformdirs import user_state_path

LARGEST = 1_000_000
KEPT = 3


def log_to_file() -> None:
    """Send what this process logs to `console.log`; where that cannot be written, to nowhere."""
    handler: logging.Handler
    try:
        folder = user_state_path("anteroom", ensure_exists=True)
        handler = RotatingFileHandler(
            folder / "console.log", maxBytes=LARGEST, backupCount=KEPT, delay=True
        )
        (folder / "console.log").touch(mode=0o600)
    except OSError:
        handler = logging.NullHandler()
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    # A request for each batch of news would fill the file.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
