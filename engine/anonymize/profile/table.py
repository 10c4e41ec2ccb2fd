# SPDX-License-Identifier: Apache-2.0
"""The attributes of the Basic Application Level Confidentiality Profile (DICOM PS3.15, Table
E.1-1), additional attributes that are not in that table, and the action for each under the chosen
options. The script is written in `engine.anonymize.profile.generator`; the origin of the tables is
documented in `shipped`."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache

from engine.anonymize import shipped

TABLE = "ps315_table.csv"
AMENDED = "ps315_amended.csv"
"""What is done where an object could not follow the code of the table and stay valid."""
FORGOTTEN = "ps315_forgotten.csv"
"""Attributes that may name a patient and are not in the table."""
EDITION = "DICOM PS3.15 2026c, Annex E; codes of the options as of January 2025"


class Option(Enum):
    """An option of the profile. Its value names the column of the table, where it has one."""

    RETAIN_UIDS = "retain_uids"
    RETAIN_DEVICE = "retain_device_identity"
    RETAIN_INSTITUTION = "retain_institution_identity"
    RETAIN_PATIENT = "retain_patient_characteristics"
    FULL_DATES = "full_dates"
    MODIFIED_DATES = "modified_dates"
    CLEAN_DESCRIPTORS = "clean_descriptors"
    CLEAN_STRUCTURED = "clean_structured_content"
    CLEAN_GRAPHICS = "clean_graphics"
    RETAIN_PRIVATE = "retain_safe_private"
    CLEAN_PIXELS = "clean_pixels"


class Treatment(Enum):
    """What a script does with an attribute."""

    KEEP = "kept"
    REMOVE = "removed"
    EMPTY = "emptied"
    DUMMY = "replaced by a dummy"
    HASH = "UID replaced by its hash"
    SHIFT = "date shifted"
    WORDS = "kept when all its words are known to be safe"
    INSIDE = "sequence kept, its UIDs replaced"
    PRIVATE = "private, removed"
    SAFE_PRIVATE = "private, removed unless known to be safe"


TEXTS = frozenset(("CS", "LO", "LT", "SH", "ST", "UT"))
DATES = frozenset(("DA", "DT"))
PRIVATE = "private"
GRAPHIC_ANNOTATION = "(0070,0001)"

_BASIC = {
    "X": Treatment.REMOVE,
    "Z": Treatment.EMPTY,
    "X/Z": Treatment.EMPTY,
    "D": Treatment.DUMMY,
    "X/D": Treatment.DUMMY,
    "Z/D": Treatment.DUMMY,
    "X/Z/D": Treatment.DUMMY,
    "U": Treatment.HASH,
    "X/Z/U*": Treatment.INSIDE,
}
"""Of a combined code the last one, which is right for every type of every object."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One attribute of the table."""

    tag: str
    """As a tag of DicomEdit, or `private` for all private attributes."""
    vr: str
    """Empty when it is not known, and for what has several."""
    name: str
    """Empty when it is not known."""
    basic: str
    codes: Mapping[Option, str]
    """`K`, `C`, or `?` when the code of the option is not known."""
    inside: str = ""
    """The code within items, where it is not that of the root."""
    reason: str = ""
    """Why this is not what the table says; empty where it is."""


@cache
def rows() -> tuple[Row, ...]:
    """Read the table, by tag, with the codes that are amended. What a whole repeating group of
    `forgotten` covers is left out."""
    amended = {line["tag"]: line for line in _lines(AMENDED)}
    groups = tuple(row.tag[:5] for row in forgotten() if row.tag.endswith(",XXXX)"))
    found = (_row({**line, **amended.get(line["tag"], {})}) for line in _lines(TABLE))
    return tuple(row for row in found if not row.tag.startswith(groups))


@cache
def forgotten() -> tuple[Row, ...]:
    """Read what the table forgets, by tag."""
    return tuple(_row(line) for line in _lines(FORGOTTEN))


def _lines(name: str) -> csv.DictReader[str]:
    return csv.DictReader(shipped.text_of(name).splitlines())


def _row(line: dict[str, str]) -> Row:
    tag = line["tag"]
    if tag[3:5] == "XX":
        # The last digit of a public group is even, which DicomEdit wants to be said.
        tag = f"{tag[:4]}@{tag[5:]}"
    return Row(
        tag=tag,
        vr=line["vr"],
        name=line["name"],
        basic=line["basic"],
        codes={one: line[one.value] for one in Option if line.get(one.value)},
        inside=line.get("inside", ""),
        reason=line.get("reason", ""),
    )


def treatment(row: Row, options: frozenset[Option]) -> Treatment:
    """Decide what is done with an attribute.

    What an option wants to be cleaned and a script cannot clean keeps its code of the Basic
    Profile. Shifting a date goes before keeping it for another reason.
    """
    if row.tag == PRIVATE:
        kept = Option.RETAIN_PRIVATE in options
        return Treatment.SAFE_PRIVATE if kept else Treatment.PRIVATE
    codes = {option: code for option, code in row.codes.items() if option in options}
    if codes.get(Option.MODIFIED_DATES) == "C" and row.vr in DATES:
        return Treatment.SHIFT
    if "K" in codes.values() or _cleaned_by_others(row, codes):
        return Treatment.KEEP
    if codes.get(Option.CLEAN_DESCRIPTORS) == "C" and row.vr in TEXTS:
        return Treatment.WORDS
    if row.basic == "D" and row.vr == "UI":
        return Treatment.HASH
    return _BASIC[row.basic]


def without_options(row: Row) -> tuple[Treatment, Treatment]:
    """Decide what is done with an attribute where no option speaks: at the root, and in items."""
    at_the_root = treatment(row, frozenset())
    return at_the_root, _BASIC[row.inside] if row.inside else at_the_root


def _cleaned_by_others(row: Row, codes: Mapping[Option, str]) -> bool:
    """Say whether what is to be cleaned is clean already, or by the statements of its content."""
    # Dates are shifted by whole days, so that times are right as they are.
    if codes.get(Option.MODIFIED_DATES) == "C" and row.vr == "TM":
        return True
    if codes.get(Option.CLEAN_STRUCTURED) == "C":
        return True
    return codes.get(Option.CLEAN_GRAPHICS) == "C" and row.tag == GRAPHIC_ANNOTATION
