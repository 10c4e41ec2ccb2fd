# SPDX-License-Identifier: Apache-2.0
"""Values addressed by their path below an XML element, and the order of XNAT's schema (intake
contract 13.2). A path is `tr`, `rescale/slope`, `voxelRes/@x` or `addParam[MultiEcho_TE1]`. Which
values exist is not decided here."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence

from engine.sessions.build.markup import clean, local, xnat

_STEP = re.compile(r"([^\[\]/]+)(?:\[(.*)\])?", re.DOTALL)
_KEYED = {"addParam": "name", "frame": "number", "field": "name"}
"""Elements that may stand several times, told apart by this attribute."""

_REPEATED = ("focalSpot",)
"""Elements that stand once for every value."""

SESSION_ADDITIONS = (
    "coil",
    "fieldStrength",
    "marker",
    "stabilization",
    "studyType",
    "tracer/@name",
    "tracer/@startTime",
    "tracer/dose/@units",
    "tracer/dose",
    "tracer/specificActivity",
    "tracer/totalMass",
    "tracer/intermediate",
    "tracer/isotope/@half-life",
    "tracer/isotope",
    "start_time",
    "start_time_scan",
    "start_time_injection",
)

# The order is that of the sequences in XNAT's schema (xnat.xsd), which has each value of a type of
# scan in one place, or in none: then it is an addParam.
_VOXELS = ("voxelRes/@units", "voxelRes/@x", "voxelRes/@y", "voxelRes/@z", "orientation")
_FIELD_OF_VIEW = ("subjectPosition", "fov/@x", "fov/@y")

MR_ORDER = (
    *_VOXELS,
    *_FIELD_OF_VIEW,
    "matrix",
    "partitions",
    "tr",
    "te",
    "deltaTE",
    "ti",
    "flip",
    "sequence",
    "origin",
    "imageType",
    "scanSequence",
    "seqVariant",
    "scanOptions",
    "acqType",
    "readoutSampleSpacing",
    "coil",
    "coilElements",
    "dtiAcqCount",
    "pixelBandwidth",
    "echoSpacing",
    "phaseEncodingDirection",
    "acqTime",
    "diffusion/bValues",
    "diffusion/bMax",
    "diffusion/directionality",
    "diffusion/orientations",
    "diffusion/anisotropyType",
    "diffusion/refocusFlipAngle",
    "addParam",
)
CT_ORDER = (
    *_VOXELS,
    *_FIELD_OF_VIEW,
    "rescale/intercept",
    "rescale/slope",
    "kvp",
    "acquisitionNumber",
    "imageType",
    "options",
    "collectionDiameter",
    "distanceSourceToDetector",
    "distanceSourceToPatient",
    "gantryTilt",
    "tableHeight",
    "rotationDirection",
    "exposureTime",
    "xrayTubeCurrent",
    "exposure",
    "filter",
    "generatorPower",
    "focalSpots/focalSpot",
    "convolutionKernel",
    "collimationWidth/single",
    "collimationWidth/total",
    "tableSpeed",
    "tableFeedPerRotation",
    "pitchFactor",
    "estimatedDoseSaving/@modulation",
    "estimatedDoseSaving",
    "ctDIvol",
    "derivation",
    "contrastBolus/agent",
    "addParam",
)
PET_ORDER = (
    "addParam",
    "originalFileName",
    "facility",
    "numPlanes",
    "frames/@numFrames",
    "frames/frame/@starttime",
    "frames/frame/@length",
    "frames/frame/@units",
    "dimensions/@x",
    "dimensions/@y",
    "dimensions/@z",
    "dimensions/@num",
    "pixelSize/@x",
    "pixelSize/@y",
    "pixelSize/@z",
)
_PLAIN = r"(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?"
_NUMBER = re.compile(rf"[+-]?{_PLAIN}", re.ASCII)
_AMOUNT = re.compile(rf"\+?{_PLAIN}", re.ASCII)
_AMOUNTS = re.compile(rf"{_PLAIN}(\\{_PLAIN})*", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
_MUST_BE: Mapping[str, re.Pattern[str]] = {
    **dict.fromkeys(
        (
            *("tr", "te", "deltaTE", "ti", "flip", "pixelBandwidth", "echoSpacing", "kvp"),
            *("gantryTilt", "tableHeight", "xrayTubeCurrent", "exposure", "tableSpeed"),
            *("tableFeedPerRotation", "pitchFactor", "estimatedDoseSaving", "ctDIvol"),
        ),
        _NUMBER,
    ),
    **dict.fromkeys(
        (
            *("collectionDiameter", "distanceSourceToDetector", "distanceSourceToPatient"),
            *("exposureTime", "generatorPower", "collimationWidth/single"),
            "collimationWidth/total",
        ),
        _AMOUNT,
    ),
    **dict.fromkeys(("partitions", "dtiAcqCount", "acquisitionNumber", "numPlanes"), _WHOLE),
    "focalSpots/focalSpot": _AMOUNTS,
}
"""What the schema has as a number, some of them not below zero: a value that is none is kept as an
addParam."""

PARAMETER_ORDER: Mapping[str, tuple[str, ...]] = {
    "xnat:mrScanData": MR_ORDER,
    "xnat:ctScanData": CT_ORDER,
    "xnat:petScanData": PET_ORDER,
}
"""Children of `parameters` by type of scan; other types know `addParam` only."""


def write_paths(parent: ET.Element, values: Mapping[str, str], order: Sequence[str]) -> None:
    """Write `values` below `parent` in schema order; what it lacks becomes an `addParam`."""
    rank = {path: number for number, path in enumerate(order)}
    known: list[tuple[int, str]] = []
    for path in values:
        plain = re.sub(r"\[.*\]", "", path, flags=re.DOTALL)
        unfit = path in _MUST_BE and not _MUST_BE[path].fullmatch(values[path])
        if (plain not in rank or unfit) and "addParam" in rank:
            known.append((rank["addParam"], f"addParam[{path}]"))
        elif plain in rank:
            known.append((rank[plain], path))
    # Only the branch matters: an element's attributes and children follow its first mention.
    for _, path in sorted(known, key=lambda pair: pair[0]):
        given = values.get(path)
        _write(parent, path, values[path[9:-1]] if given is None else given)


def read_paths(parent: ET.Element) -> dict[str, str]:
    """Read back what `write_paths` wrote below `parent`."""
    found: dict[str, str] = {}
    for child in parent:
        _read(child, "", found)
    return found


def _write(parent: ET.Element, path: str, value: str) -> None:
    element = parent
    steps = _steps(path)
    for number, step in enumerate(steps):
        if step.startswith("@"):
            element.set(step[1:], clean(value))
            return
        match = _STEP.fullmatch(step)
        name, key = (match[1], match[2]) if match else (step, None)
        if name in _REPEATED and number == len(steps) - 1:
            for each in value.split("\\"):
                ET.SubElement(element, xnat(name)).text = clean(each)
            return
        element = _child(element, name, key)
    element.text = clean(value)


def _steps(path: str) -> list[str]:
    """Split at slashes, except inside the brackets of a name."""
    return re.findall(r"[^/\[]+(?:\[.*\])?", path, flags=re.DOTALL)


def _child(parent: ET.Element, name: str, key: str | None) -> ET.Element:
    for child in parent:
        if child.tag == xnat(name) and (key is None or child.get(_KEYED[name]) == clean(key)):
            return child
    child = ET.SubElement(parent, xnat(name))
    if key is not None:
        child.set(_KEYED[name], clean(key))
    return child


def _read(element: ET.Element, prefix: str, found: dict[str, str]) -> None:
    name = local(element.tag)
    path = prefix + name
    key = _KEYED.get(name)
    if key is not None:
        path += f"[{element.get(key, '')}]"
    for attribute, value in element.attrib.items():
        if attribute != key and "}" not in attribute:
            found[f"{path}/@{attribute}"] = value
    if len(element):
        for child in element:
            _read(child, path + "/", found)
    elif element.text:
        found[path] = f"{found[path]}\\{element.text}" if path in found else element.text
