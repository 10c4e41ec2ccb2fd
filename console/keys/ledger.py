# SPDX-License-Identifier: Apache-2.0
"""The keys of the ledger, and of one object that is held."""

from __future__ import annotations

from dataclasses import replace

from console.keys.key import (
    CARD,
    EXPORT,
    FILTER,
    NEXT,
    OPEN,
    REVEAL,
    SEARCH,
    Key,
    ScreenKeys,
    act,
)

_RETRY = act("retry", "r", "retry…", "run the script in force over what is held", 6)
_DROP = act("drop", "x", "drop…", "drop what is held, for good, with a reason", 7)
_RULE = Key(
    action="rule",
    keys="o",
    shown="o",
    label="script line",
    help="the line of the script that holds it, or the session that it was for",
    line=5,
)

LEDGER = ScreenKeys(
    name="ledger",
    title="Ledger",
    sorts=False,
    keys=(
        replace(FILTER, help="narrow it: words, or from: outcome: rule: reason: receiver: peer:"),
        replace(OPEN, label="entries", help="go to the objects of the group; again: open one"),
        _RULE,
        _RETRY,
        _DROP,
        Key(
            action="views",
            keys="f",
            shown="f",
            label="group by…",
            help="group by reason, sender, project or day, and choose how many days are counted",
            line=8,
        ),
        CARD,
        replace(EXPORT, line=9),
    ),
)

HELD = ScreenKeys(
    name="held",
    title="Held object",
    marks=False,
    sorts=False,
    keys=(
        SEARCH,
        *NEXT,
        replace(OPEN, label="values", help="fold or unfold; the values of an element in full"),
        replace(_RULE, help="the line of the script that holds it"),
        _RETRY,
        _DROP,
        replace(
            REVEAL,
            line=8,
            help="show the values for a minute, to those who may see originals; it is audited",
        ),
    ),
)
