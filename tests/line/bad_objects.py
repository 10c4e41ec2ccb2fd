# SPDX-License-Identifier: Apache-2.0
"""Objects that are wrong in one way each, as bytes, beside the good object they are made from.
Nothing here uses a DICOM library: what such a library would put right must stay wrong."""

from __future__ import annotations

from dataclasses import dataclass
from struct import pack

from tests.line.wire import CT_IMAGE, MR_IMAGE

_LONG = frozenset((b"OB", b"OW", b"SQ", b"UN", b"UT", b"UC", b"UR"))

Values = dict[int, tuple[bytes, bytes]]
"""VR and value by tag."""

STUDY = "1.2.826.0.1.3680043.10.1.1"


def element(tag: int, vr: bytes, value: bytes, *, length: int | None = None) -> bytes:
    """Encode one element in Explicit VR Little Endian, with a length of its own where given."""
    size = len(value) if length is None else length
    if vr in _LONG:
        return pack("<HH2sHI", tag >> 16, tag & 0xFFFF, vr, 0, size) + value
    return pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr, size) + value


def even(text: str | bytes, padding: bytes = b" ") -> bytes:
    """Pad a value to an even length (PS3.5 7.1.1)."""
    data = text.encode() if isinstance(text, str) else text
    return data + padding * (len(data) % 2)


def values(instance: str, **changes: bytes | None) -> Values:
    """Return the elements of a good CT image; changes go by keyword, None leaves one out."""
    good = {
        "sop_class": (0x00080016, b"UI", even(CT_IMAGE, b"\0")),
        "sop": (0x00080018, b"UI", even(instance, b"\0")),
        "date": (0x00080020, b"DA", b"20240102"),
        "modality": (0x00080060, b"CS", b"CT"),
        "description": (0x0008103E, b"LO", b"Routine "),
        "name": (0x00100010, b"PN", b"Good^One"),
        "patient": (0x00100020, b"LO", b"GOOD"),
        "study": (0x0020000D, b"UI", even(STUDY, b"\0")),
        "series": (0x0020000E, b"UI", even(f"{STUDY}.1", b"\0")),
        "number": (0x00200011, b"IS", b"1 "),
        "place": (0x00200013, b"IS", b"1 "),
        "pixels": (0x7FE00010, b"OW", bytes(64)),
    }
    found: Values = {}
    for name, (tag, vr, value) in good.items():
        changed = changes.get(name, value)
        if changed is not None:
            found[tag] = (vr, changed)
    return found


def encode(elements: Values) -> bytes:
    """Encode elements in the order of their tags."""
    return b"".join(element(tag, vr, value) for tag, (vr, value) in sorted(elements.items()))


def good(instance: str, **changes: bytes | None) -> bytes:
    """Return a data set that is well-formed, whatever its values are."""
    return encode(values(instance, **changes))


def implicit_pixels(instance: str, **changes: bytes | None) -> bytes:
    """Return a good data set but for its pixels, which are in Implicit VR."""
    pixels = bytes(64)
    start = pack("<HHI", 0x7FE0, 0x0010, len(pixels))
    return good(instance, pixels=None, **changes) + start + pixels


def with_elements(instance: str, *, before_pixels: bytes = b"", first: bytes = b"") -> bytes:
    """Return a good data set with bytes put before everything, or before the pixels."""
    data = good(instance)
    pixels = data.index(pack("<HH2s", 0x7FE0, 0x0010, b"OW"))
    return first + data[:pixels] + before_pixels + data[pixels:]


def nested(levels: int) -> bytes:
    """Return a sequence (0040,0275) with so many levels, all of undefined length."""
    start = element(0x00400275, b"SQ", b"", length=0xFFFFFFFF) + pack(
        "<HHI", 0xFFFE, 0xE000, 2**32 - 1
    )
    end = pack("<HHI", 0xFFFE, 0xE00D, 0) + pack("<HHI", 0xFFFE, 0xE0DD, 0)
    return start * levels + end * levels


@dataclass(frozen=True, kw_only=True, slots=True)
class Bad:
    """An object, and what the command says of it."""

    name: str
    data: bytes
    sop: str | bytes
    sop_class: str = CT_IMAGE


