# SPDX-License-Identifier: Apache-2.0
"""Staging and publishing: how the bytes of one object get to disk, and the step that makes them
visible. There are two orders (intake contract 3). The plain one is right everywhere: fdatasync of
the file, its final name, fsync of the folder, answer. Where the file system commits bytes and names
in one order, one sync does for both: the file states its size, gets its name, and is synced; then
the answer. What a power loss leaves of an object in between can be told from a whole one
(`is_torn`).

The file system decides whether a name is free (7), and folders are opened by path (6). Paths of
single objects are plain strings, because a `Path` costs more than the system calls."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from engine.dicom.digest import digest_of
from engine.dicom.header import Header
from engine.dicom.part10 import mapped_header, read_meta
from engine.model.reserve import Watermark, room
from engine.storage.file_system import Abilities, abilities_of, name_descriptor
from engine.storage.folders import make_folders, settle, sync_folder

LOOK_SECONDS = 1.0
"""How long a look at the free room holds. A disk that fills up within it is noticed by writing."""

_META = 4096
"""Bytes that hold the meta information of a file of ours."""
_IOV_MAX = 512
_STATEMENT = "user.anteroom.size"
"""The attribute by which a file states how many bytes it has, and which inode it is."""


class NoRoom(OSError):
    """The disk has no more room than it is to keep; nothing was tried."""


class FolderGone(Exception):
    """The session folder has been taken away by a job: claim again."""


class StagingArea:
    """A worker's own folder below `.staging`, and the folder of held objects."""

    def __init__(self, root: Path, owner: str, abilities: Abilities | None = None) -> None:
        """Make both folders; `owner` is unique to this process. `abilities` are those of the file
        system, which is asked where they are not given."""
        self.root = root
        self.folder = root / owner
        self._here = str(self.folder)
        self.held = root / "held"
        for folder in (self.folder, self.held):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        sync_folder(root)
        self._abilities = abilities or abilities_of(self.folder)
        self.watermark: Watermark | None = None
        """What is to stay free beside the room of the databases; None for that alone."""
        self._look_again = 0.0
        self._has_room = True

    def hold(self, staged: StagedFile, name: str, record: Callable[[], None]) -> None:
        """Keep a file durably in the folder of held objects, under a name of our own making, and
        write its record; neither stays without the other.

        Raises:
            OSError: if it cannot be made durable, or not be recorded.
        """
        staged.sync()
        staged.link(str(self.held / name))
        staged.close()
        try:
            sync_folder(self.held)
            record()
        except Exception:
            (self.held / name).unlink(missing_ok=True)
            raise

    def new_file(self, name: str) -> StagedFile:
        """Open a new staged file; `name` is one of our own making.

        Raises:
            NoRoom: where only the room is left that is to stay free.
            OSError: ENOSPC where only the room is left that the databases need.
        """
        self._leave_room()
        return StagedFile(self._here, name, self._abilities)

    def _leave_room(self) -> None:
        """See that the databases, in which deletions are written down, keep room on this disk. One
        look serves many objects: it is a system call, and time passes cheaper."""
        now = time.monotonic()
        if now >= self._look_again:
            left, total = room(self._here)
            self._has_room = left >= (self.watermark or Watermark()).of(total)
            self._look_again = now + LOOK_SECONDS
        if not self._has_room:
            kind = OSError if self.watermark is None else NoRoom
            raise kind(errno.ENOSPC, os.strerror(errno.ENOSPC))


