# SPDX-License-Identifier: Apache-2.0
"""What is said of a picture, and the line of a script that would blank a part of it."""

from __future__ import annotations

from console.views.text import plain_text
from engine.model.pictures import Figures, Picture, Region

MAY_CONTAIN_TEXT = "may contain text: nobody has said that none is burned in"
_LONGEST = 200


def figures(picture: Picture) -> str:
    """Return rows, columns, frames and window in few words."""
    told = picture.figures
    if told is None:
        return ""
    size = f"{told.columns}×{told.rows}"
    if told.frames > 1:
        size += f"×{told.frames}"
    window = picture.window
    levels = f"  W {window.width:g} L {window.centre:g}" if window else ""
    return f"{size}{levels}  {plain_text(told.transfer_syntax, _LONGEST)}"


def place(picture: Picture) -> str:
    """Return which object and frame it is, counted from 1."""
    told = f"{picture.number + 1}/{picture.objects}" if picture.objects else ""
    frames = picture.figures.frames if picture.figures else 1
    return f"{told} · frame {picture.frame + 1}/{frames}" if frames > 1 else told


def blanking(told: Figures, box: Region) -> str:
    """Return the lines of a script that blank a rectangle in all images of this kind of this
    device: a condition has no “and”, so each stands in the one before it."""
    device = told.device
    asked = {
        "(0008,0016)": device.sop_class,
        "(0008,0070)": device.manufacturer,
        "(0008,1090)": device.model,
        "(0028,0010)": str(told.rows),
        "(0028,0011)": str(told.columns),
    }
    # A script has no way to write a double quote or what is no plain text.
    said = [
        f"if ({tag} = {_quoted(value)}) {{"
        for tag, value in asked.items()
        if value and '"' not in value and plain_text(value) == value
    ]
    shape = f"l={box.left}, t={box.top}, r={box.right}, b={box.bottom}"
    fill = "v=0" if told.samples == 1 else "r=0, g=0, b=0"
    call = f'alterPixels["rectangle", "{shape}", "solid", "{fill}"]'
    opened = [f"{'  ' * depth}{line}" for depth, line in enumerate(said)]
    closed = [f"{'  ' * depth}}}" for depth in reversed(range(len(said)))]
    return "\n".join([*opened, f"{'  ' * len(said)}{call}", *closed])


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\") + '"'