def uid(number: int) -> str:
    """Return a SOP Instance UID."""
    return f"{STUDY}.1.{number}"


def refused() -> list[tuple[Bad, int, str]]:
    """Objects that cannot be ours; with the status and words from the reason in the ledger."""
    text = b"Dear radiology, here are the images. " * 40
    return [
        (Bad(name="text", data=text, sop=uid(1)), 0xC000, "not DICOM"),
        (Bad(name="HTML", data=b"<html><body>502</body></html>", sop=uid(2)), 0xC000, "not DICOM"),
        (Bad(name="three bytes", data=good(uid(14))[:3], sop=uid(14)), 0xC000, "not DICOM"),
        (Bad(name="empty", data=b"", sop=uid(3)), 0xC000, "empty"),
        (
            Bad(name="no SOP class", data=good(uid(4), sop_class=None), sop=uid(4)),
            0xC000,
            "missing",
        ),
        (Bad(name="no SOP instance", data=good(uid(5), sop=None), sop=uid(5)), 0xC000, "missing"),
        (Bad(name="blank study", data=good(uid(6), study=b""), sop=uid(6)), 0xC000, "Study"),
        (
            Bad(name="NUL in study", data=good(uid(15), study=b"1.2\x003 "), sop=uid(15)),
            0xC000,
            "Study",
        ),
        (
            Bad(name="newline in study", data=good(uid(16), study=b"1.2\n3 "), sop=uid(16)),
            0xC000,
            "Study",
        ),
        (
            Bad(name="long study", data=good(uid(17), study=b"1." * 99 + b"1 "), sop=uid(17)),
            0xC000,
            "Study",
        ),
        (
            Bad(name="bytes in study", data=good(uid(18), study=b"1.\x80\xff"), sop=uid(18)),
            0xC000,
            "Study",
        ),
        (Bad(name="no study", data=good(uid(7), study=None), sop=uid(7)), 0xC000, "Study"),
        (
            Bad(
                name="other SOP class",
                data=good(uid(8), sop_class=even(MR_IMAGE, b"\0")),
                sop=uid(8),
            ),
            0xA900,
            "SOP Class",
        ),
        (Bad(name="other instance", data=good(uid(9)), sop=uid(10)), 0xA900, "SOP Instance"),
        (Bad(name="no UID said", data=good(uid(11)), sop=""), 0x0117, "malformed"),
        (
            Bad(name="long UID said", data=good("1." * 100 + "1"), sop="1." * 100 + "1"),
            0x0117,
            "malformed",
        ),
        (Bad(name="newline said", data=good("1.2\n3"), sop="1.2\n3"), 0x0117, "malformed"),
        (Bad(name="NUL said", data=good("1.2\x003"), sop="1.2\x003"), 0x0117, "malformed"),
        (
            Bad(name="bytes said", data=good(uid(12)), sop=b"1.2.\xff\xfe\x1b[2J"),
            0x0117,
            "malformed",
        ),
        (
            Bad(name="other class said", data=good(uid(13)), sop=uid(13), sop_class=MR_IMAGE),
            0x0122,
            "context",
        ),
    ]


def held() -> list[Bad]:
    """Objects of which nobody can say what they are, but which may be of worth."""
    whole = good(uid(100))
    beyond = element(0x00101000, b"LO", b"SHORT ", length=60000)
    return [
        Bad(name="cut in the header", data=whole[:200], sop=uid(100)),
        Bad(
            name="length beyond the end",
            data=good(uid(101), pixels=None) + beyond,
            sop=uid(101),
        ),
        Bad(
            name="length of 4 GiB",
            data=with_elements(
                uid(102), before_pixels=element(0x00400001, b"UT", b"x" * 8, length=0xFFFFFFF0)
            ),
            sop=uid(102),
        ),
        Bad(
            name="no delimiter",
            data=with_elements(
                uid(103),
                before_pixels=element(0x00400275, b"SQ", b"", length=0xFFFFFFFF),
            ),
            sop=uid(103),
        ),
        Bad(
            name="1,000 levels",
            data=with_elements(uid(105), before_pixels=nested(1000)),
            sop=uid(105),
        ),
        Bad(
            name="50,000 levels",
            data=with_elements(uid(106), before_pixels=nested(50000)),
            sop=uid(106),
        ),
        Bad(
            name="a VR of nobody",
            data=with_elements(uid(107), before_pixels=element(0x00400001, b"!?", b"abcd")),
            sop=uid(107),
        ),
    ]


