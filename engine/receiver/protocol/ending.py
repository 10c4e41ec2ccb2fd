# SPDX-License-Identifier: Apache-2.0
"""How an association ends, and the exception that carries the ending to the single place where it
is carried out."""

from __future__ import annotations

from enum import StrEnum

from engine.model import live
from engine.receiver.protocol.pdu import AbortReason, AbortSource, encode_abort


class Ending(StrEnum):
    """How an association ended."""

    REJECTED = live.REJECTED
    RELEASED = live.RELEASED
    ABORTED = "aborted by the sender"
    LOST = "connection lost"
    TIMED_OUT = "timed out"
    VIOLATION = "protocol violation"
    STOPPED = "stopped here"
    FAILED = "failed here"


class Over(Exception):
    """The association ends here: how, why, and what the peer is told last."""

    def __init__(
        self, ending: Ending, sentence: str, reply: bytes = b"", *, lingers: bool = False
    ) -> None:
        super().__init__(sentence)
        self.lingers = lingers or bool(reply)
        """The peer gets time to read our last words."""
        self.ending = ending
        self.sentence = sentence
        self.reply = reply


def user_abort(sentence: str) -> Over:
    """End as the service user: the messages make no sense (PS3.8 AA-1)."""
    return Over(Ending.VIOLATION, sentence, encode_abort(AbortSource.USER))


def provider_abort(
    ending: Ending, sentence: str, reason: AbortReason = AbortReason.NOT_SPECIFIED
) -> Over:
    """End as the service provider: the PDUs make no sense, or we cannot go on (PS3.8 AA-8)."""
    return Over(ending, sentence, encode_abort(AbortSource.PROVIDER, reason))
