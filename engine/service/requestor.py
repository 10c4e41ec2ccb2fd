# SPDX-License-Identifier: Apache-2.0
"""Associations that Anteroom itself requests, for those who know the service only: the scanners of
the demonstration, and tests."""

from __future__ import annotations

from engine.remotes.requestor import associate

__all__ = ["associate"]
