# SPDX-License-Identifier: Apache-2.0
"""The functions that shift dates, as calls of a running script. The arithmetic is in
`engine.anonymize.functions.dates`."""

from __future__ import annotations

from engine.anonymize.faults import ScriptError
from engine.anonymize.functions.dates import is_moment, read_increment, scaling, shift, shifted_days
from engine.anonymize.runtime.changes import path_text
from engine.anonymize.runtime.matches import found_elements
from engine.anonymize.runtime.paths import Path, path_of
from engine.anonymize.runtime.run import VOID, Run, Value, text_of
from engine.anonymize.runtime.values import BULK
from engine.dicom.values import BINARY

_BIRTH_DATE, _STUDY_DATE, _AGE = 0x00100030, 0x00080020, 0x00101010
_BIRTH_DATES, _AGES = path_of("*/(0010,0030)"), path_of("*/(0010,1010)")
_NO_DATES = BULK | BINARY | {"SQ", "AT"}


def shift_date(run: Run, arguments: list[Value]) -> Value:
    """Return a shifted date."""
    _check_vr(run, arguments[0], ("DA", "UN"))
    return _shifted(run, arguments, "days")


def shift_date_time(run: Run, arguments: list[Value]) -> Value:
    """Return a shifted date, or date and time."""
    _check_vr(run, arguments[0], ("DA", "DT", "UN"))
    return _shifted(run, arguments, "seconds")


def shift_date_time_sequence(run: Run, arguments: list[Value]) -> Value:
    """Shift all dates that the paths match, in place."""
    increment = read_increment(text_of(run, arguments[0]))
    return _shift_all(run, arguments[1:], increment, "seconds")


def shift_date_time_list(run: Run, arguments: list[Value]) -> Value:
    """Shift all dates that the paths of a list match, in place."""
    paths, increment, unit = arguments
    return _shift_all(
        run, [paths], read_increment(text_of(run, increment)), text_of(run, unit) or ""
    )


def scale_age(run: Run, arguments: list[Value]) -> Value:
    """Let nobody look older than 89; arguments are ignored."""
    subject = run.subject
    scale = scaling(subject.text(_BIRTH_DATE), subject.text(_STUDY_DATE), subject.text(_AGE))
    if scale.days:
        for level, tag in found_elements(run, [_BIRTH_DATES]):
            text = level.text(tag)
            if is_moment(text):
                level.put(tag, level.vr(tag), shift(text, scale.days, "days"))
    if scale.age is not None:
        for level, tag in found_elements(run, [_AGES]):
            level.put(tag, level.vr(tag), scale.age)
    return VOID


def _shifted(run: Run, arguments: list[Value], unit: str) -> str:
    increment = read_increment(text_of(run, arguments[1]))
    if len(arguments) > 2:
        unit = text_of(run, arguments[2]) or ""
    return shift(text_of(run, arguments[0]), increment, unit)


def _shift_all(run: Run, arguments: list[Value], increment: int, unit: str) -> Value:
    for level, tag in found_elements(run, arguments):
        vr = level.vr(tag)
        text = None if vr in _NO_DATES else level.text(tag)
        if text:
            values = (one and shift(one, increment, unit) for one in text.split("\\"))
            try:
                level.put(tag, vr, "\\".join(values))
            except ScriptError as error:
                raise ScriptError(
                    f"{path_text((tag,))}: {error.message}", hint=error.hint
                ) from None
    return VOID


def shift_dates_or(run: Run, arguments: list[Value]) -> Value:
    """Shift all dates that the paths of a list match, in place. What is no date becomes the last
    argument, and is removed where there is none."""
    paths, days = arguments[0], read_increment(text_of(run, arguments[1]))
    otherwise = text_of(run, arguments[2]) if len(arguments) > 2 else None
    for level, tag in found_elements(run, [paths]):
        vr = level.vr(tag)
        text = None if vr in _NO_DATES else level.text(tag)
        if text == "":
            continue
        shifted = None if text is None else shifted_days(text, days)
        if shifted is not None:
            level.put(tag, vr, shifted)
        elif otherwise is None or vr == "SQ":
            level.remove(tag)
        else:
            level.put(tag, vr, otherwise)
    return VOID


def _check_vr(run: Run, value: Value, wanted: tuple[str, ...]) -> None:
    if not isinstance(value, Path):
        return
    value.check_singular()
    for level, tag in value.find(run.subject):
        if level.vr(tag) not in wanted:
            raise ScriptError(f"{value.text} is no element of VR {' or '.join(wanted[:-1])}")
