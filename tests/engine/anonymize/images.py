# SPDX-License-Identifier: Apache-2.0
"""Images for the tests of this folder, written by pydicom, and pydicom's own files read back."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, encapsulate_extended
from pydicom.pixels.utils import pixel_array
from pydicom.uid import UID

FILES = Path(pydicom.__file__).parent / "data" / "test_files"
EXPLICIT = "1.2.840.10008.1.2.1"
IMPLICIT = "1.2.840.10008.1.2"
JPEG = "1.2.840.10008.1.2.4."
RLE = "1.2.840.10008.1.2.5"

Array = NDArray[np.generic]


def pixels(path: Path) -> Array:
    """Decode a file with pydicom and its plug-ins; always frames, rows, columns and samples."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = read(path)
        array = pixel_array(dataset)
    shape = (
        int(dataset.get("NumberOfFrames") or 1),
        dataset.Rows,
        dataset.Columns,
        dataset.SamplesPerPixel,
    )
    return np.asarray(array).reshape(shape)


def read(path: Path) -> Dataset:
    """Read a file with pydicom."""
    return pydicom.dcmread(path)


def describe(
    array: Array,
    *,
    photometric: str = "",
    stored: int = 0,
    planar: int = 0,
    syntax: str = EXPLICIT,
) -> Dataset:
    """Describe frames, rows, columns and samples as an image without its pixels."""
    frames, rows, columns, samples = array.shape
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    dataset.file_meta.MediaStorageSOPClassUID = UID("1.2.840.10008.5.1.4.1.1.7")
    dataset.file_meta.MediaStorageSOPInstanceUID = UID("2.25.1")
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    dataset.SOPInstanceUID = "2.25.1"
    dataset.Rows, dataset.Columns = rows, columns
    if frames > 1:
        dataset.NumberOfFrames = frames
    dataset.SamplesPerPixel = samples
    dataset.PhotometricInterpretation = photometric or ("RGB" if samples == 3 else "MONOCHROME2")
    if samples > 1:
        dataset.PlanarConfiguration = planar
    bits = 8 * array.dtype.itemsize
    dataset.BitsAllocated = bits
    dataset.BitsStored = stored or bits
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(array.dtype.kind == "i")
    return dataset


def native(path: Path, array: Array, dataset: Dataset, *, tail: bytes = b"") -> Path:
    """Write an image of native pixels, and more bytes behind them."""
    if dataset.get("PlanarConfiguration") == 1:
        array = array.transpose(0, 3, 1, 2)
    data = np.ascontiguousarray(array).tobytes()
    return write(path, dataset, data, tail=tail)


def write(path: Path, dataset: Dataset, data: bytes, *, tail: bytes = b"") -> Path:
    """Write an image whose pixel data are these bytes."""
    dataset.PixelData = data + bytes(len(data) % 2)
    dataset["PixelData"].VR = "OB" if dataset.BitsAllocated <= 8 else "OW"
    dataset.save_as(path, enforce_file_format=True)
    with path.open("ab") as file:
        file.write(tail)
    return path


def compressed(
    path: Path,
    dataset: Dataset,
    frames: Sequence[bytes],
    *,
    pieces: int = 1,
    table: bool = True,
    extended: bool = False,
    tail: bytes = b"",
) -> Path:
    """Write an image of compressed frames, each in so many fragments."""
    whole = [bytes(frame) for frame in frames]
    if extended:
        data, offsets, lengths = encapsulate_extended(whole)
        dataset.ExtendedOffsetTable = offsets
        dataset.ExtendedOffsetTableLengths = lengths
    else:
        data = encapsulate(whole, fragments_per_frame=pieces, has_bot=table)
    dataset.PixelData = data
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    dataset.save_as(path, enforce_file_format=True)
    with path.open("ab") as file:
        file.write(tail)
    return path
