# SPDX-License-Identifier: Apache-2.0
"""Catalogs read entry by entry, from the beginning and from any of their entries."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.imaging import CatalogEntry
from engine.sessions.build import entries as module
from engine.sessions.build.catalog import read_catalog, write_catalog
from engine.sessions.build.entries import read_entries
from engine.sessions.build.markup import MarkupError
from tests.engine.sessions.build.test_catalog import RESOURCE

texts = st.text(st.characters(exclude_categories=["C"]), max_size=12)
made = st.builds(
    CatalogEntry,
    uri=texts,
    uid=texts,
    instance_number=st.integers(-9, 99).map(str),
    digest=texts,
    size=st.integers(0, 1 << 40),
    sop_class=texts,
)


@given(st.lists(made, max_size=8), st.integers(1, 99))
def test_entries_are_those_of_the_whole_catalog_wherever_reading_begins(
    tmp_path_factory: pytest.TempPathFactory, listed: list[CatalogEntry], piece: int
) -> None:
    path = tmp_path_factory.mktemp("catalog") / "scan_4_catalog.xml"
    path.write_bytes(write_catalog(replace(RESOURCE, entries=tuple(listed))))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "_PIECE", piece)
        found = list(read_entries(path))
        assert tuple(entry for _, entry in found) == read_catalog(path.read_bytes()).entries
        for number, (byte, _) in enumerate(found):
            assert path.read_bytes()[byte:].startswith(b"<cat:entry ")
            assert list(read_entries(path, byte)) == found[number:]


def test_only_entries_of_the_catalog_itself_are_given(tmp_path: Path) -> None:
    path = tmp_path / "catalog.xml"
    path.write_text(
        '<c:Catalog xmlns:c="http://nrg.wustl.edu/catalog"><c:sets><c:entrySet><c:entries>'
        '<c:entry URI="within"/></c:entries></c:entrySet></c:sets>'
        '<c:entries><c:entry URI="own"><c:tags><c:tag>x</c:tag></c:tags></c:entry></c:entries>'
        "</c:Catalog>"
    )
    assert [entry.uri for _, entry in read_entries(path)] == ["own"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<other/>",
        "<cat:Catalog/>",
        '<c:Catalog xmlns:c="http://nrg.wustl.edu/catalog"><c:entries>',
        '<!DOCTYPE x [<!ENTITY e "x">]><c:Catalog xmlns:c="http://nrg.wustl.edu/catalog"/>',
        '<c:Catalog xmlns:c="http://nrg.wustl.edu/catalog">' + "<c:x>" * 99 + "</c:x>" * 99,
    ],
)
def test_what_is_no_catalog_is_an_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "catalog.xml"
    path.write_text(text)
    with pytest.raises(MarkupError):
        list(read_entries(path))


def test_a_catalog_that_was_written_anew_is_not_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "catalog.xml"
    path.write_bytes(write_catalog(RESOURCE))
    second = list(read_entries(path))[1][0]
    path.write_bytes(write_catalog(replace(RESOURCE, uid="1.2.3.4", entries=RESOURCE.entries[:1])))
    with pytest.raises(MarkupError):
        list(read_entries(path, second))
