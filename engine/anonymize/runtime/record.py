# SPDX-License-Identifier: Apache-2.0
"""The record of scripts in the object itself: an item of De-identification Method Code Sequence
(0012,0064) for each script that was applied, as XNAT writes it."""

from __future__ import annotations

from engine.anonymize.runtime.subject import ScriptedObject
from engine.dicom.header import Header

METHODS = 0x00120064

_CODE, _LONG_CODE = 0x00080100, 0x00080119
_SCHEME, _SCHEME_VERSION, _MEANING = 0x00080102, 0x00080103, 0x00080104
_LONGEST_CODE = 16
_TITLES = {6: "XNAT DicomEdit 6 Script", 4: "XNAT DicomEdit 4 Script"}


def record(subject: ScriptedObject, identifier: str, language: int) -> None:
    """Append the item for a script, unless there is one."""
    items = subject.head.items(METHODS)
    wanted = {identifier}
    if any(wanted.intersection((one.text(_CODE), one.text(_LONG_CODE))) for one in items):
        return
    item = subject.head.make_sequence(METHODS, len(items) + 1)[-1]
    if len(identifier) <= _LONGEST_CODE:
        item.put(_CODE, "SH", identifier)
    else:
        item.put(_LONG_CODE, "UC", identifier)
    item.put(_SCHEME, "SH", "XNAT")
    item.put(_SCHEME_VERSION, "SH", "1.0")
    item.put(_MEANING, "LO", _TITLES[language])


def records_in(header: Header) -> tuple[str, ...]:
    """Return the ids of all scripts that an object says were applied to it, ours or not."""
    codes = (item.text(_CODE) or item.text(_LONG_CODE) for item in header.items(METHODS))
    return tuple(filter(None, codes))


def recorded_in(header: Header, identifier: str) -> bool:
    """Say whether the script with this id was applied to an object."""
    return any(
        identifier in (item.text(_CODE), item.text(_LONG_CODE)) for item in header.items(METHODS)
    )
