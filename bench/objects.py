# SPDX-License-Identifier: Apache-2.0
"""Synthetic MR objects: one data set of pydicom's samples, encoded once, into which fresh UIDs and
labels are written at fixed places. Making one costs a copy of its bytes."""

from __future__ import annotations

import io
import secrets
from dataclasses import dataclass

from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import dcmwrite, write_dataset
from pydicom.uid import UID

MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"
EXPLICIT = "1.2.840.10008.1.2.1"
PROJECT = "BENCH"

_STUDY, _SERIES, _INSTANCE = (f"2.25.{digit * 38}" for digit in "123")
_WHERE = f"Project:{PROJECT} Subject:S00000 Session:E00000000"
_NUMBER = "000001"


def new_uid() -> str:
    """Make a UID of 43 characters that nobody else has."""
    return f"2.25.{secrets.randbelow(9 * 10**37) + 10**37}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Instance:
    """One object, ready to be sent."""

    sop: str
    data: bytes


class Template:
    """Makes objects of one size that differ in their UIDs, labels and numbers."""

    def __init__(self, side: int = 64) -> None:
        """Prepare images of `side` by `side` pixels of 16 bits."""
        path = get_testdata_file("MR_small.dcm")
        assert isinstance(path, str)
        dataset = dcmread(path)
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = _STUDY, _SERIES
        dataset.SOPInstanceUID, dataset.PatientComments = _INSTANCE, _WHERE
        dataset.InstanceNumber = _NUMBER
        dataset.Rows = dataset.Columns = side
        dataset.PixelData = secrets.token_bytes(side * side * 2)
        buffer = DicomBytesIO()
        buffer.is_little_endian, buffer.is_implicit_VR = True, False
        dataset.file_meta.MediaStorageSOPInstanceUID = UID(_INSTANCE)
        write_dataset(buffer, dataset)
        self._data = buffer.getvalue()
        whole = io.BytesIO()
        dcmwrite(whole, dataset)
        self.file = whole.getvalue()
        """The same object as a file, placeholders and all."""
        self._at = {
            text: self._data.index(text.encode()) for text in (_STUDY, _SERIES, _INSTANCE, _WHERE)
        }
        number = b"\x20\x00\x13\x00IS" + len(_NUMBER).to_bytes(2, "little")
        self._at[_NUMBER] = self._data.index(number) + len(number)

    def study(self, label: int, count: int) -> list[Instance]:
        """Make the objects of one new study of one series; `label` goes into its labels."""
        study, series = new_uid(), new_uid()
        where = f"Project:{PROJECT} Subject:S{label:05d} Session:E{label:08d}"
        return [
            self._instance(
                {_STUDY: study, _SERIES: series, _WHERE: where, _NUMBER: f"{number:06d}"}
            )
            for number in range(1, count + 1)
        ]

    def _instance(self, values: dict[str, str]) -> Instance:
        sop = new_uid()
        data = bytearray(self._data)
        for text, value in {**values, _INSTANCE: sop}.items():
            assert len(value) == len(text)
            data[self._at[text] : self._at[text] + len(text)] = value.encode()
        return Instance(sop=sop, data=bytes(data))
