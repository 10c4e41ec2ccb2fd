# SPDX-License-Identifier: Apache-2.0
"""The header elements that a build reads, in one table. The facts of every file hold the values in
this order; the metadata modules decide which of them are written to a document."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from engine.dicom.dictionary import tag_of


class ValueKind(Enum):
    """How the value of an element becomes text."""

    TEXT = "first value"
    TEXTS = "all values, joined by a backslash"
    WHOLE = "text that is never split"
    NUMBER = "first value as a number"
    NUMBERS = "all values as numbers, joined by a backslash"


@dataclass(frozen=True, kw_only=True, slots=True)
class Attribute:
    """One element that the build reads."""

    name: str
    tag: int
    kind: ValueKind
    inside: int = 0
    """Sequence in which to look when the data set itself lacks the element; 0 for none."""

    macro: bool = False
    """`inside` is looked up in the functional groups of a multi-frame object (PS3.3 C.7.6.16)."""


def _tag(keyword: str) -> int:
    tag = tag_of(keyword)
    if tag is None:
        raise LookupError(f"the dictionary lacks {keyword}")
    return tag


def _attributes(
    kind: ValueKind, keywords: str, *, inside: str = "", macro: bool = False
) -> list[Attribute]:
    sequence = _tag(inside) if inside else 0
    return [
        Attribute(name=name, tag=_tag(name), kind=kind, inside=sequence, macro=macro)
        for name in keywords.split()
    ]


def _in_frames(kind: ValueKind, keyword: str, macro: str) -> list[Attribute]:
    return _attributes(kind, keyword, inside=macro, macro=True)


_TRACER = "RadiopharmaceuticalInformationSequence"

ATTRIBUTES: tuple[Attribute, ...] = (
    *_attributes(
        ValueKind.TEXT,
        "StudyDate StudyTime StudyDescription StudyID AccessionNumber InstitutionName StationName"
        " Manufacturer ManufacturerModelName PatientID PatientName PatientBirthDate"
        " PatientSex PatientAge Modality SeriesNumber SeriesDescription SeriesDate SeriesTime"
        " RequestedProcedureDescription ProtocolName"
        " BodyPartExamined SequenceName MRAcquisitionType ReceiveCoilName"
        " ContrastBolusAgent AcquisitionNumber RotationDirection FilterType GeneratorPower"
        " ExposureModulationType EchoNumbers PatientPosition InPlanePhaseEncodingDirection",
    ),
    *_attributes(
        ValueKind.TEXTS,
        "OperatorsName SoftwareVersions ImageType ScanningSequence SequenceVariant ScanOptions"
        " ConvolutionKernel",
    ),
    *_attributes(ValueKind.WHOLE, "StudyComments ImageComments DerivationDescription"),
    *_attributes(
        ValueKind.NUMBER,
        "PatientWeight MagneticFieldStrength InversionTime DataCollectionDiameter"
        " DistanceSourceToDetector DistanceSourceToPatient TableHeight"
        " ExposureTime XRayTubeCurrent Exposure EstimatedDoseSaving",
    ),
    *_attributes(ValueKind.NUMBER, "Rows Columns"),
    *_attributes(ValueKind.NUMBERS, "FocalSpots ActualFrameDuration FrameReferenceTime"),
    *_in_frames(ValueKind.NUMBERS, "PixelSpacing", "PixelMeasuresSequence"),
    *_in_frames(ValueKind.NUMBER, "SliceThickness", "PixelMeasuresSequence"),
    *_in_frames(ValueKind.NUMBERS, "ImageOrientationPatient", "PlaneOrientationSequence"),
    *_in_frames(ValueKind.NUMBER, "RepetitionTime", "MRTimingAndRelatedParametersSequence"),
    *_in_frames(ValueKind.NUMBER, "FlipAngle", "MRTimingAndRelatedParametersSequence"),
    *_in_frames(ValueKind.NUMBER, "EffectiveEchoTime", "MREchoSequence"),
    *_attributes(ValueKind.NUMBER, "EchoTime"),
    *_in_frames(ValueKind.NUMBERS, "PixelBandwidth", "MRImagingModifierSequence"),
    *_in_frames(ValueKind.NUMBER, "DiffusionBValue", "MRDiffusionSequence"),
    *_in_frames(ValueKind.TEXT, "DiffusionDirectionality", "MRDiffusionSequence"),
    *_attributes(ValueKind.NUMBERS, "DiffusionGradientOrientation"),
    *_in_frames(ValueKind.TEXT, "DiffusionAnisotropyType", "MRDiffusionSequence"),
    *_in_frames(ValueKind.NUMBER, "RescaleIntercept", "PixelValueTransformationSequence"),
    *_in_frames(ValueKind.NUMBER, "RescaleSlope", "PixelValueTransformationSequence"),
    *_in_frames(ValueKind.NUMBER, "KVP", "CTXRayDetailsSequence"),
    *_in_frames(ValueKind.NUMBER, "GantryDetectorTilt", "CTAcquisitionDetailsSequence"),
    *_in_frames(ValueKind.NUMBER, "SingleCollimationWidth", "CTAcquisitionDetailsSequence"),
    *_in_frames(ValueKind.NUMBER, "TotalCollimationWidth", "CTAcquisitionDetailsSequence"),
    *_in_frames(ValueKind.NUMBER, "TableSpeed", "CTTableDynamicsSequence"),
    *_in_frames(ValueKind.NUMBER, "TableFeedPerRotation", "CTTableDynamicsSequence"),
    *_in_frames(ValueKind.NUMBER, "SpiralPitchFactor", "CTTableDynamicsSequence"),
    *_in_frames(ValueKind.NUMBER, "CTDIvol", "CTExposureSequence"),
    *_attributes(
        ValueKind.TEXT,
        "Radiopharmaceutical RadiopharmaceuticalStartTime RadiopharmaceuticalStartDateTime",
        inside=_TRACER,
    ),
    *_attributes(ValueKind.NUMBER, "RadionuclideTotalDose RadionuclideHalfLife", inside=_TRACER),
)
"""Everything read from a header, apart from UIDs, frames and two values that lie deeper."""

ISOTOPE = "RadionuclideCodeSequence"
"""Name under which facts hold the meaning of the radionuclide's code."""

DEEPER: tuple[str, ...] = (ISOTOPE,)

NAMES: tuple[str, ...] = (*(attribute.name for attribute in ATTRIBUTES), *DEEPER)
INDEX: dict[str, int] = {name: number for number, name in enumerate(NAMES)}
