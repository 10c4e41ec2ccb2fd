# SPDX-License-Identifier: Apache-2.0
"""Changes to heads that mostly leave them heads: elements come, go, and get other values, at any
depth. Bytes that break a head are changed by the fuzzer itself."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from engine.dicom.edit import HeaderEdit
from engine.dicom.header import Header
from engine.dicom.part10 import is_explicit, read_meta
from engine.dicom.walk import LONG_VRS, SHORT_VRS
from tests.engine.dicom.datasets import paths
from tests.fuzz.targets import FILE, IMPLICIT

_VRS = sorted(vr.decode() for vr in SHORT_VRS | LONG_VRS if vr != b"SQ")
_TAGS = (
    *(0x00080000, 0x00080005, 0x00080018, 0x00080020, 0x00080050, 0x00080060, 0x00080104),
    *(0x00081140, 0x00081155, 0x00090010, 0x00091002, 0x00091005, 0x00110010, 0x00100010),
    *(0x00100020, 0x00100030, 0x00101010, 0x00189087, 0x00190010, 0x0019100C, 0x0020000D),
    *(0x00280009, 0x00280010, 0x00290010, 0x00291008, 0x00400275, 0x0040A160, 0x0040A730),
    *(0x00880200, 0x30060024, 0x50003000, 0x60003000),
)
_VALUES = (
    *(b"", b"ACME 1.0", b"SIEMENS CSA HEADER", b"ISO_IR 192", b"ISO_IR 100", b"GB18030"),
    *(b"\\ISO 2022 IR 87", b"ISO 2022 IR 6\\ISO 2022 IR 149", b"20240229", b"20240229120000.5"),
    *(
        b"1.2.840.1\\1.2.3",
        b"A^B=\xe5\xc5",
        b"\x1b$B;3ED\x1b(B",
        b"\xff\xfe\0\0",
        b"090Y",
        b"A\\\\B",
    ),
)

Mutate = Callable[[bytes], bytes]


def mutated(data: bytes, chance: Random, mutate: Mutate) -> bytes:
    """Change a head once or a few times; what is no head is given back as it is."""
    if len(data) < 2:
        return data
    start, body = data[:2], data[2:]
    if chance.random() < 0.15:
        start = bytes((data[0], chance.randrange(256)))
    explicit = not data[0] & IMPLICIT
    try:
        if data[0] & FILE:
            told = read_meta(body)
            explicit = is_explicit(told.transfer_syntax)
            start, body = start + body[: told.dataset_offset], body[told.dataset_offset :]
        for _ in range(chance.randint(1, 3)):
            body = _changed(body, explicit, chance, mutate)
    except (ValueError, LookupError):
        # It is no head, or not to be changed there.
        pass
    return start + body


def _changed(body: bytes, explicit: bool, chance: Random, mutate: Mutate) -> bytes:
    found = Header.index(body, explicit=explicit)
    places = list(paths(found))
    path = chance.choice(places) if places else (0x00100010,)
    edit = HeaderEdit(found)
    kind = chance.randrange(6)
    if kind == 0:
        edit.remove_in(path)
    elif kind == 1 and len(path) > 1:
        edit.remove_in(path[:-1])
    elif kind == 2:
        above = (*path, 0) if chance.random() < 0.3 else path[:-1]
        tag = chance.choice(_TAGS)
        edit.set_in((*above, tag), chance.choice(_VRS), chance.choice(_VALUES))
    elif kind == 3:
        tag = chance.choice(_TAGS)
        inner = edit.sequence(tag) if len(path) == 1 else edit.sequence(path[0])
        inner.item(len(inner)).set(chance.choice(_TAGS), "LO", chance.choice(_VALUES))
    else:
        level = found
        for tag, number in zip(path[:-1:2], path[1::2], strict=True):
            level = level.items(tag)[number]
        vr = level.meaning(path[-1])
        value = bytes(level.raw(path[-1]) or b"")[:256]
        if vr != "SQ":
            other = chance.choice(_VRS) if kind == 4 else vr
            edit.set_in(path, other, mutate(value) if kind == 5 else value)
    return b"".join(edit.write()) + body[found.end :]
