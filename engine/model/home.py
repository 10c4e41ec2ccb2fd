# SPDX-License-Identifier: Apache-2.0
"""The home of an installation: where it is looked for, what it contains, who may read it, and the
lock by which only one engine serves it. Settings and databases are handled elsewhere."""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from platformdirs import user_data_path

from engine.model import access, settings_file
from engine.model.errors import Conflict, EngineError, InvalidInput, NotFound, Refused, Unavailable
from engine.model.outage import MAKE_ROOM, is_full
from engine.model.settings import Settings

SYSTEM_HOME = Path("/etc/anteroom/home")
"""A system installation: the folder itself, a link to it, or a text file that names it."""

HOME_VARIABLE = "ANTEROOM_HOME"

LONGEST_SOCKET = 100
"""Bytes of the path of a socket. The kernel takes 107; a few are kept for a name beside it."""


class Origin(StrEnum):
    """How a home was found."""

    NAMED = "named"
    ENVIRONMENT = "environment"
    SYSTEM = "system"
    USER = "user"


@dataclass(frozen=True, kw_only=True, slots=True)
class Holder:
    """The engine that serves a home, as it has written itself down."""

    pid: int
    started: datetime
    command: bool = False
    """Whether it is no engine but a command, which has the home for a moment."""


@dataclass(frozen=True, slots=True)
class PrearchiveFolder:
    """The prearchive's own folders, which hold what no user may see."""

    root: Path

    @property
    def staging(self) -> Path:
        """Bytes that are being received or anonymized, and held objects."""
        return self.root / ".staging"

    @property
    def journals(self) -> Path:
        """The journals of the receiver workers."""
        return self.root / ".journals"

    @property
    def originals(self) -> Path:
        """The undo records of the site script."""
        return self.root / ".originals"

    @property
    def trash(self) -> Path:
        """Deleted prearchive sessions."""
        return self.root / ".trash"

    def create(self) -> None:
        """Make what is missing, readable by this user only."""
        for folder in (self.root, self.staging, self.journals, self.originals, self.trash):
            access.make(folder, access.PRIVATE)


