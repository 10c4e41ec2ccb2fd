# SPDX-License-Identifier: Apache-2.0
"""Patterns that would exhaust what compiles them, and the word by which each is refused."""

from __future__ import annotations

EXHAUSTING = [
    ("(" * 1900 + ")" * 1900, "inside each other"),
    ("(?:" * 1300 + ")" * 1300, "inside each other"),
    ("[" * 1900 + "a" + "]" * 1900, "inside each other"),
    ("a{999999999}", "counts"),
    ("(?:(?:a{1000}){1000}){1000}", "counts"),
    ("(a|b{60000}c{60000})", "counts"),
]