def stored() -> list[Bad]:
    """Objects that are odd, or hostile, and still what they say they are."""
    odd = [
        Bad(name="cut in the pixels", data=good(uid(200))[:-20], sop=uid(200)),
        Bad(
            name="odd lengths",
            data=good(uid(201), name=b"Odd", patient=b"GOO", number=b"7"),
            sop=uid(201),
        ),
        Bad(
            name="group lengths",
            data=with_elements(
                uid(202),
                first=element(0x00080000, b"UL", pack("<I", 4711)),
                before_pixels=element(0x7FE00000, b"UL", pack("<I", 1)),
            ),
            sop=uid(202),
        ),
        Bad(
            name="padding at the end",
            data=good(uid(203)) + element(0xFFFCFFFC, b"OB", bytes(200)),
            sop=uid(203),
        ),
        Bad(name="no pixels", data=good(uid(204), pixels=None), sop=uid(204)),
        Bad(name="no number", data=good(uid(205), number=None, series=b"1.2.3.7 "), sop=uid(205)),
        Bad(
            name="60,000 characters",
            data=good(
                uid(206),
                name=b"A" * 60000,
                patient=b"B" * 60000,
                description=b"C" * 60000,
                number=b"9" * 60000,
            ),
            sop=uid(206),
        ),
        Bad(
            name="impossible dates",
            data=good(uid(207), date=b"99999999", study=b"1.2.3.99"),
            sop=uid(207),
        ),
        Bad(
            name="an item beyond its sequence",
            data=with_elements(
                uid(210),
                before_pixels=element(
                    0x00400275, b"SQ", pack("<HHI", 0xFFFE, 0xE000, 40000) + bytes(8)
                ),
            ),
            sop=uid(210),
        ),
        Bad(name="64 levels", data=with_elements(uid(208), before_pixels=nested(64)), sop=uid(208)),
        Bad(name="SOP path", data=good("../../../../evil"), sop="../../../../evil"),
        Bad(name="SOP template", data=good("${HOME}`id`;%s"), sop="${HOME}`id`;%s"),
    ]
    for number, text in enumerate(HOSTILE, 300):
        value = even(text)
        if len(text) <= 128 and text.decode("latin_1").isprintable() and text != b"\\\\":
            odd.append(
                Bad(
                    name=f"study {text[:20]!r}",
                    data=good(uid(number), study=value),
                    sop=uid(number),
                )
            )
        if text.strip(b"\\"):
            odd.append(
                Bad(
                    name=f"series {text[:20]!r}",
                    data=good(uid(number + 100), series=value, number=value, study=b"1.2.3.4 "),
                    sop=uid(number + 100),
                )
            )
        odd += [
            Bad(
                name=f"patient {text[:20]!r}",
                data=good(
                    uid(number + 200),
                    name=value,
                    patient=value,
                    description=value,
                    modality=value,
                    date=value,
                    place=value,
                    study=b"1.2.3.5 ",
                ),
                sop=uid(number + 200),
            ),
        ]
    return odd


HOSTILE: tuple[bytes, ...] = (
    b"../../../../../../tmp/evil",
    b"/etc/anteroom",
    b"..",
    b".",
    b"a\nb",
    b"a\0b",
    b"1." * 100 + b"1",
    b"CON",
    b"-rf",
    b"\x1b[2J\x1b]0;owned\x07",
    b"[bold red]x[/] {0} %s",
    b"=cmd|' /C calc'!A0",
    b"<script>&x;]]></script>\"'",
    "\u202eevil\u2066 \uff11.\uff12".encode(),
    b"\xff\xfe\x80\x81",
    b"\\\\",
)
"""Values as an attacker, or an accident, would send them."""
