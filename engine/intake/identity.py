"""What an object has to say of itself to be taken in: the UIDs that name it, as received and as a
script leaves them."""

from __future__ import annotations

from engine.dicom.names import Texts
from engine.intake.answers import CANNOT_UNDERSTAND, MISMATCH, ObjectContext, Refusal

SOP_CLASS, SOP_INSTANCE, STUDY_UID = 0x00080016, 0x00080018, 0x0020000D

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


def unsound(texts: Texts) -> str:
    """Say what an object lacks after a script, without which it cannot be stored; empty where it
    lacks nothing."""
    for name, tag in _NAMED:
        uid = texts.text(tag)
        if not uid:
            return f"it leaves no {name} UID"
        if not _well_formed(uid):
            return f"it leaves a malformed {name} UID"
    return ""


def looks_like_elements(head: bytearray) -> bool:
    """Tell a damaged data set from bytes that never were one: the first tag says it."""
    group = int.from_bytes(head[:2], "little")
    return len(head) >= 8 and group in (0x0002, 0x0004, 0x0008, 0x0010, 0x0018, 0x0020, 0x0028)


def _well_formed(uid: str) -> bool:
    return len(uid) <= _LONGEST_UID and uid.isprintable()
