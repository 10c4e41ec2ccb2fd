# SPDX-License-Identifier: Apache-2.0
"""Labels of subjects and sessions: how text of a header becomes a label, and which labels the
archive accepts. Names of files and folders are in `engine.dicom.names`."""

from __future__ import annotations

import re
from hashlib import sha256

from engine.model.errors import InvalidInput

LONGEST_LABEL = 128
_NOT_OF_A_HEADER_LABEL = re.compile(r"[^A-Za-z0-9_-]")
_TELLING = re.compile(r"[A-Za-z0-9]")
_NOT_OF_AN_ARCHIVE_LABEL = re.compile(r"[`~@#$%^&*()+=\[\]{}|\\/?:;',.<> ]")
_ARCHIVE_LABEL = re.compile(r"[A-Za-z0-9_-]+")


class InvalidLabel(InvalidInput):
    """The archive cannot file under this label."""


def label_from_header(text: str) -> str:
    """Make a label from header text: every character that may not stand in one becomes one `_`.

    Nothing is collapsed or trimmed, so that a label shows where something was.
    """
    return _NOT_OF_A_HEADER_LABEL.sub("_", text)


def names_something(text: str) -> bool:
    """Say whether a label made of a text tells one from another: whether a letter or a digit is
    left. Names in other scripts leave only `_`, and different people would share that label."""
    return _TELLING.search(text) is not None


def label_of_name(name: str) -> str:
    """Return the label that routing makes of a name; empty where it makes none."""
    return bounded_label(label_from_header(name)) if names_something(name) else ""


def bounded_label(text: str) -> str:
    """Cut a label to 128 characters; two long ones that differ stay two."""
    if len(text) <= LONGEST_LABEL:
        return text
    tail = "-" + sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return text[: LONGEST_LABEL - len(tail)] + tail


def label_for_archive(text: str) -> str:
    """Clean a label as the archive does, or raise `InvalidLabel` when it stays unusable."""
    label = _NOT_OF_AN_ARCHIVE_LABEL.sub("_", text)
    problem = label_problem(label)
    if problem:
        raise InvalidLabel(problem)
    return label


def label_problem(label: str) -> str:
    """Say in one sentence why the archive cannot use a label as it is; empty when it can."""
    if not label:
        return "a label must not be empty"
    if not _ARCHIVE_LABEL.fullmatch(label):
        return "a label consists of letters A to Z, digits, “_” and “-” only"
    return ""
