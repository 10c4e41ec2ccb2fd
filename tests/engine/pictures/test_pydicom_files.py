# SPDX-License-Identifier: Apache-2.0
"""Each file of the pydicom wheel gives a picture, or says why there is none."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from engine.model.pictures import PictureRequest
from engine.pictures.guard import PictureGuard

_SPEC = find_spec("pydicom")
assert _SPEC is not None and _SPEC.origin is not None
WHEEL = Path(_SPEC.origin).parent / "data"
ENDINGS = {".py", ".pyc", ".json", ".txt", ".md", ".sha256"}
FILES = sorted(path for path in WHEEL.rglob("*") if path.is_file() and path.suffix not in ENDINGS)

NO_PIXELS = "the object has no pixels"
WHY = {
    "winter.dcm": "tags are out of order",
    "ExplVR_BigEndNoMeta.dcm": "no DICM",
    "ExplVR_LitEndNoMeta.dcm": "no DICM",
    "JPEG2000-embedded-sequence-delimiter.dcm": "its size is not the one in the header",
    "MR_truncated.dcm": "the file ends within its pixels",
    "SC_rgb_jpeg.dcm": "an unknown value representation",
    "badVR.dcm": "its number of frames is no number",
    "crayons.icc": "no DICM",
    "README": "no DICM",
    "meta_missing_tsyntax.dcm": "does not name its transfer syntax",
    "nested_priv_SQ.dcm": "stands in no data set",
    "no_meta.dcm": "no DICM",
    "rtplan.dump": "no DICM",
    "rtplan_truncated.dcm": "ends within an element",
    "rtstruct.dcm": "no DICM",
    "rtstruct.dump": "no DICM",
    "zipMR.gz": "no DICM",
}
"""Files that are damaged, are no Part 10 files, or contradict themselves."""


@pytest.fixture(scope="module")
def guard() -> Iterator[PictureGuard]:
    guard = PictureGuard()
    yield guard
    guard.close()


@pytest.mark.parametrize("path", FILES, ids=[str(one.relative_to(WHEEL)) for one in FILES])
def test_it_shows_or_says_why_not(guard: PictureGuard, tmp_path: Path, path: Path) -> None:
    made = guard.render(path, PictureRequest(across=64, down=64), tmp_path)
    if path.name in WHY:
        assert WHY[path.name] in made.why
        assert made.pixels == b""
        return
    assert made.why in ("", NO_PIXELS)
    if made.why == "":
        assert len(made.pixels) == made.width * made.height * made.channels
        assert max(made.width, made.height) <= 64
        # Those of the directories are cut down to 16 pixels, and some lie within bone or air.
        cut_down = "dicomdirtests" in path.parts
        assert cut_down or len(set(made.pixels)) > 1, "all of one colour"


def test_most_of_them_show(guard: PictureGuard, tmp_path: Path) -> None:
    names = {path.name for path in FILES}
    assert names >= set(WHY)
    small = PictureRequest(across=16, down=16)
    shown = [one for one in FILES if not guard.render(one, small, tmp_path).why]
    assert len(shown) > 90
