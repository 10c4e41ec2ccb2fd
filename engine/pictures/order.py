# SPDX-License-Identifier: Apache-2.0
"""The objects of a scan in the order of their slices. It reads headers only, and runs in other
processes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.dicom.guard import Guard, Unreadable
from engine.dicom.header import Header, HeaderError
from engine.dicom.part10 import read_header
from engine.sessions.contents import object_paths
from engine.sessions.holdings import listed_objects

MOST_READ = 4_000
"""Objects whose headers are read for their order; more are in the order of their names."""
_GUARD_SECONDS = 3.0
_NUMBER, _ORIENTATION, _POSITION = 0x00200013, 0x00200037, 0x00200032
_ROWS = 0x00280010


@dataclass(frozen=True, kw_only=True, slots=True)
class _Slice:
    """What tells where an object stands."""

    file: str
    orientation: tuple[float, ...]
    along: float
    """Where it lies along the normal of its plane, in mm."""
    number: int
    image: bool


def slices(folder: Path, scan: str, document: str = "") -> tuple[str, ...]:
    """Return the objects of a scan, or of all, by their paths: of what lies in the folder, or with
    a session document of what its catalogs name. Slices of one orientation are in the order of
    space, others in that of their numbers; what is no image comes last.

    Raises:
        NotFound: if there is no such scan.
        FileNotFoundError: if there is no such folder.
    """
    files = listed_objects(folder, document, scan) if document else object_paths(folder, scan)
    files.sort(key=_natural)
    if not scan or len(files) > MOST_READ:
        return tuple(files)
    guard = Guard(seconds=_GUARD_SECONDS)
    try:
        found = [_slice(folder, file, guard) for file in files]
    finally:
        guard.close()
    images = [one for one in found if one.image]
    planes = {one.orientation for one in images}
    in_space = len(planes) == 1 and () not in planes
    # Several volumes in one scan lie at the same places: then numbers tell them apart.
    in_space = in_space and len({one.along for one in images}) == len(images)
    found.sort(key=lambda one: (not one.image, one.along if in_space else 0.0, one.number))
    return tuple(one.file for one in found)


def _slice(folder: Path, file: str, guard: Guard) -> _Slice:
    try:
        _, header = read_header(folder / file, guard=guard)
    except (OSError, HeaderError, Unreadable):
        return _Slice(file=file, orientation=(), along=0.0, number=0, image=False)
    orientation = tuple(round(one, 3) for one in header.numbers(_ORIENTATION))
    position = header.numbers(_POSITION)
    if len(orientation) != 6 or len(position) != 3:
        orientation, position = (), []
    return _Slice(
        file=file,
        orientation=orientation,
        along=round(_along(orientation, position), 3),
        number=_number(header),
        image=_ROWS in header,
    )


def _along(orientation: tuple[float, ...], position: list[float]) -> float:
    if not orientation:
        return 0.0
    a, b, c, d, e, f = orientation
    normal = (b * f - c * e, c * d - a * f, a * e - b * d)
    return sum(one * other for one, other in zip(normal, position, strict=True))


def _number(header: Header) -> int:
    return header.integer(_NUMBER) or 0


def _natural(file: str) -> tuple[int, str]:
    """Sort `9.dcm` before `10.dcm`, as exporters number them."""
    return len(file), file
