# SPDX-License-Identifier: Apache-2.0
"""The files of a session as rows of a list. Pure."""

from __future__ import annotations

from console.views import figures
from console.views.rows import Row, TableColumn
from engine.model.contents import FileEntry

COLUMNS = (
    TableColumn(title="Inst.", width=6, right=True),
    TableColumn(title="Scan", width=5, priority=1),
    TableColumn(title="Resource", width=9, priority=2),
    TableColumn(title="File", width=20, grows=True),
    TableColumn(title="Size", width=7, right=True),
)


def row(file: FileEntry, key: str = "") -> Row:
    """Show one file by what its folder does not say already; `key` is its path, where what is
    shown of that is masked."""
    return Row(
        key=key or file.path,
        cells=(
            file.instance_number,
            file.scan or "–",
            file.resource,
            name_of(file.path),
            figures.size(file.size) if file.fault is None else file.fault.value,
        ),
        tones=((1, "dim"), (2, "dim"), *(() if file.fault is None else ((4, "bad"),))),
    )


def name_of(path: str) -> str:
    """Return the name of a file without its folders."""
    return path.rpartition("/")[2]
