# SPDX-License-Identifier: Apache-2.0
"""The facts that a build needs about one file, from one reading of its header. The facts of many
files are read in chunks, so that a pool can share the work; they are grouped and judged
elsewhere."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engine.anonymize.runtime.record import METHODS, records_in
from engine.dicom.dictionary import tag_of
from engine.dicom.digest import digest_of
from engine.dicom.guard import Guard, Unreadable
from engine.dicom.header import Header, HeaderError
from engine.dicom.names import FileNameTemplate
from engine.dicom.part10 import read_header
from engine.model.imaging import CatalogEntry
from engine.sessions.build.attributes import ATTRIBUTES, INDEX, Attribute, ValueKind
from engine.sessions.build.markup import clean

_SOP_CLASS = 0x00080016
_SOP_INSTANCE = 0x00080018
_STUDY = 0x0020000D
_SERIES = 0x0020000E
_FRAMES = 0x00280008
_INSTANCE = 0x00200013
_POSITION = 0x00200032
_SHARED_GROUPS = 0x52009229
_FRAME_GROUPS = 0x52009230
_TRACER = tag_of("RadiopharmaceuticalInformationSequence") or 0
_NUCLIDE = tag_of("RadionuclideCodeSequence") or 0
_MEANING = tag_of("CodeMeaning") or 0
_B_VALUE = INDEX["DiffusionBValue"]
_DIRECTIONALITY = INDEX["DiffusionDirectionality"]
_BLOCK = 1 << 20
_DIGITS = {"FL": 7, "FD": 12}
"""Digits that mean something in binary numbers: 3.5999999999999996 was written as 3.6."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectFacts:
    """One file as the build sees it."""

    path: str
    """Relative to the session folder, with forward slashes."""

    size: int
    md5: str
    transfer_syntax: str
    dataset_offset: int
    sop_class: str
    sop_instance: str
    study: str
    series: str
    frames: int
    instance_number: str
    position: tuple[float, ...]
    """Image Position (Patient); empty without one. Like the instance number it differs in every
    file and therefore stands outside `values`, which whole series share."""

    records: tuple[str, ...]
    """The ids of the scripts that the object says were applied to it (0012,0064)."""

    values: tuple[str, ...]
    """In the order of the table of attributes; empty where a header has no value."""

    file_name: str = ""
    """How the header names the file; empty where that was not asked."""

    def __getitem__(self, name: str) -> str:
        """Return the value of the attribute `name`; empty when the header has none."""
        return self.values[INDEX[name]]

    def entry(self) -> CatalogEntry:
        """Describe the file for the catalog of its own folder."""
        return CatalogEntry(
            uri=self.path.rpartition("/")[2],
            uid=self.sop_instance,
            instance_number=self.instance_number,
            digest=self.md5,
            size=self.size,
            sop_class=self.sop_class,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadFailure:
    """A file whose header could not be read."""

    path: str
    reason: str
    """A sentence without patient data."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChunkFacts:
    """What one chunk of files gave; files that vanished meanwhile are in neither list."""

    facts: tuple[ObjectFacts, ...]
    failures: tuple[ReadFailure, ...]


def read_facts(
    path: Path,
    guard: Guard | None,
    *,
    name: str = "",
    checksums: bool = False,
    names: FileNameTemplate | None = None,
) -> ObjectFacts:
    """Read one header; `name` is the path to record, `names` says how files are named.

    Raises:
        Unreadable, HeaderError: when the file is not an object that can be indexed.
        OSError: when it cannot be read at all.
    """
    meta, header = read_header(path, guard=guard)
    study = _uid(header, _STUDY)
    series = _uid(header, _SERIES)
    sop_instance = _uid(header, _SOP_INSTANCE) or meta.sop_instance
    for value, what in ((study, "Study"), (series, "Series"), (sop_instance, "SOP")):
        if not value:
            raise Unreadable(f"the header has no {what} Instance UID")
    frames = header.integer(_FRAMES) if _FRAMES in header else None
    return ObjectFacts(
        path=name or path.name,
        size=path.stat().st_size,
        md5=_md5(path) if checksums else "",
        transfer_syntax=meta.transfer_syntax,
        dataset_offset=meta.dataset_offset,
        sop_class=_uid(header, _SOP_CLASS) or meta.sop_class,
        sop_instance=sop_instance,
        study=study,
        series=series,
        frames=frames if frames is not None and frames > 0 else 1,
        instance_number=clean((header.text(_INSTANCE) or "").strip())
        if _INSTANCE in header
        else "",
        position=tuple(header.numbers(_POSITION)) if _POSITION in header else (),
        records=_records(header),
        values=_values(header),
        file_name=names.name(header) if names is not None else "",
    )


def read_chunk(
    folder: Path,
    paths: Sequence[str],
    *,
    guard: Guard | None = None,
    checksums: bool = False,
    names: FileNameTemplate | None = None,
) -> ChunkFacts:
    """Read the facts of `paths` below `folder`; safe to run in another process.

    Raises:
        OSError: if the store does not give a file that is there: no session is built without it.
    """
    facts: list[ObjectFacts] = []
    failures: list[ReadFailure] = []
    own = Guard() if guard is None else None
    try:
        for name in paths:
            try:
                facts.append(
                    read_facts(
                        folder / name, guard or own, name=name, checksums=checksums, names=names
                    )
                )
            except FileNotFoundError:
                continue
            except (Unreadable, HeaderError) as error:
                failures.append(ReadFailure(path=name, reason=error.reason))
    finally:
        if own is not None:
            own.close()
    return ChunkFacts(facts=tuple(share_values(facts)), failures=tuple(failures))


def share_values(facts: Iterable[ObjectFacts]) -> list[ObjectFacts]:
    """Let equal values be one object: a session may hold hundreds of thousands of files."""
    seen: dict[tuple[str, ...], tuple[str, ...]] = {}
    words: dict[str, str] = {}
    records: dict[tuple[str, ...], tuple[str, ...]] = {}
    shared = []
    for fact in facts:
        values = seen.get(fact.values)
        if values is None:
            values = tuple(words.setdefault(word, word) for word in fact.values)
            seen[values] = values
        shared.append(
            replace(
                fact,
                transfer_syntax=words.setdefault(fact.transfer_syntax, fact.transfer_syntax),
                sop_class=words.setdefault(fact.sop_class, fact.sop_class),
                study=words.setdefault(fact.study, fact.study),
                series=words.setdefault(fact.series, fact.series),
                records=records.setdefault(fact.records, fact.records),
                values=values,
            )
        )
    return shared


def dataset_digest(path: Path, offset: int) -> str:
    """Digest the data set behind the file meta information: what makes two objects the same."""
    with path.open("rb") as file:
        file.seek(offset)
        return digest_of(file)


def number_text(value: float, *, digits: int = 0) -> str:
    """Write a number as XNAT shows it: `2400`, `3.08`; empty for what is not finite."""
    if not math.isfinite(value):
        return ""
    if digits:
        value = float(f"{value:.{digits}g}")
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return repr(value)


def _md5(path: Path) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _uid(header: Header, tag: int) -> str:
    return clean((header.text(tag) or "").strip(" \0")) if tag in header else ""


def _records(header: Header) -> tuple[str, ...]:
    try:
        return records_in(header) if METHODS in header else ()
    except HeaderError:
        return ()  # nobody can say what is in it; the object is filed all the same


def _values(header: Header) -> tuple[str, ...]:
    groups = _functional_groups(header)
    found = [_value(header, groups, attribute) for attribute in ATTRIBUTES]
    if not found[_B_VALUE]:
        found[_B_VALUE], found[_DIRECTIONALITY] = _private_diffusion(header)
    found.append(_isotope(header))
    return tuple(found)


def _value(header: Header, groups: Sequence[Header], attribute: Attribute) -> str:
    if attribute.tag in header:
        value = _text(header, attribute)
        if value:
            return value
    if not attribute.inside:
        return ""
    for group in groups if attribute.macro else (header,):
        if attribute.inside in group:
            for item in _first(group, attribute.inside):
                value = _text(item, attribute) if attribute.tag in item else ""
                if value:
                    return value
    return ""


def _functional_groups(header: Header) -> list[Header]:
    """Return the shared groups and those of the first frame: frames are files, and one level."""
    groups: list[Header] = []
    for tag in (_SHARED_GROUPS, _FRAME_GROUPS):
        if tag in header:
            groups.extend(_first(header, tag))
    return groups


def _first(header: Header, tag: int) -> list[Header]:
    """Return the first item of a sequence; none of one that cannot be indexed exactly: what it says
    of the scan is lost, but the object is filed."""
    try:
        return header.items(tag)[:1]
    except HeaderError:
        return []


def _text(header: Header, attribute: Attribute) -> str:
    tag, kind = attribute.tag, attribute.kind
    if kind is ValueKind.TEXT:
        text = header.text(tag) or ""
    elif kind is ValueKind.WHOLE:
        text = header.whole_text(tag) or ""
    elif kind is ValueKind.TEXTS:
        text = "\\".join(value.strip() for value in header.texts(tag))
    else:
        digits = _DIGITS.get(header[tag].vr, 0)
        if kind is ValueKind.NUMBER:
            number = header.number(tag)
            numbers = [] if number is None else [number]
        else:
            numbers = header.numbers(tag)
        return "\\".join(number_text(number, digits=digits) for number in numbers)
    return clean(text).strip(" \t\n\0")


def _private_diffusion(header: Header) -> tuple[str, str]:
    """Read what Siemens and GE wrote before the standard had elements for it."""
    for group, creator, offset in (
        (0x0019, "SIEMENS MR HEADER", 0x0C),
        (0x0043, "GEMS_PARM_01", 0x39),
    ):
        element = header.private(group, creator, offset)
        number = header.number(element.tag) if element is not None else None
        if number is None:
            continue
        if group == 0x0043:
            # GE adds a multiple of 1e9 to mark how the value was made.
            return number_text(number % 1_000_000_000), ""
        direction = header.private(group, creator, 0x0D)
        text = header.text(direction.tag) if direction is not None else None
        return number_text(number), clean((text or "").strip(" \0"))
    return "", ""


def _isotope(header: Header) -> str:
    if _TRACER not in header:
        return ""
    for tracer in _first(header, _TRACER):
        if _NUCLIDE in tracer:
            for code in _first(tracer, _NUCLIDE):
                return clean((code.text(_MEANING) or "").strip(" \0"))
    return ""
