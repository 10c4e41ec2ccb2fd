# SPDX-License-Identifier: Apache-2.0
"""The entry of the program. What Textual reads when it is imported is set here, before that."""

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
