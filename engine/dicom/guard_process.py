# SPDX-License-Identifier: Apache-2.0
"""The helper process of the guard: reads requests, a line of JSON each, from standard input and
answers with a head in Explicit VR Little Endian or a reason. It limits itself before it imports
anything that parses. Nothing imports this module; it is run."""

from __future__ import annotations

import json
import sys

from engine.dicom.confinement import allow_cpu, confine

_MIB = 1024 * 1024
_REASONS = {
    "MemoryError": "reading the header takes more memory than allowed",
    "RecursionError": "sequences are nested too deeply",
    "EOFError": "the data set ends within an element",
}


def main() -> None:
    """Serve until standard input ends."""
    confine(memory=int(sys.argv[1]), largest_file=0)
    from engine.dicom.guard import (  # noqa: PLC0415 (limits first)
        ANSWER,
        CONTRARY,
        GREETING,
        SPENT,
        Unreadable,
    )
    from engine.dicom.normal import normal_head  # noqa: PLC0415 (limits first)

    out = sys.stdout.buffer
    out.write(GREETING)
    out.flush()
    for line in sys.stdin.buffer:
        request = json.loads(line)
        allow_cpu(request["seconds"])
        try:
            data, end, contrary = normal_head(
                request["path"], request["transfer_syntax"], request["dataset_offset"]
            )
            status = CONTRARY if contrary else 0
        except Unreadable as error:
            status, end, data = 1, 0, error.reason.encode()
        except Exception as error:  # whatever a parser throws at hostile bytes
            name = type(error).__name__
            if isinstance(error, OSError) and error.errno is None:
                name = "EOFError"  # pydicom says so of data that end, not of a disk that fails
            reason = _REASONS.get(name, f"the header cannot be read ({name})")
            fatal = isinstance(error, MemoryError | RecursionError)
            status, end, data = (SPENT if fatal else 1), 0, reason.encode()
        out.write(ANSWER.pack(status, end, len(data)))
        out.write(data)
        out.flush()
        del data


if __name__ == "__main__":
    main()
