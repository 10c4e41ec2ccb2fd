# SPDX-License-Identifier: Apache-2.0
"""Names and numbers as headers write them, and as people do."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.sessions.known_as import MOST_FILES, Known, known_as, of_name, of_number, of_paper
from tests.engine.sessions.build.objects import write_object


@pytest.mark.parametrize(
    ("header", "paper"),
    [
        ("Doe^Jane", "Jane Doe"),
        ("DOE^JANE^MARY^DR", "doe, jane"),
        ("Doe^Jane^Mary", "Mary Jane Doe"),
        ("Müller^Jörg", "MULLER JORG"),
        ("MU\u0308LLER^JO\u0308RG", "Müller, Jörg"),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "山田 太郎"),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "山田太郎"),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "taroo yamada".replace("oo", "ou")),
        ("ﾔﾏﾀﾞ^ﾀﾛｳ", "ヤマダ タロウ"),
        ("Hong^Gildong=洪^吉洞=홍^길동", "홍길동"),
        ("Люкceмбypг", "люкceмбypг"),
        ("Wang^XiaoDong=王^小东", "王小东"),
        ("Doe", "doe"),
    ],
)
def test_a_name_is_known_however_it_is_written(header: str, paper: str) -> None:
    assert of_name(header) & of_paper(paper)


@pytest.mark.parametrize(
    ("header", "paper"),
    [
        ("Doe^Jane", "Doe John"),
        ("Doe^Jane", "Doe"),
        ("Doe^Jane", "Jane"),
        ("山田^太郎", "山田花子"),
    ],
)
def test_another_name_is_not(header: str, paper: str) -> None:
    assert not of_name(header) & of_paper(paper)


def test_numbers_are_known_without_separators_and_zeros() -> None:
    assert of_number("00-12.345/A") == of_number("12345a") == {Known("number", "12345a")}
    assert of_number("000") == {Known("number", "000")}
    assert of_number("- ") == set()
    assert not of_number("12345") & of_paper("12346")


def test_too_little_is_nothing() -> None:
    assert of_paper("x") == of_paper(" . ") == of_paper("") == set()


def test_what_headers_say_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "E1"
    write_object(
        folder / "SCANS/1/DICOM/1.dcm",
        PatientName="Doe^Jane",
        PatientID="MRN 004-711",
        AccessionNumber="A-77",
        OtherPatientNames=["Roe^Jane", "Poe^Jane"],
    )
    found = known_as(folder, tmp_path, "pre_aaaaaaaa")
    for paper in ("jane doe", "mrn004711", "a77", "roe jane", "poe, jane"):
        assert found & of_paper(paper), paper
    assert not found & of_paper("John Doe")
    # A file that is none is passed over.
    (folder / "SCANS/1/DICOM/2.dcm").write_bytes(b"no object")
    assert known_as(folder, tmp_path, "pre_aaaaaaaa") == found


def test_of_many_files_some_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.sessions.known_as.MOST_FILES", 3)
    folder = tmp_path / "E1"
    for number in range(9):
        write_object(folder / f"SCANS/1/DICOM/{number}.dcm", PatientID=f"ID{number}")
    found = known_as(folder, tmp_path, "pre_aaaaaaaa")
    assert {one.value for one in found if one.kind == "number"} == {"id0", "id3", "id6"}
    assert MOST_FILES > 3
