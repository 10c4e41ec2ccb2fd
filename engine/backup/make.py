# SPDX-License-Identifier: Apache-2.0
"""Making a backup, beside an engine that serves the home, or without one.

It is made beside the engine, not by it: what copies for hours needs no place in the process that
receives, may be ended at any moment, and works the same when the engine does not. Both meet at two
locks: the prearchive stands still (`engine.storage.standstill`) while it is copied, and a home that
no engine serves is locked meanwhile, so that none begins to recover what is being copied.

The order makes the copy the same as what a kill at one moment leaves, which every start puts right:

1. What is large in the prearchive is copied ahead, while everything goes on.
2. Standstill: jobs wait, receiving goes on and only adds.
3. The journals are opened, and their lengths noted: what stands in them until here names sessions
   that both databases know.
4. A reading transaction is opened on the prearchive's database, then one on the archive's: an audit
   event on its way from the one to the other is in both, and the chain takes it once.
5. The journals are copied to those lengths, and every file of the prearchive. What was answered
   before the standstill is a file here, or a record in a journal; what is answered after it may be
   here as well, and is found at the first start. Folders of sessions that are just being filed are
   copied too.
6. Jobs go on. The databases are written as they were at 4, and after them the folders that the
   archive's database names: those of filed sessions do not change any more.
7. Everything is checked; the head is written, and the backup gets its name."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path, PurePosixPath

from engine.backup import manifest, snapshots
from engine.backup.manifest import DATABASES, HOME, Head
from engine.backup.pile import Pile, Told, walk
from engine.backup.snapshots import Snapshot
from engine.database.connection import Address
from engine.model import access
from engine.model.backups import Made
from engine.model.errors import Conflict, InvalidInput, NotFound, Refused
from engine.model.home import Home
from engine.model.reserve import NAME as RESERVE
from engine.model.settings import Settings
from engine.storage.folders import sync_folder
from engine.storage.standstill import FILES as STANDSTILL
from engine.storage.standstill import Standstill

_JOURNALS, _STAGING, _HELD = ".journals", ".staging", ".staging/held"
_BESIDE_DATABASE = ("", "-wal", "-shm", "-journal", ".before-")
_NOT_OF_HOME = frozenset(
    {
        *("engine.lock", "engine.sock", "engine.sock.new", "engine.address", "engine.address.new"),
        *("logs", RESERVE, ".restoring"),
    }
)
"""What belongs to a running engine, or is only about what it did."""


def back_up(home: Home, settings: Settings, target: Path, *, told: Told) -> Made:
    """Make a backup in a folder that is empty or holds former ones.

    Raises:
        NotFound: there is no home.
        Refused: the folder lies within the home, or holds something else.
        Conflict: another backup is being made there.
        Unavailable: jobs do not come to a halt, or a database or a disk fails.
    """
    began = time.monotonic()
    if not home.exists:
        raise NotFound(f"there is no home {home.root}", hint="name it with --home")
    settings = settings.resolved(home.root)
    _must_be_apart(home, settings, target)
    with _turn(target):
        swept = _sweep(target)
        before = manifest.newest(target)
        at = datetime.now(UTC)
        final = target / manifest.name_of(at, target)
        partial = final.with_name(final.name + manifest.PARTIAL)
        partial.mkdir(mode=0o700)
        try:
            pile = Pile(folder=partial, told=told)
            if before is not None:
                pile.build_on(before)
            taking = _Taking(home, settings, pile)
            taking.take()
            whole = manifest.write(partial, taking.head())
            os.rename(partial, final)
        except BaseException:
            # Whoever is killed leaves it behind; without a head it counts for nothing.
            shutil.rmtree(partial, ignore_errors=True)
            raise
        sync_folder(target)
    return Made(
        backup=replace(whole, folder=final).told,
        copied=pile.copied,
        linked=pile.linked,
        stood_still=taking.stood_still,
        seconds=time.monotonic() - began,
        swept=swept,
    )


@dataclass(slots=True)
class _Journal:
    """A journal that was opened: it stays readable when it is put away."""

    name: str
    handle: int
    size: int


class _Taking:
    """One backup on its way."""

    def __init__(self, home: Home, settings: Settings, pile: Pile) -> None:
        self._home = home
        self._settings = settings
        self._pile = pile
        self._prearchive = settings.paths.prearchive
        self._archive = settings.paths.archive
        self._files_of_databases = _files_of_databases(settings)
        self._at = datetime.now(UTC)
        self._digest = ""
        self.stood_still = 0.0

    def take(self) -> None:
        """Take everything, in the order that the module tells."""
        pile, urls = self._pile, self._settings.databases
        pile.make_folder(HOME)
        self._ahead()
        with ExitStack() as held:
            with ExitStack() as still:
                still.enter_context(self._nobody_starts())
                hold = Standstill(self._prearchive).hold
                waiting = lambda: pile.told("waiting for jobs", 0, 0)  # noqa: E731
                still.enter_context(hold(waiting=waiting))
                began = time.monotonic()
                self._at = datetime.now(UTC)
                journals = held.enter_context(_journals(self._prearchive / _JOURNALS))
                schemas = snapshots.schemas_of(urls.prearchive_url, jobs=True)
                waiting_room = held.enter_context(snapshots.opened(urls.prearchive_url, schemas))
                schemas = snapshots.schemas_of(urls.archive_url, jobs=False)
                archive = held.enter_context(snapshots.opened(urls.archive_url, schemas))
                self._bring_journals(journals)
                self._bring_prearchive()
                self._bring_filings(archive, waiting_room)
                self.stood_still = time.monotonic() - began
            self._write(waiting_room, urls.prearchive_url, "prearchive/prearchive.db", "prearchive")
            self._write(archive, urls.archive_url, "archive.db", "archive")
            self._bring_archive(archive)
        self._bring_store(self._settings.paths.trash, "trash", fixed=True)
        self._bring_store(self._settings.paths.inbox, "inbox")
        self._bring_rest()
        self._digest = pile.settle()
        pile.warnings += self._outside()

    def head(self) -> Head:
        """Return the head of what was taken."""
        databases = self._settings.databases
        return Head(
            format=manifest.FORMAT,
            version=version("anteroom"),
            at=self._at,
            node=self._settings.node.name,
            home=str(self._home.root),
            archive_database=Address.parse(databases.archive_url).url.get_backend_name(),
            prearchive_database=Address.parse(databases.prearchive_url).url.get_backend_name(),
            files=self._pile.files,
            bytes=self._pile.bytes,
            manifest=self._digest,
            warnings=tuple(self._pile.warnings),
        )

    @contextmanager
    def _nobody_starts(self) -> Iterator[None]:
        """Keep engines from starting on a home that none serves: they would recover it."""
        try:
            lock = self._home.lock(command=True)
        except Conflict:
            yield  # one serves it, and its jobs wait
            return
        with lock:
            yield

    def _ahead(self) -> None:
        """Copy what is large and can be moved by jobs."""
        for _, entry in walk(self._prearchive):
            if _is_object(entry.path) and entry.is_file(follow_symlinks=False):
                self._pile.ahead(Path(entry.path))

    def _bring_journals(self, journals: list[_Journal]) -> None:
        self._pile.make_folder(f"{HOME}/prearchive/{_JOURNALS}")
        for each in journals:
            # Through the handle: it may have been put away, and the database may not know that.
            place = f"{HOME}/prearchive/{_JOURNALS}/{each.name}"
            self._pile.bring_open(each.handle, place, each.size)

    def _bring_prearchive(self) -> None:
        root, pile = self._prearchive, self._pile
        pile.make_folder(f"{HOME}/prearchive")
        for place, entry in walk(root):
            top = place.partition("/")[0]
            if top in (_JOURNALS, RESERVE) or top in STANDSTILL or self._is_database(entry.path):
                continue
            if top == _STAGING and place != _STAGING and not f"{place}/".startswith(f"{_HELD}/"):
                continue  # being received: nobody has an answer for it yet
            self._bring(place, entry, "prearchive", fixed=_is_object(entry.path))

    def _bring_filings(self, archive: Snapshot, prearchive: Snapshot) -> None:
        """Bring the folders of sessions that are being filed: hidden, or in their place already."""
        labels = {row[0]: row[1] for row in prearchive.ask("SELECT id, label FROM sessions")}
        for origin, project in archive.ask("SELECT origin, project FROM filings"):
            for arc in self._archive.glob(f"{project}/arc*"):
                hidden = f".filing-{origin}"
                for name in (hidden, f"{hidden}.xml", labels.get(origin, "")):
                    if name:
                        self._bring_tree(arc / name)

    def _bring_archive(self, archive: Snapshot) -> None:
        """Bring the folders of the sessions that are filed."""
        self._pile.make_folder(f"{HOME}/archive", _mode(self._archive))
        for accession, folder in archive.ask("SELECT id, folder FROM sessions ORDER BY folder"):
            if not self._bring_tree(self._archive / folder):
                self._pile.warnings.append(
                    f"the folder of {accession} is missing from the archive: anteroom archive "
                    "verify tells more"
                )

    def _bring_tree(self, top: Path) -> bool:
        """Bring a folder or a file of the archive with its modes; false where it is not there."""
        if not top.is_dir():
            place = f"{HOME}/archive/{top.relative_to(self._archive).as_posix()}"
            return top.is_file() and self._pile.bring(top, place, fixed=True)
        above = PurePosixPath(top.relative_to(self._archive))
        for parent in (*reversed(above.parents[:-1] if len(above.parents) > 1 else ()), above):
            self._pile.make_folder(f"{HOME}/archive/{parent}", _mode(self._archive / parent))
        for place, entry in walk(top):
            self._bring(place, entry, f"archive/{above}", fixed=True)
        return True

    def _bring_store(self, root: Path, name: str, *, fixed: bool = False) -> None:
        if root.is_dir():
            self._pile.make_folder(f"{HOME}/{name}", _mode(root))
            for place, entry in walk(root):
                self._bring(place, entry, name, fixed=fixed)

    def _bring_rest(self) -> None:
        """Bring settings, keys and what else lies in the home."""
        root, paths = self._home.root, self._settings.paths
        elsewhere = {os.path.realpath(getattr(paths, name)) for name in paths.__slots__}
        # Where the prearchive has been moved away from, only its database may lie.
        elsewhere |= {os.path.realpath(self._home.prearchive.root)}
        for place, entry in walk(root):
            here = os.path.realpath(entry.path)
            if place.partition("/")[0] in _NOT_OF_HOME or self._is_database(entry.path):
                continue
            if any(here == store or here.startswith(store + "/") for store in elsewhere):
                continue
            self._bring(place, entry, "")

    def _bring(
        self, place: str, entry: os.DirEntry[str], below: str, *, fixed: bool = False
    ) -> None:
        target = "/".join(part for part in (HOME, below, place) if part)
        if entry.is_symlink():
            self._pile.warnings.append(f"{entry.path} is a link, and is left out")
        elif entry.is_dir(follow_symlinks=False):
            self._pile.make_folder(target, _mode(Path(entry.path)))
        elif entry.is_file(follow_symlinks=False):
            self._pile.bring(Path(entry.path), target, fixed=fixed)

    def _write(self, snapshot: Snapshot, url: str, file: str, name: str) -> None:
        """Write a database as it was."""
        is_sqlite = Address.parse(url).is_sqlite
        place = f"{HOME}/{file}" if is_sqlite else f"{DATABASES}/{name}.dump"
        self._pile.make_folder(place.rpartition("/")[0])
        target = self._pile.folder / place
        files = self._pile.copied
        snapshot.write(target, lambda size: self._pile.told(f"copying {name}.db", files, size))
        if is_sqlite:
            snapshots.check_sqlite(target)
        self._pile.add(place)

    def _is_database(self, path: str) -> bool:
        return any(
            path.startswith(file + ending) and (ending == ".before-" or path == file + ending)
            for file in self._files_of_databases
            for ending in _BESIDE_DATABASE
        )

    def _outside(self) -> list[str]:
        """Name files that the settings name and that lie outside the home."""
        dicom, root = self._settings.dicom, os.path.realpath(self._home.root)
        named = (dicom.tls_certificate, dicom.tls_key, dicom.tls_client_ca, dicom.tls_crl)
        return [
            f"{file} lies outside the home, and is not in the backup"
            for file in named
            if file and not os.path.realpath(file).startswith(root + "/")
        ]


@contextmanager
def _journals(folder: Path) -> Iterator[list[_Journal]]:
    """Open all journals, and note how long each is now."""
    with ExitStack() as stack:
        found = []
        for path in sorted(folder.glob("*.journal")):
            try:
                handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                continue
            stack.callback(os.close, handle)
            found.append(_Journal(path.name, handle, os.fstat(handle).st_size))
        yield found


@contextmanager
def _turn(target: Path) -> Iterator[None]:
    """Let one at a time make a backup in a folder, which is made if it is not there."""
    try:
        target.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        if not target.is_dir():
            raise InvalidInput(f"{target} is no folder", hint="name a folder") from None
        strange = sorted(p.name for p in target.iterdir() if not manifest.is_name(p.name))
        strange = [name for name in strange if name != "lost+found"]
        if strange:
            raise Refused(
                f"{target} is not empty and holds more than backups: {strange[0]}",
                hint="name a folder that is empty, or that holds former backups",
            ) from None
    access.tighten(target, access.PRIVATE)
    handle = os.open(target, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(
                f"another backup is being made in {target}", hint="wait for its end"
            ) from None
        yield
    finally:
        os.close(handle)


def _sweep(target: Path) -> int:
    """Remove what was cut off; say how many that were."""
    halves = [path for path in target.iterdir() if path.name.endswith(manifest.PARTIAL)]
    for path in halves:
        shutil.rmtree(path)
    return len(halves)


def _must_be_apart(home: Home, settings: Settings, target: Path) -> None:
    """Refuse a folder that lies within what is copied, or around it."""
    here = Path(os.path.realpath(target))
    paths = settings.paths
    for one in (home.root, *(getattr(paths, name) for name in paths.__slots__)):
        place = Path(os.path.realpath(one))
        if here.is_relative_to(place) or place.is_relative_to(here):
            raise Refused(
                f"{target} and {one} lie in one another",
                hint="name a folder outside the home, best on another disk",
            )


def _files_of_databases(settings: Settings) -> list[str]:
    urls = (settings.databases.archive_url, settings.databases.prearchive_url)
    return [str(file) for url in urls if (file := Address.parse(url).file) is not None]


def _is_object(path: str) -> bool:
    """Say whether a file of the prearchive is a received object: what is published never changes in
    place, but catalogs and documents may."""
    parts = path.rsplit("/", 4)
    return (
        len(parts) == 5
        and parts[1] == "SCANS"
        and not parts[4].startswith(".")
        and not parts[4].endswith(".xml")
    )


def _mode(folder: Path) -> int:
    try:
        return folder.stat().st_mode & 0o777
    except FileNotFoundError:
        return access.PRIVATE
