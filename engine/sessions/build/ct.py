# SPDX-License-Identifier: Apache-2.0
"""Acquisition parameters of CT scans (intake contract 5.5, PS3.3 C.8.2 and C.8.15)."""

from __future__ import annotations

from collections.abc import Sequence

from engine.sessions.build.facts import ObjectFacts
from engine.sessions.build.level import FileGroup
from engine.sessions.build.mr import plane_parameters

_PLAIN = {
    "subjectPosition": "PatientPosition",
    "rescale/intercept": "RescaleIntercept",
    "rescale/slope": "RescaleSlope",
    "kvp": "KVP",
    "acquisitionNumber": "AcquisitionNumber",
    "imageType": "ImageType",
    "options": "ScanOptions",
    "collectionDiameter": "DataCollectionDiameter",
    "distanceSourceToDetector": "DistanceSourceToDetector",
    "distanceSourceToPatient": "DistanceSourceToPatient",
    "gantryTilt": "GantryDetectorTilt",
    "tableHeight": "TableHeight",
    "exposureTime": "ExposureTime",
    "xrayTubeCurrent": "XRayTubeCurrent",
    "exposure": "Exposure",
    "filter": "FilterType",
    "generatorPower": "GeneratorPower",
    "focalSpots/focalSpot": "FocalSpots",
    "convolutionKernel": "ConvolutionKernel",
    "collimationWidth/single": "SingleCollimationWidth",
    "collimationWidth/total": "TotalCollimationWidth",
    "tableSpeed": "TableSpeed",
    "tableFeedPerRotation": "TableFeedPerRotation",
    "pitchFactor": "SpiralPitchFactor",
    "estimatedDoseSaving": "EstimatedDoseSaving",
    "ctDIvol": "CTDIvol",
    "derivation": "DerivationDescription",
    "contrastBolus/agent": "ContrastBolusAgent",
}
_ROTATIONS = ("CW", "CC")


def ct_parameters(level: FileGroup, facts: Sequence[ObjectFacts]) -> dict[str, str]:
    """Collect the parameters of a CT scan."""
    found = plane_parameters(level)
    found.update({path: level.limited(name) for path, name in _PLAIN.items()})
    # In the schema the kind of modulation belongs to the saving, and cannot stand without one.
    saving = bool(found["estimatedDoseSaving"])
    kind = "estimatedDoseSaving/@modulation" if saving else "addParam[ExposureModulationType]"
    found[kind] = level.limited("ExposureModulationType")
    rotation = level.value("RotationDirection")
    if rotation in _ROTATIONS:
        found["rotationDirection"] = rotation
    elif rotation:
        level.warn("RotationDirection", "is neither CW nor CC and is left out")
    return {path: value for path, value in found.items() if value}
