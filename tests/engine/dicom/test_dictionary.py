# SPDX-License-Identifier: Apache-2.0
"""Words of DICOM: tags as text, keywords, VRs."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest
from pydicom import datadict
from pydicom._dicom_dict import DicomDictionary, RepeatersDictionary
from pydicom._private_dict import private_dictionaries

from engine.dicom.dictionary import format_tag, keyword, parse_tag, private_name, tag_of, vr_of


@pytest.mark.parametrize(
    "text", ["(0010,0020)", "00100020", "0010,0020", "(0010, 0020)", " PatientID ", "(0010,0020"]
)
def test_a_tag_has_many_spellings(text: str) -> None:
    assert parse_tag(text) == 0x00100020


@pytest.mark.parametrize("text", ["", "Patient", "0010", "(0010,00XX)", "0010 00200"])
def test_what_is_no_tag_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="neither a tag such as"):
        parse_tag(text)


def test_a_long_text_is_not_repeated_whole() -> None:
    with pytest.raises(ValueError, match="neither") as caught:
        parse_tag("x" * 5000)
    assert len(str(caught.value)) < 120


def test_tags_are_written_as_the_standard_writes_them() -> None:
    assert format_tag(0x7FE0ABCD) == "(7FE0,ABCD)"
    assert parse_tag(format_tag(0x7FE0ABCD)) == 0x7FE0ABCD


def test_keywords_go_both_ways() -> None:
    assert keyword(0x00100010) == "PatientName"
    assert tag_of("PatientName") == 0x00100010
    assert keyword(0x00091001) == ""
    assert tag_of("patientname") is None
    assert tag_of("") is None


@pytest.mark.parametrize(
    ("tag", "creator", "vr"),
    [
        (0x00100010, "", "PN"),
        (0x00080000, "", "UL"),
        (0x00090000, "", "UL"),
        (0x00090010, "", "LO"),
        (0x000900FF, "", "LO"),
        (0x00091001, "", "UN"),
        (0x00190100, "", "UN"),
        (0x0019100C, "SIEMENS MR HEADER", "IS"),
        (0x0019110C, "SIEMENS MR HEADER", "IS"),
        (0x0019100C, "NOBODY", "UN"),
        (0x00280106, "", "US"),
        (0x60000010, "", "US"),
        (0x60023000, "", "OW"),
        (0x00281101, "", "US"),
        (0x00089999, "", "UN"),
    ],
)
def test_implied_vrs(tag: int, creator: str, vr: str) -> None:
    assert vr_of(tag, creator) == vr


def test_every_standard_element_has_one_vr() -> None:
    for tag in DicomDictionary:
        assert len(vr_of(tag)) in (2, 4), format_tag(tag)
        if tag >> 16 != 0xFFFE:
            assert len(vr_of(tag)) == 2, format_tag(tag)


def filled(mask: str, draw: random.Random) -> int:
    """Return a tag of those that a mask stands for."""
    return int("".join(draw.choice("0123456789ABCDEF") if x == "x" else x for x in mask), 16)


def test_words_of_the_standard_are_those_of_pydicom() -> None:
    draw = random.Random(7)
    repeated = [filled(mask, draw) for mask in RepeatersDictionary for _ in range(20)]
    anything = [draw.getrandbits(32) for _ in range(20_000)]
    for tag in (*DicomDictionary, *repeated, *anything):
        assert keyword(tag) == datadict.keyword_for_tag(tag), format_tag(tag)
    for word in filter(None, map(keyword, DicomDictionary)):
        assert tag_of(word) == datadict.tag_for_keyword(word), word


def test_private_words_are_those_of_pydicom() -> None:
    draw = random.Random(7)
    for creator, known in private_dictionaries.items():
        for mask in known:
            tag = filled(mask.lower(), draw)
            if not tag >> 16 & 1 or tag & 0xFFFF <= 0xFF:
                continue
            try:
                vr, _, name, _ = datadict.get_private_entry(tag, creator)
            except KeyError:
                vr, name = "UN", ""
            assert vr_of(tag, creator) in vr.split(" or "), (format_tag(tag), creator)
            assert private_name(tag, creator) == ("" if name == "Unknown" else name)


def test_words_are_known_without_pydicom() -> None:
    code = (
        "import sys\n"
        "from engine.dicom.dictionary import private_name, tag_of, vr_of\n"
        "assert (tag_of('PatientName'), vr_of(0x00100010)) == (0x00100010, 'PN')\n"
        "assert vr_of(0x0019100C, 'SIEMENS MR HEADER') == 'IS'\n"
        "assert not {'numpy', 'pydicom', 'pydicom._dicom_dict'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_reading_headers_imports_no_pydicom() -> None:
    code = (
        "import sys, engine.dicom.part10, engine.dicom.names, engine.dicom.edit\n"
        "from engine.dicom.header import Header\n"
        "h = Header.index(b'\\x10\\0\\x20\\0LO\\x02\\0ab', explicit=True)\n"
        "assert h.text(0x00100020) == 'ab'\n"
        "assert not any(m.startswith(('pydicom', 'numpy')) for m in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
