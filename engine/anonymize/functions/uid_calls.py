# SPDX-License-Identifier: Apache-2.0
"""The functions for UIDs, as calls of a running script. UIDs are made in
`engine.anonymize.functions.uids`."""

from __future__ import annotations

from engine.anonymize.faults import ScriptError
from engine.anonymize.functions.uids import (
    check_prefix,
    hash_each_uid,
    hash_uid,
    map_each_uid,
    mapped_uid,
    new_uid,
)
from engine.anonymize.runtime.matches import found_elements
from engine.anonymize.runtime.run import VOID, Run, Value, text_of
from engine.anonymize.runtime.values import BULK
from engine.dicom.values import BINARY

_NO_TEXT = BULK | BINARY | {"SQ", "AT"}


def hash_uid_of(run: Run, arguments: list[Value]) -> Value:
    """Return the hashed UID of a text."""
    return hash_uid(text_of(run, arguments[0]))


def new_uid_of(run: Run, arguments: list[Value]) -> Value:
    """Return a random UID."""
    return new_uid()


def map_uid(run: Run, arguments: list[Value]) -> Value:
    """Return the UID that stands for a value."""
    value, prefix = (text_of(run, one) for one in arguments)
    return mapped_uid(secret(run), prefix or "", value)


def hash_uid_list(run: Run, arguments: list[Value]) -> Value:
    """Hash every UID that the paths match, in place."""
    for level, tag in found_elements(run, arguments):
        vr, text = level.vr(tag), level.text(tag)
        if vr in _NO_TEXT or not text:
            continue
        if vr not in ("UI", "UN"):
            run.note(f"hashUIDList meets an element of VR {vr}")
        level.put(tag, vr, hash_each_uid(text))
    return VOID


def map_referenced_uids(run: Run, arguments: list[Value]) -> Value:
    """Map every UID that the paths match, in place."""
    prefix = check_prefix(text_of(run, arguments[0]) or "")
    for level, tag in found_elements(run, arguments[1:], quiet=True):
        vr, text = level.vr(tag), level.text(tag)
        if vr not in _NO_TEXT and text:
            level.put(tag, vr, map_each_uid(secret(run), prefix, text))
    return VOID


def secret(run: Run) -> bytes:
    """Return the secret of this installation."""
    if not run.tools.secret:
        raise ScriptError("UIDs are mapped with a secret, and none was given")
    return run.tools.secret
