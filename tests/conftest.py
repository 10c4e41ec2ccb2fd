# SPDX-License-Identifier: Apache-2.0
"""What tests everywhere share: databases of both kinds, the DICOM toolkit as a peer that is not
ours, and surroundings in which no test meets the home of the person who runs it."""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import hypothesis
import pytest

from engine.database.migration import migrate
from tests import postgres as postgresql
from tests.postgres import Server

# No deadlines: a test that looks at the clock fails on a busy machine.
hypothesis.settings.register_profile("anteroom", deadline=None, derandomize=True)
hypothesis.settings.load_profile("anteroom")

BACKENDS: tuple[str, ...] = ("sqlite", "postgresql")
if os.environ.get("ANTEROOM_TEST_NO_POSTGRES") == "1":
    BACKENDS = BACKENDS[:1]

SECTIONS = ("archive", "prearchive")


@dataclass(frozen=True, kw_only=True, slots=True)
class Backend:
    """A kind of database, and the addresses of a fresh archive and a fresh prearchive of it."""

    name: str
    archive_url: str
    prearchive_url: str

    @property
    def is_sqlite(self) -> bool:
        """Whether these are SQLite files."""
        return self.name == "sqlite"


def pytest_collection_finish() -> None:
    """Let the garbage collector look at what tests make, and not again and again at the modules:
    that took a tenth of all processor time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.fixture(autouse=True, scope="session")
def _surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep tests, and the processes they start, away from the home and settings of their user."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("ANTEROOM_HOME", raising=False)
        for name in ("DATA", "STATE", "CONFIG", "CACHE"):
            patch.setenv(f"XDG_{name}_HOME", str(tmp_path_factory.mktemp(name.lower())))
        yield


class Databases:
    """Makes databases of both kinds. Migrated ones are copies of one that is migrated once."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._running: Server | None = None
        self._templates: set[str] = set()
        self._numbers = count(1)
        self._made: list[str] = []

    def server(self) -> Server:
        """Return the PostgreSQL server; without one the tests fail, they are not left out."""
        if self._running is None:
            try:
                self._running = self._stack.enter_context(postgresql.running())
            except postgresql.NoServer as reason:
                pytest.fail(str(reason), pytrace=False)
        return self._running

    def new(self, kind: str, section: str, folder: Path, *, migrated: bool) -> str:
        """Make a database of a kind and give its URL; SQLite files go to `folder`."""
        template = self._template(kind, section) if migrated else ""
        if kind == "sqlite":
            file = folder / f"{section}.db"
            if template:
                shutil.copyfile(self._folder / template, file)
            return f"sqlite+aiosqlite:///{file}"
        name = f"anteroom_test_{os.getpid()}_{next(self._numbers)}"
        self._made.append(name)
        return self.server().create(name, template or "template0")

    def drop(self, url: str) -> None:
        """Remove a PostgreSQL database; a SQLite file goes with its folder."""
        name = url.rpartition("/")[2].partition("?")[0]
        if name in self._made:
            self.server().drop(name)
            self._made.remove(name)

    def close(self) -> None:
        """Remove all that are left: the server may be one that stays."""
        for name in self._made:
            self.server().drop(name)

    def _template(self, kind: str, section: str) -> str:
        """Migrate the template of a section once."""
        name = f"anteroom_test_{os.getpid()}_template_{section}"
        if (key := f"{kind} {section}") not in self._templates:
            if kind == "sqlite":
                url = f"sqlite+aiosqlite:///{self._folder / name}"
            else:
                self._made.append(name)
                url = self.server().create(name)
            # In a thread of its own: the one of the tests may have a loop already.
            with ThreadPoolExecutor(1) as pool:
                pool.submit(asyncio.run, migrate(url, section)).result()
            self._templates.add(key)
        return name


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """Makes databases; the server starts when the first PostgreSQL database is asked for."""
    with ExitStack() as stack:
        made = Databases(tmp_path_factory.mktemp("templates"), stack)
        yield made
        made.close()


@pytest.fixture
def database_url(databases: Databases, tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Makes one database: `database_url("sqlite", "archive", migrated=True)` gives its URL."""
    urls: list[str] = []

    def make(kind: str, section: str, *, migrated: bool = True) -> str:
        urls.append(databases.new(kind, section, tmp_path, migrated=migrated))
        return urls[-1]

    yield make
    for url in urls:
        databases.drop(url)


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest, database_url: Callable[..., str]) -> Backend:
    """A fresh archive and a fresh prearchive with all tables, of each kind in turn."""
    archive, prearchive = (database_url(request.param, section) for section in SECTIONS)
    return Backend(name=request.param, archive_url=archive, prearchive_url=prearchive)


@pytest.fixture(params=BACKENDS)
def blank_backend(request: pytest.FixtureRequest, database_url: Callable[..., str]) -> Backend:
    """Two databases without any table, of each kind in turn."""
    archive, prearchive = (
        database_url(request.param, section, migrated=False) for section in SECTIONS
    )
    return Backend(name=request.param, archive_url=archive, prearchive_url=prearchive)


class Dcmtk:
    """The DICOM toolkit's programs. pynetdicom installs some of the same names beside Python."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __call__(self, program: str) -> str:
        """Return the absolute path of a program such as `storescu`."""
        found = shutil.which(program, path=self._path)
        if found is None:
            pytest.fail(f"no {program}: install DCMTK (apt install dcmtk)", pytrace=False)
        return str(Path(found).absolute())


@pytest.fixture(scope="session")
def dcmtk() -> Dcmtk:
    """Gives the absolute path of each program of DCMTK, and fails where one is missing."""
    ours = {Path(sys.executable).parent, Path(sys.prefix, "bin")}
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return Dcmtk(os.pathsep.join(folder for folder in folders if Path(folder) not in ours))
