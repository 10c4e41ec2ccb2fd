# SPDX-License-Identifier: Apache-2.0
"""Identifiers that Anteroom generates. They have no meaning and contain no patient data, so they
may appear in logs, job arguments and the permanent audit. Accession IDs are generated in the
archive."""

from __future__ import annotations

import re
import secrets
import time
import uuid
from typing import NewType

PrearchiveId = NewType("PrearchiveId", str)
"""`pre_` and eight base32 characters: names a prearchive session without patient or label."""

TransferId = NewType("TransferId", str)
"""One association, upload or inbox run."""

AccessionId = NewType("AccessionId", str)
"""The public ID of an archived session, `{SITE}_E00001`; never reused."""

_SEND = "snd_"
_PREARCHIVE = re.compile(r"pre_[a-z2-7]{8}")
_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"


def new_prearchive_id() -> PrearchiveId:
    """Make a prearchive id: forty random bits, unique by the table's key."""
    return PrearchiveId(_drawn("pre_"))


def is_prearchive_id(text: str) -> bool:
    """Say whether a text is the id of a prearchive session, and no label."""
    return bool(_PREARCHIVE.fullmatch(text))


def new_script_id() -> str:
    """Make the id of a version of a script. It fits a code value of DICOM (16 characters) and means
    nothing elsewhere: objects carry it to other sites, whose numbers it must not meet."""
    return _drawn("scr_")


def new_acceptance_id() -> str:
    """Make the id of the acceptance of a sender."""
    return _drawn("acc_")


def new_send_id() -> str:
    """Make the id of a session's way to a remote."""
    return _drawn(_SEND)


def is_send(id: str) -> bool:
    """Say whether an id is that of a session's way to a remote."""
    return id.startswith(_SEND)


def new_transfer_id() -> TransferId:
    """Make a transfer id; time-ordered, so that newest rows lie together."""
    return TransferId("tr_" + _time_ordered())


def new_commitment_id() -> str:
    """Make the id of a request for a storage commitment; time-ordered, as transfers are."""
    return "cm_" + _time_ordered()


def new_event_id() -> str:
    """Make the id by which the relay recognises an audit event it has already appended."""
    return _time_ordered()


def _drawn(prefix: str) -> str:
    return prefix + "".join(secrets.choice(_BASE32) for _ in range(8))


def _time_ordered() -> str:
    stamp = time.time_ns() // 1_000_000
    return f"{stamp:011x}{uuid.uuid4().hex[:16]}"
