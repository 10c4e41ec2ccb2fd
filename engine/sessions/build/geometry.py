# SPDX-License-Identifier: Apache-2.0
"""Voxel size, orientation and extent of the images of a scan, from the elements of the image plane
(PS3.3 C.7.6.2)."""

from __future__ import annotations

from collections.abc import Sequence

from engine.model.imaging import Dimensions, VoxelResolution
from engine.sessions.build.facts import ObjectFacts
from engine.sessions.build.level import FileGroup

_PLANES = ("Sag", "Cor", "Tra")
_DIRECTION_COSINES = 6
_SAME_PLANE = 100
"""Positions are compared in hundredths of a millimetre: finer differences are rounding."""


def voxel_resolution(level: FileGroup) -> VoxelResolution | None:
    """Return the voxel size; None when the images do not agree on one."""
    spacing = level.numbers("PixelSpacing")
    if len(spacing) != 2 or not all(spacing):
        return None
    # Pixel Spacing names the distance between rows first, and that is y.
    return VoxelResolution(x=spacing[1], y=spacing[0], z=level.value("SliceThickness"))


def orientation(level: FileGroup) -> str:
    """Say `Sag`, `Cor` or `Tra`, the plane the images lie closest to; empty when they differ."""
    planes = {_plane(text) for text in level.values("ImageOrientationPatient")} - {""}
    if len(planes) > 1:
        # Slices of one plane whose cosines differ in the last digit are still of one plane.
        level.warn(
            "ImageOrientationPatient", f"gives {len(planes)} different planes and is left out"
        )
    return planes.pop() if len(planes) == 1 else ""


def dimensions(level: FileGroup, facts: Sequence[ObjectFacts]) -> Dimensions | None:
    """Count columns, rows, slices and volumes of the images; None when their sizes differ."""
    columns, rows = level.value("Columns"), level.value("Rows")
    if not (columns.isdecimal() and rows.isdecimal()):
        return None
    frames = sum(fact.frames for fact in facts)
    slices = len({_place(fact) for fact in facts}) if len(facts) == frames else frames
    volumes, rest = divmod(frames, slices)
    if rest:
        slices, volumes = frames, 1
    return Dimensions(x=int(columns), y=int(rows), z=slices, volumes=volumes)


def _plane(cosines: str) -> str:
    values = _cosines(cosines)
    if not values:
        return ""
    normal = [abs(value) for value in _normal(values)]
    return _PLANES[normal.index(max(normal))] if max(normal) > 0 else ""


def _cosines(text: str) -> list[float]:
    parts = text.split("\\")
    if len(parts) != _DIRECTION_COSINES or not all(parts):
        return []
    return [float(part) for part in parts]


def _normal(cosines: Sequence[float]) -> tuple[float, float, float]:
    ax, ay, az, bx, by, bz = cosines
    return (ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx)


def _place(fact: ObjectFacts) -> tuple[str, int] | tuple[str, str]:
    """Tell slices apart by their distance along the normal, or by file where there is none."""
    orientation = fact["ImageOrientationPatient"]
    cosines = _cosines(orientation)
    if len(fact.position) != 3 or not cosines:
        return ("", fact.path)
    along = sum(a * b for a, b in zip(_normal(cosines), fact.position, strict=True))
    return (_plane(orientation), round(along * _SAME_PLANE))
