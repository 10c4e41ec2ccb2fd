# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.sessions.build.layout import list_files, place, plan, remove_empty, write_whole


def go_on() -> None:
    return


class Killed(Exception):
    """Stands for a kill at one instant."""


def dies_at(step: int) -> Callable[[], None]:
    steps = iter(range(1_000_000))

    def checkpoint() -> None:
        if next(steps) == step:
            raise Killed

    return checkpoint


def put(folder: Path, path: str, text: str) -> None:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def contents(folder: Path) -> dict[str, str]:
    return {path: (folder / path).read_text() for path in list_files(folder).files}


def test_only_objects_are_listed(tmp_path: Path) -> None:
    for path in (
        "SCANS/1/DICOM/a.dcm",
        "SCANS/1/DICOM/deep/b.dcm",
        "SCANS/1/secondary/c.dcm",
        "SCANS/1/DICOM/.hidden",
        "SCANS/1/DICOM/.tmp/d.dcm",
        "SCANS/1/DICOM/scan_1_catalog.xml",
        "SCANS/1/secondary/scan_1_secondary_catalog.xml",
        "SCANS/1/other/e.dcm",
        "SCANS/.2/DICOM/f.dcm",
        "RESOURCES/NOTES/g.txt",
        "logs/1.log",
    ):
        put(tmp_path, path, path)
    (tmp_path / "SCANS/1/DICOM/link").symlink_to("/etc/passwd")
    listing = list_files(tmp_path)
    assert listing.files == (
        "SCANS/1/DICOM/a.dcm",
        "SCANS/1/DICOM/deep/b.dcm",
        "SCANS/1/secondary/c.dcm",
    )
    assert listing.strange == ("SCANS/1/DICOM/link",)


def test_a_second_name_of_a_file_is_not_a_second_file(tmp_path: Path) -> None:
    put(tmp_path, "SCANS/1/DICOM/a.dcm", "a")
    (tmp_path / "SCANS/2/DICOM").mkdir(parents=True)
    os.link(tmp_path / "SCANS/1/DICOM/a.dcm", tmp_path / "SCANS/2/DICOM/a.dcm")
    listing = list_files(tmp_path)
    assert listing.files == ("SCANS/1/DICOM/a.dcm",)
    assert listing.again == ("SCANS/2/DICOM/a.dcm",)


def test_names_that_clash_stand_beside_each_other() -> None:
    wanted = {
        "SCANS/1/DICOM/a.dcm": "SCANS/3/DICOM",
        "SCANS/2/DICOM/a.dcm": "SCANS/3/DICOM",
        "SCANS/3/DICOM/a.dcm": "SCANS/3/DICOM",
        "SCANS/4/DICOM/noending": "SCANS/3/DICOM",
        "SCANS/4/DICOM/b c\udce4.dcm": "SCANS/3/DICOM",
        "SCANS/4/DICOM/-rf.dcm": "SCANS/3/DICOM",
    }
    assert plan(wanted, {"SCANS/3/DICOM/NOENDING"}) == {
        "SCANS/3/DICOM/a.dcm": "SCANS/3/DICOM/a.dcm",
        "SCANS/1/DICOM/a.dcm": "SCANS/3/DICOM/a_2.dcm",
        "SCANS/2/DICOM/a.dcm": "SCANS/3/DICOM/a_3.dcm",
        "SCANS/4/DICOM/noending": "SCANS/3/DICOM/noending_2",
        "SCANS/4/DICOM/b c\udce4.dcm": "SCANS/3/DICOM/b_c_.dcm",
        "SCANS/4/DICOM/-rf.dcm": "SCANS/3/DICOM/_rf.dcm",
    }


def test_names_stay_short_enough_to_be_lengthened() -> None:
    names = ["x" * 255, "x" * 250 + ".dcm", "." + "x" * 254, "x." + "y" * 253]
    targets = plan({f"SCANS/1/DICOM/{name}": "SCANS/2/DICOM" for name in names}, ())
    found = [target.rpartition("/")[2] for target in targets.values()]
    assert max(map(len, found)) <= 204
    assert len(set(found)) == len(names)
    assert targets[f"SCANS/1/DICOM/{names[1]}"].endswith(".dcm")


_places = st.sampled_from(["SCANS/1/DICOM", "SCANS/2/DICOM", "SCANS/2/secondary"])
_files = st.builds(
    "/".join, st.tuples(_places, st.sampled_from(["a.dcm", "A.dcm", "b", "b.moving", "a_2.dcm"]))
)


@given(st.dictionaries(_files, _places))
def test_a_plan_gives_every_file_a_place_of_its_own_and_is_stable(wanted: dict[str, str]) -> None:
    targets = plan(wanted, ())
    assert set(targets) == set(wanted)
    assert len({target.lower() for target in targets.values()}) == len(targets)
    assert all(target.startswith(wanted[path] + "/") for path, target in targets.items())
    again = plan({targets[path]: folder for path, folder in wanted.items()}, ())
    assert all(path == target for path, target in again.items())


