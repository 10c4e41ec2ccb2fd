# SPDX-License-Identifier: Apache-2.0
"""The header elements that record a blanking: no burned-in annotation, the method, and the changes
of the pixel description if the pixels were decompressed."""

from __future__ import annotations

from dataclasses import dataclass

from engine.anonymize.pixels.raster import Raster
from engine.dicom.edit import HeaderEdit
from engine.dicom.header import Header

METHOD = "Burned in text blacked out"
_METHOD, _CODES = 0x00120063, 0x00120064
_CODE = (
    (0x00080100, "SH", "113101"),
    (0x00080102, "SH", "DCM"),
    (0x00080104, "LO", "Clean Pixel Data Option"),
)
_BURNED_IN = 0x00280301
_ICON = 0x00880200


@dataclass(frozen=True, kw_only=True, slots=True)
class Decompressed:
    """What is new about pixels that were stored decompressed."""

    photometric: str
    lossy: bool
    """Whether the frames were such that had lost something."""
    method: str
    """The defined term of the compression (PS3.3 C.7.6.1.1.5.1)."""


def record_blanking(edit: HeaderEdit, header: Header) -> None:
    """Note that rectangles were blanked: (0028,0301), (0012,0063) and (0012,0064); what is there
    already is not said twice."""
    edit.set(_BURNED_IN, "CS", b"NO")
    if METHOD not in header.texts(_METHOD):
        before = bytes(header.raw(_METHOD) or b"").rstrip(b" \0")
        edit.set(_METHOD, "LO", before + b"\\" * bool(before) + METHOD.encode())
    codes = header.items(_CODES)
    if any(all(code.text(tag) == text for tag, _, text in _CODE[:2]) for code in codes):
        return
    item = edit.sequence(_CODES).item(len(codes))
    for tag, vr, text in _CODE:
        item.set(tag, vr, text.encode())


def record_decompression(
    edit: HeaderEdit, header: Header, raster: Raster, done: Decompressed
) -> None:
    """Describe pixels that were compressed and are not any more. A history of loss stays, and
    begins here where the header kept silent about it."""
    if done.photometric != (header.text(0x00280004) or "").upper():
        edit.set(0x00280004, "CS", done.photometric.encode())
    if raster.samples > 1:
        edit.set(0x00280006, "US", b"\0\0")
    if done.lossy:
        if header.text(0x00282110) != "01":
            edit.set(0x00282110, "CS", b"01")
        if not header.text(0x00282114):
            edit.set(0x00282114, "CS", done.method.encode())


def left_alone(header: Header) -> tuple[str, ...]:
    """Name other pictures of the object, which no rectangle reaches."""
    notes = []
    if _ICON in header:
        notes.append("alterPixels leaves the icon image in (0088,0200) as it is")
    if any(tag & 0xFF01FFFF == 0x60003000 for tag in header.tags()):
        notes.append("alterPixels leaves overlays in (60xx,3000) as they are")
    return tuple(notes)
