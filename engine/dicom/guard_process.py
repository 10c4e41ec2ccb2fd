"""The process behind `Guard`: reads one request a line, answers `+` and the normalised head or `-`
and a reason. It limits its own memory first; the wall clock is the parent's affair."""

from __future__ import annotations

import io
import json
import resource
import signal
import sys
import warnings
import zlib
from typing import BinaryIO

from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_dataset

_LARGEST_VALUE = 64 * 1024
_LARGEST_HEAD = 64 * 1024 * 1024
_DEFLATED = ("1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.205")
_BIG_ENDIAN = "1.2.840.10008.1.2.2"
_IMPLICIT = "1.2.840.10008.1.2"


def main() -> None:
    """Serve requests until the pipe closes."""
    memory = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    warnings.simplefilter("ignore")
    out = sys.stdout.buffer
    out.write(b"!")
    out.flush()
    for line in sys.stdin.buffer:
        request = json.loads(line)
        mark, body = _answer(request["path"], request["syntax"], request["offset"])
        out.write(mark + len(body).to_bytes(4, "big") + body)
        out.flush()


def _answer(path: str, syntax: str, offset: int) -> tuple[bytes, bytes]:
    try:
        with open(path, "rb") as file:
            file.seek(offset)
            return b"+", _normalise(file, syntax)
    except RecursionError:
        return b"-", b"sequences are nested too deeply"
    except MemoryError:
        return b"-", b"the data set needs more memory than is allowed"
    except Exception as error:
        # The text of an exception may quote the data set; its kind does not.
        return b"-", f"the data set cannot be read ({type(error).__name__})".encode()


def _normalise(file: BinaryIO, syntax: str) -> bytes:
    stream: BinaryIO = file
    if syntax in _DEFLATED:
        inflated = zlib.decompressobj(-zlib.MAX_WBITS).decompress(file.read(), _LARGEST_HEAD)
        stream = io.BytesIO(inflated)
    dataset = read_dataset(
        stream,
        is_implicit_VR=syntax == _IMPLICIT,
        is_little_endian=syntax != _BIG_ENDIAN,
        stop_when=lambda tag, vr, length: tag.group >= 0x7FE0,
        defer_size=None,
    )
    for element in list(dataset):
        value = element.value
        if isinstance(value, bytes) and len(value) > _LARGEST_VALUE:
            del dataset[element.tag]
    if len(dataset) == 0:
        raise ValueError("nothing in it")
    out = DicomBytesIO()
    out.is_little_endian = True
    out.is_implicit_VR = False
    write_dataset(out, dataset)
    return bytes(out.getvalue())


if __name__ == "__main__":
    main()
