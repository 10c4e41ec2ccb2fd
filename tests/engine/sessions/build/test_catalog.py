# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.model.imaging import CatalogEntry, Dimensions, ResourceDocument, VoxelResolution
from engine.sessions.build.catalog import (
    catalog_name,
    read_catalog,
    read_instance_numbers,
    write_catalog,
)
from engine.sessions.build.markup import MarkupError, clean, local, read_xml

RESOURCE = ResourceDocument(
    label="DICOM",
    catalog="scan_4_catalog.xml",
    format="DICOM",
    content="RAW",
    file_count=2,
    file_size=300,
    uid="1.2.3",
    entries=(
        CatalogEntry(
            uri="a.dcm",
            uid="1.2.3.1",
            instance_number="1",
            digest="0123456789abcdef",
            size=100,
            sop_class="1.2.840.10008.5.1.4.1.1.4",
        ),
        CatalogEntry(uri="b&<\"'.dcm", uid="1.2.3.2", size=200),
    ),
    dimensions=Dimensions(x=256, y=240, z=176, volumes=2),
    voxel_res=VoxelResolution(x="1", y="1", z="1.2"),
    orientation="Sag",
)


def test_a_catalog_survives_writing_and_reading() -> None:
    assert read_catalog(write_catalog(RESOURCE), catalog=RESOURCE.catalog) == RESOURCE


def test_a_catalog_is_spelled_as_xnat_spells_it() -> None:
    written = write_catalog(RESOURCE)
    root = read_xml(written)
    assert [local(child.tag) for child in root] == [
        "entries",
        "dimensions",
        "voxelRes",
        "orientation",
    ]
    assert root.tag == "{http://nrg.wustl.edu/catalog}DCMCatalog"
    assert root.get("UID") == "1.2.3"
    assert b'xsi:type="cat:dcmEntry"' in written
    assert b'instanceNumber="1"' in written
    assert b'digest="0123456789abcdef"' in written


def test_resources_that_are_not_dicom_have_a_plain_catalog() -> None:
    plain = ResourceDocument(
        label="NOTES",
        catalog="notes_catalog.xml",
        file_count=1,
        entries=(CatalogEntry(uri="note.txt"),),
    )
    written = write_catalog(plain)
    assert read_xml(written).tag == "{http://nrg.wustl.edu/catalog}Catalog"
    assert b"dcmEntry" not in written
    assert read_catalog(written, catalog=plain.catalog) == plain


def test_an_instance_number_that_is_no_integer_is_not_written() -> None:
    entry = replace(RESOURCE.entries[0], instance_number="one")
    back = read_catalog(write_catalog(replace(RESOURCE, entries=(entry,))))
    assert back.entries[0].instance_number == ""


@pytest.mark.parametrize("text", ["<a/>", "", "<!DOCTYPE a><a/>", "<Catalog/>"])
def test_other_documents_are_refused(text: str) -> None:
    with pytest.raises(MarkupError):
        read_catalog(text.encode())


def test_foreign_numbers_are_not_believed() -> None:
    text = (
        '<cat:DCMCatalog xmlns:cat="http://nrg.wustl.edu/catalog"><cat:entries><cat:entry URI="a">'
        '<cat:metaFields><cat:metaField name="SIZE">big</cat:metaField></cat:metaFields>'
        '</cat:entry></cat:entries><cat:dimensions x="1" y="z"/></cat:DCMCatalog>'
    )
    found = read_catalog(text.encode())
    assert found.entries == (CatalogEntry(uri="a"),)
    assert found.dimensions is None


_texts = st.text(alphabet=st.characters(codec=None), min_size=1, max_size=40).map(clean)


@settings(max_examples=60)
@given(st.lists(st.builds(CatalogEntry, uri=_texts, uid=_texts, digest=_texts), max_size=4))
def test_any_cleaned_text_survives(entries: list[CatalogEntry]) -> None:
    back = read_catalog(write_catalog(replace(RESOURCE, entries=tuple(entries))))
    assert back.entries == tuple(entries)


def test_names_of_catalogs() -> None:
    assert catalog_name("4", "DICOM") == "scan_4_catalog.xml"
    assert catalog_name("4", "secondary") == "scan_4_secondary_catalog.xml"


def test_instance_numbers_are_read_alone() -> None:
    entries = tuple(
        CatalogEntry(uri=f"{at}.dcm", uid=f"1.{at}", instance_number=number)
        for at, number in enumerate(("7", "-2", "", "x", "12"))
    )
    written = write_catalog(ResourceDocument(label="DICOM", catalog="", entries=entries))
    assert read_instance_numbers(written) == [7, -2, 12]
    for hostile in (b"<!DOCTYPE x [<!ENTITY a 'b'>]><x/>", written[:-9]):
        with pytest.raises(MarkupError):
            read_instance_numbers(hostile)
