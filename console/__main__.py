# SPDX-License-Identifier: Apache-2.0
"""The program's entry point. It sets what Textual reads from the environment, before Textual is
imported."""

from __future__ import annotations

import os

from console.cli import app

FRAMES = "20"
"""Repaints a second at most: a line to a far terminal carries no more."""


def main() -> None:
    """Run the `anteroom` command."""
    os.environ.setdefault("TEXTUAL_FPS", FRAMES)
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    app()


if __name__ == "__main__":
    main()
