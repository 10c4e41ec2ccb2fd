# SPDX-License-Identifier: Apache-2.0
"""What the console really sends to a terminal, byte by byte, with an engine whose every text means
harm; and how it ends."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import re
import struct
import sys
import termios
import unicodedata
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from engine.server.http import Listeners
from tests.console.scenes import TEXTS, hostile
from tests.memory import Facts

SIZE = (36, 120)
LONGEST_WAIT, LOOK_EVERY = 60.0, 0.02

SEQUENCE = re.compile(
    r"\x1b(?:\[(?P<parameters>[0-?]*)(?P<between>[ -/]*)(?P<final>[@-~])"
    r"|\](?P<command>[^\x07\x1b]*)\x07|(?P<single>.))",
    re.DOTALL,
)
POINTER = re.compile(r"22;[a-z-]+")
"""The one command to the terminal itself: which pointer the mouse has."""

FINALS = {
    "H": "the cursor goes somewhere",
    "m": "colours",
    "h": "a mode is set",
    "l": "a mode is reset",
    "p": "a mode is asked for",
    "u": "the keyboard is asked for more",
    "t": "the size in pixels is asked for",
    "q": "the shape of the cursor",
}
MODES = {
    "7",
    "25",
    "1000",
    "1003",
    "1004",
    "1006",
    "1015",
    "1016",
    "1049",
    "2004",
    "2026",
    "2031",
    "2048",
}
MOUSE = {"1000", "1002", "1003", "1006", "1015", "1016"}
ACTING = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


class Terminal:
    """A pseudo-terminal with a console in it."""

    def __init__(self, master: int, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self._master = master
        self._sent = bytearray()
        asyncio.get_running_loop().add_reader(master, self._read)
        self._open = True

    @property
    def text(self) -> str:
        """What was sent so far."""
        return self._sent.decode("utf-8", "strict" if not self._open else "ignore")

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self._master, keys.encode())

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds; a test that hangs ends."""

        for _ in range(int(LONGEST_WAIT / LOOK_EVERY)):
            if holds():
                return
            await asyncio.sleep(LOOK_EVERY)
        pytest.fail(f"it never came to hold: {self.text[-2000:]!r}", pytrace=False)

    async def shown(self, words: str) -> None:
        """Wait until words have been sent that were not before the last keys."""
        await self.until(lambda: words in plain(self.text))

    async def quiet(self) -> None:
        """Wait until nothing more is sent for a while, and the console has nothing to do: one that
        is silent on a busy machine may only be waiting for its turn."""
        # Longer than the tenth of a second after which an escape is known to be a key of its own.
        before, calm = -1, 0
        while calm < 6:
            rests = before == len(self._sent) and not self._works()
            calm = calm + 1 if rests else 0
            before = len(self._sent)
            await asyncio.sleep(0.03)

    def _works(self) -> bool:
        """Say whether a thread of the console runs, or would if a processor were free."""
        tasks = Path(f"/proc/{self.process.pid}/task")
        for task in tasks.iterdir() if tasks.is_dir() else ():
            with suppress(OSError):
                state = (task / "stat").read_text().rpartition(")")[2].split()[0]
                if state in ("R", "D"):
                    return True
        return False

    async def ended(self) -> int:
        """Return the code with which the console ended."""
        return await asyncio.wait_for(self.process.wait(), LONGEST_WAIT)

    def close(self) -> None:
        """Close the terminal, as a line that drops does."""
        if self._open:
            self._open = False
            asyncio.get_running_loop().remove_reader(self._master)
            os.close(self._master)

    def _read(self) -> None:
        try:
            self._sent += os.read(self._master, 65536)
        except OSError:
            # Nobody has the other end any more.
            asyncio.get_running_loop().remove_reader(self._master)


@asynccontextmanager
async def opened(
    home: Path, *arguments: str, preferences: str = "", **environment: str
) -> AsyncIterator[Terminal]:
    """Open the console on the engine of a home."""
    config = home / "config"
    (config / "anteroom").mkdir(parents=True)
    (config / "anteroom" / "console.yaml").write_text(preferences, "utf-8")
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", *SIZE, 0, 0))
    own = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TMUX")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "console", "--home", str(home), *arguments),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        env={
            **own,
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "LC_ALL": "C.UTF-8",
            "XDG_CONFIG_HOME": str(config),
            "XDG_STATE_HOME": str(home / "remembered"),
            **environment,
        },
    )
    os.close(slave)
    terminal = Terminal(master, process)
    try:
        yield terminal
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        terminal.close()


