# SPDX-License-Identifier: Apache-2.0
"""The folder of a session in the archive: made under a hidden name beside its place, then renamed.
The archive job writes the tables."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from engine.jobs.context import LOGS, remove_tree
from engine.jobs.departure import object_files
from engine.model.errors import Conflict
from engine.sessions.build.document import read_session, write_session
from engine.storage.files import link_or_copy, rename_durably, write_durably, write_synced
from engine.storage.folders import make_durably, sync_folder

_FOLDER = 0o750
"""The folder above them says who gets as far as here."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Placed:
    """Where a session will stand in the archive."""

    root: Path
    arc: Path
    label: str
    origin: str

    @property
    def final(self) -> Path:
        """The folder as everybody sees it."""
        return self.arc / self.label

    @property
    def hidden(self) -> Path:
        """On the archive's file system, so that one rename makes it visible."""
        return self.arc / f".filing-{self.origin}"

    @property
    def document(self) -> Path:
        """The session document, once the folder is in its place."""
        return self.final / f"{self.label}.xml"

    @property
    def built(self) -> Path:
        """Where a build of the hidden folder leaves its document."""
        return self.hidden.with_name(f"{self.hidden.name}.xml")


def stands(place: Placed, accession: str) -> bool:
    """Say whether a killed attempt of this very job had put the folder into place, and make that
    durable. `accession` is the ID that is known for the session, empty where none is.

    Raises:
        Conflict: if something else is at that place.
    """
    if not place.final.exists():
        return False
    if not _is_ours(place, accession):
        raise _taken()
    sync_folder(place.arc)
    return True


def make_hidden(place: Placed, reached: Callable[[str], None]) -> None:
    """Make the hidden folder, empty."""
    _remove_hidden(place)
    make_durably(place.root, place.arc, mode=_FOLDER)
    reached("archive folder made")
    place.hidden.mkdir(mode=_FOLDER)


def bring(
    folder: Path, place: Placed, reached: Callable[[str], None], *, without: Iterable[str] = ()
) -> None:
    """Fill the hidden folder with what is in a session's, but for some files; all folders are
    made."""
    left_out = {folder / file for file in without}
    for source in _what_is_filed(folder):
        target = place.hidden / source.relative_to(folder)
        if source.is_dir():
            target.mkdir(mode=_FOLDER)
        elif source.is_file() and source not in left_out:
            link_or_copy(source, target)
            reached("file filed")


def objects_and_catalogs(folder: Path) -> list[str]:
    """Name the objects of a session, which scripts may change, and the catalogs that tell of
    them."""
    return object_files(folder) + _catalogs(folder)


def bring_catalogs(folder: Path, place: Placed) -> None:
    """Bring the catalogs too, where they still are right."""
    for catalog in _catalogs(folder):
        link_or_copy(folder / catalog, place.hidden / catalog)


def bring_document(document: Path, place: Placed) -> None:
    """Lay a document beside the hidden folder: a build of it takes over what is told only there."""
    shutil.copyfile(document, place.built)


def finish(place: Placed, xml: bytes, reached: Callable[[str], None]) -> None:
    """Write the session document, make all of the hidden folder durable, and rename it into place.
    Of two sessions that are filed under one label at the same time one gets its name.

    Raises:
        Conflict: if another session has the name.
        OSError: if it cannot be written; the prearchive's files are untouched.
    """
    write_synced(place.hidden / f"{place.label}.xml", (xml,))
    place.built.unlink(missing_ok=True)
    for path in (*sorted(place.hidden.rglob("*"), reverse=True), place.hidden):
        if path.is_dir():
            path.chmod(_FOLDER)  # a build makes folders for the eyes of one
            sync_folder(path)
    reached("hidden folder made")
    try:
        # rename(2) replaces an empty folder and fails on one with content: the loser of a race for
        # a label gets an error, and no file is overwritten.
        os.rename(place.hidden, place.final)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            raise _taken() from error
        raise
    reached("renamed into place")
    sync_folder(place.arc)


def name(document: Path, accession: str, reached: Callable[[str], None]) -> None:
    """Let the document of a filed session bear its accession ID, durably."""
    told = read_session(document.read_bytes())
    if told.id != accession:
        write_durably(document, write_session(replace(told, id=accession)))
    reached("document named")


def take_out(place: Placed, accession: str) -> None:
    """Remove a folder that was never filed; the prearchive still has all of its files."""
    if _is_ours(place, accession):
        _remove_hidden(place)
        # Hidden first: nobody sees a session of which half the files are gone.
        rename_durably(place.final, place.hidden)
    _remove_hidden(place)


def _catalogs(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in folder.glob("SCANS/*/*/*.xml")]


def _remove_hidden(place: Placed) -> None:
    remove_tree(place.hidden)
    place.built.unlink(missing_ok=True)


def _what_is_filed(folder: Path) -> list[Path]:
    """List what leaves the prearchive, folders before what is in them. The session's own log stays
    behind: it may tell of labels that a patient's name had given."""
    found = []
    for path in sorted(folder.iterdir()):
        if path.name != LOGS and not path.name.startswith("."):
            found.append(path)
            found += sorted(path.rglob("*"))
    return found


def _taken() -> Conflict:
    return Conflict("the archive already has a folder of that label")


def _is_ours(place: Placed, accession: str) -> bool:
    """Tell by the ID in its document whose the folder is: until the session is filed that is the
    prearchive id."""
    try:
        return read_session(place.document.read_bytes()).id in {place.origin, accession or None}
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False
