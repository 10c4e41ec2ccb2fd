# SPDX-License-Identifier: Apache-2.0
"""What processes hold: memory and descriptors, read from /proc."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.measure import tree


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """Of a process and all that descend from it."""

    resident: int
    """Bytes of memory, shared pages counted once for each process."""
    peak: int
    """Bytes that the largest of them has held at any time."""
    descriptors: int


def held_by(pid: int) -> Held:
    """Look at a process and its descendants."""
    resident = peak = descriptors = 0
    for each in tree(pid):
        folder = Path("/proc", str(each))
        try:
            lines = (folder / "status").read_text("utf-8").splitlines()
            descriptors += len(list((folder / "fd").iterdir()))
        except OSError:
            continue  # it has just ended
        values = {line.partition(":")[0]: line.split() for line in lines}
        resident += int(values.get("VmRSS", ["", "0"])[1]) * 1024
        peak = max(peak, int(values.get("VmHWM", ["", "0"])[1]) * 1024)
    return Held(resident=resident, peak=peak, descriptors=descriptors)
