# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.sessions.build.markup import MarkupError, clean, qname, read_xml, write_xml


@given(st.text(alphabet=st.characters(codec=None), max_size=200))
def test_cleaned_text_survives_xml(text: str) -> None:
    root = ET.Element("a", name=clean(text))
    root.text = clean(text)
    back = read_xml(write_xml(root))
    assert back.get("name") == clean(text)
    assert (back.text or "") == clean(text)
    assert clean(clean(text)) == clean(text)


def test_control_characters_become_visible() -> None:
    assert clean("a\x00b\x1b[31mc\ud800\x9b") == "a\ufffdb\ufffd[31mc\ufffd\ufffd"
    assert clean("Müller^Ö\r\nx\ry\tz") == "Müller^Ö\nx\ny\tz"


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
        '<!DOCTYPE a SYSTEM "x.dtd"><a/>',
        "<a>&x;</a>",
        "<a>",
        "",
        "<a b='1' b='2'/>",
        "<a>" * 70 + "</a>" * 70,
    ],
)
def test_what_is_not_plain_xml_is_refused(text: str) -> None:
    with pytest.raises(MarkupError):
        read_xml(text.encode())


@given(st.binary(max_size=200))
def test_bytes_are_xml_or_refused(data: bytes) -> None:
    try:
        read_xml(data)
    except MarkupError:
        return


def test_only_our_prefixes_have_names() -> None:
    assert qname("xnat:mrScanData").text == "{http://nrg.wustl.edu/xnat}mrScanData"
    for text in ("mrScanData", "evil:x", "xnat:"):
        with pytest.raises(ValueError, match="prefix"):
            qname(text)
