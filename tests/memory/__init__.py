# SPDX-License-Identifier: Apache-2.0
"""An `EngineApi` whose facts are in memory: what the wire, the commands and the screens are tested
against. It keeps the promises of the protocols on a small scale, it does not record calls."""

from __future__ import annotations

from tests.memory.engine import EngineInMemory, HostInMemory
from tests.memory.facts import NOON, Facts, card, session, transfer

__all__ = ["NOON", "EngineInMemory", "Facts", "HostInMemory", "card", "session", "transfer"]
