# SPDX-License-Identifier: Apache-2.0
"""The scanners of the demonstration, in a process of their own: each sends sample studies to a
receiver at a pace that the eye can follow. The samples come with pydicom, and with medimages4tests
where that is installed. The values that route a study are written into copies in memory."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pydicom
from pydicom.uid import ImplicitVRLittleEndian
from pynetdicom import AE

from engine.service.requestor import associate

REVIEWED = "NEURO"
"""The project whose sessions wait for a reviewer."""

AUTOMATIC = "ONCO"
"""The project whose sessions are archived by themselves."""

_SAMPLES = Path(pydicom.__file__).parent / "data" / "test_files" / "dicomdirtests"
_DUMMIES = "medimages4tests.dummy.dicom"


@dataclass(frozen=True, kw_only=True)
class Study:
    """What is sent in one association: how its files are found, and what is written into copies."""

    find: Callable[[Path], Iterable[Path]]
    edits: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Scanner:
    """A sender: its AE title, seconds between two objects, and its studies in order."""

    ae_title: str
    pace: float
    studies: tuple[Study, ...]


def samples(folder: str) -> tuple[Study, ...]:
    """Return the studies in a folder of pydicom's samples."""
    by_study: dict[str, list[Path]] = defaultdict(list)
    for path in sorted((_SAMPLES / folder).rglob("*")):
        if path.is_file() and path.name not in ("DICOMDIR", "README"):
            dataset = pydicom.dcmread(path, specific_tags=["StudyInstanceUID"])
            by_study[dataset.StudyInstanceUID].append(path)
    return tuple(Study(find=partial(_given, paths)) for paths in by_study.values())


def generated(*series: str) -> Study:
    """Return one study of series that medimages4tests makes when they are wanted."""

    def find(work: Path) -> Iterable[Path]:
        for name in series:
            module = importlib.import_module(f"{_DUMMIES}.{name}")
            made = Path(module.get_image(out_dir=work / name))
            yield from sorted(made.glob("*.dcm"), key=lambda path: int(path.stem))

    return Study(find=find)


def _given(paths: list[Path], work: Path) -> Iterable[Path]:
    return paths


def routed(study: Study, **edits: str) -> Study:
    """Return the same study with other values of some elements."""
    return Study(find=study.find, edits=study.edits | edits)


def scanners() -> list[Scanner]:
    """Return the scanners of the demonstration."""
    brain = [
        routed(study, PatientComments=f"Project:{REVIEWED} Subject:SUB-0311 Session:MR_0311_v{n}")
        for n, study in enumerate(samples("98892003"), start=1)
    ]
    head = [routed(study, StudyDescription=AUTOMATIC) for study in samples("77654033")]
    tiny = [
        routed(study, PatientComments=f"Project:{AUTOMATIC} Subject:SUB-0409 Session:CT_0409_v1")
        for study in samples("TINY_ALPHA")
    ]
    # Nothing in these says where they belong.
    lost = samples("98892001")
    whole: list[Study] = []
    pet: list[Study] = []
    if importlib.util.find_spec("medimages4tests"):
        whole = [
            routed(
                generated("mri.t1w.siemens.skyra.syngo_d13c", "mri.fmap.siemens.skyra.syngo_d13c"),
                PatientComments=f"Project:{REVIEWED} Subject:SUB-0312 Session:MR_0312_v1",
            ),
            routed(
                generated("mri.fmap.ge.discovery_mr888.dv26_0_r05_2008a"),
                PatientComments=f"Project:{REVIEWED} Subject:SUB-0313 Session:MR_0313_v1",
            ),
        ]
        pet = [
            routed(
                generated(
                    "pet.topogram.siemens.biograph_vision.vr20b",
                    "pet.statistics.siemens.biograph_vision.vr20b",
                ),
                PatientComments=f"Project:{AUTOMATIC} Subject:SUB-0222 Session:PT_0222_v1 AA:false",
            )
        ]
    return [
        Scanner(ae_title="MR3T_A", pace=0.05, studies=(*brain, *whole)),
        Scanner(ae_title="CT_ER1", pace=0.4, studies=(*head, *tiny)),
        Scanner(ae_title="PET_1", pace=1.5, studies=(*pet, *lost)),
    ]


def send(scanner: Scanner, work: Path, host: str, port: int, called: str) -> int:
    """Send all studies of a scanner, made below `work`; return how many objects were taken."""
    return sum(
        _send_study(scanner, study, list(study.find(work)), host, port, called)
        for study in scanner.studies
    )


def _send_study(
    scanner: Scanner, study: Study, paths: list[Path], host: str, port: int, called: str
) -> int:
    entity = AE(ae_title=scanner.ae_title)
    for kind, syntax in sorted({_context(path) for path in paths}):
        entity.add_requested_context(kind, syntax)
    association = associate(entity, host, port, called=called)
    if not association.is_established:
        return 0
    taken = 0
    try:
        for path in paths:
            dataset = pydicom.dcmread(path)
            for keyword, value in study.edits.items():
                setattr(dataset, keyword, value)
            status = association.send_c_store(dataset)
            taken += "Status" in status and status.Status == 0
            time.sleep(scanner.pace)
    except RuntimeError:
        # The receiver has gone; what it has taken stays taken.
        return taken
    association.release()
    return taken


def _context(path: Path) -> tuple[str, str]:
    dataset = pydicom.dcmread(path, specific_tags=["SOPClassUID"])
    syntax = dataset.file_meta.get("TransferSyntaxUID", ImplicitVRLittleEndian)
    return str(dataset.SOPClassUID), str(syntax)


def main() -> None:
    """Let all scanners send at once, until they have sent everything."""
    parser = argparse.ArgumentParser()
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("called")
    parser.add_argument("work", type=Path)
    given = parser.parse_args()
    threads = [
        threading.Thread(
            target=send, args=(scanner, given.work, given.host, given.port, given.called)
        )
        for scanner in scanners()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
