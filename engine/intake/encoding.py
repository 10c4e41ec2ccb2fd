# SPDX-License-Identifier: Apache-2.0
"""The encoding of an incoming data set, compared with the negotiated one, and its header if that
could not be indexed while it arrived. What happens to the object is decided in `incoming`."""

from __future__ import annotations

from contextlib import suppress

from engine.dicom.guard import Guard, Unreadable
from engine.dicom.header import Header, HeaderError
from engine.dicom.part10 import NOT_WALKED, is_explicit
from engine.dicom.walk import EXPLICIT_NOT_SAID, IMPLICIT_NOT_SAID, contrary, names_a_vr
from engine.intake.body import Body
from engine.intake.identity import looks_like_elements

_START = 8
"""Bytes of an element that tell how it is encoded."""


class Encoding:
    """Of one data set; used by one thread."""

    __slots__ = ("_large", "_plausible", "_syntax", "_unseen", "contrary")

    def __init__(self, transfer_syntax: str) -> None:
        """Begin with what was said."""
        self._syntax = transfer_syntax
        self.contrary = ""
        """In words, where it is not encoded as was said; empty as far as that is known."""
        self._large = False
        self._plausible = True
        self._unseen = False

    def head_indexed(self, header: Header, head: bytearray) -> None:
        """Look at what follows a head, as far as it is there."""
        behind = memoryview(head)[header.end : header.end + _START]
        self.contrary = contrary(behind, explicit=header.explicit)
        self._unseen = len(behind) < _START

    def head_not_indexed(self, head: bytearray, *, large: bool) -> None:
        """Look at the begin of a head that cannot be indexed exactly, or is too large."""
        self._large = large
        self._plausible = looks_like_elements(head)
        if self._syntax not in NOT_WALKED and not is_explicit(self._syntax) and names_a_vr(head):
            self.contrary = EXPLICIT_NOT_SAID

    def look_behind(self, body: Body, header: Header) -> None:
        """Look at what follows the head, once all of it has come.

        Raises:
            OSError: if it cannot be read again.
        """
        if self._unseen:
            self._unseen = False
            self.contrary = contrary(body.behind_head(header.end), explicit=header.explicit)

    @property
    def is_noise(self) -> bool:
        """Whether what cannot be read never was DICOM."""
        return not self._plausible and self._syntax not in NOT_WALKED

    def header(self, body: Body, guard: Guard, offset: int) -> Header:
        """Index what is too large for memory where it lies; let the guarded helper read what cannot
        be indexed exactly. `offset` is where the data set begins in the file, in bytes.

        Raises:
            OSError: if it cannot be read again.
            Unreadable: if nobody can read it.
        """
        if self._large:
            with suppress(HeaderError):
                return body.file.header()
        normal = guard.head(body.file.named(), self._syntax, offset)
        if normal.contrary:
            self.contrary = IMPLICIT_NOT_SAID
        try:
            return Header.index(normal.data, explicit=True)
        except HeaderError as error:
            raise Unreadable(error.reason) from error
