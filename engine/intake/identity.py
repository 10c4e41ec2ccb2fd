# SPDX-License-Identifier: Apache-2.0
"""Checks of the UIDs that an object must have to be accepted, as received and after a script."""

from __future__ import annotations

from engine.dicom.names import Texts
from engine.intake.answers import CANNOT_UNDERSTAND, MISMATCH, ObjectContext, Refusal

SOP_CLASS, SOP_INSTANCE = 0x00080016, 0x00080018
STUDY_UID, SERIES_UID = 0x0020000D, 0x0020000E

_LONGEST_UID = 128
"""Characters; twice what PS3.5 9.1 allows, for senders that cannot count."""
_NAMED = (
    ("SOP Class", SOP_CLASS),
    ("SOP Instance", SOP_INSTANCE),
    ("Study Instance", STUDY_UID),
)


def check_received(header: Texts, context: ObjectContext) -> None:
    """Refuse an object that does not name itself, or not as its command does.

    Raises:
        Refusal: with what is wrong.
    """
    sop_class, sop_instance = header.text(SOP_CLASS), header.text(SOP_INSTANCE)
    if not sop_class or not sop_instance:
        raise Refusal(CANNOT_UNDERSTAND, "SOP Class UID or SOP Instance UID is missing")
    for name, tag in _NAMED:
        uid = header.text(tag)
        if not uid:
            raise Refusal(CANNOT_UNDERSTAND, f"{name} UID is missing")
        if not _well_formed(uid):
            raise Refusal(CANNOT_UNDERSTAND, f"{name} UID is malformed")
    if sop_class != context.sop_class:
        raise Refusal(MISMATCH, "SOP Class UID differs between command and data set")
    if sop_instance != context.sop_instance:
        raise Refusal(MISMATCH, "SOP Instance UID differs between command and data set")


def unplaced(texts: Texts) -> str:
    """Say what an object lacks without which no build can place it in its session; empty where it
    lacks nothing. Others of its session must not wait for it: it is held."""
    uid = texts.text(SERIES_UID) or ""
    # What has no character that can be written down names nothing either.
    if any(one.isprintable() and not one.isspace() for one in uid):
        return ""
    return "Series Instance UID is missing"


def unsound(texts: Texts, received: Texts | None = None) -> str:
    """Say what an object lacks after a script, without which it cannot be stored; empty where it
    lacks nothing that it had when it was `received`."""
    for name, tag in _NAMED:
        uid = texts.text(tag)
        if not uid:
            return f"it leaves no {name} UID"
        if not _well_formed(uid):
            return f"it leaves a malformed {name} UID"
    if unplaced(texts) and not (received is not None and unplaced(received)):
        return "it leaves no Series Instance UID"
    return ""


def looks_like_elements(head: bytearray) -> bool:
    """Tell a damaged data set from bytes that never were one: the first tag says it."""
    group = int.from_bytes(head[:2], "little")
    return len(head) >= 8 and group in (0x0002, 0x0004, 0x0008, 0x0010, 0x0018, 0x0020, 0x0028)


def _well_formed(uid: str) -> bool:
    return len(uid) <= _LONGEST_UID and uid.isprintable()
