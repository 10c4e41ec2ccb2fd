# SPDX-License-Identifier: Apache-2.0
"""The scripts that are shipped as files beside this module: the site script of a new home, and
XNAT's for sites that want its behaviour. They are stored and run like any other script."""

from __future__ import annotations

from functools import cache
from pathlib import Path

SITE_DEFAULT = "site_default.das"
SITE_XNAT = "site_xnat.das"


@cache
def text_of(name: str) -> str:
    """Return the text of a shipped script."""
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
