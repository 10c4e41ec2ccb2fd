# SPDX-License-Identifier: Apache-2.0
"""The pictures of the documentation: a session on its way from a scanner to the archive, taken from
a real terminal. `make pictures` writes them to `docs/pictures`; what they show is synthetic."""

from __future__ import annotations

import asyncio
import io
import re
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tests.line.serving import Served
from tests.line.terminal import Terminal
from tests.line.walk import walk

COLUMNS, ROWS = 120, 36
SETTINGS = {
    "session": {"build_after": 4.0, "check_every": 0.2},
    "dicom": {"workers": 1},
    "node": {"name": "pictures"},
}

_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def picture(screen: str, columns: int) -> str:
    """Draw what a terminal shows as SVG, without fonts from elsewhere."""
    console = Console(
        record=True,
        width=columns,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
    )
    text = Text.from_ansi(screen.rstrip("\n"))
    text.no_wrap = True
    console.print(text, crop=True, overflow="crop")
    drawn = console.export_svg(title="anteroom", unique_id="anteroom")
    return "\n".join(line.rstrip() for line in _FONTS.sub("", drawn).splitlines()) + "\n"


async def take(folder: Path) -> list[Path]:
    """Walk once and write a picture of each stop; return the files."""
    written: list[Path] = []
    with tempfile.TemporaryDirectory(prefix="anteroom-pictures-") as name:
        work = Path(name)
        served = Served(work / "home", SETTINGS)
        terminal = Terminal(work, COLUMNS, ROWS)

        async def shown(stop: str) -> None:
            file = folder / f"{stop}.svg"
            await asyncio.to_thread(
                file.write_text, picture(await terminal.coloured(), COLUMNS), "utf-8"
            )
            written.append(file)

        await served.start()
        try:
            await walk(served, terminal, work, shown)
        finally:
            await terminal.close()
            await served.stop()
    return written


def main() -> None:
    """Write the pictures into the folder that is named."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for file in asyncio.run(take(folder)):
        sys.stdout.write(f"{file}\n")


if __name__ == "__main__":
    main()
