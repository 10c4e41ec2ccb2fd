# SPDX-License-Identifier: Apache-2.0
"""The key that vouches for checkpoints and heads of the trail. It is a file beside the databases
and not in them: whoever can write a database, and so a whole new chain, cannot sign it."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from engine.model.audit import AuditHead
from engine.model.errors import Unavailable
from engine.storage.key_file import read_or_make

NAME = "audit.key"


@dataclass(frozen=True, slots=True)
class AuditKey:
    """A key, and the name by which its signatures are told from those of others."""

    secret: bytes = field(repr=False)

    @property
    def id(self) -> str:
        """Return the name of this key, from which it cannot be computed."""
        return hashlib.sha256(b"anteroom audit key " + self.secret).hexdigest()[:16]

    def sign(self, number: int, hash: str, at: datetime) -> AuditHead:
        """Return a link as one that this key vouches for."""
        return AuditHead(
            number=number, hash=hash, at=at, key=self.id, mac=self._mac(number, hash, at)
        )

    def signed(self, head: AuditHead) -> bool:
        """Say whether a head was signed with this key as it stands."""
        wanted = self._mac(head.number, head.hash, head.at)
        return head.key == self.id and hmac.compare_digest(wanted.encode(), head.mac.encode())

    def _mac(self, number: int, hash: str, at: datetime) -> str:
        moment = at.astimezone(UTC).isoformat(timespec="microseconds")
        covered = json.dumps(["anteroom audit head", number, hash, moment])
        return hmac.new(self.secret, covered.encode("ascii"), hashlib.sha256).hexdigest()


def get_or_make(path: Path) -> AuditKey:
    """Return the key of a file, which is made where there is none.

    Raises:
        Unavailable: if there is a file that holds no key, or it cannot be read or made.
    """
    try:
        secret = read_or_make(path)
    except OSError as error:
        raise Unavailable(
            f"the key of the audit trail {path} cannot be had: {os.strerror(error.errno or 0)}",
            hint="the user that runs the engine has to be able to read and write it",
        ) from error
    if not secret:
        raise Unavailable(
            f"{path} does not hold the key of the audit trail",
            hint="restore it from a backup; without it, move the file away: a new key is made then,"
            " and checkpoints made with the old one can no longer be checked",
        )
    return AuditKey(secret)
