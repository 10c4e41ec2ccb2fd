# SPDX-License-Identifier: Apache-2.0
"""What a running process has loaded. The contracts on imports are read from the code elsewhere;
here modules are imported in a process of their own, which also sees what libraries drag in."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
SCREENS = {"console", "rich", "textual", "typer"}
DATABASES = {"aiosqlite", "alembic", "dbos", "psycopg", "sqlalchemy", "sqlite3"}
DICOM_LIBRARIES = {"imagecodecs", "numpy", "pydicom", "pynetdicom"}
"""Slow to load. What few objects need is loaded with the first of them, in a process beside."""

_LOADED = """
import importlib, json, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def modules() -> list[str]:
    """Name every module of the engine but the scripts of migrations, which need a migration."""
    found = []
    for file in sorted(ROOT.joinpath("engine").rglob("*.py")):
        parts = file.relative_to(ROOT).with_suffix("").parts
        if "migrations" not in parts and file.name != "__main__.py":
            found.append(".".join(part for part in parts if part != "__init__"))
    return found


def loaded(*names: str) -> set[str]:
    """Return the top-level packages that a new process holds after importing modules."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _LOADED, *names],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def test_no_module_of_the_engine_loads_a_screen() -> None:
    everything = modules()
    assert len(everything) > 50
    # The log library looks for rich by itself; our own imports of it are forbidden elsewhere.
    screens = SCREENS - loaded("structlog")
    assert {"console", "textual"} <= screens
    if loaded(*everything) & screens:
        # One process for all is quick; one for each says which it was.
        guilty = {name: loaded(name) & screens for name in everything}
        assert {name: found for name, found in guilty.items() if found} == {}


def test_a_receiver_worker_opens_no_database() -> None:
    assert loaded("engine.receiver.workers.worker") & DATABASES == set()


def test_a_receiver_worker_starts_without_the_libraries_of_dicom() -> None:
    slow = DICOM_LIBRARIES | {"httpx", "starlette", "uvicorn", "yaml"}
    assert loaded("engine.receiver.workers.worker") & slow == set()


def test_an_engine_is_loaded_without_what_no_start_needs() -> None:
    engine = ("console.commands.serve", "engine.server.http", "engine.service.engine")
    assert loaded(*engine) & (DICOM_LIBRARIES | {"alembic", "httpx", "textual"}) == set()


def test_the_settings_need_neither_database_nor_screen() -> None:
    assert loaded("engine.model.home") & (DATABASES | SCREENS | {"pydicom"}) == set()


def test_the_command_line_loads_what_is_asked_for_only() -> None:
    slow = DATABASES | {"anyio", "httpx", "msgspec", "numpy", "pydicom", "rich", "textual", "yaml"}
    assert loaded("console.cli") & slow == set()
