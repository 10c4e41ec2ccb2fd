# SPDX-License-Identifier: Apache-2.0
"""Many senders that are in no hurry: so many associations, over each an object every second, each
at its own moment. As a command it prints how long each object waited for its answer, in seconds,
the first of each association apart: with it a session begins."""

from __future__ import annotations

import argparse
import json
import random
import socket
import threading
import time

from bench.objects import Instance, Template
from bench.sender import SendError, begin, end, store

_SEED = 12


def send_steadily(
    host: str, port: int, called: str, *, associations: int, seconds: int, side: int
) -> tuple[list[float], list[float]]:
    """Return the seconds from the first byte of each object to its answer: of first objects, and of
    those after them.

    Raises:
        SendError: if an association or an object is not accepted.
    """
    template, chance = Template(side), random.Random(_SEED)
    first: list[float] = []
    later: list[float] = []
    faults: list[Exception] = []
    # All associations are open before the first object is sent.
    ready = threading.Barrier(associations)

    def one(objects: list[Instance], moment: float) -> None:
        try:
            with socket.create_connection((host, port), timeout=60) as sock:
                largest = begin(sock, called)
                ready.wait()
                began = time.perf_counter() + moment
                for number, each in enumerate(objects):
                    time.sleep(max(0.0, began + number - time.perf_counter()))
                    sent = time.perf_counter()
                    store(sock, each, number + 1, largest)
                    (later if number else first).append(time.perf_counter() - sent)
                end(sock)
        except (OSError, SendError, threading.BrokenBarrierError) as error:
            faults.append(error)
            ready.abort()

    threads = [
        threading.Thread(target=one, args=(template.study(number, seconds), chance.random()))
        for number in range(associations)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise SendError(str(faults[0]))
    return first, later


def main() -> None:
    """Send as the command line says, and print the waits as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("called")
    parser.add_argument("--associations", type=int, default=100)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--side", type=int, default=256, help="pixels in a row")
    given = parser.parse_args()
    first, later = send_steadily(
        given.host,
        given.port,
        given.called,
        associations=given.associations,
        seconds=given.seconds,
        side=given.side,
    )
    print(json.dumps({"first": first, "later": later}))


if __name__ == "__main__":
    main()
