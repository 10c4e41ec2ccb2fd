# SPDX-License-Identifier: Apache-2.0
"""Crowds in their full size, of which `make test` has small ones: thirty associations with a
hundred objects each, and ten thousand connections that say nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from tests.endure.processes import held_by
from tests.line.serving import Served
from tests.line.test_durability import send, study_of
from tests.line.test_receiver_faults import SENDERS, all_closed, many_at_once, silent_ones

OBJECTS, SILENT, BATCH = 100, 10_000, 500


async def test_thirty_associations_with_a_hundred_objects_each(
    serve: Callable[..., Served], tell: Callable[[str], None]
) -> None:
    seconds = await many_at_once(serve(workers=2, cold=True), OBJECTS)
    tell(f"{SENDERS * OBJECTS} objects over {SENDERS} associations in {seconds:.1f} s")


async def test_ten_thousand_connections_that_say_nothing(
    serve: Callable[..., Served], tell: Callable[[str], None]
) -> None:
    served = serve(workers=2, cold=True, dicom={"artim_timeout": 3600.0})
    await served.start()
    assert await send(served, study_of(1)) == [0] * 4
    await all_closed(served)
    before = held_by(served.ready["pid"])
    for batch in range(SILENT // BATCH):
        silent = await silent_ones(served.port, BATCH)
        assert await send(served, study_of(batch + 2)) == [0] * 4
        for _, writer in silent:
            writer.close()
        for _, writer in silent:
            with suppress(OSError):
                await writer.wait_closed()
    await all_closed(served)
    after = held_by(served.ready["pid"])
    tell(
        f"{SILENT} silent connections; resident {before.resident >> 20} -> "
        f"{after.resident >> 20} MiB, descriptors {before.descriptors} -> {after.descriptors}"
    )
    assert after.descriptors <= before.descriptors + 20
    assert after.resident < before.resident * 1.25
