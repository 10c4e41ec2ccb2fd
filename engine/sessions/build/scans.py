# SPDX-License-Identifier: Apache-2.0
"""Groups files into scans by their facts: which files are one scan, its ID, the order of scans,
which files are secondary, and the type of a scan (intake contract 5.3, 5.4)."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from engine.sessions.build.facts import ObjectFacts
from engine.sessions.build.types import SessionTypes

PRIMARY = "DICOM"
SECONDARY = "secondary"

UNKNOWN_TYPE = "unknown"
_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}", re.ASCII)
_NON_WORD = re.compile(r"\W", re.ASCII)
_IGNORED = re.compile(r"[\s_\-*]+")
_NUMBER = re.compile(r"(\d+)(-.*)?", re.ASCII | re.DOTALL)
_LONGEST_ID = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class SeriesName:
    """What the ID of a scan is made of."""

    uid: str
    number: str
    modality: str


def group_series(facts: Iterable[ObjectFacts]) -> dict[str, list[ObjectFacts]]:
    """Group by Series Instance UID, in the order of the UIDs."""
    groups: defaultdict[str, list[ObjectFacts]] = defaultdict(list)
    for fact in facts:
        groups[fact.series].append(fact)
    return {uid: groups[uid] for uid in sorted(groups)}


def series_name(uid: str, facts: Sequence[ObjectFacts], types: SessionTypes) -> SeriesName:
    """Say number and lead modality of a series; of numbers that differ, the most frequent."""
    numbers = Counter(fact["SeriesNumber"] for fact in facts if fact["SeriesNumber"])
    number = min(numbers, key=lambda text: (-numbers[text], text), default="")
    modality = types.lead_modality({fact["Modality"] for fact in facts})
    return SeriesName(uid=uid, number=number, modality=modality)


def scan_ids(series: Iterable[SeriesName]) -> dict[str, str]:
    """Return every series its scan ID (intake contract 5.3), by Series Instance UID."""
    by_number: defaultdict[str, list[SeriesName]] = defaultdict(list)
    for each in sorted(series, key=lambda each: each.uid):
        by_number[_plain_number(each)].append(each)
    ids: dict[str, str] = {}
    for number, sharing in by_number.items():
        counts: Counter[str] = Counter()
        for each in sharing:
            counts[each.modality] += 1
            shared = len(sharing) > 1
            ids[each.uid] = f"{number}-{each.modality}{counts[each.modality]}" if shared else number
    return _distinct(ids)


def scan_order(scan_id: str) -> tuple[int, int, str]:
    """Order scans by number, those without a number last."""
    match = _NUMBER.fullmatch(scan_id)
    return (0, int(match[1]), match[2] or "") if match else (1, 0, scan_id)


def split_resources(
    facts: Iterable[ObjectFacts], types: SessionTypes, session: str, *, separate_secondary: bool
) -> dict[str, list[ObjectFacts]]:
    """Divide the files of a scan over its resources, by label; `session` is the session's type."""
    parts: dict[str, list[ObjectFacts]] = {PRIMARY: [], SECONDARY: []}
    for fact in facts:
        primary = not separate_secondary or types.is_primary(fact.sop_class, session)
        parts[PRIMARY if primary else SECONDARY].append(fact)
    return {label: files for label, files in parts.items() if files}


def normal_description(description: str) -> str:
    """Reduce a series description to what counts when types are learned."""
    return _IGNORED.sub("", description.upper())


def learn_scan_types(scans: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Learn from (description, type) of earlier scans; of several types the most frequent wins."""
    seen: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for description, kind in scans:
        key = normal_description(description)
        if key and kind and kind != UNKNOWN_TYPE:
            seen[key][kind] += 1
    return {key: min(kinds, key=lambda kind: (-kinds[kind], kind)) for key, kinds in seen.items()}


def scan_type(description: str, mapping: Mapping[str, str]) -> str:
    """Name the type of a scan with this description, as the project has named it before."""
    if not description:
        return UNKNOWN_TYPE
    return mapping.get(normal_description(description), description)


def _plain_number(series: SeriesName) -> str:
    number = series.number.strip()
    if number.startswith("+"):
        number = "_" + number[1:]
    if _PLAIN.fullmatch(number):
        return number
    # Not usable as the name of a folder: treated like a series that has no number.
    return _NON_WORD.sub("_", series.uid)[:_LONGEST_ID]


def _distinct(ids: Mapping[str, str]) -> dict[str, str]:
    """Keep apart what the rules let coincide, also where a file system ignores case."""
    taken: set[str] = set()
    distinct: dict[str, str] = {}
    for uid, wanted in ids.items():
        name, count = wanted, 1
        while name.lower() in taken:
            count += 1
            name = f"{wanted}_{count}"
        taken.add(name.lower())
        distinct[uid] = name
    return distinct
