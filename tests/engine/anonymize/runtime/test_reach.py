# SPDX-License-Identifier: Apache-2.0
"""How far scripts reach, told before they run."""

from __future__ import annotations

import pytest

from engine.anonymize.runtime.reach import Reach
from tests.engine.anonymize.subjects import ALL_PRIVATE_42, compiled

REACHES = {
    "": Reach(),
    '(0010,0010) := subject\n- (0008,0XXX)\nhashUIDList[(0008,0018), "(0020,000D)"]': Reach(),
    "(0010,0010) := (0002,0016)": Reach(meta=True),
    "- (000@,0016)": Reach(meta=True),
    '*/(0002,0016) ?= "x"': Reach(meta=True, wanders=True),
    "removeAllPrivateTags": Reach(strips=True),
    "false[] ? removeTags[*/(0010,0010)]": Reach(wanders=True),
    'removeTags["+/(0010,0010)"]': Reach(wanders=True),
    "- (7FE1,{A}10)": Reach(tail=True),
    "- (FFFC,FFFC)": Reach(tail=True),
    'delete["(FFFC,FFFC)"]': Reach(tail=True),
    '(7FE0,0010) !~ ".*" ? reject[]': Reach(pixel_group=True),
    "- (XX@@,XXXX)": Reach(meta=True, tail=True, pixel_group=True),
    "- (60X@,3000)": Reach(),
    'blankValues["x"]': Reach(meta=True, wanders=True),
    "retainPrivateTags[(0019,{A}10)]": Reach(wanders=True),
    "scalePatientAgeAndDobFromStudyDate[]": Reach(wanders=True),
    'alterPixels["rectangle", "l=0,t=0,r=1,b=1", "solid", "v=0"]': Reach(pixels=True),
    '(0010,0010) := getURL["http://a/"]': Reach(urls=True),
    'x := { (0010,0010), "(7FE1,{A}10)" }\nremoveTags[x]': Reach(tail=True),
    "removeTags[subject]": Reach(meta=True, tail=True, pixel_group=True),
    'removeTags[concatenate["(7FE0,", "0010)"]]': Reach(meta=True, tail=True, pixel_group=True),
}


@pytest.mark.parametrize("text", REACHES)
def test_a_script_reaches(text: str) -> None:
    assert compiled(text).reach == REACHES[text]


def test_version_42_reaches_by_numbers() -> None:
    assert compiled(ALL_PRIVATE_42, version="").reach == Reach(tail=True)
    assert compiled("-(0010,0010)", version="").reach == Reach()
