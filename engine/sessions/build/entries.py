# SPDX-License-Identifier: Apache-2.0
"""Reads the entries of a catalog one by one, in constant memory: a series may have a hundred
thousand files. The rest of a catalog is read in `catalog`."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from engine.model.imaging import CatalogEntry
from engine.sessions.build.catalog import ROOTS, entry_of
from engine.sessions.build.markup import MarkupError, cat, feed, new_parser

_PIECE = 256 * 1024
_DEEPEST = 64
_ROOTS = tuple(root[1:] for root in ROOTS)
_ENTRIES, _ENTRY, _FIELD = (cat(name)[1:] for name in ("entries", "entry", "metaField"))
_DEPTH = 3
"""Of an entry below the root: those of catalogs within the catalog lie deeper."""


def read_entries(path: Path, start: int = 0) -> Iterator[tuple[int, CatalogEntry]]:
    """Yield each entry with the place of its first byte in the file, beginning with the one that
    stands at `start`; 0 is the first.

    Raises:
        OSError: if the file cannot be read.
        MarkupError: if it is not a catalog, also after entries have been given.
    """
    with path.open("rb") as file:
        if start:
            yield from _resumed(file, start)
        else:
            yield from _Reader().read(file)


def _resumed(file: BinaryIO, start: int) -> Iterator[tuple[int, CatalogEntry]]:
    """Go on in the midst of a catalog: what stands before its first entry is read again, for the
    namespaces that it declares, and then what begins at `start`."""
    first = next(_Reader().read(file), None)
    if first is None or start < first[0]:
        raise MarkupError("the catalog has been written anew")
    file.seek(0)
    reader = _Reader()
    reader.take(file.read(first[0]))
    reader.skipped = start - first[0]
    file.seek(start)
    begun = False
    for byte, entry in reader.read(file):
        if not begun and byte != start:
            break
        begun = True
        yield byte, entry
    if not begun:
        raise MarkupError("the catalog has been written anew")


class _Reader:
    """One pass over a catalog, piece by piece."""

    def __init__(self) -> None:
        self.skipped = 0
        """Bytes of the file that the parser was not given."""
        self._parser = new_parser()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._open: list[str] = []
        self._at = 0
        self._attributes: dict[str, str] | None = None
        self._fields: dict[str, str] = {}
        self._field: str | None = None
        self._ready: deque[tuple[int, CatalogEntry]] = deque()

    def take(self, data: bytes, *, last: bool = False) -> None:
        """Parse a piece."""
        feed(self._parser, data, last=last)

    def read(self, file: BinaryIO) -> Iterator[tuple[int, CatalogEntry]]:
        """Yield the entries of the rest of a file."""
        last = False
        while not last:
            piece = file.read(_PIECE)
            last = not piece
            self.take(piece, last=last)
            while self._ready:
                yield self._ready.popleft()

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if not self._open and name not in _ROOTS:
            raise MarkupError("the document is not a catalog")
        self._open.append(name)
        if len(self._open) > _DEEPEST:
            raise MarkupError("the document is nested too deeply")
        if len(self._open) == _DEPTH and name == _ENTRY and self._open[1] == _ENTRIES:
            self._at = self._parser.CurrentByteIndex + self.skipped
            self._attributes, self._fields = attributes, {}
        elif self._attributes is not None and name == _FIELD:
            self._field = attributes.get("name", "")
            self._fields[self._field] = ""

    def _text(self, text: str) -> None:
        if self._field is not None:
            self._fields[self._field] += text

    def _end(self, name: str) -> None:
        self._open.pop()
        if name == _FIELD:
            self._field = None
        elif self._attributes is not None and len(self._open) == _DEPTH - 1:
            self._ready.append((self._at, entry_of(self._attributes, self._fields)))
            self._attributes = None
