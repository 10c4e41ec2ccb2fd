# SPDX-License-Identifier: Apache-2.0
"""Writes and removes the elements of paths: which VR a new element gets, and which elements are
never changed."""

from __future__ import annotations

from engine.anonymize.runtime.level import Level, is_creator
from engine.anonymize.runtime.paths import Path
from engine.anonymize.runtime.run import Run
from engine.anonymize.runtime.subject import ScriptedObject
from engine.anonymize.runtime.values import text_vr
from engine.dicom.dictionary import vr_of


def assign(run: Run, path: Path, text: str) -> None:
    """Write the one element of a path, which is made where it is missing. Of a sequence, or an
    item, only the being there is written."""
    level, tag = path.create(run.subject)
    if not path.ends_in_item:
        assign_in(run, level, tag, text)


def assign_in(run: Run, level: Level, tag: int, text: str) -> None:
    """Write one element of a data set, whether it is there or not."""
    vr = vr_to_write(level, tag, text, run.tools.language)
    if vr == "SQ":
        level.make_sequence(tag, 0)
    else:
        level.put(tag, vr, text)


def assign_existing(run: Run, path: Path, text: str) -> None:
    """Write all elements that match; nothing is made, and what reserves blocks is left alone."""
    for level, tag in path.find(run.subject):
        run.tick()
        if is_creator(tag) and run.tools.language == 6:
            continue
        vr = vr_to_write(level, tag, text, run.tools.language)
        if vr != "SQ":
            level.put(tag, vr, text)


def delete(subject: ScriptedObject, path: Path, *, creators: bool = False) -> None:
    """Remove all elements that match, and what is in items that do. What reserves private blocks
    stays, but with `creators`."""
    if path.ends_in_item:
        for item in path.items(subject):
            item.clear()
        return
    for level, tag in path.find(subject):
        if creators or not is_creator(tag):
            level.remove(tag)


def vr_to_write(level: Level, tag: int, text: str, language: int) -> str:
    """Choose the VR in which a text is written: that of the element, then the dictionary's. Where
    nobody knows any, private elements hold text; so do all that version 4.2 writes."""
    if level.holds(tag):
        vr = level.vr(tag)
        return text_vr(text) if vr == "UN" and language == 4 else vr
    creator = ""
    if tag & 0x10000 and not is_creator(tag):
        creator = level.text(tag & 0xFFFF0000 | tag >> 8 & 0xFF) or ""
    vr = vr_of(tag, creator)
    if vr == "UN" and (tag & 0x10000 or language == 4):
        return text_vr(text)
    return vr
