# SPDX-License-Identifier: Apache-2.0
"""What fuzzing starts from: scripts of the documentation and the shipped ones, and heads of
pydicom's own files, all cut short. No seed is made from an object that anybody received."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from engine.anonymize.language.signatures import FUNCTIONS
from engine.dicom.header import Header, HeaderError
from engine.dicom.part10 import is_explicit, read_meta
from tests.engine.dicom.datasets import element, item, part10_files, sequence
from tests.fuzz.scripts import TEXTS
from tests.fuzz.targets import FILE, IMPLICIT, RECORD, TAIL

LONGEST = 4096
"""Bytes of a seed."""

_ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LONG_VALUE = 96
_WORDS = (
    *('version "6.7"', "removeAllPrivateTags", "describe", "hidden", "export", "echo", "new UID"),
    *("if (", "elseif (", "else {", "{ ", " }", ":=", "?=", "!=", "!~", " ? ", " : ", "[%]", "[0]"),
    *("*/", "+/", "./", "(0010,0010)", "(0008,1140)[0]/(0008,1155)", "(0009,{ACME 1.0}02)"),
    *("project", "subject", "session", "(00@@,XXXX)", "(50@@,XXXX)", '"(.*)"', '"{0}"', "//"),
    *('"days"', '"1.2"', '"x"', "\\\\", "(0002,0010)", "(7FE1,{A}01)", '"(0008,0018)"', "\\\n"),
)


def words() -> list[str]:
    """Return what scripts are made of, for the dictionary of the fuzzer."""
    names = dict.fromkeys(name for language in FUNCTIONS.values() for name in language)
    return [*_WORDS, *(f"{name}[" for name in names)]


def scripts() -> Iterator[tuple[str, bytes]]:
    """Yield scripts by name."""
    for number, text in enumerate(TEXTS):
        yield from _cut(f"fixed{number}", text)
    for page in ("scripts", "deidentification"):
        text = (_ROOT / "docs" / f"{page}.md").read_text("utf-8")
        for number, block in enumerate(_BLOCK.findall(text)):
            yield from _cut(f"{page}{number}", block)
    for number, name in enumerate(FUNCTIONS[6]):
        usage = ", ".join(['"(0008,0018)"', '"1"', "(0008,0020)", '"days"'][:4])
        yield f"call{number}", f'version "6.7"\nx := {name}[{usage}]\n'.encode()


def _cut(name: str, text: str) -> Iterator[tuple[str, bytes]]:
    """Yield a script in parts that are short and begin with their version."""
    start = 'version "6.7"\n' if "version" in text[:4000] and len(text) > LONGEST else ""
    part, number = start, 0
    for line in text.splitlines(keepends=True):
        if start and (line.startswith("//") or line == start):
            continue
        if len(part) + len(line) > LONGEST // 4:
            yield f"{name}-{number}", part.encode()
            part, number = start, number + 1
        part += line
    yield f"{name}-{number}", part.encode()


def heads() -> Iterator[tuple[str, bytes]]:
    """Yield heads by name, each with another script in turn."""
    for number, (name, how, data) in enumerate(_files()):
        yield f"{name}-{number % len(TEXTS)}", bytes((how, number % len(TEXTS))) + data
    for number in range(len(TEXTS)):
        for name, how, data in _made():
            yield f"{name}-{number}", bytes((how | RECORD, number)) + data


def _files() -> Iterator[tuple[str, int, bytes]]:
    for path in part10_files():
        if path.stem.isdecimal():
            continue  # one of many of one study
        data = path.read_bytes()
        try:
            meta = read_meta(data)
            explicit = is_explicit(meta.transfer_syntax)
            found = Header.index(data[meta.dataset_offset :], explicit=explicit)
        except HeaderError:
            continue
        short = _short(found)
        if not short:
            continue
        name = f"pydicom-{path.stem}"
        yield name, 0 if explicit else IMPLICIT, short
        start = data[: meta.dataset_offset]
        if len(start) + len(short) <= LONGEST:
            yield f"{name}-file", FILE, start + short


def _short(found: Header) -> bytes:
    """Leave out the longest values, and what is too much then."""
    kept = bytearray()
    for tag, (start, _, end, _, _) in found.spans.items():
        longest = 1024 if tag in found.sequences() else _LONG_VALUE
        if end - start <= longest and len(kept) + end - start <= LONGEST // 2:
            kept += found.data[start:end]
    return bytes(kept)


def _made() -> Iterator[tuple[str, int, bytes]]:
    """Make heads with private blocks, nesting of both kinds, text of other alphabets and a tail."""
    text = element(0x00080104, "LO", b"M\xfcll")
    deep = sequence(0x00081140, [item(text + element(0x00081155, "UI", b"1.2\0"), undefined=True)])
    private = (
        element(0x00090010, "LO", b"ACME 1.0")
        + element(0x00091002, "LO", b"own ")
        + sequence(0x00091005, [item(text), item(b"", undefined=True)], undefined=True)
    )
    other = (
        element(0x00110010, "LO", b"ACME 1.0")
        + element(0x00110011, "LO", b"OTHER ")
        + element(0x00111101, "UN", b"\x01\x02")
    )
    patient = element(0x00100010, "PN", b"A^B ") + element(0x00100020, "LO", b"A ")
    charset = element(0x00080005, "CS", b"ISO_IR 100")
    kanji = element(0x00080005, "CS", b"\\ISO 2022 IR 87 ")
    name = element(0x00100010, "PN", b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B ")
    lengths = element(0x00080000, "UL", b"\x10\0\0\0") + charset[:8] + charset[8:]
    tail = element(0x7FE00010, "OB", b"\0\0") + element(0x7FE10010, "LO", b"ACME 1.0")
    yield "made-private", 0, charset + deep + private + patient + other
    yield "made-kanji", 0, kanji + name
    yield "made-lengths", 0, lengths + element(0x00100000, "UL", b"\0\0\0\0") + patient
    yield "made-tail", TAIL, charset + patient + tail
    un = deep[:4] + b"UN" + deep[6:]
    yield "made-unknown", 0, charset + un + patient
    implied = b"\x08\0\x20\0\x08\0\0\x0020240229\x10\0\x10\0\x04\0\0\0A^B "
    yield "made-implicit", IMPLICIT, implied


SEEDS = {"script": scripts, "head": heads}
