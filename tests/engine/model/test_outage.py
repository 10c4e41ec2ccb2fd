# SPDX-License-Identifier: Apache-2.0
"""What a store that fails is called."""

from __future__ import annotations

import errno
import os

import pytest

from engine.model.errors import Outage
from engine.model.outage import is_full, named, store_outage


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_says_what_makes_room(code: int) -> None:
    told = store_outage(OSError(code, os.strerror(code), "prearchive/DOE_JANE"))
    assert told is not None
    assert told.message == "the disk is full"
    assert "anteroom trash empty" in told.hint
    assert is_full(OSError(code, ""))


def test_other_faults_are_named_without_the_path() -> None:
    told = store_outage(OSError(errno.EROFS, os.strerror(errno.EROFS), "prearchive/DOE_JANE"))
    assert told is not None
    assert "Read-only file system" in told.message
    assert "DOE" not in told.message + told.hint


def test_what_is_no_fault_of_the_store_is_not_explained_away() -> None:
    assert store_outage(FileNotFoundError(errno.ENOENT, "")) is None
    assert not is_full(OSError(errno.EIO, ""))
    assert not is_full(ValueError())


def test_the_log_names_outages_in_words_and_of_others_the_kind_only() -> None:
    assert named(Outage("the database is full")) == "the database is full"
    failed = OSError(errno.EIO, "", "prearchive/DOE_JANE")
    assert named(failed) == "the store failed: Input/output error"
    assert named(FileNotFoundError(errno.ENOENT, "", "DOE_JANE")) == "FileNotFoundError"
    assert named(ValueError("DOE_JANE")) == "ValueError"
