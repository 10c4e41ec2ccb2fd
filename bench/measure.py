# SPDX-License-Identifier: Apache-2.0
"""How a measurement is taken and told: processor time of process trees, medians and lower bounds of
ratios, small tables, and the machine that all of it is true for."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, comb
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_PROC = Path("/proc")


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What a benchmark has found: rows under columns, and remarks that belong to them."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    remarks: tuple[str, ...] = ()


def machine() -> dict[str, object]:
    """Tell what the numbers are true for."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2),
    }


def median(values: Sequence[float]) -> float:
    """Return the middle value."""
    return statistics.median(values)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that is not exceeded by this share of all."""
    ordered = sorted(values)
    return ordered[max(0, ceil(share * len(ordered)) - 1)]


def lower_bound(values: Sequence[float], confidence: float = 0.95) -> float:
    """Return a bound that the median exceeds with this confidence, whatever the distribution.

    It is an order statistic (the sign test); of fewer than five values it is the smallest."""
    ordered = sorted(values)
    count = len(ordered)
    below, chance = 0, 0.0
    while below < count:
        chance += comb(count, below) / 2**count
        if chance > 1 - confidence:
            break
        below += 1
    return ordered[max(0, below - 1)]


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Lay rows out under their columns; numbers stand to the right."""
    cells = [[_cell(value) for value in row] for row in rows]
    numbers = [all(_is_number(row[at]) for row in cells) for at in range(len(columns))]
    lines = [list(columns), *cells]
    widths = [max(len(line[at]) for line in lines) for at in range(len(columns))]
    return "\n".join(
        "  ".join(
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(line, widths, numbers, strict=True)
        ).rstrip()
        for line in lines
    )


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return str(value)


def _is_number(text: str) -> bool:
    try:
        float(text.rstrip("x"))
    except ValueError:
        return text in ("", "-")
    return True


def tree(root: int) -> dict[int, str]:
    """Name a process and all that descend from it, by the words of their command lines."""
    parents: dict[int, list[int]] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            fields = _stat(int(entry.name))
            if fields:
                parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found, waiting = {}, [root]
    while waiting:
        each = waiting.pop()
        found[each] = _words(each)
        waiting += parents.get(each, [])
    return found


def processor_time(pids: Iterable[int]) -> float:
    """Sum the seconds of processor time of processes, and of children they have waited for."""
    total = 0
    for each in pids:
        fields = _stat(each)
        if fields:
            total += sum(int(ticks) for ticks in fields[11:15])
    return total / _TICK


def resident(pids: Iterable[int]) -> int:
    """Sum the bytes of memory that processes hold, shared pages counted for each."""
    total = 0
    for each in pids:
        try:
            pages = (_PROC / str(each) / "statm").read_text("utf-8").split()[1]
        except OSError:
            continue
        total += int(pages) * _PAGE
    return total


def _stat(pid: int) -> list[str]:
    """Return the fields of `stat` from the state on; nothing when the process is gone."""
    try:
        return (_PROC / str(pid) / "stat").read_text("utf-8").rpartition(")")[2].split()
    except OSError:
        return []


def _words(pid: int) -> str:
    try:
        return (_PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    except OSError:
        return ""
