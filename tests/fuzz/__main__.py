# SPDX-License-Identifier: Apache-2.0
"""The command: `python -m tests.fuzz TARGET --seconds N --seed S --corpus DIR`. It needs atheris,
which is in the dependency group `fuzz` only; the targets themselves are run by the tests, too."""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
HANGS, MEBIBYTES = 10, 2048
"""Seconds and memory that are too much for one input."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Fuzz until the time is over or something is found, which is kept beside the corpus."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", choices=("script", "head"))
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1, help="of the fuzzer's chance")
    parser.add_argument("--corpus", type=Path, required=True, help="what is new is put there")
    given = parser.parse_args(arguments)
    try:
        import atheris  # noqa: PLC0415 (there is not a wheel for every Python)
    except ImportError:
        parser.error("atheris is missing: uv pip install --group fuzz")
    with atheris.instrument_imports(include=["engine.anonymize", "engine.dicom"]):
        from tests.fuzz import seeds, targets  # noqa: PLC0415 (it is instrumented now)
    found = Path(f"{given.corpus}-found")
    start = Path(f"{given.corpus}-seeds")
    for folder in (given.corpus, found, start):
        folder.mkdir(parents=True, exist_ok=True)
    for name, data in seeds.SEEDS[given.target]():
        (start / name).write_bytes(data)
    words = found / "words"
    words.write_text("".join(map(_quoted, seeds.words())))
    options = [
        f"-max_total_time={given.seconds}",
        f"-seed={given.seed}",
        f"-timeout={HANGS}",
        f"-rss_limit_mb={MEBIBYTES}",
        f"-max_len={seeds.LONGEST // (2 if given.target == 'script' else 1)}",
        f"-artifact_prefix={found}/",
        f"-dict={words}",
        "-print_final_stats=1",
        "-reload=0",
    ]
    folders = [str(given.corpus), str(start), str(CORPUS / given.target)]
    mutator: dict[str, Callable[[bytes, int, int], bytes]] = {}
    if given.target == "head":
        from tests.fuzz.mutation import mutated  # noqa: PLC0415 (it is not instrumented)

        def mutate(data: bytes, most: int, seed: int) -> bytes:
            chance = random.Random(seed)
            if chance.random() < 0.4:
                return bytes(atheris.Mutate(data, most))
            return mutated(data, chance, lambda value: bytes(atheris.Mutate(value, 64)))[:most]

        mutator["custom_mutator"] = mutate
    target = targets.TARGETS[given.target]

    def one(data: bytes) -> None:
        try:
            target(data)
        except BaseException:
            # The fuzzer keeps it as well, but not where its alarm comes first.
            (found / f"raised-{sha256(data).hexdigest()[:12]}").write_bytes(data)
            raise

    atheris.Setup([sys.argv[0], *options, *folders], one, **mutator)
    atheris.Fuzz()


def _quoted(word: str) -> str:
    return '"' + "".join(f"\\x{byte:02x}" for byte in word.encode()) + '"\n'


if __name__ == "__main__":
    main()
