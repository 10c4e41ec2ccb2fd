# SPDX-License-Identifier: Apache-2.0
"""The editor of scripts in a real terminal, on an engine in a process of its own: what is typed is
checked and completed, outlives a line that drops, and is saved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.line.serving import Served
from tests.line.terminal import Terminal

pytestmark = pytest.mark.alone


async def test_a_script_that_is_edited_outlives_the_line_and_is_saved(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    served = serve()
    await served.start()
    terminal = Terminal(tmp_path, 80, 24)
    await terminal.run("--home", str(served.home))
    await terminal.until("Receiving now")
    await terminal.press("5")
    await terminal.until("the site script")
    await terminal.press("Enter")
    await terminal.until("Ln 1 Col 1")
    # In one write, as it comes over a slow line.
    await terminal.type("- PatientBirthDat")
    await terminal.until("1 line differs from v1 · 1 error")
    await terminal.press("Tab")
    await terminal.until("(0010,0030) PatientBirthDate")
    await terminal.press("Tab", "Enter")
    await terminal.until("- (0010,0030)")
    await terminal.until("no problem")
    await terminal.close()

    again = Terminal(tmp_path, 80, 24)
    await again.run("--home", str(served.home))
    try:
        await again.until("the site script")
        await again.press("Enter")
        await again.until("- (0010,0030)")
        await again.until("1 line differs from v1")
        await again.press("C-s")
        await again.until("Save a new version")
        await again.type("birth dates go")
        await again.press("Enter", "Enter")
        async with served.asked() as engine:
            await again.until("┗━")
            await again.until(lambda screen: " v2 ━┛" in screen)
            saved = await engine.scripts.show("site")
        assert (saved.version, saved.reason) == (2, "birth dates go")
        assert saved.text.startswith("- (0010,0030)\n")
    finally:
        await again.close()
