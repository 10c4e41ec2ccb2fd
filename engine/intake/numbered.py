# SPDX-License-Identifier: Apache-2.0
"""Where an object stands in its series, as its header says: what tells of a series that is still
arriving whether something is missing. Read once for each object that is stored, so it is cheap."""

from __future__ import annotations

from typing import NamedTuple

from engine.dicom.names import Texts

_SERIES_UID, _INSTANCE_NUMBER = 0x0020000E, 0x00200013
_IMAGES_IN_ACQUISITION, _NUMBER_OF_SLICES = 0x00201002, 0x00540081
_PET = "1.2.840.10008.5.1.4.1.1.128"
_LONGEST_UID = 64
_DIGITS = 9
"""More make a number that counts nothing, and that a column of a table does not take."""


class Numbered(NamedTuple):
    """The place of an object in its series; see `Record`."""

    series: str
    number: int
    stated: int


UNNUMBERED = Numbered("", -1, 0)


def numbered(texts: Texts, sop_class: str) -> Numbered:
    """Read where an object stands in its series."""
    text = texts.text
    series = text(_SERIES_UID)
    # What is no text for a database must not keep a journal from being posted.
    if not series or len(series) > _LONGEST_UID or not (series.isascii() and series.isprintable()):
        return UNNUMBERED
    number, stated = _number(text(_INSTANCE_NUMBER)), _number(text(_IMAGES_IN_ACQUISITION))
    if stated <= 0:
        # Of others it counts the slices within one object of many frames.
        stated = max(0, _number(text(_NUMBER_OF_SLICES))) if sop_class == _PET else 0
    return Numbered(series, number, stated)


def _number(text: str | None) -> int:
    if text and len(text) <= _DIGITS and text.isascii() and text.isdigit():
        return int(text)
    return -1
