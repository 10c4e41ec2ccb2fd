# SPDX-License-Identifier: Apache-2.0
"""Values as people write them, by name: each is read alike whatever it belongs to. Which values
there are, and which of them are allowed, is said elsewhere."""

from __future__ import annotations

import re

from engine.model.errors import InvalidInput

_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


def flag(name: str, text: str) -> bool:
    """Read yes or no.

    Raises:
        InvalidInput: if it is neither.
    """
    if text.lower() not in (*_TRUE, *_FALSE):
        raise InvalidInput(f"{name} is true or false")
    return text.lower() in _TRUE


def whole(name: str, text: str, digits: int = 9) -> int:
    """Read a whole number from 0, of at most so many digits.

    Raises:
        InvalidInput: if it is none.
    """
    if not re.fullmatch(rf"[0-9]{{1,{digits}}}", text.strip()):
        raise InvalidInput(f"{name}: expected a whole number")
    return int(text)


def seconds(name: str, text: str) -> float:
    """Read a number of seconds.

    Raises:
        InvalidInput: if it is none.
    """
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{0,9})?", text.strip()):
        raise InvalidInput(f"{name}: expected a number of seconds")
    return float(text)
