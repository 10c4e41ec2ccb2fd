# SPDX-License-Identifier: Apache-2.0
"""Makes and compares passwords with argon2, in threads and only a few at once: each takes a tenth
of a second and 64 MiB. A wrong password, an unknown user and a disabled one take equally long."""

from __future__ import annotations

import asyncio
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from engine.model.errors import InvalidInput

SHORTEST, LONGEST = 12, 1024
"""Characters of a password. Length is what counts (NIST SP 800-63B); no kinds are demanded."""

_AT_ONCE = 2


class Passwords:
    """Compares passwords for one engine."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        """`hasher` is that of argon2's own defaults, where none is given."""
        self._hasher = hasher or PasswordHasher()
        self._free = asyncio.Semaphore(_AT_ONCE)

    async def make(self, password: str) -> str:
        """Return what is kept of a password.

        Raises:
            InvalidInput: if it is too short or too long.
        """
        if not SHORTEST <= len(password) <= LONGEST:
            raise InvalidInput(f"a password has {SHORTEST} to {LONGEST} characters")
        async with self._free:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def is_right(self, password: str, written: str) -> bool:
        """Compare a password with what is kept of one; with nothing it takes as long, and is
        wrong."""
        if len(password) > LONGEST:
            return False
        async with self._free:
            return await asyncio.to_thread(self._compare, password, written)

    def is_outdated(self, written: str) -> bool:
        """Say whether argon2 would write it otherwise today."""
        return self._hasher.check_needs_rehash(written)

    def _compare(self, password: str, written: str) -> bool:
        nobody = self._nobody()
        try:
            right = self._hasher.verify(written or nobody, password)
        except (VerificationError, InvalidHashError):
            return False
        return right and bool(written)

    @cache  # noqa: B019 (one for the life of the engine)
    def _nobody(self) -> str:
        return self._hasher.hash("nobody has this password")
