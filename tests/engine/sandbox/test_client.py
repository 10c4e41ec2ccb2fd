# SPDX-License-Identifier: Apache-2.0
"""A sandbox: its helper is limited before it imports anything, is kept while it behaves, and ends
in a reason when it does not; the next request is answered again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.sandbox.client import NoAnswer, Sandbox
from engine.sandbox.protocol import FAILED, SPENT, TOO_MUCH_MEMORY, Answer

_MIB = 1024 * 1024
_MEMORY = 512 * _MIB
_WORKER = "tests.engine.sandbox.worker"


def _sandbox(**values: Any) -> Sandbox:
    given: dict[str, Any] = {"seconds": 10, "memory": _MEMORY, "longest": _MIB}
    return Sandbox(_WORKER, **given | values)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    made = _sandbox()
    yield made
    made.close()


def _ask(sandbox: Sandbox, do: str, *, mapped: int = 0, **values: object) -> Answer:
    return sandbox.ask({"do": do, **values}, doing="working", mapped=mapped)


def test_the_limits_come_before_the_worker() -> None:
    sandbox = _sandbox(largest_file=5000)
    try:
        assert _ask(sandbox, "limits").body.decode() == str([0, 0, _MEMORY, 5000])
    finally:
        sandbox.close()


def test_nothing_of_the_engine_is_loaded_before_the_limits() -> None:
    program = (
        "import sys, engine.sandbox.server\n"
        "print(sorted(name for name in sys.modules if name.startswith('engine.')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    parts = ("confinement", "protocol", "server")
    loaded = ["engine.sandbox", *(f"engine.sandbox.{part}" for part in parts)]
    assert done.stdout.strip() == str(loaded)


def test_little_of_our_environment_is_handed_down(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTEROOM_SECRET", "x")
    assert "SECRET" not in _ask(sandbox, "environment").body.decode()


def test_a_helper_is_started_when_first_needed_and_kept(sandbox: Sandbox) -> None:
    assert sandbox.pid is None
    assert [_ask(sandbox, "echo", said="x").number for _ in range(3)] == [1, 2, 3]
    assert sandbox.pid is not None


def test_status_number_and_body_are_the_workers(sandbox: Sandbox) -> None:
    answer = _ask(sandbox, "echo", said="über\n", status=9)
    assert answer == Answer(status=9, number=1, body="über\n".encode())


@pytest.mark.parametrize("do", ["take", "dive"])
def test_a_helper_that_is_spent_still_tells_and_is_started_anew(sandbox: Sandbox, do: str) -> None:
    answer = _ask(sandbox, do, bytes=2 * _MEMORY)
    assert (answer.status, answer.body.decode()) == (SPENT, TOO_MUCH_MEMORY)
    assert sandbox.pid is None
    assert _ask(sandbox, "echo", said="x").number == 1


def test_a_file_that_is_mapped_takes_no_memory(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.touch()
    os.truncate(path, _MEMORY)
    assert _ask(sandbox, "look", path=str(path)).status == FAILED
    seen = _ask(sandbox, "look", path=str(path), mapped=_MEMORY)
    assert (seen.status, seen.body.decode()) == (0, str(_MEMORY))
    # That was allowed for the one file only.
    assert _ask(sandbox, "look", path=str(path)).status == FAILED


def test_a_file_grows_no_larger_than_allowed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    sandbox = _sandbox(largest_file=1000)
    try:
        assert _ask(sandbox, "write", path=str(path), bytes=1000).status == 0
        answer = _ask(sandbox, "write", path=str(path), bytes=1001)
        assert (answer.status, answer.body.decode()) == (FAILED, "OSError")
    finally:
        sandbox.close()


def test_processor_time_is_limited_for_each_request(sandbox: Sandbox) -> None:
    with pytest.raises(NoAnswer, match=r"^working took too much processor time$"):
        sandbox.ask({"do": "spin"}, doing="working", seconds=0)
    assert sandbox.pid is None
    assert _ask(sandbox, "echo", said="x").number == 1


def test_waiting_is_limited() -> None:
    sandbox = _sandbox(patience=1e-9)
    try:
        with pytest.raises(NoAnswer, match=r"^working took too long$"):
            _ask(sandbox, "echo", said="x")
        assert sandbox.pid is None
    finally:
        sandbox.close()


def test_an_answer_is_no_longer_than_allowed(sandbox: Sandbox) -> None:
    assert len(_ask(sandbox, "echo", said="x" * _MIB).body) == _MIB
    with pytest.raises(NoAnswer, match=r"^working exceeded the limits of the helper$"):
        _ask(sandbox, "echo", said="x" * (_MIB + 1))
    assert _ask(sandbox, "echo", said="x").number == 1


def test_a_helper_that_ends_is_started_again(sandbox: Sandbox) -> None:
    _ask(sandbox, "echo", said="x")
    first = sandbox.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)
    assert _ask(sandbox, "echo", said="x").number == 1
    with pytest.raises(NoAnswer, match="exceeded the limits"):
        _ask(sandbox, "end")
    assert _ask(sandbox, "echo", said="x").number == 1


def test_a_worker_that_is_not_there_is_survived() -> None:
    sandbox = Sandbox("tests.no_such_worker", seconds=1, memory=_MEMORY, longest=10)
    with pytest.raises(NoAnswer, match="exceeded the limits"):
        _ask(sandbox, "echo", said="x")
    assert sandbox.pid is None


def test_who_waits_for_an_answer_can_be_interrupted(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    os.mkfifo(begun)
    program = (
        "import sys, time; print('ready', flush=True); sys.stdin.readline(); "
        f"open({str(begun)!r}, 'w').close(); time.sleep(1000)"
    )
    sandbox = _sandbox(command=(sys.executable, "-c", program))
    told: list[str] = []

    def wait() -> None:
        try:
            _ask(sandbox, "echo", said="x")
        except NoAnswer as error:
            told.append(error.reason)

    waiting = threading.Thread(target=wait)
    waiting.start()
    begun.read_bytes()
    sandbox.interrupt()
    waiting.join()
    with pytest.raises(NoAnswer, match=r"^the guarded helper is closed$"):
        _ask(sandbox, "echo", said="x")
    assert told == ["working exceeded the limits of the helper"]
    assert sandbox.pid is None


def test_closed_it_answers_no_more(sandbox: Sandbox) -> None:
    _ask(sandbox, "echo", said="x")
    pid = sandbox.pid
    assert pid is not None
    sandbox.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(NoAnswer, match="closed"):
        _ask(sandbox, "echo", said="x")
