# SPDX-License-Identifier: Apache-2.0
"""Makes text safe for XML, and XML safe to read. The elements of documents and catalogs are defined
in their own modules."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from xml.parsers import expat

XNAT = "http://nrg.wustl.edu/xnat"
CAT = "http://nrg.wustl.edu/catalog"
XSI = "http://www.w3.org/2001/XMLSchema-instance"

NAMESPACES = {
    "xnat": XNAT,
    "cat": CAT,
    "wrk": "http://nrg.wustl.edu/workflow",
    "xdat": "http://nrg.wustl.edu/security",
    "arc": "http://nrg.wustl.edu/arc",
    "prov": "http://www.nbirn.net/prov",
    "xsi": XSI,
}
for _prefix, _uri in NAMESPACES.items():
    ET.register_namespace(_prefix, _uri)

_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_NEWLINE = re.compile("\r\n?")
_DEEPEST = 64


class MarkupError(ValueError):
    """A document that is not well-formed, or not the kind that it should be."""


def clean(text: str) -> str:
    """Return `text` as XML can carry it and give it back: control characters become U+FFFD."""
    if text.isascii() and text.isprintable():
        return text
    # A parser turns every line end into LF; doing it first lets a document survive a round trip.
    return _ILLEGAL.sub("\N{REPLACEMENT CHARACTER}", _NEWLINE.sub("\n", text))


def xnat(name: str) -> str:
    """Name an element of the XNAT namespace."""
    return f"{{{XNAT}}}{name}"


def cat(name: str) -> str:
    """Name an element of the catalog namespace."""
    return f"{{{CAT}}}{name}"


def qname(prefixed: str) -> ET.QName:
    """Make the qualified name of `xnat:mrScanData`; ValueError for a prefix that is not ours."""
    prefix, _, local = prefixed.partition(":")
    if prefix not in NAMESPACES or not local:
        raise ValueError(f"not a name with a known prefix: {prefixed!r}")
    return ET.QName(NAMESPACES[prefix], local)


def local(name: str) -> str:
    """Return the part of an element's name after its namespace."""
    return name.rpartition("}")[2]


def write_xml(root: ET.Element) -> bytes:
    """Serialize with declaration and indentation, UTF-8."""
    ET.indent(root)
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def read_xml(data: bytes) -> ET.Element:
    """Parse without entities, DTD or external references; MarkupError says what is wrong."""
    builder = ET.TreeBuilder()
    parser = new_parser()
    depth = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEEPEST:
            raise MarkupError("the document is nested too deeply")
        builder.start(_braced(name), {_braced(key): value for key, value in attributes.items()})

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(_braced(name))

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    feed(parser, data, last=True)
    return builder.close()


def scan_xml(data: bytes, start: Callable[[str, dict[str, str]], None]) -> None:
    """Tell every element by name (`namespace}name`) and attributes, as safely as `read_xml` reads
    and without a tree."""
    parser = new_parser()
    parser.StartElementHandler = start
    feed(parser, data, last=True)


def new_parser() -> expat.XMLParserType:
    """Make a parser that knows no entities, DTD or external references, and names elements as
    `namespace}name`."""
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    return parser


def feed(parser: expat.XMLParserType, data: bytes, *, last: bool) -> None:
    """Parse the next piece of a document; MarkupError says what is wrong."""
    try:
        parser.Parse(data, last)
    except expat.ExpatError as error:
        raise MarkupError(f"line {error.lineno}: not well-formed XML") from None


def _refuse(*_: object) -> None:
    raise MarkupError("a document type declaration is not allowed")


def _braced(name: str) -> str:
    return "{" + name if "}" in name else name
