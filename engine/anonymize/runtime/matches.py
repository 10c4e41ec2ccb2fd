# SPDX-License-Identifier: Apache-2.0
"""The elements that the paths of a call match in an object. Arguments may be paths, texts that
contain a path, and lists of these."""

from __future__ import annotations

from collections.abc import Iterator

from engine.anonymize.faults import ScriptError
from engine.anonymize.runtime.level import is_creator
from engine.anonymize.runtime.paths import Found, Path, path_of
from engine.anonymize.runtime.run import Run, Value, flat, text_of


def paths_in(run: Run, arguments: list[Value], *, quiet: bool = False) -> list[Path]:
    """Return the paths of arguments: paths, texts that hold one, and lists; `quiet` leaves out
    texts that hold none."""
    found: list[Path] = []
    for one in flat(arguments):
        path = one if isinstance(one, Path) else path_of(text_of(run, one) or "")
        if path is not None:
            found.append(path)
        elif quiet:
            run.note("a text that is no path is left out")
        else:
            raise ScriptError("a text stands where a path is wanted, and holds none")
    return found


def found_elements(run: Run, arguments: list[Value], *, quiet: bool = False) -> Iterator[Found]:
    """Yield all elements that the paths match, each once; what reserves private blocks is none."""
    seen: set[tuple[int, int]] = set()
    for path in paths_in(run, arguments, quiet=quiet):
        for level, tag in path.find(run.subject):
            if (id(level), tag) not in seen and not is_creator(tag):
                seen.add((id(level), tag))
                run.tick()
                yield level, tag
