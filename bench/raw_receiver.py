# SPDX-License-Identifier: Apache-2.0
"""The least that a receiver can do: every byte of a connection goes to a new file for each object,
and a fixed answer comes back. It looks at lengths of PDUs only, to find where an object ends; at no
command, data set or UID. What it reaches is the limit that a machine sets."""

from __future__ import annotations

import itertools
import os
import socket
import struct
import sys
import threading
from pathlib import Path

from engine.receiver.protocol.associate import AssociateAccept, decode_request, encode_accept
from engine.receiver.protocol.contexts import negotiate
from engine.receiver.protocol.dimse import Command, DimseStatus, Operation, encode_response
from engine.receiver.protocol.pdu import encode_command, encode_release_reply

_BUFFER = 256 * 1024
_LARGEST = 131072
_HEAD = struct.Struct(">BxI")
_ANSWER = encode_command(
    1,
    encode_response(
        Command(
            field=Operation.C_STORE,
            message_id=1,
            sop_class="1.2.840.10008.5.1.4.1.1.4",
            sop_instance="1.2",
            has_data=True,
        ),
        DimseStatus.SUCCESS,
        "",
    ),
    0,
)


def serve(sock: socket.socket, folder: Path, numbers: itertools.count[int]) -> None:
    """Take what one connection sends until it is released."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    request = decode_request(_exactly(sock, _HEAD.unpack(_exactly(sock, 6))[1]))
    sock.sendall(
        encode_accept(
            AssociateAccept(
                echo=request.echo,
                contexts=negotiate(request, ()),
                max_pdu=_LARGEST,
                implementation_class="1.2",
                implementation_version="RAW",
                asynchronous=None,
                roles=(),
                extended=(),
            )
        )
    )
    buffer = memoryview(bytearray(_BUFFER))
    while True:
        file = os.open(folder / f"{next(numbers)}.raw", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            released = _object(sock, buffer, file)
        finally:
            os.close(file)
        if released:
            sock.sendall(encode_release_reply())
            return
        sock.sendall(_ANSWER)


def _object(sock: socket.socket, buffer: memoryview, file: int) -> bool:
    """Write one object; true where it is the release instead."""
    left, last, head = 0, False, b""
    while True:
        count = sock.recv_into(buffer)
        if not count:
            return True
        os.write(file, buffer[:count])
        at = 0
        while at < count:
            if left:
                step = min(left, count - at)
                left, at = left - step, at + step
                continue
            # PDU head, PDV length, context and control: twelve bytes say all that is asked here.
            wanted = 6 if head[:1] in (b"\x05", b"\x07") else 12
            step = min(wanted - len(head), count - at)
            head, at = head + bytes(buffer[at : at + step]), at + step
            if head[:1] in (b"\x05", b"\x07"):
                return True
            if len(head) == 12:
                left, last, head = _HEAD.unpack_from(head)[1] - 6, head[11] == 2, b""
        if last and not left and not head:
            return False


def _exactly(sock: socket.socket, length: int) -> bytearray:
    data = bytearray()
    while len(data) < length:
        piece = sock.recv(length - len(data))
        if not piece:
            raise OSError("the connection was closed")
        data += piece
    return data


def main() -> None:
    """Serve until standard input closes."""
    folder, numbers = Path(sys.argv[1]), itertools.count()
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)

    def accept() -> None:
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=serve, args=(sock, folder, numbers), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
