# SPDX-License-Identifier: Apache-2.0
"""The transfer syntaxes of stored objects (PS3.5, PS3.6 annex A), by UID and by keyword. How they
encode is elsewhere."""

from __future__ import annotations

from engine.dicom import tables

IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
EXPLICIT_BIG_ENDIAN = "1.2.840.10008.1.2.2"

_NOT_OF_OBJECTS = (
    "1.2.840.10008.1.2.6.",  # text: MIME, XML
    "1.2.840.10008.1.2.7.",  # video over IP is a stream, not an object
    "1.2.840.10008.1.20",  # Papyrus 3, a file format of its own
)

_NOT_IN_THE_TABLE = {
    "1.2.840.10008.1.2.4.110": "JPEGXLLossless",
    "1.2.840.10008.1.2.4.111": "JPEGXLJPEGRecompression",
    "1.2.840.10008.1.2.4.112": "JPEGXL",
    "1.2.840.10008.1.2.8.1": "DeflatedImageFrameCompression",
}
"""Those that are too new for the table of UIDs. pynetdicom adds them to it, and no worker loads
pynetdicom."""

_KEYWORDS = _NOT_IN_THE_TABLE | {
    uid: keyword
    for uid, (_, kind, _, _, keyword) in tables.uids().items()
    if kind == "Transfer Syntax" and not uid.startswith(_NOT_OF_OBJECTS)
}
_UIDS = {keyword.lower(): uid for uid, keyword in _KEYWORDS.items() if keyword}

STORED = frozenset(_KEYWORDS)
"""Every standard transfer syntax of stored objects, retired ones too."""


def uid_of(text: str) -> str:
    """Return the UID that a UID or a keyword names; empty where it names no transfer syntax."""
    return text if text in STORED else _UIDS.get(text.lower(), "")


def keyword_of(uid: str) -> str:
    """Return the keyword of a transfer syntax, or its UID where there is none."""
    return _KEYWORDS.get(uid) or uid
