# SPDX-License-Identifier: Apache-2.0
"""The undo records of a session, found again by its stored objects."""

from __future__ import annotations

from engine.intake.originals import Original, Originals

Key = tuple[str, str]
"""SOP Instance UID and digest of an object as received."""


class KeptOriginals:
    """The undo records of a session, found by what was received, or by what is stored where the
    index does not know that."""

    def __init__(self, originals: Originals, session: str) -> None:
        """Read all of them."""
        self._by_key: dict[Key, Original] = {}
        self._by_sop: dict[str, Original | None] = {}
        for one in originals.of(session):
            self._by_key[one.received_sop, one.digest] = one
        for one in self._by_key.values():
            # Of two objects of one UID nobody can tell which it is.
            self._by_sop[one.sop] = None if one.sop in self._by_sop else one

    def find(self, key: Key | None, sop: str) -> Original | None:
        """Return what is kept of an object."""
        found = None if key is None else self._by_key.get(key)
        return found or self._by_sop.get(sop)
