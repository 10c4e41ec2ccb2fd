# SPDX-License-Identifier: Apache-2.0
"""The helper process of a sandbox: limits itself, then imports the worker module that it was given,
and answers requests until standard input ends. Nothing of the engine imports this module; its
arguments are the worker module, the bytes of memory, and the bytes of the largest file that may be
written."""

from __future__ import annotations

import importlib
import json
import sys
from typing import BinaryIO

from engine.sandbox.confinement import allow_cpu, allow_memory, confine
from engine.sandbox.protocol import ANSWER, GREETING, SPENT, Worker, is_spent


def main() -> None:
    """Serve until standard input ends."""
    name, memory, largest_file = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    confine(memory=memory, largest_file=largest_file)
    worker: Worker = importlib.import_module(name).Worker()
    _serve(worker, memory, sys.stdin.buffer, sys.stdout.buffer)


def _serve(worker: Worker, memory: int, requests: BinaryIO, answers: BinaryIO) -> None:
    answers.write(GREETING)
    answers.flush()
    for line in requests:
        request = json.loads(line)
        allow_cpu(request["seconds"])
        allow_memory(memory, mapped=request["mapped"])
        try:
            answer = worker.run(request["work"])
            status = answer.status
        except Exception as error:  # whatever hostile bytes make of it
            answer = worker.fault(error)
            status = SPENT if is_spent(error) else answer.status
        answers.write(ANSWER.pack(status, answer.number, len(answer.body)))
        answers.write(answer.body)
        answers.flush()
        del answer  # it may be large, and the next request wants the room


if __name__ == "__main__":
    main()