@dataclass(frozen=True, slots=True)
class Home:
    """One installation's folder. Its paths are the defaults; the settings may move the stores."""

    root: Path
    origin: Origin = Origin.NAMED
    shared: bool = False
    """Whether it is the home of this machine though it was found otherwise."""

    @classmethod
    def find(
        cls,
        explicit: Path | None,
        environ: Mapping[str, str],
        *,
        system: Path = SYSTEM_HOME,
    ) -> Home:
        """Find the home: the one named, the environment's, the system's, else the user's own.

        Raises:
            InvalidInput: the file of the system home names no absolute path.
            Unavailable: it cannot be read.
        """
        for named, origin in (
            (explicit, Origin.NAMED),
            (environ.get(HOME_VARIABLE), Origin.ENVIRONMENT),
        ):
            if named:
                root = Path(named).expanduser().absolute()
                return cls(root, origin, shared=_is_system_home(root, system))
        # A dangling link is a system home that is not mounted, not a reason to start an empty one.
        if os.path.lexists(system):
            return cls(_read_system_home(system), Origin.SYSTEM)
        return cls(user_data_path("anteroom"), Origin.USER)

    @property
    def of_system(self) -> bool:
        """Whether it is the home of this machine: its group may enter it."""
        return self.shared or self.origin is Origin.SYSTEM

    @property
    def settings_file(self) -> Path:
        """The settings."""
        return self.root / "anteroom.yaml"

    @property
    def lock_file(self) -> Path:
        """Locked by the engine that serves this home."""
        return self.root / "engine.lock"

    @property
    def address_file(self) -> Path:
        """Says where the socket is when its path within the home would be too long."""
        return self.root / "engine.address"

    @property
    def archive_db(self) -> Path:
        """The database that is kept for ever."""
        return self.root / "archive.db"

    @property
    def archive(self) -> Path:
        """The permanent store."""
        return self.root / "archive"

    @property
    def prearchive(self) -> PrearchiveFolder:
        """What is not yet approved."""
        return PrearchiveFolder(self.root / "prearchive")

    @property
    def prearchive_db(self) -> Path:
        """The database of what is not yet approved."""
        return self.root / "prearchive" / "prearchive.db"

    @property
    def trash(self) -> Path:
        """What was deleted or replaced in the archive."""
        return self.root / "trash"

    @property
    def inbox(self) -> Path:
        """The drop folder."""
        return self.root / "inbox"

    @property
    def logs(self) -> Path:
        """The log files."""
        return self.root / "logs"

    @property
    def exists(self) -> bool:
        """Whether this folder has been made a home.

        Raises:
            Refused: this user may not enter it.
        """
        try:
            return self.settings_file.is_file()
        except PermissionError:
            raise Refused(
                f"you may not enter the home {self.root}",
                hint="ask to be added to the group of that folder",
            ) from None

    def ensure(self) -> Settings:
        """Return the settings of a home that is there, or make it first; never a system home.

        Raises:
            NotFound: the system home is missing.
            InvalidSettings: its settings are wrong.
        """
        if self.origin is Origin.SYSTEM and not self.exists:
            raise NotFound(
                f"the system home {self.root} is not there",
                hint="mount it if it is elsewhere, or make it with: anteroom init",
            )
        return self.create()

    def create(self) -> Settings:
        """Make whatever is missing of this home, make private what others could read, and return
        its settings.

        Raises:
            InvalidInput: its path cannot be part of a database address.
            Refused: others can read what they must not, and it is not ours to change that; or a
                store is where the system or others have their files.
            InvalidSettings: its settings are wrong; nothing else has been made.
        """
        if any(character in "?#" or not character.isprintable() for character in str(self.root)):
            raise InvalidInput(
                "the path of a home may hold no '?', no '#' and no control character",
                hint="choose another folder",
            )
        modes = access.OF_SYSTEM if self.of_system else access.OF_USER
        allowed = SYSTEM_HOME if self.of_system else None
        access.check_place(self.root, "the home", but=allowed)
        try:
            access.make(self.root, modes.home)
            if not self.exists:
                settings_file.write_default(self.settings_file)
            settings = settings_file.load(self.settings_file)
            for part in fields(settings.paths):
                place = getattr(settings.paths, part.name)
                access.check_place(place, f"paths.{part.name} of the settings", but=allowed)
            self._tighten_settings(settings, modes.settings)
            PrearchiveFolder(settings.paths.prearchive).create()
            # The default place of the database stays private wherever the files have been moved to.
            access.make(self.prearchive.root, access.PRIVATE)
            access.make(settings.paths.trash, access.PRIVATE)
            # The administrator decides which group reads the archive or fills the inbox.
            access.make(settings.paths.archive, modes.archive, widest=0o770)
            access.make(settings.paths.inbox, modes.inbox, widest=0o770)
            access.make(self.logs, access.PRIVATE)
            for file in self.logs.iterdir():
                if file.is_file():
                    access.tighten(file, access.PRIVATE_FILE)
        except OSError as error:
            elsewhere = "choose another with --home, or correct its owner and mode"
            where = f": {error.filename}" if error.filename else ""
            raise Unavailable(
                f"the home {self.root} cannot be used: {error.strerror}{where}",
                hint=MAKE_ROOM if is_full(error) else elsewhere,
            ) from error
        return settings

    def _tighten_settings(self, settings: Settings, mode: int) -> None:
        """Keep others from reading the settings; a file of somebody else stays as it is where it
        holds no password."""
        try:
            access.tighten(self.settings_file, mode)
        except Refused:
            addresses = (settings.databases.archive_url, settings.databases.prearchive_url)
            if any(urlsplit(address).password for address in addresses):
                raise

    def lock(self, *, command: bool = False) -> HomeLock:
        """Take this home for one engine, or one command, until the lock is closed, or the process
        ends.

        Raises:
            Conflict: another engine has it; says which.
            Unavailable: the file of the lock cannot be written.
        """
        try:
            handle = os.open(self.lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        except OSError as error:
            raise Unavailable(
                f"{self.lock_file} cannot be opened: {error.strerror}",
                hint="an engine runs as the user who owns the home",
            ) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            holder = self.holder()
            who = f" (process {holder.pid}, since {holder.started:%F %T} UTC)" if holder else ""
            if holder is not None and holder.command:
                raise Conflict(
                    f"another command{who} works on the home {self.root}",
                    hint="try again once it has ended",
                ) from None
            raise Conflict(
                f"another engine{who} serves the home {self.root}",
                hint="attach to it with: anteroom; or stop it first",
            ) from None
        except BaseException:
            os.close(handle)
            raise
        # Who it is helps people only: a full disk is no reason not to start.
        with suppress(OSError):
            os.ftruncate(handle, 0)
            said = f"{os.getpid()} {datetime.now(UTC).isoformat()}{' command' if command else ''}"
            os.pwrite(handle, f"{said}\n".encode(), 0)
        return HomeLock(handle)

    def holder(self) -> Holder | None:
        """Return the engine named in the lock, which may be one that was killed."""
        try:
            pid, started, *kind = self.lock_file.read_text("ascii").split()
            return Holder(pid=int(pid), started=datetime.fromisoformat(started), command=bool(kind))
        except (OSError, ValueError):
            return None

    @property
    def socket(self) -> Path:
        """Where the engine of this home is spoken to."""
        inside = self.root / "engine.sock"
        if _fits(inside):
            return inside
        try:
            return Path(self.address_file.read_text("utf-8").strip() or inside)
        except OSError:
            return inside

    def claim_socket(self, environ: Mapping[str, str]) -> Path:
        """Return the path to bind: within the home, or if that is too long in the runtime folder.

        A place outside is written into the home, where clients find it. The caller holds the lock.

        Raises:
            InvalidInput: no place is short enough.
            Unavailable: the folder in the runtime folder belongs to somebody else.
        """
        inside = self.root / "engine.sock"
        if _fits(inside):
            self.address_file.unlink(missing_ok=True)
            return inside
        key = hashlib.sha256(os.fsencode(self.root.resolve())).hexdigest()[:16]
        for base in (environ.get("XDG_RUNTIME_DIR", ""), tempfile.gettempdir(), "/tmp"):
            outside = Path(base).resolve() / f"anteroom-{key}" / "engine.sock"
            if base and Path(base).is_dir() and _fits(outside):
                _own(outside.parent)
                _replace(self.address_file, f"{outside}\n")
                return outside
        raise InvalidInput("no folder for the engine's socket has a path that is short enough")


class HomeLock:
    """The lock of a home. It is never inherited by processes that are started."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def close(self) -> None:
        """Release the home."""
        if self._handle < 0:
            return
        # The file stays: if it were removed, two engines could lock two files of the same name.
        os.ftruncate(self._handle, 0)
        # Closing alone would not do while a process that is just being started has not yet exec'd.
        fcntl.flock(self._handle, fcntl.LOCK_UN)
        os.close(self._handle)
        self._handle = -1

    def __enter__(self) -> HomeLock:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _read_system_home(system: Path) -> Path:
    if not system.is_file():
        return Path(os.path.realpath(system))
    try:
        lines = system.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Unavailable(
            f"{system} cannot be read", hint="it must be a text file that names the home"
        ) from error
    named = next((line.strip() for line in lines if line.strip()), "")
    if not Path(named).is_absolute():
        raise InvalidInput(
            f"{system} names no absolute path",
            hint="write the path of the home on its first line, or remove the file",
        )
    return Path(named)


def _is_system_home(root: Path, system: Path) -> bool:
    try:
        return os.path.lexists(system) and os.path.realpath(root) == os.path.realpath(
            _read_system_home(system)
        )
    except EngineError:
        return False


def _fits(path: Path) -> bool:
    return len(os.fsencode(path)) <= LONGEST_SOCKET


def _own(folder: Path) -> None:
    """Make a folder that others may pass but not write, in one where everybody may write."""
    access.make(folder, 0o711, widest=0o777)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise Unavailable(
            f"{folder} belongs to somebody else", hint="remove it, or choose a shorter home"
        )


def _replace(path: Path, text: str) -> None:
    """Write a small file whole, so that a reader sees the old text or the new one."""
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(text, "utf-8")
    fresh.chmod(0o644)
    fresh.replace(path)
