# SPDX-License-Identifier: Apache-2.0
"""The pile of files that become a backup. A file that never changes in place is linked, where that
can be; one that is in the backup before is linked to that; all others are copied.

What a link or a copy was made of is remembered as device, inode, size and both times. That costs
some 500 bytes of memory for each file of this backup and of the one before."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import msgspec

from engine.backup.manifest import MANIFEST, Entry, Whole, quoted
from engine.model.errors import Unavailable

_PIECE = 1 << 20
_POOL = "pool"
_CANNOT_LINK = frozenset({errno.EXDEV, errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EMLINK})

Told = Callable[[str, int, int], None]
"""Takes what is done, and how many files and bytes that were so far."""

_Key = tuple[int, ...]


@dataclass(slots=True)
class _Done:
    """One entry, until all of it is known."""

    path: str
    mode: int
    size: int = -1
    sha256: str = ""
    source: _Key = ()
    written: bool = False
    """Whether its bytes were written now, and are to be read again."""


@dataclass(slots=True)
class _Former:
    """The copy of a file that is there already."""

    path: Path
    sha256: str


@dataclass(slots=True)
class Pile:
    """What goes into the folder of one backup."""

    folder: Path
    told: Told
    copied: int = 0
    linked: int = 0
    bytes: int = 0
    warnings: list[str] = field(default_factory=list)
    _done: dict[str, _Done] = field(default_factory=dict)
    _before: dict[_Key, _Former] = field(default_factory=dict)
    _fresh: dict[_Key, _Former] = field(default_factory=dict)
    """Copies that were made ahead, in the pool."""
    _links: dict[int, bool] = field(default_factory=dict)
    """By device, whether files can be linked from there."""

    def build_on(self, before: Whole) -> None:
        """Take over from a former backup what is the same."""
        for entry in before.entries():
            if entry.source and entry.sha256:
                self._before[entry.source] = _Former(before.folder / entry.place, entry.sha256)

    def ahead(self, source: Path) -> None:
        """Copy a file that may be moved elsewhere yet: what takes long is done before anybody has
        to wait. Where it can be linked there is nothing to do."""
        try:
            found = source.lstat()
            key = _key(found)
            if key in self._before or key in self._fresh or self._can_link(source, found):
                return
            pool = self.folder / _POOL
            pool.mkdir(mode=0o700, exist_ok=True)
            copy = pool / f"{len(self._fresh)}"
            digest, _ = _copy(source, copy)
            if _key(source.lstat()) == key:
                self._fresh[key] = _Former(copy, digest)
                self.told("copying ahead", len(self._fresh), found.st_size)
            else:
                copy.unlink()
        except FileNotFoundError:
            return

    def make_folder(self, place: str, mode: int = 0o700) -> Path:
        """Make a folder of the backup, and those above it."""
        path = self.folder / place
        if place not in self._done:
            above = place.rpartition("/")[0]
            if above:
                self.make_folder(above)
            path.mkdir(mode=0o700)
            self._done[place] = _Done(path=place, mode=mode & 0o777)
        return path

    def bring(self, source: Path, place: str, *, fixed: bool = False) -> bool:
        """Bring a file to a place below the backup; false when it is gone. One that is `fixed`
        never changes in place, and may be linked."""
        if place in self._done:
            return True
        self.make_folder(place.rpartition("/")[0])
        target = self.folder / place
        try:
            found = source.lstat()
            key = _key(found)
            done = _Done(path=place, mode=found.st_mode & 0o777, size=found.st_size, source=key)
            if self._take_former(key, target, done):
                pass
            elif fixed and self._can_link(source, found) and _linked(source, target):
                self.linked += 1
                # Linking has changed one of its times.
                done.source = _key(target.lstat())
                former = self._before.get(key)
                done.sha256 = former.sha256 if former is not None else ""
            else:
                done.sha256, done.size = _copy(source, target)
                done.written = True
                self.copied += 1
                if _key(source.lstat()) != key:
                    done.source = ()  # it grows: the next backup copies it again
        except FileNotFoundError:
            target.unlink(missing_ok=True)
            return False
        self._done[place] = done
        self.bytes += max(done.size, 0)
        self.told("taking files", self.copied + self.linked, self.bytes)
        return True

    def bring_open(self, handle: int, place: str, most: int) -> None:
        """Copy the first bytes of an open file, which may have no name any more."""
        self.make_folder(place.rpartition("/")[0])
        with os.fdopen(os.dup(handle), "rb") as old:
            old.seek(0)
            digest, size = _copy_open(old, self.folder / place, most)
        self._done[place] = _Done(path=place, mode=0o600, size=size, sha256=digest, written=True)
        self.copied += 1
        self.bytes += size

    def add(self, place: str) -> None:
        """Enter a file that somebody else has written into the backup."""
        found = (self.folder / place).stat()
        self._done[place] = _Done(path=place, mode=0o600, size=found.st_size, written=True)
        self.copied += 1
        self.bytes += found.st_size

    def settle(self) -> str:
        """Compute what is missing of the digests, read again what was written, and write the
        manifest; return its digest.

        Raises:
            Unavailable: if a file does not hold what was written.
        """
        shutil.rmtree(self.folder / _POOL, ignore_errors=True)
        # One call for all: a sync for each of many small files would take hours.
        os.sync()
        read = size = 0
        whole = hashlib.sha256()
        path = self.folder / MANIFEST
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as manifest:
            for done in self._done.values():
                if done.size >= 0:
                    self._check(done)
                    read, size = read + 1, size + done.size
                    self.told("checking files", read, size)
                entry = Entry(
                    path=quoted(done.path),
                    mode=done.mode,
                    size=done.size,
                    sha256=done.sha256,
                    source=done.source,
                )
                line = msgspec.json.encode(entry) + b"\n"
                whole.update(line)
                manifest.write(line)
            manifest.flush()
            os.fsync(manifest.fileno())
        return whole.hexdigest()

    @property
    def files(self) -> int:
        """How many files there are."""
        return sum(done.size >= 0 for done in self._done.values())

    def _check(self, done: _Done) -> None:
        path = self.folder / done.path
        if done.sha256 and not done.written:
            if path.stat().st_size != done.size:
                raise _differs(path)
            return
        digest, size = digest_of(path)
        if size != done.size or (done.sha256 and digest != done.sha256):
            raise _differs(path)
        done.sha256 = digest

    def _take_former(self, key: _Key, target: Path, done: _Done) -> bool:
        fresh = self._fresh.pop(key, None)
        if fresh is not None:
            os.rename(fresh.path, target)
            done.sha256, done.written = fresh.sha256, True
            self.copied += 1
            return True
        former = self._before.get(key)
        # A former link to the home's own file has another time by now, and is linked anew.
        if former is None or not former.path.exists() or not _linked(former.path, target):
            return False
        if target.stat().st_size != done.size:
            target.unlink()
            return False
        if target.stat().st_ino == key[1] and target.stat().st_dev == key[0]:
            done.source = _key(target.lstat())
        done.sha256 = former.sha256
        self.linked += 1
        return True

    def _can_link(self, source: Path, found: os.stat_result) -> bool:
        known = self._links.get(found.st_dev)
        if known is None:
            probe = self.folder / ".probe"
            known = self._links[found.st_dev] = _linked(source, probe)
            probe.unlink(missing_ok=True)
        return known


def walk(root: Path) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Yield what is below a folder with its path there, folders first; what goes meanwhile is left
    out, and links are not followed."""
    waiting = [""]
    while waiting:
        above = waiting.pop()
        try:
            with os.scandir(root / above if above else root) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except (FileNotFoundError, NotADirectoryError):
            continue
        for entry in entries:
            place = f"{above}/{entry.name}" if above else entry.name
            yield place, entry
        waiting += [
            f"{above}/{entry.name}" if above else entry.name
            for entry in reversed(entries)
            if entry.is_dir(follow_symlinks=False)
        ]


def digest_of(path: Path) -> tuple[str, int]:
    """Return the SHA-256 of a file as it is on disk, and how many bytes were read."""
    with path.open("rb") as file:
        # Not what the system remembers of it: that was written, but perhaps not there.
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return digest, file.tell()


def _key(found: os.stat_result) -> _Key:
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _linked(source: Path, target: Path) -> bool:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno in _CANNOT_LINK:
            return False
        raise
    return True


def _copy(source: Path, target: Path) -> tuple[str, int]:
    """Copy a file; return digest and size of what was copied."""
    with source.open("rb") as old:
        return _copy_open(old, target)


def _copy_open(old: BinaryIO, target: Path, most: int = sys.maxsize) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with open(os.open(target, flags, 0o600), "wb") as new:
        while piece := old.read(min(_PIECE, most - size)):
            digest.update(piece)
            new.write(piece)
            size += len(piece)
    return digest.hexdigest(), size


def _differs(path: Path) -> Unavailable:
    return Unavailable(
        f"{path} does not hold what was written to it",
        hint="look at the disk of the backup; it may be failing",
    )
