# SPDX-License-Identifier: Apache-2.0
"""Scripts read what counts of a text, write what they are told, and change what they are told
exactly."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.anonymize.faults import ScriptError
from engine.anonymize.functions.uids import hash_uid
from engine.anonymize.runtime.subject import ScriptedObject
from engine.dicom.header import Header
from engine.dicom.text import significant_text
from tests.engine.anonymize.subjects import HOST, compiled, reread
from tests.engine.dicom.datasets import element

NAME, PATIENT_ID, COMMENTS, DESCRIPTION = 0x00100010, 0x00100020, 0x00104000, 0x00081030


def raw(elements: dict[int, tuple[str, bytes]]) -> ScriptedObject:
    """Open a data set whose values are exactly these bytes, made even."""
    data = b"".join(
        element(tag, vr, value + b" " * (len(value) % 2))
        for tag, (vr, value) in sorted(elements.items())
    )
    return ScriptedObject(Header.index(data, explicit=True))


def padded() -> ScriptedObject:
    """A name with delimiters that count for nothing, blanks around a number, and copies."""
    return raw(
        {
            0x00080050: ("SH", b"00123"),
            0x00090010: ("LO", b"ACME 1.1"),
            0x00091001: ("LO", b"DOE^JANE"),
            NAME: ("PN", b"DOE^JANE^^"),
            PATIENT_ID: ("LO", b" 00123 "),
            0x00101001: ("PN", b" DOE^JANE= "),
            0x00101040: ("LO", b"DOE^JANE" + b" " * 56),
            0x00102297: ("PN", b"DOE^JANE"),
            COMMENTS: ("LT", b" DOE^JANE^^ "),
        }
    )


def after(subject: ScriptedObject, text: str, *, version: str = "6.7") -> dict[int, str]:
    """Run a script, and return the texts as they stand then."""
    compiled(text, version=version).apply(subject, HOST)
    head = Header.index(b"".join(subject.head_pieces()), explicit=True)
    return {tag: head.whole_text(tag) or "" for tag in head.tags()}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("(0010,0010)", "DOE^JANE"),
        ("(0010,1001)", "DOE^JANE"),
        ("(0010,0020)", "00123"),
        ("(0010,4000)", " DOE^JANE^^"),
        ('format["{0}-{1}", (0010,0010), (0010,0020)]', "DOE^JANE-00123"),
        ('concatenate[(0010,0010), "!"]', "DOE^JANE!"),
        ("substring[(0010,0020), 0, 2]", "00"),
        ("hashUID[(0010,0010)]", hash_uid("DOE^JANE")),
        ("hashUID[(0010,0020)]", hash_uid("00123")),
        ('match[(0010,0020), "^(.*)$", 1]', "00123"),
    ],
)
def test_what_counts_is_read(value: str, expected: str) -> None:
    assert after(padded(), f"(0040,A160) := {value}")[0x0040A160] == expected


@pytest.mark.parametrize("version", ["6.7", ""])
@pytest.mark.parametrize(
    "condition",
    [
        '(0010,0010) = "DOE^JANE"',
        '(0010,0020) = "00123"',
        "(0010,0020) = (0008,0050)",
        "(0010,0010) = (0010,2297)",
        '(0010,0010) ~ "DOE.JANE"',
        '(0010,4000) = " DOE^JANE^^"',
    ],
)
def test_what_counts_is_compared(condition: str, version: str) -> None:
    sign = "?" if version else ":"
    found = after(padded(), f'{condition} {sign} (0008,1030) := "yes"', version=version)
    assert found[DESCRIPTION] == "yes"


def test_a_value_is_blanked_wherever_it_stands_whatever_pads_it() -> None:
    found = after(padded(), "blankValues[collectValues[(0010,0010), (0010,0020)]]")
    assert {tag for tag, text in found.items() if not text} == {
        0x00080050,
        0x00091001,
        NAME,
        PATIENT_ID,
        0x00101001,
        0x00101040,
        0x00102297,
    }


@settings(derandomize=True)
@given(vr=st.sampled_from(["PN", "LO", "SH", "UI", "DS", "LT", "ST", "UN"]), value=st.binary())
def test_scripts_read_what_routing_reads(vr: str, value: bytes) -> None:
    data = value if vr in ("PN", "LO", "SH", "LT", "ST") else value.replace(b"\\", b"")
    subject = raw({0x00189999: (vr, data)})
    text = subject.head.text(0x00189999) or ""
    first = text if vr in ("LT", "ST") else text.partition("\\")[0]
    assert subject.head.header.text(0x00189999) == first


def test_what_a_script_wrote_is_read_alike() -> None:
    text = '(0010,0010) := "A^B^^"\n(0010,0010) = "A^B" ? (0008,1030) := (0010,0010)'
    found = after(padded(), text)
    assert (found[NAME], found[DESCRIPTION]) == ("A^B^^", "A^B")


def test_a_name_is_copied_to_a_long_text_without_its_empty_end() -> None:
    subject = raw({NAME: ("PN", b"WED #2^ONLY MINIMUM^^^")})
    assert after(subject, "(0010,4000) := (0010,0010)")[COMMENTS] == "WED #2^ONLY MINIMUM"


def test_of_several_values_each_is_read_without_its_padding() -> None:
    subject = raw({0x00101001: ("PN", b"A^^\\ B= \\C"), 0x00101000: ("LO", b" 1 \\2 ")})
    found = after(subject, "(0040,A160) := (0010,1001)\n(0010,4000) := (0010,1000)")
    assert (found[0x0040A160], found[COMMENTS]) == ("A\\B\\C", "1\\2")


@pytest.mark.parametrize("name", ["DOE^JANE", "DÖE^JANE"])
def test_what_differs_only_in_what_does_not_count_is_written_and_told_as_it_is(name: str) -> None:
    subject = raw({0x00080005: ("CS", b"ISO_IR 100"), NAME: ("PN", f"{name}^^ ".encode("latin_1"))})
    applied = compiled(f'(0010,0010) := "{name}"').apply(subject, HOST, changes=True)
    assert reread(b"".join(subject.head_pieces())).PatientName == name
    (change,) = applied.changes
    assert (change.before, change.after) == (f"{name}^^", name)


# ------------------------------------------------------------- character sets of untouched text

KOREAN = ("ISO 2022 IR 100\\ISO 2022 IR 149", b"\xe7^\x1b$)C\xa4\xba^\xe7", "ç^ㅊ^ç")
GREEK = (
    "ISO 2022 IR 100\\ISO 2022 IR 126",
    b"M\xfcller^\x1b-F\xc4\xe9\xef^J\xfcrg",
    "Müller^Διο^Jürg",
)
RESETS = pytest.mark.parametrize(("terms", "data", "name"), [KOREAN, GREEK])


@RESETS
def test_a_name_is_read_in_the_character_set_of_each_component(
    terms: str, data: bytes, name: str
) -> None:
    subject = raw({0x00080005: ("CS", terms.encode()), NAME: ("PN", data)})
    found = after(subject, f'(0010,0010) = "{name}" ? (0040,A160) := hashUID[(0010,0010)]')
    assert found[0x0040A160] == hash_uid(name)


@RESETS
def test_a_name_that_no_script_touches_is_switched_with_the_object(
    terms: str, data: bytes, name: str
) -> None:
    inner = element(NAME, "PN", data + b" " * (len(data) % 2))
    subject = raw(
        {
            0x00080005: ("CS", terms.encode()),
            0x00081111: ("SQ", b"\xfe\xff\x00\xe0" + len(inner).to_bytes(4, "little") + inner),
            NAME: ("PN", data + b"^^"),
            PATIENT_ID: ("LO", b" \xe7 1"),
        }
    )
    applied = compiled('(0008,1080) := "日本 ع"').apply(subject, HOST, changes=True)
    header = Header.index(b"".join(subject.head_pieces()), explicit=True)
    assert header.whole_text(0x00080005) == "ISO_IR 192"
    # What does not count stays as well.
    assert header.whole_text(NAME) == f"{name}^^"
    assert header.whole_text(PATIENT_ID) == " ç 1"
    assert header.items(0x00081111)[0].whole_text(NAME) == name
    assert [change.path for change in applied.changes] == ["(0008,0005)", "(0008,1080)"]


_LETTERS = {"ISO 2022 IR 126": (b"\x1b-F", "iso8859_7", "Διό"), "": (b"", "latin_1", "Müç")}


@settings(derandomize=True, max_examples=150, deadline=None)
@given(
    components=st.lists(
        st.sampled_from(list(_LETTERS)).flatmap(
            lambda term: st.tuples(st.just(term), st.text(_LETTERS[term][2] + "ab ", max_size=4))
        ),
        min_size=1,
        max_size=6,
    ),
    delimiters=st.lists(st.sampled_from("^=\\"), min_size=5, max_size=5),
)
def test_switching_the_character_set_keeps_every_text(
    components: list[tuple[str, str]], delimiters: list[str]
) -> None:
    data, name = b"", ""
    for number, (term, part) in enumerate(components):
        if number:
            data, name = data + delimiters[number - 1].encode(), name + delimiters[number - 1]
        escape, codec, _ = _LETTERS[term]
        data += (escape if not part.isascii() else b"") + part.encode(codec)
        name += part
    subject = raw({0x00080005: ("CS", GREEK[0].encode()), NAME: ("PN", data)})
    compiled('(0008,1080) := "日本"').apply(subject, HOST)
    header = Header.index(b"".join(subject.head_pieces()), explicit=True)
    assert header.whole_text(NAME) == name.rstrip(" ")
    assert subject.text(NAME) == significant_text("PN", name)


def test_text_that_nobody_can_read_is_never_lost_by_a_switch() -> None:
    elements = {
        0x00080005: ("CS", b"ISO_IR 126"),
        NAME: ("PN", b"\xc4\xff"),
        PATIENT_ID: ("LO", b"p"),
    }
    with pytest.raises(ScriptError, match=r"\(0010,0010\) holds bytes that are no text") as caught:
        after(raw(elements), '- (0010,0020)\n(0008,1080) := "日本"')
    assert caught.value.line == 3
    assert "remove or write that element" in caught.value.message
    found = after(raw(elements), '(0008,1080) := "日本"\n- (0010,0010)')
    assert found[0x00081080] == "日本"
    assert raw(elements).head.verbatim(NAME) == "Δ\ufffd"
    assert after(raw(elements), '(0008,1080) := "Δ"')[0x00081080] == "Δ"
