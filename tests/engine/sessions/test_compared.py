# SPDX-License-Identifier: Apache-2.0
"""Two headers side by side: what differs, over real files."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.dicom.fold import Fold
from engine.dicom.header import Header
from engine.dicom.part10 import FileMeta
from engine.model.comparison import ComparedRow
from engine.sessions.headers import Part, compared, one_of, read, sample
from tests.engine.sessions.build.objects import item, received


def part(folder: Path, scan: str = "") -> Part:
    """Read a session."""
    return one_of([read(folder, sample(folder, scan, "").files, 100_000)])


def texts(rows: tuple[ComparedRow, ...]) -> dict[str, tuple[list[str] | None, list[str] | None]]:
    """Return the values of both sides by name."""
    return {
        one.either.name: tuple(  # type: ignore[misc]
            side and [value.text for value in side.values] for side in (one.left, one.right)
        )
        for one in rows
    }


def test_what_is_other_or_on_one_side_only_is_told(tmp_path: Path) -> None:
    same = {"StudyDescription": "Head", "SOPInstanceUID": "1.2.3"}
    received(tmp_path / "A", "1.dcm", PatientName="Doe", PatientComments="x", **same)
    received(
        tmp_path / "B",
        "1.dcm",
        PatientName="Roe",
        RequestAttributesSequence=[item(PatientComments="within")],
        **same,
    )
    rows, alike = compared(part(tmp_path / "A").fold, part(tmp_path / "B").fold)
    assert texts(rows) == {
        "PatientName": (["Doe"], ["Roe"]),
        "PatientComments": (["x"], None),
        # What stands in it is not told again.
        "RequestAttributesSequence": (None, ["‹1 item›"]),
    }
    assert {one.either.name for one in rows if one.either.identifying} >= {"PatientName"}
    assert alike > 5


def test_within_sequences_that_both_have_elements_are_compared(tmp_path: Path) -> None:
    for name, text in (("A", "one"), ("B", "two")):
        received(
            tmp_path / name,
            "1.dcm",
            SOPInstanceUID="1.2.3",
            RequestAttributesSequence=[item(PatientComments=text)],
        )
    rows, _ = compared(part(tmp_path / "A").fold, part(tmp_path / "B").fold)
    assert [one.either.path for one in rows] == ["(0040,0275)[1].(0010,4000)"]


def test_scans_of_different_size_differ_where_their_values_do(tmp_path: Path) -> None:
    for number in range(4):
        received(tmp_path / "A", f"{number}.dcm", PatientName="Doe", InstanceNumber=str(number))
    for number in range(2):
        received(tmp_path / "B", f"{number}.dcm", PatientName="Doe", InstanceNumber=str(number))
    rows, _ = compared(part(tmp_path / "A").fold, part(tmp_path / "B").fold)
    assert {one.either.name for one in rows} == {
        "InstanceNumber",
        "SOPInstanceUID",
        "MediaStorageSOPInstanceUID",
    }


META = FileMeta(
    transfer_syntax="1.2.840.10008.1.2.1", sop_class="1", sop_instance="2", dataset_offset=0
)
TAGS = (0x00080060, 0x00100010, 0x00100020)
OBJECT = st.dictionaries(st.sampled_from(TAGS), st.sampled_from(["A", "B", "CC"]), max_size=3)
OBJECTS = st.lists(OBJECT, min_size=1, max_size=5)


def folded(objects: list[dict[int, str]]) -> Fold:
    """Fold headers with these values."""
    fold = Fold()
    for values in objects:
        data = b"".join(
            tag.to_bytes(4, "little")[2:]
            + tag.to_bytes(4, "little")[:2]
            + b"LO"
            + len(text).to_bytes(2, "little")
            + text.encode()
            for tag, text in sorted(values.items())
        )
        fold.add(META, Header.index(data, explicit=True))
    return fold


@settings(max_examples=60)
@given(OBJECTS, OBJECTS)
def test_what_is_told_is_true_of_all_objects(
    left: list[dict[int, str]], right: list[dict[int, str]]
) -> None:
    rows, same = compared(folded(left), folded(right))
    told = {int(one.either.tag[1:5] + one.either.tag[6:10], 16) for one in rows}
    present = {tag for one in (*left, *right) for tag in one}
    differing = {tag for tag in present if _differs(tag, left, right)}
    assert told == differing
    # Group 2 is the same.
    assert same == len(present - differing) + 3
    assert compared(folded(left), folded(left))[0] == ()


def _differs(tag: int, left: list[dict[int, str]], right: list[dict[int, str]]) -> bool:
    ours = sorted(one[tag] for one in left if tag in one)
    theirs = sorted(one[tag] for one in right if tag in one)
    if len(left) == len(right):
        return ours != theirs
    is_in_all = (len(ours) == len(left)) is (len(theirs) == len(right))
    return set(ours) != set(theirs) or not is_in_all