@pytest.fixture
def facts() -> Facts:
    """Provide an engine whose every text means harm, as far as it can be sent over a wire."""
    return hostile(tuple(text.replace("\ud800", "") for text in TEXTS))


def plain(sent: str) -> str:
    """Return what was sent without what moves and colours."""
    return SEQUENCE.sub("", sent)


def modes(sent: str) -> set[str]:
    """Return the modes that were set."""
    return {
        mode
        for found in SEQUENCE.finditer(sent)
        if found["final"] == "h"
        for mode in found["parameters"].lstrip("?").split(";")
    }


def assert_harmless(sent: str) -> None:
    """Nothing was sent but what Textual sends itself, and text."""
    for found in SEQUENCE.finditer(sent):
        around = sent[max(0, found.start() - 60) : found.end() + 60]
        assert found["single"] is None, around
        if found["command"] is not None:
            assert POINTER.fullmatch(found["command"]), around
            continue
        assert found["final"] in FINALS, around
        if found["final"] in "hlp" and found["parameters"]:
            assert set(found["parameters"].lstrip("?").split(";")) <= MODES, found[0]
    text = plain(sent)
    acting = {each for each in text if unicodedata.category(each) in ACTING}
    assert acting <= {"\r", "\n"}


async def test_all_screens_send_nothing_that_acts(served: Listeners, home: Path) -> None:
    async with opened(home) as terminal:
        await terminal.shown("Receiving now")
        for keys in (
            *(
                "j",
                "jj",
                "o",
                "\x1b",
                "c",
                "2",
                "j",
                " ",
                "v",
                "jj",
                "v",
                "\\",
                "o",
                "q",
                "x",
                "\x1b",
            ),
            *("\r", "\t", ">", ">", ">", ">", "j", "]", "z", "z", "y", "\x1b", "q", "f", "\x1b"),
            *("d", "q", "/", "doe", "\x1b", "\x1b", "4", "j", "\r", ">", ">", ">", "q", "6", "j"),
            *("\r", "\x1b", "0", ">", "j", ">", "j", "?", "\x1b", "!", "q", ":", "session", "\x1b"),
        ):
            terminal.press(keys)
            await terminal.quiet()
            assert terminal.process.returncode is None, (keys, terminal.text[-3000:])
        assert "DOE^JANE" in plain(terminal.text)
        terminal.press("\x11")
        assert await terminal.ended() == 0
        assert_harmless(terminal.text)
        assert "1049" in modes(terminal.text)
        assert terminal.text.count("\x1b[?1049l") == terminal.text.count("\x1b[?1049h")


async def test_q_at_the_root_ends_it_well(served: Listeners, home: Path) -> None:
    async with opened(home) as terminal:
        await terminal.shown("Receiving now")
        assert modes(terminal.text) & MOUSE
        terminal.press("q")
        assert await terminal.ended() == 0


async def test_without_the_mouse_the_terminal_is_not_asked_for_it(
    served: Listeners, home: Path
) -> None:
    async with opened(home, preferences="mouse: off\n") as terminal:
        await terminal.shown("Receiving now")
        terminal.press("q")
        assert await terminal.ended() == 0
        assert not modes(terminal.text) & MOUSE


@pytest.mark.parametrize(
    "environment",
    [
        {"NO_COLOR": "1"},
        {"COLORTERM": "", "TERM": "xterm"},
        {"COLORTERM": "", "TERM": "screen-256color"},
        {"COLORTERM": "", "TERM": "vt220"},
    ],
    ids=lambda one: " ".join(one.values()),
)
async def test_terminals_that_can_do_less_show_it_too(
    environment: dict[str, str], served: Listeners, home: Path
) -> None:
    async with opened(home, preferences="glyphs: ascii\n", **environment) as terminal:
        await terminal.shown("Receiving now")
        terminal.press("2")
        await terminal.shown("# conflict")
        terminal.press("q")
        assert await terminal.ended() == 0
        assert_harmless(terminal.text)
        colours = [
            found["parameters"]
            for found in SEQUENCE.finditer(terminal.text)
            if found["final"] == "m"
        ]
        if "NO_COLOR" not in environment:
            assert not [one for one in colours if "38;2;" in one or "48;2;" in one]


async def test_a_line_that_drops_ends_it(served: Listeners, home: Path) -> None:
    async with opened(home) as terminal:
        await terminal.shown("Receiving now")
        terminal.close()
        # By the signal that the system sends, or by what the console sees itself: it ends.
        await terminal.ended()
