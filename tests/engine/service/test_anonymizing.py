# SPDX-License-Identifier: Apache-2.0
"""Which files a script is run over, in how many processes, and what is told of each."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pydicom
import pydicom.data
import pytest

from engine.model.anonymized import AnonymizedFile
from engine.model.changes import ScriptOutcome
from engine.model.errors import InvalidInput, InvalidScript, NotFound, Refused
from engine.service import anonymizing
from engine.service.anonymizing import Pair, Recipe, anonymize, pair_up

SAMPLES = Path(pydicom.data.__file__).parent / "test_files"
RENAME = 'version "6.7"\n(0010,0010) := subject\n'


def recipe(text: str = RENAME, **values: object) -> Recipe:
    given: dict[str, object] = {"variables": {"subject": "S1"}, "changes": True} | values
    return Recipe(name="test.das", text=text, **given)  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "in"
    (made / "a" / "b").mkdir(parents=True)
    shutil.copy(SAMPLES / "CT_small.dcm", made / "a" / "ct.dcm")
    shutil.copy(SAMPLES / "MR_small.dcm", made / "a" / "b" / "mr.dcm")
    (made / "letter.txt").write_text("dear colleague " * 20)
    (made / ".hidden").write_text("x")
    return made


def found(results: list[AnonymizedFile], under: Path) -> dict[str, ScriptOutcome]:
    return {str(Path(one.source).relative_to(under)): one.outcome for one in results}


def test_a_folder_keeps_its_shape_and_hidden_files_stay_behind(
    folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    pairs = pair_up(folder, out)
    assert [pair.target for pair in pairs] == [
        out / "letter.txt",
        out / "a" / "ct.dcm",
        out / "a" / "b" / "mr.dcm",
    ]
    out.mkdir()
    assert pair_up(folder, out) == pairs


def test_a_file_goes_to_a_file_or_into_a_folder(folder: Path, tmp_path: Path) -> None:
    source = folder / "letter.txt"
    assert pair_up(source, tmp_path / "new") == (Pair(source=source, target=tmp_path / "new"),)
    assert pair_up(source, tmp_path)[0].target == tmp_path / "letter.txt"


@pytest.mark.parametrize("out", ["in", "in/inside", "."])
def test_results_never_stand_among_their_originals(folder: Path, out: str) -> None:
    with pytest.raises(Refused, match="among the files"):
        pair_up(folder, folder.parent / out)


def test_nothing_is_overwritten(folder: Path, tmp_path: Path) -> None:
    source = folder / "letter.txt"
    for target in (source, folder):
        with pytest.raises(Refused, match="nothing is overwritten"):
            pair_up(source, target)
    full = tmp_path / "full"
    full.mkdir()
    (full / "one").touch()
    for target in (full, full / "one"):
        with pytest.raises(Refused, match="nothing is overwritten"):
            pair_up(folder, target)
    with pytest.raises(NotFound):
        pair_up(tmp_path / "nowhere", tmp_path / "out")


def test_a_faulty_script_touches_no_file(folder: Path, tmp_path: Path) -> None:
    pairs = pair_up(folder, tmp_path / "out")
    with pytest.raises(InvalidScript):
        anonymize(recipe("(0010,0010"), pairs)
    with pytest.raises(InvalidScript, match="subject"):
        anonymize(recipe(variables={"project": "P"}), pairs)
    with pytest.raises(InvalidInput, match="lookup table"):
        anonymize(recipe(lookups="a/b = c\na/b = d"), pairs)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("jobs", [1, 2])
def test_all_files_of_a_folder_are_told_in_order(folder: Path, tmp_path: Path, jobs: int) -> None:
    before = (folder / "a" / "ct.dcm").read_bytes()
    results = list(anonymize(recipe(), pair_up(folder, tmp_path / "out"), jobs=jobs))
    assert found(results, folder) == {
        "letter.txt": ScriptOutcome.ERROR,
        "a/ct.dcm": ScriptOutcome.CHANGED,
        "a/b/mr.dcm": ScriptOutcome.CHANGED,
    }
    letter, ct, mr = results
    assert letter.error is not None and "no DICOM file" in letter.error.message
    for one in (ct, mr):
        assert pydicom.dcmread(one.target).PatientName == "S1"
        (change,) = one.changes
        assert (change.path, change.after) == ("(0010,0010)", "S1")
    assert (folder / "a" / "ct.dcm").read_bytes() == before
    kept = sorted(path.name for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert kept == ["ct.dcm", "mr.dcm"]


def test_a_process_that_dies_costs_one_file(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(anonymizing, "_in_worker", die_of_letters)
    results = list(anonymize(recipe(), pair_up(folder, tmp_path / "out"), jobs=2))
    letter, *others = results
    assert letter.error is not None and letter.error.message == "the process that was at it died"
    assert [one.error for one in others] == [None, None]
    assert [Path(one.source).name for one in others] == ["ct.dcm", "mr.dcm"]


def die_of_letters(pair: Pair) -> AnonymizedFile:
    if pair.source.suffix == ".txt":
        os._exit(9)
    return AnonymizedFile(source=str(pair.source), outcome=ScriptOutcome.UNCHANGED)
