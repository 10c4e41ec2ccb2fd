# SPDX-License-Identifier: Apache-2.0
"""Acquisition parameters of PET scans and the tracer of PET sessions (intake contract 5.5, PS3.3
C.8.9)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from engine.sessions.build.attributes import ISOTOPE
from engine.sessions.build.facts import ObjectFacts, number_text
from engine.sessions.build.geometry import dimensions, orientation, voxel_resolution
from engine.sessions.build.level import FileGroup, iso_date, iso_time

_DATE_TIME = re.compile(r"(\d{8})(\d{2,6})?(?:\.\d*)?(?:[+-]\d{4})?", re.ASCII)
_ORIGINAL_NAME = 255


def pet_parameters(level: FileGroup, facts: Sequence[ObjectFacts]) -> dict[str, str]:
    """Collect the parameters of a PET scan."""
    found: dict[str, str] = {}
    voxel = voxel_resolution(level)
    if voxel is not None:
        for axis in ("x", "y", "z"):
            found[f"pixelSize/@{axis}"] = _centimetres(getattr(voxel, axis))
    # The schema's own orientation is a number of the ECAT format.
    found["addParam[orientation]"] = orientation(level)
    if len(facts) == 1:
        found["originalFileName"] = facts[0].path.rpartition("/")[2][:_ORIGINAL_NAME]
    found["facility"] = level.limited("InstitutionName")
    size = dimensions(level, facts)
    if size is not None:
        found["numPlanes"] = str(size.z)
        found["dimensions/@x"], found["dimensions/@y"] = str(size.x), str(size.y)
        found["dimensions/@z"] = str(size.z)
        found["dimensions/@num"] = "4" if size.volumes > 1 else "3"
    found.update(_frames(facts))
    # Slope differs from slice to slice in most PET series, and that is no fault to warn of.
    for name in ("RescaleSlope", "RescaleIntercept"):
        values = level.values(name)
        found[f"addParam[{name}]"] = values[0] if len(values) == 1 else ""
    return {path: value for path, value in found.items() if value}


def _centimetres(millimetres: str) -> str:
    return number_text(float(millimetres) / 10, digits=9) if millimetres else ""


def tracer(level: FileGroup, session: FileGroup) -> dict[str, str]:
    """Describe the tracer: name, start, injected dose in Bq, isotope and half-life in seconds."""
    found = {
        "tracer/@name": level.limited("Radiopharmaceutical"),
        "tracer/@startTime": _injection(level, session),
        "tracer/dose": level.value("RadionuclideTotalDose"),
        "tracer/isotope": level.limited(ISOTOPE),
        "tracer/isotope/@half-life": level.value("RadionuclideHalfLife"),
    }
    if found["tracer/dose"]:
        found["tracer/dose/@units"] = "Bq"
    return {path: value for path, value in found.items() if value}


def _injection(level: FileGroup, session: FileGroup) -> str:
    match = _DATE_TIME.fullmatch(level.value("RadiopharmaceuticalStartDateTime"))
    if match is not None:
        day, hour = iso_date(match[1]), iso_time(match[2] or "00")
    else:
        # The older element holds a time only; the day is that of the study.
        day, hour = session.date("StudyDate"), level.time("RadiopharmaceuticalStartTime")
    return f"{day}T{hour}" if day and hour else ""


def _frames(facts: Sequence[ObjectFacts]) -> dict[str, str]:
    """Tell the frames of a dynamic study: start and length in seconds."""
    slices: defaultdict[tuple[float, float], int] = defaultdict(int)
    for fact in facts:
        start, length = fact["FrameReferenceTime"], fact["ActualFrameDuration"]
        if start and length and "\\" not in start + length:
            slices[float(start), float(length)] += 1
    # Every frame has all the slices; a series whose times merely drift is not dynamic.
    if len(slices) < 2 or len(set(slices.values())) != 1 or set(slices.values()) == {1}:
        return {}
    found = {"frames/@numFrames": str(len(slices))}
    for number, (middle, duration) in enumerate(sorted(slices), 1):
        # The reference time is when half the decays of the frame have happened: near its middle.
        begin = max(0.0, middle - duration / 2)
        found[f"frames/frame[{number}]/@starttime"] = number_text(round(begin / 1000, 3))
        found[f"frames/frame[{number}]/@length"] = number_text(round(duration / 1000, 3))
        found[f"frames/frame[{number}]/@units"] = "sec"
    return found
