# SPDX-License-Identifier: Apache-2.0
"""The keys of the screen of images, and the one that opens it."""

from __future__ import annotations

from console.keys.key import OBJECTS, REVEAL, Column, Key, ScreenKeys

PICTURES = Key(
    action="images",
    keys="V",
    shown="V",
    label="images",
    help="look at the images, slice by slice",
)


def _step(action: str, keys: str, shown: str, label: str, help: str, line: int = 0) -> Key:
    return Key(
        action=action,
        keys=keys,
        shown=shown,
        label=label,
        help=help,
        column=Column.MOVE,
        line=line,
    )


IMAGES = ScreenKeys(
    name="images",
    title="Images",
    lists=False,
    marks=False,
    sorts=False,
    keys=(
        _step("aside(-1)", "h,left", "h ←", "slice before", "the slice or frame before"),
        _step("aside(1)", "l,right", "l →", "next slice", "the next slice or frame", 3),
        _step("along(-1)", "k,up", "k ↑", "scan before", "the scan before; moves what is drawn"),
        _step("along(1)", "j,down", "j ↓", "next scan", "the next scan; moves what is drawn", 4),
        _step("grow_aside(-1)", "H", "H", "narrower", "a narrower rectangle or window"),
        _step("grow_aside(1)", "L", "L", "wider", "a wider rectangle or window"),
        _step("grow_along(-1)", "K", "K", "lower", "a rectangle that is less high"),
        _step("grow_along(1)", "J", "J", "higher", "a rectangle that is higher"),
        *OBJECTS,
        Key(
            action="window",
            keys="w",
            shown="w",
            label="window",
            help="window: h l its centre, H L its width; w again is that of the header",
            line=5,
        ),
        Key(
            action="box",
            keys="b",
            shown="b",
            label="box",
            help="draw a rectangle with h j k l and H J K L; o and y have the lines that blank it",
            line=6,
        ),
        Key(
            action="zoom_in",
            keys="z",
            shown="z",
            label="zoom",
            help="show the rectangle alone, else the middle; again shows all",
            line=7,
        ),
        Key(
            action="script",
            keys="o",
            shown="o",
            label="script",
            help="put the lines that blank the rectangle into the draft of the script",
            line=8,
        ),
        REVEAL,
    ),
)
