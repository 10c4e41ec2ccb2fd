# SPDX-License-Identifier: Apache-2.0
"""The command: `python -m bench list`, `python -m bench NAME... [--quick] [--json]`."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Protocol

from bench import audit, header, keys, limits, receive, review, scripts, sessions
from bench.measure import Result, machine, table


class Benchmark(Protocol):
    """Something to be measured."""

    def __call__(self, *, quick: bool) -> list[Result]: ...


BENCHMARKS: dict[str, tuple[Benchmark, str]] = {
    "audit": (audit.run, "browsing and verifying the audit trail, up to a million events"),
    "header": (header.run, "reading and editing one header in memory, beside pydicom"),
    "keys": (keys.run, "from a key to its first byte, in a long list, while objects arrive"),
    "limits": (
        limits.run,
        "what a receiver may take at most: time for an association, answers, memory, bytes written",
    ),
    "receive": (receive.run, "images a second over 1, 2 and 4 associations, beside others"),
    "review": (
        review.run,
        "what scripts did to a session of 2,000 objects and will do, file by file",
    ),
    "scripts": (
        scripts.run,
        "a whole script over one header in memory, beside pydicom and two others",
    ),
    "sessions": (sessions.run, "what a session costs up to the archive, at first and later on"),
}


def main(arguments: Sequence[str] | None = None, say: Callable[[str], object] = print) -> int:
    """Run what is named, all of it where nothing is named; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", help="'list', or names from it; none: all")
    parser.add_argument("--quick", action="store_true", help="shorter; the numbers are rough")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args(arguments)
    if given.names == ["list"]:
        for name, (_, text) in BENCHMARKS.items():
            say(f"{name:10} {text}")
        return 0
    unknown = [name for name in given.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]}; there are: {', '.join(BENCHMARKS)}")
    here = machine()
    results = [
        result
        for name in given.names or BENCHMARKS
        for result in BENCHMARKS[name][0](quick=given.quick)
    ]
    if given.json:
        say(json.dumps({"machine": here, "results": [_plain(result) for result in results]}))
        return 0
    say(", ".join(f"{word} {value}" for word, value in here.items()))
    if given.quick:
        say("quick: too few runs to prove anything")
    for result in results:
        say("")
        say(result.name)
        say(table(result.columns, result.rows))
        for remark in result.remarks:
            say(f"  {remark}")
    return 0


def _plain(result: Result) -> dict[str, object]:
    rows = [dict(zip(result.columns, row, strict=True)) for row in result.rows]
    return {"name": result.name, "rows": rows, "remarks": result.remarks}


if __name__ == "__main__":
    # Whoever ends a benchmark ends the engines that it has started, too.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("stopped; nothing was measured to its end")
