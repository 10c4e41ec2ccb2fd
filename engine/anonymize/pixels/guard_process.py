# SPDX-License-Identifier: Apache-2.0
"""The helper process of the guard of pixels: reads requests, a line of JSON each, from standard
input, alters a file for each and answers what became of it. It limits itself before it imports
anything that decodes. Nothing imports this module; it is run."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from engine.dicom.confinement import allow_cpu, confine

_LARGEST = 64 * 1024 * 1024 * 1024


def main() -> None:
    """Serve until standard input ends."""
    confine(memory=int(sys.argv[1]), largest_file=_LARGEST)
    from engine.anonymize.faults import ScriptError  # noqa: PLC0415 (limits first)
    from engine.anonymize.pixels.blanking import blank_file  # noqa: PLC0415 (limits first)
    from engine.anonymize.pixels.guard import FAILED, NO_FILE  # noqa: PLC0415 (limits first)
    from engine.anonymize.pixels.regions import asked_in  # noqa: PLC0415 (limits first)
    from engine.dicom.guard import ANSWER, GREETING, SPENT  # noqa: PLC0415 (limits first)

    out = sys.stdout.buffer
    out.write(GREETING)
    out.flush()
    for line in sys.stdin.buffer:
        request = json.loads(line)
        allow_cpu(request["seconds"])
        asked = [asked_in(numbers) for numbers in request["asked"]]
        answer: dict[str, object]
        number = 0
        try:
            done = blank_file(
                Path(request["source"]),
                Path(request["target"]),
                asked,
                record=request["record"],
            )
            status = 0
            answer = {
                "changed": done.changed,
                "transfer_syntax": done.transfer_syntax,
                "frames": done.frames,
                "notes": done.notes,
            }
        except ScriptError as error:
            status, answer = FAILED, {"message": error.message, "hint": error.hint}
        except OSError as error:
            status, number, answer = NO_FILE, error.errno or 5, {}
        except Exception as error:  # whatever a decoder throws at hostile bytes
            fatal = isinstance(error, MemoryError | RecursionError)
            status = SPENT if fatal else FAILED
            reason = "more memory is needed than allowed" if fatal else type(error).__name__
            message = f"alterPixels: the pixels cannot be altered ({reason})"
            answer = {"message": message, "hint": ""}
        body = json.dumps(answer).encode("ascii")
        out.write(ANSWER.pack(status, number, len(body)))
        out.write(body)
        out.flush()


if __name__ == "__main__":
    main()
