# SPDX-License-Identifier: Apache-2.0
"""How a helper process limits itself before it reads anything that may be hostile. Nothing that
parses is imported: the limits come first."""

from __future__ import annotations

import math
import resource
import warnings


def confine(*, memory: int, largest_file: int) -> None:
    """Allow this process so many bytes of address space, and files of so many bytes; no core."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))
    allow_memory(memory)
    warnings.simplefilter("ignore")


def allow_memory(memory: int, *, mapped: int = 0) -> None:
    """Allow this process so many bytes of address space, and `mapped` more for a file that is read
    where it lies: that takes no memory."""
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    wanted = memory + mapped
    if most != resource.RLIM_INFINITY:
        wanted = min(wanted, most)
    # Only the soft limit: a lowered hard limit could not be raised for a larger file.
    resource.setrlimit(resource.RLIMIT_AS, (wanted, most))


def allow_cpu(seconds: float) -> None:
    """Let the system end this process once it has used so many more seconds of processor time,
    rounded up to whole ones."""
    # RLIMIT_CPU counts from the start of the process, so what is used already is added.
    usage = resource.getrusage(resource.RUSAGE_SELF)
    allowed = math.ceil(usage.ru_utime + usage.ru_stime + seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (allowed, resource.RLIM_INFINITY))
