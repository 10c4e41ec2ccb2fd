# SPDX-License-Identifier: Apache-2.0
"""Names on disk: safe names, the template of file names, folders of scans."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.dicom.header import Header
from engine.dicom.names import FileNameTemplate, ordered_hash, safe_name, scan_folder
from tests.engine.dicom.datasets import element

_MR = "1.2.840.10008.5.1.4.1.1.4"
_SOP = "1.3.12.2.1107.5.2.32.35177.3.2006121409365950918517980"
_STUDY = "1.3.12.2.1107.5.2.32.35177.30000006121218324675000000008"


def _header(**values: str) -> Header:
    tags = {
        "sop_class": (0x00080016, "UI"),
        "sop": (0x00080018, "UI"),
        "patient": (0x00100020, "LO"),
        "study": (0x0020000D, "UI"),
        "series_uid": (0x0020000E, "UI"),
        "series": (0x00200011, "IS"),
        "instance": (0x00200013, "IS"),
    }
    return Header.index(
        b"".join(
            element(tag, vr, values[name].encode())
            for name, (tag, vr) in tags.items()
            if name in values
        ),
        explicit=True,
    )


_USUAL = {"sop_class": _MR, "sop": _SOP, "study": _STUDY, "series": "2 ", "instance": "17"}


@pytest.mark.parametrize(
    ("template", "values", "name"),
    [
        (FileNameTemplate.DEFAULT, _USUAL, f"{_STUDY}-2-17-5cw0xw.dcm"),
        (
            FileNameTemplate.DEFAULT,
            {"sop_class": _MR, "sop": _SOP, "series": "  ", "study": _STUDY},
            f"{_STUDY}-no-value-for-SeriesNumber-no-value-for-InstanceNumber-5cw0xw.dcm",
        ),
        ("${SOPInstanceUID}", _USUAL, f"{_SOP}.dcm"),
        ("${SOPInstanceUID}.ima", _USUAL, f"{_SOP}.ima"),
        ("x_${SOPInstanceUID}.${InstanceNumber}", _USUAL, f"x_{_SOP}.17.dcm"),
        (
            "${PatientID}-${SOPInstanceUID}",
            {"patient": "../a b/Ü", "sop": "1.2"},
            "_._a_b__-1.2.dcm",
        ),
        ("${SOPInstanceUID}", {"sop": "1.2/../../x"}, "1.2_.._.._x.dcm"),
        ("${SOPInstanceUID}", {}, "no-value-for-SOPInstanceUID.dcm"),
        ("${Hash}-${SOPInstanceUID}", {"sop": "1.2"}, "no-value-for-Hash-1.2.dcm"),
    ],
)
def test_template_table(template: str, values: dict[str, str], name: str) -> None:
    assert FileNameTemplate(template).name(_header(**values)) == name


def test_the_hash_is_ordered_and_known() -> None:
    assert ordered_hash([_MR, _SOP]) == "5cw0xw"
    assert ordered_hash([_SOP, _MR]) != "5cw0xw"
    assert ordered_hash([]) == "1"
    assert ordered_hash(["a"]) == _base36((31 + 97) % 2**32)
    assert ordered_hash(["ab", "c"]) == _base36((31 * (31 + 97 * 31 + 98) + 99) % 2**32)


def test_characters_beyond_the_first_plane_hash_as_two_units() -> None:
    assert ordered_hash(["\U0001f600"]) == _base36((31 + 0xD83D * 31 + 0xDE00) % 2**32)


@pytest.mark.parametrize("length", [127, 128, 129, 300])
def test_a_hash_of_any_length_is_the_one_that_java_has(length: int) -> None:
    text = "".join(chr(0x21 + number % 90) for number in range(length))
    total = 0
    for letter in text:
        total = (31 * total + ord(letter)) % 2**32
    assert ordered_hash([text]) == _base36((31 + total) % 2**32)


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits


@pytest.mark.parametrize(
    ("template", "problems"),
    [
        (FileNameTemplate.DEFAULT, 0),
        ("${SOPInstanceUID}", 0),
        ("${HashSOPInstanceUIDWithStudyInstanceUIDWithSeriesInstanceUID}", 0),
        ("${StudyInstanceUID}-${SeriesNumber}", 1),
        ("${StudyInstanceUID}-${SeriesNumber}-${InstanceNumber}", 1),
        ("", 1),
        ("${Nonsense}-${SOPInstanceUID}", 1),
        ("${HashNonsenseWithSOPInstanceUID}", 2),
        ("a/b/${SOPInstanceUID}", 1),
        ("${SOPInstanceUID", 2),
    ],
)
def test_a_template_says_what_is_wrong_with_it(template: str, problems: int) -> None:
    assert len(FileNameTemplate(template).check()) == problems


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("SUB-01_v1.0", "SUB-01_v1.0"),
        ("", "NA"),
        ("  \n", "NA"),
        (".", "_"),
        ("..", "__"),
        ("../../etc/passwd", "_._.._etc_passwd"),
        ("/etc", "_etc"),
        ("-rf", "_rf"),
        (".hidden", "_hidden"),
        ("a\0b", "a_b"),
        ("a\nb", "a_b"),
        ("１２.３", "__._"),
        ("CON", "_CON"),
        ("nul.dcm", "_nul.dcm"),
        ("COM1", "_COM1"),
        ("COMET", "COMET"),
        ("end.", "end_"),
        ("a:b*c?", "a_b_c_"),
        ("x\u202eyz", "x_yz"),
    ],
)
def test_safe_names(text: str, name: str) -> None:
    assert safe_name(text) == name


def test_a_fallback_is_what_is_asked_for() -> None:
    assert safe_name(" ", fallback="unknown") == "unknown"


def test_long_texts_are_cut_and_stay_apart() -> None:
    one, two = safe_name("x" * 300 + "1"), safe_name("x" * 300 + "2")
    assert len(one) == len(two) == 128
    assert one != two
    assert one == safe_name("x" * 300 + "1")
    with pytest.raises(ValueError, match="at least"):
        safe_name("x", limit=3)


@given(st.text(), st.integers(20, 200))
def test_safe_names_are_safe(text: str, limit: int) -> None:
    name = safe_name(text, limit=limit)
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", name)
    assert not name.endswith(".")
    assert len(name) <= limit
    assert safe_name(name, limit=limit) == name


@pytest.mark.parametrize(
    ("values", "folder"),
    [
        ({"series": "4", "series_uid": "1.2"}, "4"),
        ({"series": "+4", "series_uid": "1.2"}, "_4"),
        ({"series": "4/5", "series_uid": "1.2"}, "1.2"),
        ({"series": "..", "series_uid": "1.2"}, "__"),
        ({"series": "", "series_uid": "1.2/../3"}, "1.2_.._3"),
        ({"series_uid": "1.2"}, "1.2"),
        ({"series_uid": ""}, "NA"),
        ({}, "NA"),
    ],
)
def test_scan_folders(values: dict[str, str], folder: str) -> None:
    assert scan_folder(_header(**values)) == folder


@given(
    st.text(alphabet=st.characters(max_codepoint=255, exclude_characters="\x1b"), max_size=200),
    st.text(alphabet=st.characters(max_codepoint=255, exclude_characters="\x1b"), max_size=200),
)
def test_nothing_in_a_header_names_anything_outside(sop: str, study: str) -> None:
    data = b"".join(
        element(tag, "UI", text.encode("latin_1"))
        for tag, text in ((0x00080018, sop), (0x0020000D, study), (0x0020000E, study))
    )
    header = Header.index(data, explicit=True)
    for name in (FileNameTemplate().name(header), scan_folder(header)):
        assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", name)
        assert len(name) <= 200
