# SPDX-License-Identifier: Apache-2.0
"""An image whose every identifying element says something that stands nowhere else, and the search
for these marks in whatever an installation writes: plain, in UTF-16, in hexadecimal, in base64, and
within gzip, zip and tar. The patient's name stands in other alphabets besides."""

from __future__ import annotations

import base64
import binascii
import gzip
import io
import re
import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path

import pydicom
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from engine.anonymize.profile.table import rows

STUDY_UID, SERIES_UID, SOP_UID = "(0020,000D)", "(0020,000E)", "(0008,0018)"
PRIVATE, BEHIND, NESTED = "private", "private, behind the pixels", "private, in a sequence"
SUBJECT, SESSION = "name that became a label", "ID that became a label"
OVERLAY = "(6002,3000)"
NAME = "(0010,0010)"
ALPHABETS = ("\u0136\u013c\u016bda", "\u9234\u6728", "\u0416\u0434\u0430\u043d")
"""The name as Latvian, Japanese and Russian have it: each in characters that are nowhere else."""
_NOT_OF_OBJECTS = ("(0000", "(0002", "(0004", "(50", "(60", "(0012,006")
_FIRST_DAY = date(1901, 1, 1)
_TEXTS = frozenset(("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT"))
_BYTES = frozenset(("OB", "OW", "UN"))

