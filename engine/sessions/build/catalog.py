# SPDX-License-Identifier: Apache-2.0
"""The catalog of one resource: its files, with their UIDs and digests (intake contract 13.3). The
list of files comes from the build, or from the archive when it merges."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from xml.sax.saxutils import escape, quoteattr

from engine.model.imaging import CatalogEntry, Dimensions, ResourceDocument, VoxelResolution
from engine.sessions.build.markup import CAT, XSI, MarkupError, cat, clean, read_xml, scan_xml
from engine.sessions.build.scans import PRIMARY

ROOTS = (cat("DCMCatalog"), cat("Catalog"))
_SIZE = "SIZE"
_CLASS = "SOP_CLASS_UID"
_ENTRY = f"{CAT}}}entry"
_LINE_ENDS = {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}


def catalog_name(scan_id: str, label: str) -> str:
    """Name the catalog of a scan's resource."""
    return (
        f"scan_{scan_id}_catalog.xml" if label == PRIMARY else f"scan_{scan_id}_{label}_catalog.xml"
    )


def write_catalog(resource: ResourceDocument) -> bytes:
    """Write the catalog of `resource`: a DICOM catalog if it has a Series Instance UID."""
    kind = "cat:DCMCatalog" if resource.uid else "cat:Catalog"
    spaces = f" xmlns:cat={quoteattr(CAT)} xmlns:xsi={quoteattr(XSI)}"
    # Written as text: a series may have a hundred thousand files, and a tree of elements for them
    # costs ten times the memory and the time.
    lines = ["<?xml version='1.0' encoding='utf-8'?>"]
    lines.append(f"<{kind}{spaces}{_attributes(UID=resource.uid, name=resource.label)}>")
    lines.append("  <cat:entries>")
    common = _attributes(format=resource.format, content=resource.content)
    lines.extend(_entry(entry, common) for entry in resource.entries)
    lines.append("  </cat:entries>")
    size, voxel = resource.dimensions, resource.voxel_res
    if size is not None:
        parts = _attributes(x=str(size.x), y=str(size.y), z=str(size.z), volumes=str(size.volumes))
        lines.append(f"  <cat:dimensions{parts}/>")
    if voxel is not None:
        parts = _attributes(x=voxel.x, y=voxel.y, z=voxel.z, units=voxel.units)
        lines.append(f"  <cat:voxelRes{parts}/>")
    if resource.orientation:
        plane = escape(clean(resource.orientation))
        lines.append(f"  <cat:orientation>{plane}</cat:orientation>")
    lines.append(f"</{kind}>\n")
    return "\n".join(lines).encode()


def read_catalog(data: bytes, *, catalog: str = "") -> ResourceDocument:
    """Read a catalog back; `catalog` is its file name. MarkupError when it is none."""
    root = read_xml(data)
    if root.tag not in ROOTS:
        raise MarkupError("the document is not a catalog")
    entries = tuple(_read_entry(each) for each in root.iterfind(f"{cat('entries')}/{cat('entry')}"))
    formats = {each.get("format", "") for each in root.iterfind(f"{cat('entries')}/{cat('entry')}")}
    contents = {
        each.get("content", "") for each in root.iterfind(f"{cat('entries')}/{cat('entry')}")
    }
    return ResourceDocument(
        label=root.get("name", ""),
        catalog=catalog,
        format=formats.pop() if len(formats) == 1 else "",
        content=contents.pop() if len(contents) == 1 else "",
        file_count=len(entries),
        file_size=sum(entry.size for entry in entries),
        uid=root.get("UID", ""),
        entries=entries,
        dimensions=_read_dimensions(root.find(cat("dimensions"))),
        voxel_res=_read_voxel(root.find(cat("voxelRes"))),
        orientation=root.findtext(cat("orientation")) or "",
    )


def read_instance_numbers(data: bytes) -> list[int]:
    """Read the instance numbers of a catalog alone: a tenth of the work where it is large.

    Raises:
        MarkupError: if the document cannot be read.
    """
    found: list[int] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        number = attributes.get("instanceNumber", "")
        if name == _ENTRY and _is_integer(number):
            found.append(int(number))

    scan_xml(data, start)
    return found


def _entry(entry: CatalogEntry, common: str) -> str:
    head = _attributes(URI=entry.uri) + common + _attributes(digest=entry.digest, UID=entry.uid)
    if entry.uid:
        if _is_integer(entry.instance_number):
            head += f' instanceNumber="{entry.instance_number}"'
        head += ' xsi:type="cat:dcmEntry"'
    fields = ""
    if entry.size:
        fields += f'<cat:metaField name="{_SIZE}">{entry.size}</cat:metaField>'
    if entry.sop_class:
        text = escape(clean(entry.sop_class))
        fields += f'<cat:metaField name="{_CLASS}">{text}</cat:metaField>'
    if not fields:
        return f"    <cat:entry{head}/>"
    return f"    <cat:entry{head}><cat:metaFields>{fields}</cat:metaFields></cat:entry>"


def _attributes(**values: str) -> str:
    """Write those attributes that have a value."""
    return "".join(
        f" {name}={quoteattr(clean(value), _LINE_ENDS)}" for name, value in values.items() if value
    )


def _read_entry(element: ET.Element) -> CatalogEntry:
    fields = {
        field.get("name", ""): field.text or ""
        for field in element.iterfind(f"{cat('metaFields')}/{cat('metaField')}")
    }
    return entry_of(element.attrib, fields)


def entry_of(attributes: Mapping[str, str], fields: Mapping[str, str]) -> CatalogEntry:
    """Make an entry of the attributes of its element and of its metaFields, by name."""
    size = fields.get(_SIZE, "")
    return CatalogEntry(
        uri=attributes.get("URI", ""),
        uid=attributes.get("UID", ""),
        instance_number=attributes.get("instanceNumber", ""),
        digest=attributes.get("digest", ""),
        size=int(size) if _is_integer(size) else 0,
        sop_class=fields.get(_CLASS, ""),
    )


def _read_dimensions(element: ET.Element | None) -> Dimensions | None:
    if element is None:
        return None
    parts = {name: element.get(name, "") for name in ("x", "y", "z")}
    volumes = element.get("volumes", "1")
    if not all(_is_integer(text) for text in (*parts.values(), volumes)):
        return None
    return Dimensions(**{name: int(text) for name, text in parts.items()}, volumes=int(volumes))


def _read_voxel(element: ET.Element | None) -> VoxelResolution | None:
    if element is None:
        return None
    return VoxelResolution(
        x=element.get("x", ""),
        y=element.get("y", ""),
        z=element.get("z", ""),
        units=element.get("units", "mm"),
    )


def _is_integer(text: str) -> bool:
    return text.removeprefix("-").isdecimal() and text.isascii() and len(text) < 20
