# SPDX-License-Identifier: Apache-2.0
"""The demonstration's scanners against a receiver of pynetdicom's, and the whole of it once."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pynetdicom import AE, AllStoragePresentationContexts, evt

from console.demo import run
from console.demo.sender import AUTOMATIC, REVIEWED, Scanner, routed, samples, scanners, send
from engine.model.home import Home


@pytest.fixture
def receiver() -> Iterator[tuple[int, list[Dataset]]]:
    """Provide the port of a receiver and what it has received."""
    received: list[Dataset] = []

    def store(event: evt.Event) -> int:
        received.append(event.dataset)
        return 0x0000

    entity = AE()
    entity.supported_contexts = AllStoragePresentationContexts
    server = entity.start_server(
        ("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, store)]
    )
    assert server is not None
    yield server.server_address[1], received
    server.shutdown()


def test_samples_are_sent_with_where_they_belong(
    receiver: tuple[int, list[Dataset]], tmp_path: Path
) -> None:
    port, received = receiver
    studies = [routed(study, PatientComments="Project:P") for study in samples("98892003")]
    scanner = Scanner(ae_title="MR", pace=0.0, studies=tuple(studies))
    assert send(scanner, tmp_path, "127.0.0.1", port, "ANY") == 17
    assert {dataset.PatientComments for dataset in received} == {"Project:P"}
    assert len({dataset.StudyInstanceUID for dataset in received}) == 3
    assert len({dataset.SeriesInstanceUID for dataset in received}) > 3


def test_the_scanners_send_to_both_projects_and_to_none() -> None:
    edits = [" ".join(study.edits.values()) for scanner in scanners() for study in scanner.studies]
    assert any(REVIEWED in text for text in edits)
    assert any(AUTOMATIC in text for text in edits)
    assert "" in edits
    assert (run.REVIEWED, run.AUTOMATIC) == (REVIEWED, AUTOMATIC)


async def test_a_demonstration_receives_and_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    roots: list[Path] = []
    made = tempfile.mkdtemp

    def mkdtemp(**options: Any) -> str:
        roots.append(Path(made(**options)))
        return str(roots[-1])

    monkeypatch.setattr(tempfile, "mkdtemp", mkdtemp)
    async with run.running() as engine:
        assert {one.id for one in await engine.projects.list()} == {REVIEWED, AUTOMATIC}
        news = await engine.events.after("", 0)
        while not any(row.objects for row in (await engine.prearchive.list()).rows):
            news = await engine.events.after(news.epoch, news.last, 20.0)
        assert await engine.live.transfers()
        assert Home(roots[0]).exists
    assert not roots[0].exists()
