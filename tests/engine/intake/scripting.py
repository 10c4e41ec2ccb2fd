# SPDX-License-Identifier: Apache-2.0
"""A room with a site script, and what it left of an object."""

from __future__ import annotations

from pathlib import Path

from engine.anonymize.runtime.undo import restore
from engine.dicom.header import Header
from engine.dicom.part10 import FileMeta, read_header
from engine.dicom.walk import META_END, PIXEL_GROUP
from engine.intake.answers import Answer
from engine.intake.originals import Original
from engine.model.scripts import ScriptInForce
from tests.engine.dicom.datasets import EXPLICIT
from tests.engine.intake.room import Room, data_set

SECRET = bytes(range(32))


def site(text: str, *, version: int = 7, lookups: str = "") -> ScriptInForce:
    """Return a site script in force; the line of `version` is added."""
    return ScriptInForce(
        scope="site",
        version=version,
        id=f"scr_abcdefg{version}",
        text=f'version "6.7"\n{text}\n',
        lookups=lookups,
    )


def run(room: Room, script: str, **values: object) -> None:
    """Put a script into force."""
    number = room.intake.snapshot.number + 1
    room.snapshot(number, site_script=site(script), uid_secret=SECRET, **values)


def keep(room: Room, *sessions: str) -> None:
    """Do what the desk does beside rows."""
    for session in sessions or ("pre_1",):
        room.intake.originals.begin(session)


def stored(room: Room) -> tuple[FileMeta, Header]:
    """Read the one file that there is."""
    (file,) = room.files
    return read_header(file)


def send(room: Room, data: bytes | None = None, syntax: str = EXPLICIT) -> Answer:
    """Send an object with undo records kept."""
    keep(room)
    return room.send(data if data is not None else data_set(), syntax=syntax)


def as_received(path: Path, original: Original) -> bytes:
    """Return the head of a stored file as it was before the script."""
    _, header = read_header(path)
    head = [one for one in original.undo if META_END < one.path[0] < PIXEL_GROUP << 16]
    return b"".join(restore(header, head))
