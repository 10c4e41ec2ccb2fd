# SPDX-License-Identifier: Apache-2.0
"""Acquisition parameters of MR scans (intake contract 5.5, PS3.3 C.8.3 and C.8.13)."""

from __future__ import annotations

from collections.abc import Sequence

from engine.sessions.build.facts import ObjectFacts
from engine.sessions.build.geometry import orientation, voxel_resolution
from engine.sessions.build.level import FileGroup

_GAUSS_IN_TESLA = 10_000
_STRONGEST = 100
"""No magnet has as many tesla; a number above it is in gauss, as old scanners write it."""

_PLAIN = {
    "ti": "InversionTime",
    "flip": "FlipAngle",
    "sequence": "SequenceName",
    "imageType": "ImageType",
    "scanSequence": "ScanningSequence",
    "seqVariant": "SequenceVariant",
    "scanOptions": "ScanOptions",
    "acqType": "MRAcquisitionType",
    "coil": "ReceiveCoilName",
    "pixelBandwidth": "PixelBandwidth",
    "phaseEncodingDirection": "InPlanePhaseEncodingDirection",
    "addParam[ContrastBolusAgent]": "ContrastBolusAgent",
    "subjectPosition": "PatientPosition",
}


def field_strength(level: FileGroup) -> str:
    """Return the field strength in tesla, with at least one decimal: `3.0`."""
    text = level.value("MagneticFieldStrength")
    if not text:
        return ""
    tesla = float(text)
    return str(tesla / _GAUSS_IN_TESLA if tesla > _STRONGEST else tesla)


def mr_parameters(level: FileGroup, facts: Sequence[ObjectFacts]) -> dict[str, str]:
    """Collect the parameters of an MR scan."""
    found = plane_parameters(level)
    found["tr"] = level.value("RepetitionTime")
    found.update(_echoes(level, facts))
    found.update({path: level.limited(name) for path, name in _PLAIN.items()})
    found.update(_diffusion(level))
    return {path: value for path, value in found.items() if value}


def plane_parameters(level: FileGroup) -> dict[str, str]:
    """Collect voxel size, orientation and field of view, which MR and CT share."""
    found: dict[str, str] = {}
    voxel = voxel_resolution(level)
    if voxel is not None:
        found["voxelRes/@units"] = voxel.units
        found["voxelRes/@x"], found["voxelRes/@y"] = voxel.x, voxel.y
        found["voxelRes/@z"] = voxel.z
    found["orientation"] = orientation(level)
    found["fov/@x"], found["fov/@y"] = level.value("Columns"), level.value("Rows")
    return found


def _echoes(level: FileGroup, facts: Sequence[ObjectFacts]) -> dict[str, str]:
    """Return `te`, or one parameter per echo of a multi-echo series."""
    name = "EchoTime" if level.values("EchoTime") else "EffectiveEchoTime"
    times = level.values(name)
    if len(times) < 2:
        return {"te": times[0] if times else ""}
    numbers = {(fact["EchoNumbers"], fact[name]) for fact in facts if fact[name]}
    in_order = sorted(times, key=float)
    # Echo numbers name the echoes only if each has one of its own; Siemens leaves them all at 1.
    named = {time: number for number, time in numbers if number}
    own = len(numbers) == len(times) == len({named.get(time) for time in times} - {None})
    return {
        f"addParam[MultiEcho_TE{named[time] if own else count}]": time
        for count, time in enumerate(in_order, 1)
    }


def _diffusion(level: FileGroup) -> dict[str, str]:
    """Collect what a diffusion series varies on purpose: its values are listed, not left out."""
    weights = sorted(level.values("DiffusionBValue"), key=float)
    if not weights or weights == ["0"]:
        # GE writes a weight of zero into images that have nothing to do with diffusion.
        return {}
    return {
        "diffusion/bValues": " ".join(weights),
        "diffusion/bMax": weights[-1],
        "diffusion/directionality": " ".join(sorted(level.values("DiffusionDirectionality"))),
        "diffusion/orientations": str(len(level.values("DiffusionGradientOrientation")) or ""),
        "diffusion/anisotropyType": level.limited("DiffusionAnisotropyType"),
    }
