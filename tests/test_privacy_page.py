# SPDX-License-Identifier: Apache-2.0
"""The page on privacy names folders, settings, commands and tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

from console.cli import COMMANDS
from engine.model.settings import Settings
from engine.model.site_settings import listed

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "privacy.md").read_text("utf-8")


def test_the_page_names_what_is_there() -> None:
    words = set(re.findall(r"`([^`]+)`", PAGE))
    settings = {row.name for row in listed(Settings(), {})}
    assert {word for word in words if re.match(r"(anonymization|trash|retention|dicom)\.", word)}
    for word in words:
        name = word.split(":")[0]
        if re.fullmatch(r"(anonymization|trash|retention|dicom)\.\w+", name):
            assert name in settings, word
        if word.startswith("anteroom "):
            assert word.split()[1] in COMMANDS, word
        if word.startswith("tests/"):
            assert (ROOT / word).exists(), word


def test_the_folders_are_those_of_the_code() -> None:
    source = "".join(path.read_text("utf-8") for path in (ROOT / "engine").rglob("*.py"))
    for folder in re.findall(r"`prearchive/(\.\w+)`", PAGE):
        assert f'"{folder}"' in source, folder
