# SPDX-License-Identifier: Apache-2.0
"""A bundle about one session for somebody who is to help and may see no patient."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class CapsuleFile:
    """One text of a bundle."""

    name: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Capsule:
    """All texts of a bundle, in their order; the first says what the others are."""

    session: str
    files: tuple[CapsuleFile, ...]
