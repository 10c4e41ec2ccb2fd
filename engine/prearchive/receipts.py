# SPDX-License-Identifier: Apache-2.0
"""Receipts: the trace of a session that has left the prearchive. Each object leaves one row that
contains its received SOP Instance UID only as HMAC-SHA-256 with the installation's secret."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from engine.model.accounts import Place
from engine.prearchive.tables import ObjectRow, ReceiptRow

NOWHERE_ELSE: Mapping[str, Place] = {}

_CHUNK = 500
_KEPT = 32
"""Digits of the key of an object: as much of it as an archived session keeps."""


class Receipts:
    """Writes and finds receipts under one secret."""

    def __init__(self, secret: bytes) -> None:
        """Use the secret of this installation."""
        self._secret = secret

    def mark(self, uid: str) -> str:
        """Return the HMAC of a received UID, in hex."""
        return hmac.new(self._secret, uid.encode(), hashlib.sha256).hexdigest()

    def key(self, uid: str, digest: str) -> bytes:
        """Return the HMAC of a received object: its UID and the digest of its bytes."""
        return hmac.digest(self._secret, f"{uid}\0{digest}".encode(), "sha256")

    async def write(
        self,
        transaction: AsyncSession,
        session: str,
        place: Place,
        *,
        elsewhere: Mapping[str, Place] = NOWHERE_ELSE,
    ) -> int:
        """Write the receipts of a session's whole index; return how many objects it held.
        `elsewhere` names the files that have not come to `place`."""
        entries = await transaction.execute(
            # Whose digest is not known comes first: the plain mark is all that it can have.
            select(
                ObjectRow.received_sop_uid, ObjectRow.digest, ObjectRow.recovered, ObjectRow.file
            )
            .where(ObjectRow.session == session)
            .order_by(ObjectRow.digest)
        )
        now = datetime.now(UTC)
        rows: dict[str, dict[str, object]] = {}
        objects = 0
        for uid, digest, recovered, file in entries.all():
            objects += 1
            mark = self.mark(uid)
            # Two objects of one UID differ in content; each keeps a receipt of its own.
            key = mark if mark not in rows else self.mark(uid + digest)
            rows[key] = {
                "sop": key,
                "session": session,
                "place": elsewhere.get(file, place).value,
                "at": now,
                "recovered": recovered,
                "object": self.key(uid, digest).hex()[:_KEPT],
            }
        listed = list(rows.values())
        for start in range(0, len(listed), _CHUNK):
            await transaction.execute(insert(ReceiptRow), listed[start : start + _CHUNK])
        return objects

    async def take_back(
        self, transaction: AsyncSession, session: str, entries: Sequence[ObjectRow]
    ) -> list[ObjectRow]:
        """Remove the receipts of a session that comes back; return those of its recovered objects
        whose own record has come since it left."""
        query = select(ReceiptRow.sop, ReceiptRow.recovered).where(ReceiptRow.session == session)
        expected = {sop: recovered for sop, recovered in (await transaction.execute(query)).all()}
        await transaction.execute(delete(ReceiptRow).where(ReceiptRow.session == session))
        late = []
        for entry in entries:
            if entry.recovered:
                own = self.mark(entry.received_sop_uid + entry.digest)
                key = own if own in expected else self.mark(entry.received_sop_uid)
                if not expected.get(key, True):
                    late.append(entry)
        return late

    async def find(
        self, transaction: AsyncSession, uid: str, session: str, digest: str = ""
    ) -> ReceiptRow | None:
        """Find the receipt of an object that left with a session."""
        # The key with the digest first: of two objects of one UID only one bears the plain key.
        for key in (self.mark(uid + digest), self.mark(uid)):
            receipt = await transaction.get(ReceiptRow, (key, session))
            if receipt is not None:
                return receipt
        return None
