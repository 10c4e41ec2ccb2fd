# SPDX-License-Identifier: Apache-2.0
"""What pynetdicom's manual calls a minimal storage SCP: each data set is written to a file as it
came. A benchmark sends to it; it prints its port when it listens and ends with its parent."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom import AE, evt
from pynetdicom.events import Event

from bench.objects import MR_IMAGE


def main() -> None:
    """Serve until standard input closes."""
    folder = Path(sys.argv[1])
    numbers = itertools.count()

    def store(event: Event) -> int:
        (folder / f"{next(numbers)}.dcm").write_bytes(event.encoded_dataset())
        return 0x0000

    entity = AE(ae_title="MINIMAL")
    entity.maximum_pdu_size = 131072
    entity.add_supported_context(MR_IMAGE, ExplicitVRLittleEndian)
    server = entity.start_server(
        ("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, store)]
    )
    assert server is not None
    print(server.server_address[1], flush=True)
    sys.stdin.read()
    server.shutdown()


if __name__ == "__main__":
    main()
