# SPDX-License-Identifier: Apache-2.0
"""Sessions of real scanners as folders to send, made offline: studies that come with pydicom, and
a PET-CT study with real headers and dummy pixels. What is expected of them stands in the tests."""

from __future__ import annotations

import gzip
import warnings
from importlib import import_module
from pathlib import Path

import nibabel
import pydicom
import pydicom.data
from medimages4tests.dummy.dicom.base import evolve_header, generate_dicom

SAMPLES = Path(pydicom.data.__file__).parent / "test_files"
STUDIES = SAMPLES / "dicomdirtests"
SPINE = STUDIES / "77654033"
"""A CR and a CT study of one patient."""
HEAD = STUDIES / "98892001"
"""A CT study of two series."""
NECK = STUDIES / "98892003"
"""Three MR studies of one patient, mixed over three folders."""

_NICOM = Path(nibabel.__file__).parent / "nicom" / "tests" / "data"
_PET_CT = (
    ("pet.topogram", 1),
    ("ct.ac", 4),
    ("pet.wholebody", 3),
    ("pet.statistics", 2),
)


def pet_ct(folder: Path, comments: str) -> Path:
    """Make a PET-CT study of four series with these Patient Comments; its files are few."""
    for kind, volumes in _PET_CT:
        module = import_module(f"medimages4tests.dummy.dicom.{kind}.siemens.biograph_vision.vr20b")
        header = evolve_header(module.constant_hdr, PatientComments=comments)
        with warnings.catch_warnings():
            # The package sets attributes that a later pydicom will not have.
            warnings.simplefilter("ignore")
            generate_dicom(folder / kind, volumes, header, module.collated_data, module.varying_hdr)
    return folder


def siemens_mosaics(folder: Path) -> Path:
    """Lay out diffusion mosaics with their CSA headers."""
    folder.mkdir()
    for name in ("siemens_dwi_0", "siemens_dwi_1000"):
        (folder / name).write_bytes(gzip.decompress((_NICOM / f"{name}.dcm.gz").read_bytes()))
    return folder


def commented(source: Path, folder: Path, comments: str) -> Path:
    """Copy a study with Patient Comments."""
    folder.mkdir()
    for path in files_of(source):
        dataset = pydicom.dcmread(path)
        dataset.PatientComments = comments
        dataset.save_as(folder / path.name)
    return folder


def files_of(*folders: Path) -> list[Path]:
    """Return all files below folders."""
    return sorted(path for folder in folders for path in folder.rglob("*") if path.is_file())
