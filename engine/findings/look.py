# SPDX-License-Identifier: Apache-2.0
"""Looks through the elements of one object, as a script sees them, for what may say who the patient
is; and reads what the object says of him in the first place."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from engine.anonymize.runtime.changes import name_of
from engine.anonymize.runtime.level import Level, is_creator
from engine.anonymize.runtime.subject import ScriptedObject
from engine.anonymize.runtime.values import BULK
from engine.dicom.dictionary import format_tag
from engine.dicom.header import HeaderError
from engine.findings import attributes
from engine.findings.needles import Identity, Needles
from engine.findings.sightings import Cause
from engine.model.changes import Statement
from engine.model.findings import FindingKind
from engine.model.findings import Level as Weight

_LONGEST_TEXT = 64 * 1024
_LONGEST_BINARY = 4 * 1024 * 1024
_NUMERIC = frozenset(("FL", "FD", "SL", "SS", "UL", "US", "SV", "UV", "AT"))
_WRITTEN = frozenset(("LT", "ST", "UT"))
_CODES = frozenset(("CS", "AS", "DS", "IS", "TM"))
"""Values in which a name is chance, not a name."""

_SOP_CLASS, _IMAGE_TYPE, _BURNED_IN = 0x00080016, 0x00080008, 0x00280301
_RECORDS = frozenset((0x00120063, 0x00120064))
"""What was done to the object: we have written it."""
_FEATURES, _GRAPHICS = 0x00280302, 0x00700001
_PIXEL_GROUP, _META = 0x7FE0, 0x0002

_DRAWN = {0x50: "CurveData", 0x60: "OverlayData"}
"""By the first half of the group."""

_STORAGE = "1.2.840.10008.5.1.4.1.1."
_SHOWS_TEXT = ("7", "7.1", "7.2", "7.3", "7.4", "6", "6.1", "6.2", "3", "3.1", "77.1", "12.77", "9")
"""Secondary captures, ultrasound, visible light, waveforms: what such images show is often text."""
_MEDIUM_SOURCES = ("Date", "DateTime", "InstitutionName", "StationName", "DepartmentName")
_SCREENS = ("SCREEN", "SAVE", "SECONDARY", "CAPTURE", "REPORT")


@dataclass(frozen=True, slots=True)
class Seen:
    """One cause in one object."""

    cause: Cause
    value: str = ""
    by: Statement | None = None
    """Who wrote the element last, if a script of this run did."""


def identity_of(subject: ScriptedObject, changed: Collection[int]) -> Identity:
    """Return what an object says of its patient. Dates of the study count where they are among the
    elements that a script has `changed`: else they stand for all to see anyway."""
    found = Identity()
    for level in _levels(subject.head):
        for tag in attributes.PERSONS:
            _say(found.names, level, tag)
        for tag in attributes.NUMBERS:
            _say(found.numbers, level, tag)
        for tag in attributes.PLACES:
            _say(found.places, level, tag)
        _say(found.dates, level, attributes.BIRTH_DATE)
        for tag in attributes.STUDY_DATES.intersection(changed):
            _say(found.dates, level, tag)
    return found


def _say(into: dict[str, str], level: Level, tag: int) -> None:
    if not level.holds(tag):
        return
    text = level.text(tag) or ""
    if len(text) > _LONGEST_TEXT or attributes.is_neutral(text):
        return
    for value in text.split("\\"):
        if value.strip():
            into.setdefault(value.strip(), name_of(level, tag))


def look(
    subject: ScriptedObject,
    needles: Needles,
    *,
    ours: Collection[str],
    written: Collection[tuple[int, ...]],
    file: str,
) -> Iterator[Seen]:
    """Yield what is seen in an object.

    Args:
        subject: the object, as it stands or as a script leaves it.
        needles: what is looked for.
        ours: values that are labels of the session: they are no finding.
        written: paths of elements that the site script has written.
        file: its path below the session's folder.
    """
    source = needles.find(file.rpartition("/")[2])
    if source:
        cause = f"part of {source}"
        yield Seen(Cause(FindingKind.RECURS, Weight.HIGH, "", "file name", cause), file)
    yield from _kind_of(subject.head)
    looker = _Looker(needles, ours, written)
    for part in subject.parts():
        yield from looker.level(part, (), "")


class _Looker:
    def __init__(
        self, needles: Needles, ours: Collection[str], written: Collection[tuple[int, ...]]
    ) -> None:
        self._needles, self._ours, self._written = needles, ours, written

    def level(self, level: Level, above: tuple[int, ...], place: str) -> Iterator[Seen]:
        """Go through a data set and what is in its items."""
        uids: list[int] = []
        times: list[int] = []
        private: dict[str, int] = {}
        for tag in level.tags():
            group = tag >> 16
            if group == _META or (group == _PIXEL_GROUP and not above):
                continue
            vr, path = level.vr(tag), f"{place}{format_tag(tag)}"
            by = level.by.get(tag)
            if tag in _RECORDS:
                continue
            if vr == "SQ":
                if tag == _GRAPHICS:
                    yield Seen(_graphics(path, "GraphicAnnotationSequence", "drawn text"), by=by)
                yield from self._items(level, tag, (*above, tag), f"{path}[].")
                continue
            if group & 1:
                if is_creator(tag):
                    continue
                creator = level.text(tag & 0xFFFF0000 | tag >> 8 & 0xFF) or "nobody"
                private[creator] = private.get(creator, 0) + 1
            wanted_gone = not group & 1 and attributes.is_wanted_gone(tag)
            if wanted_gone and attributes.is_uid(tag):
                uids.append(tag)
            elif wanted_gone and attributes.is_time(tag):
                times.append(tag)
            again = None if tag in attributes.OWN else self._recurs(level, tag, vr, path, by)
            if again is not None:
                yield again
            elif wanted_gone and not attributes.is_uid(tag) and not attributes.is_time(tag):
                yield from self._of_profile(level, tag, vr, above, path, by)
        if not above:
            yield from self._together(level, uids, times, private)

    def _items(self, level: Level, tag: int, above: tuple[int, ...], place: str) -> Iterator[Seen]:
        try:
            items = level.items(tag)
        except HeaderError:
            return
        for number, item in enumerate(items):
            yield from self.level(item, (*above, number), place)

    def _of_profile(
        self,
        level: Level,
        tag: int,
        vr: str,
        above: tuple[int, ...],
        path: str,
        by: Statement | None,
    ) -> Iterator[Seen]:
        if vr in BULK:
            return
        value = _text(level, tag, vr)
        if not value or self._is_ours(value, (*above, tag), by):
            return
        name = name_of(level, tag)
        line = f"- {path}" if attributes.removes(tag) else f'{path} := ""'
        remedy = "" if above else line
        weight = attributes.level_of(tag, vr)
        yield Seen(
            Cause(FindingKind.PROFILE, weight, path, name, "the profile wants it gone", remedy),
            value,
            by,
        )

    def _recurs(
        self,
        level: Level,
        tag: int,
        vr: str,
        path: str,
        by: Statement | None,
    ) -> Seen | None:
        """Return where something of the patient stands in an element that is not meant for it."""
        if vr in _NUMERIC or vr in _CODES:
            return None
        if vr in BULK or vr == "UN":
            return self._in_binary(level, tag, path)
        value = _text(level, tag, vr)
        if not value or value in self._ours:
            return None
        name = name_of(level, tag)
        if source := self._needles.find(value):
            weight = _weight(source, vr)
            cause, remedy = f"part of {source}", _gone(level, tag, path)
            return Seen(Cause(FindingKind.RECURS, weight, path, name, cause, remedy), value, by)
        if vr in _WRITTEN and len(value.split()) > 1 and not attributes.is_wanted_gone(tag):
            return Seen(Cause(FindingKind.TEXT, Weight.LOW, path, name, "free text"), value, by)
        return None

    def _in_binary(self, level: Level, tag: int, path: str) -> Seen | None:
        size = level.size(tag)
        data = level.header.raw(tag) if 0 < size <= _LONGEST_BINARY else None
        source = self._needles.find_bytes(bytes(data)) if data is not None else ""
        if not source:
            return None
        cause, remedy = f"part of {source}, in a binary value", _gone(level, tag, path)
        return Seen(
            Cause(FindingKind.RECURS, Weight.HIGH, path, name_of(level, tag), cause, remedy)
        )

    def _together(
        self, level: Level, uids: list[int], times: list[int], private: dict[str, int]
    ) -> Iterator[Seen]:
        """Tell of what there is much of once: of UIDs, of dates, of each private block."""
        as_received = [tag for tag in uids if self._stays(level, tag)]
        if as_received:
            cause = "UIDs are as they were sent"
            yield Seen(Cause(FindingKind.PROFILE, Weight.LOW, "(0020,000D)", "UIDs", cause))
        unchanged = [tag for tag in times if self._stays(level, tag)]
        if unchanged:
            cause = "dates and times are as they were sent"
            yield Seen(Cause(FindingKind.PROFILE, Weight.LOW, "(0008,0020)", "dates", cause))
        for creator in private:
            cause = "private elements: nobody knows what they hold"
            yield Seen(Cause(FindingKind.PRIVATE, Weight.LOW, "", "private", cause), creator)

    def _stays(self, level: Level, tag: int) -> bool:
        touched = (tag,) in self._written or tag in level.by
        value = (level.text(tag) or "").strip()
        return bool(value) and not touched and not attributes.is_neutral(value)

    def _is_ours(self, value: str, path: tuple[int, ...], by: Statement | None) -> bool:
        return (
            by is not None
            or path in self._written
            or value in self._ours
            or attributes.is_neutral(value)
        )


def _kind_of(head: Level) -> Iterator[Seen]:
    """Tell what kind of object it is, where that alone is a reason to look."""
    sop = (head.text(_SOP_CLASS) or "").strip()
    of = sop.removeprefix(_STORAGE) if sop.startswith(_STORAGE) else ""
    burned = (head.text(_BURNED_IN) or "").strip().upper()
    image_type = (head.text(_IMAGE_TYPE) or "").upper()
    if burned == "YES":
        cause = "its sender says that text is burned in"
        yield Seen(Cause(FindingKind.PIXELS, Weight.HIGH, "(7FE0,0010)", "PixelData", cause))
    elif burned != "NO" and (
        any(of == one or of.startswith(f"{one}.") for one in _SHOWS_TEXT)
        or any(word in image_type for word in _SCREENS)
    ):
        cause = "such images often show text, and nobody has read the pixels"
        yield Seen(Cause(FindingKind.PIXELS, Weight.MEDIUM, "(7FE0,0010)", "PixelData", cause))
    if (head.text(_FEATURES) or "").strip().upper() == "YES":
        cause = "its sender says that the face can be recognised"
        yield Seen(Cause(FindingKind.PIXELS, Weight.MEDIUM, "(7FE0,0010)", "PixelData", cause))
    if of.startswith("88."):
        cause = "a structured report, written for people"
        yield Seen(Cause(FindingKind.DOCUMENT, Weight.MEDIUM, "(0040,A730)", "report", cause))
    elif of.startswith("104."):
        cause = "a document inside the object, which nobody has read"
        yield Seen(Cause(FindingKind.DOCUMENT, Weight.HIGH, "(0042,0011)", "document", cause))
    for tag in head.tags():
        what = _DRAWN.get(tag >> 24) if tag & 0xFFFF == 0x3000 else None
        if what is not None:
            yield Seen(_graphics(format_tag(tag), what, "it may be drawn text"))


def _weight(source: str, vr: str) -> Weight:
    """Return how much it tells that something stands where it should not. UIDs hold dates by
    custom, and when a study was made says less than of whom."""
    if vr == "UI":
        return Weight.LOW
    if source == "PatientBirthDate":
        return Weight.HIGH
    return Weight.MEDIUM if source.endswith(_MEDIUM_SOURCES) else Weight.HIGH


def _graphics(path: str, name: str, cause: str) -> Cause:
    return Cause(FindingKind.GRAPHICS, Weight.MEDIUM, path, name, cause, f"- {path}")


def _gone(level: Level, tag: int, path: str) -> str:
    """Return the line that removes an element of the root; what stands in items has none."""
    if "[" in path:
        return ""
    if not tag >> 16 & 1:
        return f'{path} := ""'
    creator = level.text(tag & 0xFFFF0000 | tag >> 8 & 0xFF)
    if not creator or not creator.isprintable() or any(sign in creator for sign in '{}"'):
        return ""
    return f"- ({tag >> 16:04X},{{{creator}}}{tag & 0xFF:02X})"


def _text(level: Level, tag: int, vr: str) -> str:
    if level.size(tag) > _LONGEST_TEXT:
        return ""
    value = (level.verbatim(tag) or "").strip(" \0")
    return value if vr not in ("UN",) or value.isprintable() else ""


def _levels(level: Level) -> Iterator[Level]:
    yield level
    for tag in level.tags():
        if level.vr(tag) == "SQ":
            try:
                items: list[Level] = level.items(tag)
            except HeaderError:
                continue
            for item in items:
                yield from _levels(item)
