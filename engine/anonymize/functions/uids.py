# SPDX-License-Identifier: Apache-2.0
"""New UIDs for old ones: hashed (the same everywhere), mapped (the same wherever the secret of this
installation is known), or random. Values are given and returned as text."""

from __future__ import annotations

import hmac
import re
from hashlib import sha1
from uuid import uuid4

from engine.anonymize.faults import ScriptError

LONGEST_PREFIX = 24
"""Leaves room below 64 characters for a point and a number of 128 bits."""

_UUID_ROOT = "2.25"
_COMPONENT = r"(?:0|[1-9][0-9]*)"
# Under the roots 0 and 1 the second number ends at 39 (X.660).
_PREFIX = re.compile(rf"(?:[01]\.(?:[0-9]|[1-3][0-9])|2\.{_COMPONENT})(?:\.{_COMPONENT})*")


def hash_uid(text: str | None) -> str | None:
    """Hash a text into a UID; null stays null, so that a missing UID stays missing."""
    if text is None:
        return None
    # A UUID of version 5 without its name space: this is what DicomEdit makes.
    digest = sha1(_bytes(text), usedforsecurity=False).digest()
    return f"{_UUID_ROOT}.{_uuid_number(digest, version=5)}"


def hash_each_uid(text: str) -> str:
    """Hash every value of a multi-valued text by itself; an empty value stays empty."""
    return "\\".join(hash_uid(value) or "" if value else "" for value in text.split("\\"))


def new_uid() -> str:
    """Return a UID that nobody had before."""
    return f"{_UUID_ROOT}.{uuid4().int}"


def check_prefix(prefix: str) -> str:
    """Return the prefix as it goes before a UID, or say what is wrong with it.

    One point at its end is allowed and means the same as none.
    """
    root = prefix.removesuffix(".")
    if len(root) > LONGEST_PREFIX:
        raise ScriptError(f"the prefix of a UID may have at most {LONGEST_PREFIX} characters")
    if not _PREFIX.fullmatch(root):
        raise ScriptError(
            "the prefix is not the begin of a UID",
            hint="Write at least two numbers with points between them, such as 1.2.840.",
        )
    return root


def mapped_uid(secret: bytes, prefix: str, value: str | None) -> str | None:
    """Return the UID below the prefix that stands for a value, in every process and every run.

    Null stays null and an empty value stays empty, where Java makes a UID for them: one UID for
    all objects that have none would make them the same object.
    """
    root = check_prefix(prefix)
    if not value:
        return value
    # A prefix has no NUL, so no other pair of prefix and value gives this message.
    digest = _keyed(secret, b"mapped\0" + root.encode("ascii") + b"\0" + _bytes(value))
    return f"{root}.{int.from_bytes(digest[:16], 'big')}"


def map_each_uid(secret: bytes, prefix: str, text: str) -> str:
    """Map every value of a multi-valued text by itself."""
    return "\\".join(mapped_uid(secret, prefix, value) or "" for value in text.split("\\"))


def generated_uid(secret: bytes, place: str, value: str | None) -> str:
    """Return the new UID of version 4 scripts: the same for the same old value in the same place.

    Without an old value it is random.
    """
    if not value:
        return new_uid()
    digest = _keyed(secret, b"generated\0" + place.encode("utf-8") + b"\0" + _bytes(value))
    return f"{_UUID_ROOT}.{_uuid_number(digest, version=8)}"


def _keyed(secret: bytes, message: bytes) -> bytes:
    if not secret:
        raise ValueError("UIDs are mapped with a secret; an empty one keeps nothing")
    return hmac.digest(secret, message, "sha256")


def _uuid_number(digest: bytes, *, version: int) -> int:
    patched = bytearray(digest[:16])
    patched[6] = patched[6] & 0x0F | version << 4
    patched[8] = patched[8] & 0x3F | 0x80
    return int.from_bytes(patched, "big")


def _bytes(text: str) -> bytes:
    # Java writes “?” for half a character; so does this.
    return text.encode("utf-8", errors="replace")
