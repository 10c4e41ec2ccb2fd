# SPDX-License-Identifier: Apache-2.0
"""Logs go to a file, and hold nothing of the values that an error was about."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from console.runtime.log import log_to_file


@pytest.fixture(autouse=True)
def loggers_as_before() -> Iterator[None]:
    """Put the loggers back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    config = structlog.get_config()
    yield
    for handler in root.handlers:
        if handler not in handlers:
            handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**config)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def fail() -> None:
    patient = "DOE^JANE"
    raise ValueError(patient)


def test_an_error_is_logged_by_kind_and_place_only(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "engine.log"
    log_to_file(path)
    try:
        fail()
    except ValueError as error:
        structlog.get_logger("ours").error("unexpected", action="rpc", exc_info=error)
        logging.getLogger("theirs").exception("it failed")
    ours, theirs = lines(path)
    assert (ours["event"], ours["action"], ours["error"]) == ("unexpected", "rpc", "ValueError")
    assert (theirs["event"], theirs["error"], theirs["logger"]) == (
        "it failed",
        "ValueError",
        "theirs",
    )
    assert any("in fail" in place for place in ours["trace"])
    assert "DOE" not in path.read_text()


async def test_of_a_task_that_nobody_waits_for_no_value_is_logged(tmp_path: Path) -> None:
    path = tmp_path / "engine.log"
    log_to_file(path)

    async def failing() -> None:
        fail()

    task = asyncio.ensure_future(failing())
    await asyncio.wait({task})
    del task
    gc.collect()
    (line,) = lines(path)
    assert line["event"] == "Task exception was never retrieved"
    assert line["error"] == "ValueError"
    assert "DOE" not in str(line)


def test_what_is_less_important_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "engine.log"
    log_to_file(path, "warning")
    structlog.get_logger("ours").info("small")
    structlog.get_logger("ours").warning("large")
    logging.getLogger("httpx").info("POST /rpc")
    assert [line["event"] for line in lines(path)] == ["large"]


def test_only_the_user_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "engine.log"
    log_to_file(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_place_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    log_to_file(tmp_path / "file" / "engine.log")
    structlog.get_logger("ours").error("unheard")


def files(folder: Path) -> dict[str, list[str]]:
    """Return the events in each log file of a folder."""
    return {path.name: [line["event"] for line in lines(path)] for path in sorted(folder.iterdir())}


def test_a_large_log_is_begun_anew_and_the_oldest_goes(tmp_path: Path) -> None:
    log_to_file(tmp_path / "engine.log", largest=1, kept=2)
    for number in range(5):
        structlog.get_logger("ours").info(f"event {number}")
    assert files(tmp_path) == {
        "engine.log": ["event 4"],
        "engine.log.1": ["event 3"],
        "engine.log.2": ["event 2"],
    }
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


def test_an_old_log_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "engine.log"
    path.write_text('{"event": "old", "timestamp": "2020-01-02T03:04:05Z"}\n', "utf-8")
    log_to_file(path, days=30)
    structlog.get_logger("ours").info("new")
    structlog.get_logger("ours").info("newer")
    assert files(tmp_path) == {"engine.log": ["new", "newer"], "engine.log.1": ["old"]}


@pytest.mark.parametrize("how", ["renamed", "removed"])
def test_a_log_that_somebody_takes_away_is_opened_anew(tmp_path: Path, how: str) -> None:
    path = tmp_path / "engine.log"
    log_to_file(path)
    structlog.get_logger("ours").info("before")
    if how == "renamed":
        path.rename(tmp_path / "engine.log-2024")
    else:
        path.unlink()
    structlog.get_logger("ours").info("after")
    assert [line["event"] for line in lines(path)] == ["after"]


def test_a_line_that_tells_no_moment_is_no_reason_to_begin_anew(tmp_path: Path) -> None:
    path = tmp_path / "engine.log"
    path.write_text("Traceback\n", "utf-8")
    log_to_file(path)
    structlog.get_logger("ours").info("new")
    assert path.read_text().startswith("Traceback\n")
