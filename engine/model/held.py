# SPDX-License-Identifier: Apache-2.0
"""A held object as users see it who have to decide about it."""

from __future__ import annotations

from dataclasses import dataclass

from engine.model.live import HeldObject


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldDetail(HeldObject):
    """A held object with what is known of it. What is in its header is not: nobody sees that before
    a script has run."""

    sop_class: str = ""
    sop_instance: str = ""
    """SOP Instance UID as received."""
    transfer_syntax: str = ""
    receiver: str = ""
    calling: str = ""
    peer: str = ""