def test_two_files_exchange_their_places(tmp_path: Path) -> None:
    put(tmp_path, "SCANS/1/DICOM/a.dcm", "one")
    put(tmp_path, "SCANS/2/DICOM/a.dcm", "two")
    put(tmp_path, "SCANS/3/DICOM/a.dcm", "three")
    targets = {
        "SCANS/1/DICOM/a.dcm": "SCANS/2/DICOM/a.dcm",
        "SCANS/2/DICOM/a.dcm": "SCANS/3/DICOM/a.dcm",
        "SCANS/3/DICOM/a.dcm": "SCANS/1/DICOM/a.dcm",
    }
    done = place(tmp_path, targets, go_on)
    assert done.placed == targets
    assert contents(tmp_path) == {
        "SCANS/1/DICOM/a.dcm": "three",
        "SCANS/2/DICOM/a.dcm": "one",
        "SCANS/3/DICOM/a.dcm": "two",
    }


def test_what_arrives_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    put(tmp_path, "SCANS/1/DICOM/a.dcm", "mine")
    put(tmp_path, "SCANS/2/DICOM/a.dcm", "arrived")
    done = place(tmp_path, {"SCANS/1/DICOM/a.dcm": "SCANS/2/DICOM/a.dcm"}, go_on)
    assert done.placed == {"SCANS/1/DICOM/a.dcm": "SCANS/2/DICOM/a_2.dcm"}
    assert contents(tmp_path) == {
        "SCANS/2/DICOM/a.dcm": "arrived",
        "SCANS/2/DICOM/a_2.dcm": "mine",
    }


def test_what_vanishes_meanwhile_is_told(tmp_path: Path) -> None:
    put(tmp_path, "SCANS/2/DICOM/a.dcm", "other")
    done = place(tmp_path, {"SCANS/1/DICOM/a.dcm": "SCANS/2/DICOM/a.dcm"}, go_on)
    assert done.missing == {"SCANS/1/DICOM/a.dcm"}
    assert done.placed == {}
    assert contents(tmp_path) == {"SCANS/2/DICOM/a.dcm": "other"}


def test_a_session_folder_that_was_taken_away_is_not_made_again(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    with pytest.raises(FileNotFoundError):
        place(gone, {"SCANS/1/DICOM/a.dcm": "SCANS/2/DICOM/a.dcm"}, go_on)
    assert not gone.exists()


@pytest.mark.parametrize("step", range(14))
def test_a_kill_at_any_step_loses_nothing(tmp_path: Path, step: int) -> None:
    files = {
        "SCANS/1/DICOM/a.dcm": "SCANS/2/DICOM",
        "SCANS/2/DICOM/a.dcm": "SCANS/1/DICOM",
        "SCANS/2/DICOM/b.dcm": "SCANS/3/secondary",
    }
    for path in files:
        put(tmp_path, path, f"was {path}")
    with pytest.raises(Killed):
        place(tmp_path, plan(files, ()), dies_at(step))
        raise Killed
    listing = list_files(tmp_path)
    found = {(tmp_path / path).read_text(): path for path in listing.files}
    assert set(found) == {f"was {path}" for path in files}
    for path in listing.again:
        (tmp_path / path).unlink()
    place(
        tmp_path,
        plan({found[f"was {path}"]: folder for path, folder in files.items()}, ()),
        go_on,
    )
    assert contents(tmp_path) == {
        "SCANS/2/DICOM/a.dcm": "was SCANS/1/DICOM/a.dcm",
        "SCANS/1/DICOM/a.dcm": "was SCANS/2/DICOM/a.dcm",
        "SCANS/3/secondary/b.dcm": "was SCANS/2/DICOM/b.dcm",
    }


def test_emptied_folders_go_with_their_catalogs_and_others_stay(tmp_path: Path) -> None:
    put(tmp_path, "SCANS/1/DICOM/scan_1_catalog.xml", "old")
    put(tmp_path, "SCANS/2/DICOM/scan_2_catalog.xml", "old")
    put(tmp_path, "SCANS/2/DICOM/unreadable", "stays")
    put(tmp_path, "SCANS/3/DICOM/scan_3_catalog.xml", "current")
    put(tmp_path, "SCANS/3/secondary/.scan_3_secondary_catalog.xml.tmp", "half")
    remove_empty(tmp_path, ["SCANS/3/DICOM"], go_on)
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"SCANS/2/DICOM/unreadable", "SCANS/3/DICOM/scan_3_catalog.xml"}
    assert not (tmp_path / "SCANS/1").exists()
    assert not (tmp_path / "SCANS/3/secondary").exists()


@pytest.mark.parametrize("step", range(3))
def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, step: int) -> None:
    file = tmp_path / "x.xml"
    file.write_text("old")
    try:
        write_whole(file, b"new", dies_at(step))
    except Killed:
        assert file.read_text() == "old"
    else:
        assert step == 2
    write_whole(file, b"new", go_on)
    assert [path.name for path in tmp_path.iterdir()] == ["x.xml"]
    assert file.read_text() == "new"
