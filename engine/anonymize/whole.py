# SPDX-License-Identifier: Apache-2.0
"""Changes that are of no single value: the rejection of an object, and the blanking of pixels."""

from __future__ import annotations

from engine.anonymize.pixels.regions import told
from engine.anonymize.runtime.applied import PixelRequest
from engine.anonymize.runtime.changes import path_text
from engine.dicom.dictionary import keyword
from engine.model.changes import Change, ChangeKind, Statement

_PIXEL_DATA = 0x7FE00010


def rejection(statement: Statement) -> Change:
    """Tell that a statement rejects an object."""
    return Change(path="", name="", kind=ChangeKind.REJECTED, statement=statement)


def blanking(request: PixelRequest) -> Change:
    """Tell which pixels are to be blanked."""
    return Change(
        path=path_text((_PIXEL_DATA,)),
        name=keyword(_PIXEL_DATA),
        kind=ChangeKind.PIXELS,
        after=told(request.asked),
        statement=request.statement,
    )
