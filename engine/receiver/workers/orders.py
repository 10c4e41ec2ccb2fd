# SPDX-License-Identifier: Apache-2.0
"""The command line of a worker. Everything that may change comes over its channel instead."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec


@dataclass(frozen=True, kw_only=True, slots=True)
class Orders:
    """The command line of a worker: inherited descriptors, and its name."""

    channel: int
    control: int
    limits: int
    prearchive: str
    name: str
    """Unique among the living workers of all nodes, and safe as a part of a file name."""

    def encode(self) -> str:
        """Return the command-line argument."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def decode(cls, text: str) -> Orders:
        """Read the command-line argument."""
        return msgspec.json.decode(text, type=cls)
