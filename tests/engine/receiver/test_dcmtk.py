"""DCMTK as the sender: a foreign implementation decides whether we speak DICOM."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.filereader import read_file_meta_info

from engine.receiver.observer import Ending
from tests.engine.receiver.listening import Listener

ECHOSCU = "/usr/bin/echoscu"
STORESCU = "/usr/bin/storescu"


def run(binary: str, listener: Listener, *arguments: str, ok: bool = True) -> str:
    """Run a DCMTK program against the listener and check how it ended."""
    call = [binary, "-v", "-aet", "SCANNER", "-aec", "ANTEROOM", "127.0.0.1", str(listener.port)]
    done = subprocess.run(
        [*call, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    said = done.stdout + done.stderr
    assert (done.returncode == 0) is ok, said
    return said


def sample(name: str) -> Path:
    """Find a file of pydicom's own test data."""
    path = get_testdata_file(name)
    assert isinstance(path, str)
    return Path(path)


def data_set(path: Path) -> bytes:
    """Cut off preamble and group 2: what an exact copy of the data set must be."""
    meta = read_file_meta_info(path)
    return path.read_bytes()[144 + int(meta.FileMetaInformationGroupLength) :]


def test_echo() -> None:
    with Listener() as listener:
        run(ECHOSCU, listener, "--repeat", "3")
        assert listener.ears.ending() is Ending.RELEASED
        assert listener.ears.progress == 3


def test_store_keeps_every_byte() -> None:
    path = sample("CT_small.dcm")
    with Listener() as listener:
        run(STORESCU, listener, "-xe", str(path))
        assert listener.ears.ending() is Ending.RELEASED
        (stored,) = listener.intake.stored
    dataset = pydicom.dcmread(path)
    assert stored.context.sop_class == dataset.SOPClassUID
    assert stored.context.sop_instance == dataset.SOPInstanceUID
    assert stored.context.transfer_syntax == "1.2.840.10008.1.2.1"
    assert stored.origin.calling == "SCANNER"
    assert stored.origin.receiver == "ANTEROOM"
    assert stored.origin.peer == "127.0.0.1"
    assert stored.digest == hashlib.sha256(data_set(path)).hexdigest()
