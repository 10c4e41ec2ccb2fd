# SPDX-License-Identifier: Apache-2.0
"""The command: `python -m tests.fuzz.minimise TARGET FROM`. Of what was found, it puts into the
committed corpus what reaches a step of the program that nothing smaller there reaches."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from types import FrameType
from typing import Any

from tests.fuzz.seeds import SEEDS
from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).parent / "corpus"
MOST_BYTES = 120 * 1024
"""Of the corpus of one target."""

Step = tuple[str, int, int]
_WATCHED = ("/engine/anonymize/", "/engine/dicom/")


def steps(work: Callable[[bytes], None], data: bytes) -> set[Step]:
    """Return the steps from line to line that a target takes on its way through the engine."""
    found: set[Step] = set()
    last: dict[FrameType, int] = {}

    def line(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            found.add((frame.f_code.co_filename, last.get(frame, 0), frame.f_lineno))
            last[frame] = frame.f_lineno
        elif event == "return":
            last.pop(frame, None)
        return line

    def call(frame: FrameType, _: str, __: Any) -> Any:
        file = frame.f_code.co_filename
        return line if any(part in file for part in _WATCHED) else None

    before = sys.gettrace()
    sys.settrace(call)
    try:
        work(data)
    finally:
        sys.settrace(before)
    return found


def chosen(work: Callable[[bytes], None], inputs: Iterable[bytes], most: int) -> list[bytes]:
    """Choose inputs, the smallest first, that reach something new, up to so many bytes."""
    reached: set[Step] = set()
    kept: list[bytes] = []
    work(b"")
    for data in sorted(set(inputs), key=lambda one: (len(one), one)):
        new = steps(work, data) - reached
        if new and sum(map(len, kept)) + len(data) <= most:
            reached |= new
            kept.append(data)
    return kept


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the corpus of one target anew."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.minimise", description=__doc__)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("found", type=Path, help="the corpus of a run")
    given = parser.parse_args(arguments)
    names = {data: name for name, data in SEEDS[given.target]()}
    target = CORPUS / given.target
    inputs = [path.read_bytes() for path in (*given.found.iterdir(), *target.iterdir())]
    kept = chosen(TARGETS[given.target], [*inputs, *names], MOST_BYTES)
    for path in target.iterdir():
        path.unlink()
    for data in kept:
        name = names.get(data) or f"found-{sha256(data).hexdigest()[:12]}"
        (target / name).write_bytes(data)


if __name__ == "__main__":
    main()
