# SPDX-License-Identifier: Apache-2.0
"""What fuzzing has found worth keeping goes through its targets again, which raise at any fault."""

from __future__ import annotations

from random import Random

import pytest

from engine.anonymize.runtime.level import Level
from engine.dicom.edit import HeaderEdit
from engine.dicom.header import Header
from tests.fuzz import seeds
from tests.fuzz.minimise import CORPUS, chosen, steps
from tests.fuzz.mutation import mutated
from tests.fuzz.scripts import TEXTS
from tests.fuzz.targets import FILE, IMPLICIT, TARGETS, head, script

MOST_BYTES = 300 * 1024
FILES = sorted(path for target in TARGETS for path in (CORPUS / target).iterdir())


@pytest.mark.parametrize("target", TARGETS)
def test_the_corpus_goes_through_both_targets(target: str) -> None:
    assert FILES
    for path in FILES:
        try:
            TARGETS[target](path.read_bytes())
        except Exception as error:
            error.add_note(str(path))
            raise


def test_the_corpus_is_small_and_holds_both_kinds() -> None:
    assert sum(path.stat().st_size for path in FILES) < MOST_BYTES
    assert {path.parent.name for path in FILES} == set(TARGETS)


def test_seeds_are_found_for_both_targets() -> None:
    for target, given in seeds.SEEDS.items():
        found = dict(given())
        assert len(found) > 50, target
        assert max(map(len, found.values())) <= seeds.LONGEST + 2
    assert {data[1] for _, data in seeds.heads()} == set(range(len(TEXTS)))
    for name, data in seeds.heads():
        if not data[0] & FILE:
            assert len(Header.index(data[2:], explicit=not data[0] & IMPLICIT)), name
    assert "hashUID[" in seeds.words()


def test_a_rewrite_that_touches_what_nobody_changed_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write = HeaderEdit.write

    def spoilt(edit: HeaderEdit) -> list[bytes | memoryview]:
        data = b"".join(write(edit))
        return [data.replace(b"A^B ", b"A^C ")]

    monkeypatch.setattr(HeaderEdit, "write", spoilt)
    one = dict(seeds.heads())["made-private-0"]
    with pytest.raises(AssertionError):
        head(one)


def test_a_fault_at_run_time_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(level: Level, tag: int) -> None:
        raise KeyError(tag)

    monkeypatch.setattr(Level, "remove", broken)
    with pytest.raises(KeyError):
        script(b'version "6.7"\nremoveTags[(0010,0010)]\n')


def test_mutations_mostly_stay_heads() -> None:
    chance = Random(1)
    start = dict(seeds.heads())["made-private-0"]
    data, read = start, 0
    for _ in range(200):
        data = mutated(data if len(data) < 2000 else start, chance, lambda value: value[::-1])
        Header.index(data[2:], explicit=True)
        read += data != start
    assert read > 100
    assert mutated(b"", chance, bytes) == b""
    assert mutated(b"\0\0no head", chance, bytes)[2:] == b"no head"


def test_the_smallest_inputs_are_kept_that_reach_something_new() -> None:
    small, same, other = b"- (0010,0010)", b"- (0010,0020) // twice", b'version "6.7"\necho "x"\n'
    assert steps(script, small)
    kept = chosen(script, [same, small, other, small], 1000)
    assert kept == [small, other]
    assert chosen(script, [small, other], len(small)) == [small]
