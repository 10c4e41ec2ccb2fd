# SPDX-License-Identifier: Apache-2.0
"""The header of an enhanced multi-frame image: what is said of each frame stands in items of its
own, tens of thousands of them."""

from __future__ import annotations

from struct import pack

FRAMES = 3100
ITEMS_A_FRAME = 8
"""With these frames 24,800 items."""

_SOP_CLASS = b"1.2.840.10008.5.1.4.1.1.4"
_ROOT = b"1.2.826.0.1.3680043.10.1599"


def header(frames: int = FRAMES) -> bytes:
    """Write the elements before the pixels in Explicit VR Little Endian."""
    return b"".join(
        (
            _element(0x00080005, b"CS", b"ISO_IR 100"),
            _element(0x00080016, b"UI", _SOP_CLASS + b".1"),
            _element(0x00080018, b"UI", _ROOT + b".1.1.1"),
            _element(0x00080020, b"DA", b"20240110"),
            _element(0x00080060, b"CS", b"MR"),
            _element(0x00100010, b"PN", b"Frames^Many"),
            _element(0x00100020, b"LO", b"ID1"),
            _element(0x0020000D, b"UI", _ROOT + b".1"),
            _element(0x0020000E, b"UI", _ROOT + b".1.1"),
            _element(0x00280008, b"IS", b"%d" % frames),
            _sequence(0x52009230, *map(_frame, range(frames))),
        )
    )


def _frame(number: int) -> bytes:
    """Write all that is said of one frame: seven items in its own."""
    names = _element(0x00081150, b"UI", _SOP_CLASS) + _element(
        0x00081155, b"UI", b"%s.2.%d" % (_ROOT, number)
    )
    purpose = _sequence(0x0040A170, _element(0x00080100, b"SH", b"121311"))
    acquired = b"20240110101010.%06d" % number
    content = (
        _element(0x00189074, b"DT", acquired)
        + _element(0x00189151, b"DT", acquired)
        + _element(0x00209056, b"SH", b"1")
        + _element(0x00209057, b"UL", pack("<I", number))
        + _element(0x00209158, b"LT", b"Compared with the image of Dr. Referrer")
    )
    parts = (
        _sequence(0x00081140, names + purpose),
        _sequence(0x00189114, _element(0x00189082, b"FD", pack("<d", 2.5))),
        _sequence(0x00209111, content),
        _sequence(0x00209113, _element(0x00200032, b"DS", b"-120.5\\-98.25\\%d.75" % number)),
        _sequence(0x00209116, _element(0x00200037, b"DS", b"1\\0\\0\\0\\1\\0")),
        _sequence(
            0x00289110,
            _element(0x00180050, b"DS", b"3.5") + _element(0x00280030, b"DS", b"0.9375\\0.9375"),
        ),
    )
    return b"".join(parts)


def _element(tag: int, vr: bytes, value: bytes) -> bytes:
    value += (b"\0" if vr == b"UI" else b" ") * (len(value) % 2)
    if vr == b"SQ":
        return pack("<HH2sHI", tag >> 16, tag & 0xFFFF, vr, 0, len(value)) + value
    return pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr, len(value)) + value


def _sequence(tag: int, *items: bytes) -> bytes:
    whole = b"".join(pack("<HHI", 0xFFFE, 0xE000, len(item)) + item for item in items)
    return _element(tag, b"SQ", whole)