class StagedFile:
    """One object being written. Every byte is written once, in order."""

    __slots__ = ("_descriptor", "_in_order", "_location", "_named", "_states_size")

    def __init__(self, folder: str, name: str, abilities: Abilities) -> None:
        """Create the file, readable by its owner only. One that can be named later has no name
        before its path is asked for, and needs no sweeping."""
        self._location = f"{folder}/{name}"
        self._in_order = abilities.in_order
        self._named = not abilities.unnamed
        self._states_size = False
        if abilities.unnamed:
            flags = os.O_RDWR | os.O_TMPFILE | os.O_CLOEXEC
            self._descriptor = os.open(folder, flags, 0o600)
        else:
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            self._descriptor = os.open(self._location, flags, 0o600)
        self._lock()

    def _lock(self) -> None:
        # Held until the fate of the object is decided: who compares with it waits for that.
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.discard()
            raise

    def named(self) -> Path:
        """Return its path in staging, by which other processes open it.

        Raises:
            OSError: if it has none yet and gets none.
        """
        if not self._named:
            self.link(self._location)
            self._named = True
        return Path(self._location)

    def link(self, path: str) -> None:
        """Add a name to the file.

        Raises:
            FileExistsError: if the name is taken.
            OSError: if it cannot be given.
        """
        if self._named:
            os.link(self._location, path)
        else:
            name_descriptor(self._descriptor, path)

    def write(self, chunks: Sequence[bytes | bytearray | memoryview]) -> None:
        """Append chunks in one call where the kernel takes them so.

        Raises:
            OSError: if they cannot all be written.
        """
        left = [memoryview(chunk) for chunk in chunks if len(chunk)]
        while left:
            written = os.writev(self._descriptor, left[:_IOV_MAX])
            if written == 0:
                raise OSError(errno.ENOSPC, "nothing more can be written")
            while left and written >= len(left[0]):
                written -= len(left[0])
                del left[0]
            if written:
                left[0] = left[0][written:]

    @classmethod
    def adopt(cls, path: Path) -> StagedFile:
        """Take over a file that a helper of ours has written.

        Raises:
            OSError: if it cannot be opened or locked.
        """
        file = cls.__new__(cls)
        file._location = str(path)
        file._named = True
        file._in_order = file._states_size = False
        file._descriptor = -1
        try:
            file._descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            file.discard()
            raise
        file._lock()
        return file

    def copy(self, source: StagedFile, start: int, end: int) -> None:
        """Append a stretch of another file.

        Raises:
            OSError: if it cannot all be written.
        """
        while start < end:
            copied = os.sendfile(self._descriptor, source._descriptor, start, end - start)
            if copied == 0:
                raise OSError(errno.EIO, "a staged file became shorter")
            start += copied

    def peek(self, offset: int, size: int) -> bytes:
        """Return bytes that were written; fewer where there are no more.

        Raises:
            OSError: if they cannot be read.
        """
        return os.pread(self._descriptor, size, offset)

    def header(self) -> Header:
        """Index the header where it lies, whatever its length.

        Raises:
            OSError: if it cannot be read.
            HeaderError: if it cannot be indexed exactly.
        """
        with os.fdopen(os.dup(self._descriptor), "rb") as file:
            file.seek(0)
            return mapped_header(file, read_meta(file.read(_META)))

    def stored_digest(self) -> tuple[str, str]:
        """Return what the function of this name says of a published file."""
        with os.fdopen(os.dup(self._descriptor), "rb") as file:
            file.seek(0)
            return _digest(file)

    def sync(self) -> None:
        """Make the bytes durable, all of which are written.

        Raises:
            OSError: if they are not.
        """
        os.fdatasync(self._descriptor)

    def prepare(self) -> None:
        """Get ready for a durable name, all bytes being written: sync them, or state how many they
        are where the sync of the name is one of the bytes, too.

        Raises:
            OSError: if they are not durable.
        """
        if self._in_order:
            found = os.fstat(self._descriptor)
            # Where it has no room for the statement, or keeps none, the plain order is left.
            with suppress(OSError):
                statement = b"%d %d" % (found.st_size, found.st_ino)
                os.setxattr(self._descriptor, _STATEMENT, statement)
                self._states_size = True
                return
        self.sync()

    def settle_name(self, folder: int) -> None:
        """Make the name durable that it was given last, in an open folder.

        Raises:
            OSError: if it is not.
        """
        os.fsync(self._descriptor if self._states_size else folder)

    def close(self) -> None:
        """Close the descriptor; the file stays."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def discard(self) -> None:
        """Close and remove the staged name. A published object keeps its final one."""
        self.close()
        if self._named:
            with suppress(FileNotFoundError):
                os.unlink(self._location)


def is_torn(path: Path) -> bool:
    """Say whether a power loss has hit a file before it was synced: it is shorter than it states,
    or has room on disk that nothing was written to.

    Raises:
        OSError: if it cannot be opened.
    """
    with path.open("rb") as file:
        descriptor, found = file.fileno(), os.fstat(file.fileno())
        try:
            size, inode = map(int, os.getxattr(descriptor, _STATEMENT).split())
        except (OSError, ValueError):
            # It states nothing: its bytes were synced before it got its name.
            return False
        if inode != found.st_ino:
            # A copy, which may have holes where the file had zeros.
            return False
        if found.st_size < size:
            return True
        # Files of ours have no holes. Room that is not written yet looks like one, unless somebody
        # has read it.
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        return os.lseek(descriptor, 0, os.SEEK_HOLE) < size


def publish(staged: StagedFile, folder: str, scan: str, name: str, *, durable: bool) -> None:
    """Link a staged file to `SCANS/{scan}/DICOM/{name}` of a session folder. A `durable` one has
    been prepared for that.

    Raises:
        FileExistsError: if the name is taken; nothing was changed.
        FolderGone: if the session folder is not there any more.
        OSError: if it could not be made durable; the link has been taken back.
    """
    parts = ("SCANS", scan, "DICOM")
    target = f"{folder}/SCANS/{scan}/DICOM"
    made = False
    # A pass ends without a link when a folder on the way is missing: a build has removed an emptied
    # scan, or a job has taken the session away. The next pass makes the folders again, or finds
    # that the session is gone.
    for _ in range(8):
        try:
            entry = os.open(target, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            made = True
            _make_scan_folder(folder, parts)
            continue
        try:
            # By path, not by descriptor: a folder that a job has renamed must not be found.
            try:
                # From the top down: a durable name in a folder that is not durable itself would be
                # lost with it.
                if durable:
                    settle(entry, folder, *parts, made=made)
                staged.link(f"{target}/{name}")
            except FileNotFoundError:
                continue
            try:
                if durable:
                    staged.settle_name(entry)
            except OSError:
                # By descriptor this time: wherever a job has moved the folder, this link is the
                # one to remove.
                os.unlink(name, dir_fd=entry)
                raise
            return
        finally:
            os.close(entry)
    raise FolderGone


def withdraw(folder: Path, scan: str, name: str) -> None:
    """Take a published name back because its record could not be written."""
    (folder / "SCANS" / scan / "DICOM" / name).unlink(missing_ok=True)


def vouch_for(folder: Path, scan: str, name: str) -> None:
    """Sync an object that somebody else may just have linked, and its folder.

    Raises:
        FileNotFoundError: if it is not there any more.
        OSError: if it is not durable.
    """
    parts = ("SCANS", scan, "DICOM")
    target = folder.joinpath(*parts)
    entry = os.open(target, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        settle(entry, folder, *parts)
        file = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=entry)
        try:
            os.fdatasync(file)
        finally:
            os.close(file)
        os.fsync(entry)
    finally:
        os.close(entry)


def stored_digest(path: Path) -> tuple[str, str]:
    """Return (SOP Instance UID of the file meta, digest of the data set) of a stored file. If it
    is just being stored, wait until that is done or taken back.

    Raises:
        FileNotFoundError: if it is not there, or not any more.
        OSError: if it cannot be read.
        HeaderError: if it is no Part 10 file.
    """
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        if not os.path.samestat(path.stat(), os.fstat(file.fileno())):
            raise FileNotFoundError(errno.ENOENT, "taken back")
        return _digest(file)


def _digest(file: BinaryIO) -> tuple[str, str]:
    start = file.read(_META)
    meta = read_meta(start)
    return meta.sop_instance, digest_of(file, start[meta.dataset_offset :])


def _make_scan_folder(folder: str, parts: Sequence[str]) -> None:
    try:
        make_folders(Path(folder), *parts)
    except FileNotFoundError:
        # Where the session is still there, a build has just removed an emptied scan: try again.
        if not os.path.isdir(folder):
            raise FolderGone from None
