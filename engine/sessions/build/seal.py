# SPDX-License-Identifier: Apache-2.0
"""A digest of what a session's document says, by which a review is bound to what was reviewed: a
build that finds the same has the same seal, wherever the folder is."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from engine.model.imaging import SessionDocument
from engine.sessions.build.document import read_session, write_session


def seal_of(document: SessionDocument) -> str:
    """Return the seal of a document, of one that was built and of the same one as it is read."""
    as_read = read_session(write_session(replace(document, prearchive_path="")))
    return hashlib.sha256(write_session(as_read)).hexdigest()
