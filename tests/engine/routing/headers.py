# SPDX-License-Identifier: Apache-2.0
"""Headers for the tests of this folder: a few elements, written as Explicit VR Little Endian."""

from __future__ import annotations

import struct
from collections.abc import Mapping

from engine.dicom.header import Header

_VRS = {
    0x0008_0005: "CS",
    0x0008_0020: "DA",
    0x0008_0050: "SH",
    0x0008_0070: "LO",
    0x0008_1010: "SH",
    0x0008_1030: "LO",
    0x0008_1110: "SQ",
    0x0010_0010: "PN",
    0x0010_0020: "LO",
    0x0010_21B0: "LT",
    0x0010_4000: "LT",
    0x0014_0046: "LT",
    0x0018_0050: "DS",
    0x0020_000E: "UI",
    0x0020_0013: "IS",
    0x0028_0010: "US",
    0x0032_4000: "LT",
    0x0040_9225: "FD",
}


def header(elements: Mapping[int, str | bytes | int | float]) -> Header:
    """Make a header of these elements; text is written in UTF-8 and said to be."""
    written = dict(elements)
    if any(isinstance(v, str) and not v.isascii() for v in written.values()):
        written.setdefault(0x0008_0005, "ISO_IR 192")
    data = b"".join(_element(tag, written[tag]) for tag in sorted(written))
    return Header.index(data, explicit=True)


def _element(tag: int, value: str | bytes | int | float) -> bytes:
    vr = _VRS[tag]
    if isinstance(value, int):
        raw = struct.pack("<H", value)
    elif isinstance(value, float):
        raw = struct.pack("<d", value)
    else:
        raw = value.encode() if isinstance(value, str) else value
    if len(raw) % 2:
        raw += b"\0" if vr == "UI" else b" "
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr.encode())
    if vr == "SQ":
        return head + struct.pack("<HI", 0, len(raw)) + raw
    return head + struct.pack("<H", len(raw)) + raw
