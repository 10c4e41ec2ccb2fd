# SPDX-License-Identifier: Apache-2.0
"""The scans of a session as a tree: the project and subject, the session itself, its scans. Pure:
labels are passed in as they are to be shown, masked or not."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from console.views import figures
from console.views.rows import Row, TableColumn
from engine.model.archive import ScanSummary

COLUMNS = (
    TableColumn(title="Scan", width=6, right=True),
    TableColumn(title="Type", width=8, grows=True),
    TableColumn(title="Files", width=6, right=True, live=True),
    TableColumn(title="", width=1),
)

PLACE = "place"
"""The key of the line that says where the session belongs."""

WHOLE = "whole"
"""The key of the line of the session: all its scans."""

_SCAN = "scan:"


def rows(
    scans: Sequence[ScanSummary],
    *,
    place: str,
    label: str,
    files: int,
    marked: Collection[str] = (),
) -> list[Row]:
    """Show the scans under the session.

    Args:
        scans: The scans, in the order to be shown.
        place: Where the session belongs: project and subject.
        label: Of the session.
        files: How many files it has in all.
        marked: Ids of scans that a person should look at; an empty id is the session.
    """
    shown = [
        Row(key=PLACE, cells=("", place, "", ""), tone="dim", tones=((1, "dim"),)),
        _row(WHOLE, "▾", label, files, marked="" in marked),
    ]
    return shown + [
        _row(
            key_of(one.id),
            one.id,
            described(one),
            one.files,
            marked=one.id in marked,
        )
        for one in scans
    ]


def key_of(scan: str) -> str:
    """Return the key of the line of a scan."""
    return f"{_SCAN}{scan}"


def scan_of(key: str | None) -> str:
    """Return the scan that a line stands for; empty for the whole session."""
    return key.removeprefix(_SCAN) if key is not None and key.startswith(_SCAN) else ""


def described(scan: ScanSummary) -> str:
    """Say what a scan is, in the words of the scanner where there are any."""
    return scan.series_description or scan.type or scan.modality or "–"


def warned(warnings: Sequence[str]) -> set[str]:
    """Return the scans that the warnings of a build are about; an empty id is the session."""
    found = set()
    for line in warnings:
        where, colon, _ = line.partition(":")
        found.add(where.removeprefix("scan ") if colon and where.startswith("scan ") else "")
    return found


def _row(key: str, id: str, text: str, files: int, *, marked: bool) -> Row:
    return Row(
        key=key,
        cells=(id, text, figures.grouped(files), "!" if marked else ""),
        tones=((3, "look"),),
    )