_MARKS = re.compile(
    rb"QZ(?P<text>\d{4})QZ|1[._]2[._]77531[._](?P<uid>\d{1,4})[._]7"
    rb"|(?P<date>190[1-3]-?[01]\d-?[0-3]\d)|010101\.77(?P<time>\d{4})|77531(?P<number>\d{4})",
    re.IGNORECASE,
)
_CODECS = (
    *("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "unicode_escape", "iso2022_jp", "shift_jis"),
    *("euc_jp", "iso8859-4", "iso8859-5", "cp1251", "koi8-r"),
)
_HEXADECIMAL = re.compile(rb"[0-9a-f]{16,}", re.IGNORECASE)
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{12,}={0,2}")


class Marks:
    """The marks of one kind of object, by the elements in which they stand."""

    def __init__(self) -> None:
        """Number every attribute that the standard's profile names, and some that it does not."""
        named = [row for row in rows() if row.tag.startswith("(")]
        self._rows = [row for row in named if not row.tag.startswith(_NOT_OF_OBJECTS)]
        others = [PRIVATE, BEHIND, NESTED, OVERLAY, SUBJECT, SESSION]
        self.tags = [row.tag for row in self._rows] + others
        self._numbers = {tag: number for number, tag in enumerate(self.tags, 1)}

    def of(self, tag: str, vr: str = "LO") -> str:
        """Return the mark of an element, as its VR would have it; empty where there can be none."""
        number = self._numbers[tag]
        if vr in _TEXTS | _BYTES:
            return f"QZ{number:04}QZ"
        day = (_FIRST_DAY + timedelta(number)).strftime("%Y%m%d")
        return {
            "UI": f"1.2.77531.{number}.7",
            "DA": day,
            "DT": f"{day}101010",
            "TM": f"010101.77{number:04}",
            "DS": f"77531{number:04}",
            "IS": f"77531{number:04}",
            "UR": f"http://QZ{number:04}QZ",
        }.get(vr, "")

    def found(self, data: bytes) -> set[str]:
        """Name the elements whose marks stand in some bytes."""
        known = range(1, len(self.tags) + 1)
        named: set[str] = set()
        for each in (reading for part in _unpacked(data) for reading in _readings(part)):
            named |= {self.tags[number - 1] for number in _numbers(each) if number in known}
            if any(name in each for name in _NAMES):
                named.add(NAME)
        return named

    def image(self, number: int) -> Dataset:
        """Make an image of which all that identifies is marked; of one study, whatever its number
        within the series."""
        path = get_testdata_file("MR_small.dcm")
        assert isinstance(path, str)
        made = pydicom.dcmread(path)
        for row in self._rows:
            self._plant(made, row.tag, row.vr or "LO")
        made.SOPInstanceUID = f"{self.of(SOP_UID, 'UI')}.{number}"
        made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
        made.InstanceNumber = str(number)
        made.SpecificCharacterSet = "ISO_IR 192"
        latin, ideographic, phonetic = ALPHABETS
        made.PatientName = f"{self.of(NAME)}^{latin}={ideographic}={phonetic}"
        made.Modality, made.SeriesNumber = "MR", "3"
        for group, tag in ((0x0019, PRIVATE), (0x7FE1, BEHIND)):
            block = made.private_block(group, f"{self.of(tag)} 1.0", create=True)
            block.add_new(1, "LO", self.of(tag))
        self._overlay(made)
        return made

    def _plant(self, made: Dataset, tag: str, vr: str) -> None:
        place = int(tag[1:5] + tag[6:10], 16)
        if vr == "SQ":
            item = Dataset()
            item.PersonName = self.of(tag)
            item.StudyDate = self.of(tag, "DA")
            block = item.private_block(0x0021, f"{self.of(NESTED)} 1.0", create=True)
            block.add_new(1, "LO", self.of(NESTED))
            made.add_new(place, vr, Sequence([item]))
        elif vr in _BYTES:
            made.add_new(place, vr, self.of(tag, vr).encode())
        elif self.of(tag, vr):
            made.add_new(place, vr, self.of(tag, vr))

    def _overlay(self, made: Dataset) -> None:
        """An overlay of 8 by 8 whose bits are the mark (PS3.3 C.9.2)."""
        made.add_new(0x60020010, "US", 8)
        made.add_new(0x60020011, "US", 8)
        made.add_new(0x60020040, "CS", "G")
        made.add_new(0x60020050, "SS", [1, 1])
        made.add_new(0x60020100, "US", 1)
        made.add_new(0x60020102, "US", 0)
        made.add_new(0x60021500, "LO", self.of(OVERLAY))
        made.add_new(0x60023000, "OW", self.of(OVERLAY).encode())


def searched(folder: Path) -> list[tuple[str, bytes]]:
    """Return every file below a folder with its path and what stands in both."""
    while True:
        # A job may move a session meanwhile: then some of it was looked for where it is no more.
        with suppress(FileNotFoundError):
            return list(_searched(folder))


def _searched(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not path.is_file():
            yield name, name.encode()
        else:
            # Room that is kept for a full disk is nothing but zeros.
            data = path.read_bytes()
            yield name, name.encode() + b"\n" + (data if data.strip(b"\0") else b"")


def _unpacked(data: bytes) -> Iterator[bytes]:
    """Yield bytes, and what is packed in them."""
    yield data
    # A file has its path in front.
    body = data.partition(b"\n")[2] if data.find(b"\n") < 500 else b""
    for each in (data, body):
        if each.startswith(b"\x1f\x8b"):
            yield from _unpacked(gzip.decompress(each))
        elif each.startswith(b"PK\3\4"):
            with zipfile.ZipFile(io.BytesIO(each)) as packed:
                for name in packed.namelist():
                    yield name.encode()
                    yield from _unpacked(packed.read(name))
        elif each[257:262] == b"ustar":
            with tarfile.open(fileobj=io.BytesIO(each)) as bound:
                for member in bound:
                    yield member.name.encode()
                    if (file := bound.extractfile(member)) is not None:
                        yield from _unpacked(file.read())


def _written(word: str) -> Iterator[bytes]:
    for codec in _CODECS:
        with suppress(UnicodeEncodeError):
            yield word.encode(codec)


_NAMES = frozenset(written for word in ALPHABETS for written in _written(word))


def _readings(data: bytes) -> Iterable[bytes]:
    """Yield bytes in every way in which a text may stand in them."""
    yield data
    yield data.replace(b"\0", b"")  # UTF-16 and UTF-32 of what is ASCII
    runs = _HEXADECIMAL.findall(data)
    begun = (run[start:] for run in runs for start in range(2))
    yield b"\0".join(binascii.unhexlify(run[: len(run) // 2 * 2]) for run in begun)
    runs = [run.rstrip(b"=") for run in _BASE64.findall(data)]
    begun = (run[start:] for run in runs for start in range(4))
    yield b"\0".join(base64.b64decode(run[: len(run) // 4 * 4]) for run in begun)


def _numbers(data: bytes) -> Iterable[int]:
    for found in _MARKS.finditer(data):
        kind, value = found.lastgroup, found.group(found.lastgroup or 0)
        if kind == "date":
            digits = value.replace(b"-", b"").decode()
            with suppress(ValueError):
                yield (date.fromisoformat(digits) - _FIRST_DAY).days
        else:
            yield int(value)
