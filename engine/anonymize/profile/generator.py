# SPDX-License-Identifier: Apache-2.0
"""Writes the Basic Application Level Confidentiality Profile (DICOM PS3.15, Annex E), with options,
as a DicomEdit script that users can read and adapt. The action for each attribute comes from
`engine.anonymize.profile.table`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.anonymize.profile.table import (
    EDITION,
    Option,
    Row,
    Treatment,
    forgotten,
    rows,
    treatment,
    without_options,
)
from engine.anonymize.profile.values import (
    BASIC_CODE,
    CODES,
    DUMMIES,
    PIXELS_CODE,
    SAFE_PRIVATE,
    SAFE_WORDS,
    SEQUENCES,
)
from engine.model.errors import InvalidInput

DATE_SHIFT = -1827
"""Days, when nobody names a number."""

SHIPPED = {
    "basic_profile.das": frozenset[Option](),
    "profile_research.das": frozenset(
        (
            Option.RETAIN_PATIENT,
            Option.RETAIN_DEVICE,
            Option.RETAIN_PRIVATE,
            Option.MODIFIED_DATES,
            Option.CLEAN_DESCRIPTORS,
        )
    ),
    "profile_internal.das": frozenset(
        (
            Option.RETAIN_UIDS,
            Option.RETAIN_DEVICE,
            Option.RETAIN_INSTITUTION,
            Option.RETAIN_PATIENT,
            Option.RETAIN_PRIVATE,
            Option.FULL_DATES,
        )
    ),
    "profile_reports.das": frozenset(
        (Option.RETAIN_PATIENT, Option.CLEAN_STRUCTURED, Option.CLEAN_GRAPHICS)
    ),
}
"""The scripts that come with the program, by file name."""

UIDS_HASHED = "UIDs hashed by Anteroom"
DATES_SHIFTED = "dates shifted by Anteroom"
_METHOD = "DICOM PS3.15 Basic Profile"
_META = (
    ("(0002,0016)", "Source Application Entity Title"),
    ("(0002,0017)", "Sending Application Entity Title"),
    ("(0002,0018)", "Receiving Application Entity Title"),
    ("(0002,0026)", "Source Presentation Address"),
    ("(0002,0027)", "Sending Presentation Address"),
    ("(0002,0028)", "Receiving Presentation Address"),
    ("(0002,0100)", "Private Information Creator UID"),
    ("(0002,0102)", "Private Information"),
)
_FALLBACKS = {
    "datesOrNothing": None,
    "datesOrEmpty": "",
    "datesOrDummy": DUMMIES["DA"],
    "momentsOrDummy": DUMMIES["DT"],
}
"""The lists of dates, by what becomes of those that are none."""
_WIDTH = 100


def profile_script(
    options: frozenset[Option] = frozenset(), *, date_shift: int = DATE_SHIFT
) -> str:
    """Write the script of the Basic Profile with these options; dates move by `date_shift` days."""
    if {Option.FULL_DATES, Option.MODIFIED_DATES} <= options:
        raise InvalidInput("dates are either kept or shifted, not both")
    if date_shift == 0:
        raise InvalidInput("a shift by 0 days leaves every date as it is")
    sections = _Sections(options, date_shift)
    return "\n".join(sections.lines()) + "\n"


class _Sections:
    def __init__(self, options: frozenset[Option], date_shift: int) -> None:
        self._options = options
        self._date_shift = date_shift
        self._by: dict[Treatment, list[Row]] = {one: [] for one in Treatment}
        for row in rows():
            self._by[treatment(row, options)].append(row)

    def lines(self) -> Iterator[str]:
        yield from self._head()
        yield from self._private()
        yield from self._removed()
        yield from self._uids()
        yield from self._dates()
        yield from self._emptied()
        yield from self._dummies()
        yield from self._sequences()
        yield from self._words()
        yield from self._forgotten()
        yield from self._content()
        yield from self._meta()
        yield from self._pixels()
        yield from self._done()

    def _chosen(self) -> list[Option]:
        return [one for one in Option if one in self._options]

    def _head(self) -> Iterator[str]:
        yield "// Basic Application Level Confidentiality Profile, as a DicomEdit script."
        yield f"// {EDITION}."
        yield "//"
        names = [CODES[one][1] if one in CODES else PIXELS_CODE[1] for one in self._chosen()]
        yield f"// Options: {'none' if not names else ''}".rstrip()
        yield from (f"//   {name}" for name in names)
        yield "//"
        yield "// Where the profile leaves a choice by the type of an attribute, what is right for"
        yield "// every type is written: a value is emptied or replaced, not removed."
        yield "// Text in the pixels is not touched."
        yield 'version "6.7"'
        if Option.MODIFIED_DATES in self._options:
            yield ""
            yield "// Days by which dates move. Choose a number of your own and keep it secret."
            yield "// For one per patient, fill a lookup table and write:"
            yield '// dateShift := lookup["dateShift", (0010,0020)]'
            yield f'dateShift := "{self._date_shift}"'
        if Option.CLEAN_DESCRIPTORS in self._options:
            yield from _safe_words()

    # ------------------------------------------------------------------------------- treatments

    def _private(self) -> Iterator[str]:
        if self._by[Treatment.PRIVATE]:
            yield from _section("Private attributes: all are removed.")
            yield "removeAllPrivateTags"
        else:
            yield from _section(
                "Private attributes: those that are known to be safe (PS3.15, Table E.3.10-1,",
                "as far as images of CT, MR and PET need them) are kept, all others are removed.",
            )
            yield "safePrivate := {"
            yield from _listed((f"*/{path}", name) for path, name in SAFE_PRIVATE)
            yield "}"
            yield "retainPrivateTags[safePrivate]"

    def _removed(self) -> Iterator[str]:
        yield from _section("Attributes that are removed, at every depth.")
        for row in self._by[Treatment.REMOVE]:
            if not _stays_inside(row):
                yield from _treated(row)

    def _uids(self) -> Iterator[str]:
        found = self._by[Treatment.HASH] + self._own(Treatment.HASH)
        inside = self._by[Treatment.INSIDE]
        if inside:
            yield from _section("Sequences that stay; what is in them is treated like the rest.")
            yield from (f"//   {row.tag} {row.name}" for row in inside)
        if not found:
            return
        yield from _section(
            "UIDs: the same for the same old one, at every depth. The note in (0012,0063) keeps",
            "a second run from hashing them again.",
        )
        yield "uids := {"
        yield from _listed((f"*/{row.tag}", _told(row)) for row in found)
        yield "}"
        yield from _once(UIDS_HASHED, "hashUIDList[uids]")

    def _dates(self) -> Iterator[str]:
        found = self._by[Treatment.SHIFT] + self._own(Treatment.SHIFT)
        if not found:
            return
        yield from _section(
            "Dates: all move by the same number of days; times stay. What is no date, or stands",
            "for one that nobody knows, is treated as in the Basic Profile and does not move: of a",
            "date that is known beforehand the shift could be read off. The note in (0012,0063)",
            "keeps a second run from shifting them again.",
        )
        statements = []
        for name, otherwise in _FALLBACKS.items():
            some = [row for row in found if _otherwise(row) == otherwise]
            if some:
                yield f"{name} := {{"
                yield from _listed((f"*/{row.tag}", _told(row)) for row in some)
                yield "}"
                last = "" if otherwise is None else f", {_quoted(otherwise)}"
                statements.append(f"anteroom_shiftDates[{name}, dateShift{last}]")
        yield from _once(DATES_SHIFTED, *statements)

    def _emptied(self) -> Iterator[str]:
        yield from _section("Attributes that are emptied where they exist, at every depth.")
        for row in self._by[Treatment.EMPTY]:
            if row.vr != "SQ":
                yield from _treated(row)

    def _dummies(self) -> Iterator[str]:
        yield from _section("Attributes that get a dummy where they exist, at every depth.")
        for row in self._by[Treatment.DUMMY]:
            if row.vr != "SQ":
                yield from _treated(row)

    def _sequences(self) -> Iterator[str]:
        yield from _section(
            "Sequences that may not be missing, at every depth: emptied, or, where they need an",
            "item, with one that says nothing.",
        )
        # After the UIDs: those that the items get are not to be hashed.
        removed = [row for row in self._by[Treatment.REMOVE] if _stays_inside(row)]
        for row in (*removed, *self._by[Treatment.EMPTY], *self._by[Treatment.DUMMY]):
            if row.vr == "SQ":
                yield from _treated(row)

    def _words(self) -> Iterator[str]:
        found = self._by[Treatment.WORDS]
        if not found:
            return
        yield from _section(
            "Descriptors: kept when they are made of safe words only, else removed, emptied or",
            "replaced. Inside sequences they are never kept.",
        )
        for row in found:
            yield from _worded(row)

    def _forgotten(self) -> Iterator[str]:
        yield from _section(
            "What the table of the standard forgets, each with the reason why it does not stay.",
            "The UIDs and dates among it are above, with the others.",
        )
        for row in forgotten():
            how = treatment(row, self._options)
            if how is Treatment.WORDS:
                yield from _worded(row)
            elif how is Treatment.KEEP:
                yield f"//   {row.tag} {row.name}: kept by an option"
            elif how not in (Treatment.HASH, Treatment.SHIFT):
                yield from _treated(row)

    def _own(self, how: Treatment) -> list[Row]:
        return [row for row in forgotten() if treatment(row, self._options) is how]

    def _content(self) -> Iterator[str]:
        if Option.CLEAN_STRUCTURED in self._options:
            yield from _section(
                "Structured content stays with its codes, numbers and references. Free text,",
                "names, dates and UIDs in it are treated above.",
            )
        if Option.CLEAN_GRAPHICS in self._options:
            yield from _section(
                "Graphic annotations stay; their text is replaced above. Overlays and curves are",
                "bitmaps that may show text: they are removed above all the same.",
            )
        kept = self._by[Treatment.KEEP]
        if kept:
            yield from _section("Attributes that the options keep.")
            yield from (f"//   {row.tag} {row.name}" for row in kept)

    # -------------------------------------------------------------------------------- what is due

    def _meta(self) -> Iterator[str]:
        yield from _section("File meta information: who sent it to whom is nobody's business.")
        yield from (_line(f"- {tag}", name) for tag, name in _META)

    def _pixels(self) -> Iterator[str]:
        if Option.CLEAN_PIXELS not in self._options:
            return
        code, meaning = PIXELS_CODE
        path = f"(0012,0064)[{len(self._codes())}]"
        yield from _section(
            "Pixels: a script blackens rectangles only, and only you know where your devices",
            "write. Take away the slashes, name the device, and set the rectangle; the last",
            "lines go to the end of the script.",
        )
        yield '// if ((0008,1090) = "MODEL") {'
        yield '//     alterPixels["rectangle", "l=0, r=800, t=0, b=40", "solid", "v=0"]'
        yield '//     (0028,0301) := "NO"'
        yield "// }"
        yield f'// {path}/(0008,0100) := "{code}"'
        yield f'// {path}/(0008,0102) := "DCM"'
        yield f'// {path}/(0008,0104) := "{meaning}"'

    def _codes(self) -> list[tuple[str, str]]:
        return [BASIC_CODE, *(CODES[one] for one in self._chosen() if one in CODES)]

    def _done(self) -> Iterator[str]:
        yield from _section("What was done.")
        yield '(0012,0062) := "YES"'
        yield from _noted(_METHOD)
        yield "- (0012,0064)"
        for index, (code, meaning) in enumerate(self._codes()):
            yield f'(0012,0064)[{index}]/(0008,0100) := "{code}"'
            yield f'(0012,0064)[{index}]/(0008,0102) := "DCM"'
            yield f'(0012,0064)[{index}]/(0008,0104) := "{meaning}"'
        yield f'(0028,0303) := "{self._temporal()}"'

    def _temporal(self) -> str:
        if Option.FULL_DATES in self._options:
            return "UNMODIFIED"
        return "MODIFIED" if Option.MODIFIED_DATES in self._options else "REMOVED"


def _section(*comment: str) -> Iterator[str]:
    yield ""
    yield f"// {'-' * (_WIDTH - 3)}"
    yield from (f"// {line}" for line in comment)
    yield ""


def _line(statement: str, name: str) -> str:
    return f"{statement}  // {name}" if name else statement


def _listed(paths: Iterable[tuple[str, str]]) -> Iterator[str]:
    found = list(paths)
    for index, (path, name) in enumerate(found, 1):
        comma = "," if index < len(found) else ""
        yield f"    {_line(path + comma, name)}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\") + '"'


def _once(mark: str, *statements: str) -> Iterator[str]:
    """Write statements that must not run a second time, with the note that tells they did."""
    yield f'if ((0012,0063) !~ ".*{mark}.*") {{'
    yield from (f"    {line}" for line in (*statements, *_noted(mark)))
    yield "}"


def _noted(mark: str) -> Iterator[str]:
    """Write what adds a value to the de-identification methods, unless it is there."""
    yield 'if ((0012,0063) !~ ".+") {'
    yield f'    (0012,0063) := "{mark}"'
    yield f'}} elseif ((0012,0063) !~ ".*{mark}.*") {{'
    yield f'    (0012,0063) := concatenate[(0012,0063), "\\\\", "{mark}"]'
    yield "}"


def _told(row: Row) -> str:
    return f"{row.name}: {row.reason}" if row.reason else row.name


def _stays_inside(row: Row) -> bool:
    """Say whether this is a sequence that is removed at the root only."""
    return row.vr == "SQ" and without_options(row)[1] is not Treatment.REMOVE


def _treated(row: Row) -> Iterator[str]:
    """Write what is done with an attribute without options, wherever it is."""
    root, inside = without_options(row)
    if root is inside:
        yield _line(_act(row, root, "*/"), _told(row))
    else:
        yield _line(_act(row, root, ""), _told(row))
        yield _act(row, inside, "+/")


def _worded(row: Row) -> Iterator[str]:
    """Write what is done with a descriptor that may stay at the root."""
    root, inside = without_options(row)
    yield _line(f"{row.tag} !~ safeWords ? {_act(row, root, '')}", _told(row))
    yield _act(row, inside, "+/")


def _act(row: Row, how: Treatment, levels: str) -> str:
    path = levels + row.tag
    if how is Treatment.REMOVE:
        return f"- {path}"
    empty = how is Treatment.EMPTY
    if row.vr != "SQ":
        return f"{path} ?= {_quoted('' if empty else DUMMIES[row.vr])}"
    content = () if empty else SEQUENCES[row.tag]
    pairs = "".join(f", \\\n    {_quoted(at)}, {_quoted(value)}" for at, value in content)
    return f"anteroom_replaceItems[{path}{pairs}]"


def _otherwise(row: Row) -> str | None:
    """Return what the Basic Profile writes in place of a date; None where it removes it."""
    how, _ = without_options(row)
    return {Treatment.REMOVE: None, Treatment.EMPTY: ""}.get(how, DUMMIES[row.vr])


def _safe_words() -> Iterator[str]:
    yield ""
    yield "// Words that a description may hold to be kept, with blanks and signs between them. Add"
    yield "// those of your protocols; a name must never be one. Numbers alone are no words."
    lines: list[str] = []
    for word in SAFE_WORDS.split():
        if lines and len(lines[-1]) + len(word) < _WIDTH - 4:
            lines[-1] += f"|{word}"
        else:
            lines.append(word)
    yield 'safeWords := "(?i)[ _.,/+*()-]*(?:(?:\\'
    yield from (f"{line}{'|' if line is not lines[-1] else ''}\\" for line in lines)
    yield ')(?:[ _.,/+*()-]+|$))*"'
