# SPDX-License-Identifier: Apache-2.0
"""How stored scripts are applied here: the variables that every script gets, the id that marks an
object on which a script ran, and the compilation of the script in force."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from hashlib import sha256

from engine.anonymize.language.check import load
from engine.anonymize.language.lookups import usable_table
from engine.anonymize.runtime.plan import CompiledScript, compile_script
from engine.model.scripts import ScriptInForce

UNASSIGNED = "Unassigned"
"""What scripts read as the project of data that has none."""

_BASE32 = "0123456789abcdefghjkmnpqrstvwxyz"
_MARKS = 3
"""Characters after the id of the script: both fit a code value of DICOM (16)."""


def variables(*, project: str, subject: str, session: str) -> dict[str, str]:
    """Return what scripts are told of an object; an empty project is Unassigned."""
    return {"project": project or UNASSIGNED, "subject": subject, "session": session}


def record_id(script: str, given: Mapping[str, str], secret: bytes) -> str:
    """Return the id by which an object says that a version of a script ran with these variables:
    with others it has to run again. It tells nobody else what they were."""
    said = "\0".join(given[name] for name in ("project", "subject", "session"))
    digest = hmac.digest(secret, f"record\0{script}\0{said}".encode(), sha256)
    return f"{script}." + "".join(_BASE32[byte & 31] for byte in digest[:_MARKS])


def script_of(record: str) -> str:
    """Return the id of the script in such an id."""
    return record.partition(".")[0]


def ready(script: ScriptInForce, *, secret: bytes) -> CompiledScript:
    """Make a script in force ready to run.

    Raises:
        InvalidScript: if it has faults.
        InvalidInput: if its lookup table has.
    """
    table = usable_table(script.lookups)
    return compile_script(
        load(script.text),
        name=script.name,
        version=script.version,
        secret=secret,
        lookups=table,
        hosts=frozenset(script.hosts),
    )
