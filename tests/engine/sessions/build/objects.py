# SPDX-License-Identifier: Apache-2.0
"""Objects written for the tests of the build: small headers, a few bytes of pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

STUDY = "1.2.3.4"
MR = "1.2.840.10008.5.1.4.1.1.4"
ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4.1"
CT = "1.2.840.10008.5.1.4.1.1.2"
PET = "1.2.840.10008.5.1.4.1.1.128"
SC = "1.2.840.10008.5.1.4.1.1.7"
RAW = "1.2.840.10008.5.1.4.1.1.66"
SEG = "1.2.840.10008.5.1.4.1.1.66.4"
RTSTRUCT = "1.2.840.10008.5.1.4.1.1.481.3"
XA_3D = "1.2.840.10008.5.1.4.1.1.13.1.1"

_MODALITIES = {MR: "MR", ENHANCED_MR: "MR", CT: "CT", PET: "PT", SC: "SC", SEG: "SEG"}


def write_object(path: Path, *, sop_class: str = MR, **values: Any) -> Path:
    """Write one object; keywords are DICOM keywords, None leaves an element out."""
    given: dict[str, Any] = {
        "SOPInstanceUID": f"{STUDY}.9.{int.from_bytes(str(path).encode()) % 10**12}",
        "StudyInstanceUID": STUDY,
        "SeriesInstanceUID": f"{STUDY}.1",
        "SeriesNumber": "1",
        "Modality": _MODALITIES.get(sop_class, ""),
        "PixelData": b"\1\2\3\4",
        **values,
    }
    dataset = Dataset()
    dataset.SOPClassUID = UID(sop_class)
    # Some tests need values that the standard forbids.
    with disable_value_validation():
        for keyword, value in given.items():
            if value is not None:
                setattr(dataset, keyword, value)
    if "PixelData" in dataset:
        dataset["PixelData"].VR = "OW"
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(sop_class)
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = FileDataset(str(path), dataset, file_meta=meta, preamble=bytes(128))
    with disable_value_validation():
        whole.save_as(path, enforce_file_format=True)
    return path


def item(**values: Any) -> Dataset:
    """Make an item of a sequence."""
    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def received(folder: Path, name: str, *, scan: str = "1", **values: Any) -> Path:
    """Write an object where the receiver would have put it."""
    return write_object(folder / "SCANS" / scan / "DICOM" / name, **values)
