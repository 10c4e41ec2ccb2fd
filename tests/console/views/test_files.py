# SPDX-License-Identifier: Apache-2.0
"""Files as rows of a list."""

from __future__ import annotations

from dataclasses import replace

from console.views import files
from engine.model.contents import FileEntry


def test_files_are_named_without_their_folders() -> None:
    file = FileEntry(path="SCANS/4/DICOM/a.dcm", scan="4", resource="DICOM", size=2_000)
    row = files.row(replace(file, instance_number="7"))
    assert row.key == "SCANS/4/DICOM/a.dcm"
    assert row.cells == ("7", "4", "DICOM", "a.dcm", "2 K")
    assert files.row(replace(file, scan="", path="notes.txt")).cells[1:4:2] == (
        "–",
        "notes.txt",
    )
