# SPDX-License-Identifier: Apache-2.0
"""Runs a script over files and folders, without an engine and in several processes. Single files
are handled in `engine.anonymize.files`."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

from engine.anonymize.files import FileRun, Recipe
from engine.model.anonymized import AnonymizedFile
from engine.model.changes import ScriptOutcome
from engine.model.errors import NotFound, Problem, Refused

__all__ = ["Pair", "Recipe", "anonymize", "pair_up"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """A file, and where its result goes."""

    source: Path
    target: Path


def pair_up(source: Path, target: Path) -> tuple[Pair, ...]:
    """Find the files of a folder, or the one file, and say where each result goes. Folders keep
    their shape; what begins with a dot is left out.

    Raises:
        NotFound: there is no such file or folder.
        Refused: results would stand among what they are made of, or among other files.
    """
    if source.is_dir():
        inner, outer = source.resolve(), target.resolve()
        if inner == outer or inner in outer.parents or outer in inner.parents:
            raise Refused(
                "the results would stand among the files they are made of",
                hint="give a folder that is neither inside the input nor contains it",
            )
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise Refused(
                f"{target} is there already, and nothing is overwritten",
                hint="name a folder that is new or empty",
            )
        return tuple(
            Pair(source=file, target=target / file.relative_to(source)) for file in _files(source)
        )
    if not source.exists():
        raise NotFound(f"there is no file or folder {source}")
    into = target / source.name if target.is_dir() else target
    if os.path.lexists(into):
        raise Refused(
            f"{into} is there already, and nothing is overwritten", hint="name a new file"
        )
    return (Pair(source=source, target=into),)


def anonymize(recipe: Recipe, pairs: Sequence[Pair], *, jobs: int = 0) -> Iterator[AnonymizedFile]:
    """Run a script over files and tell of each, in their order.

    Args:
        recipe: the script and what it needs.
        pairs: from `pair_up`.
        jobs: how many processes; as many as there are processors for 0.

    Raises:
        InvalidInput: the script or its lookup table has faults; no file is touched.
    """
    run = FileRun(recipe)
    wanted = min(jobs or os.cpu_count() or 1, len(pairs))
    return _here(run, pairs) if wanted < 2 else _elsewhere(recipe, pairs, wanted)


def _here(run: FileRun, pairs: Sequence[Pair]) -> Iterator[AnonymizedFile]:
    try:
        for pair in pairs:
            yield _one(run, pair)
    finally:
        run.close()


def _elsewhere(recipe: Recipe, pairs: Sequence[Pair], jobs: int) -> Iterator[AnonymizedFile]:
    left = list(pairs)
    while left:
        pool = _pool(recipe, jobs)
        futures: list[Future[AnonymizedFile]] = []
        try:
            futures += (pool.submit(_in_worker, pair) for pair in left)
            while futures:
                result = futures[0].result()
                del futures[0], left[0]
                yield result
        except BrokenProcessPool:
            # What was in the processes is run alone, so that what kills again kills only itself.
            suspects = 2 * jobs + 1
            for pair, future in zip(left[:suspects], [*futures, *[None] * suspects], strict=False):
                yield _known(future) or _alone(recipe, pair)
            del left[:suspects]
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _known(future: Future[AnonymizedFile] | None) -> AnonymizedFile | None:
    if future is None or not future.done() or future.cancelled() or future.exception() is not None:
        return None
    return future.result()


def _alone(recipe: Recipe, pair: Pair) -> AnonymizedFile:
    with _pool(recipe, 1) as pool:
        try:
            return pool.submit(_in_worker, pair).result()
        except BrokenProcessPool:
            return _failed(pair, "the process that was at it died")


def _pool(recipe: Recipe, jobs: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(
        max_workers=jobs,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_settle_in,
        initargs=(recipe,),
    )


_runs: list[FileRun] = []
"""The one of a worker process."""


def _settle_in(recipe: Recipe) -> None:
    # Ctrl-C at the terminal goes to the whole group; the process that asked decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _runs.append(FileRun(recipe))


def _in_worker(pair: Pair) -> AnonymizedFile:
    return _one(_runs[0], pair)


def _one(run: FileRun, pair: Pair) -> AnonymizedFile:
    try:
        return run.run(pair.source, pair.target)
    except Exception as error:
        # One odd file among thousands must not end the run; its name is told with the error.
        return _failed(pair, f"it cannot be handled ({type(error).__name__})")


def _failed(pair: Pair, reason: str) -> AnonymizedFile:
    return AnonymizedFile(
        source=str(pair.source), outcome=ScriptOutcome.ERROR, error=Problem(message=reason)
    )


def _files(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(place, name) for name in sorted(names) if not name.startswith("."))
