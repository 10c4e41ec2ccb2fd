# SPDX-License-Identifier: Apache-2.0
"""DCMTK as the sender: a foreign implementation decides whether we speak DICOM."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.filereader import read_file_meta_info

from engine.dicom.digest import DataSetDigest
from engine.receiver.protocol.admission import RejectReason
from engine.receiver.protocol.ending import Ending
from tests.engine.receiver.listening import Listener

ECHOSCU = "/usr/bin/echoscu"
STORESCU = "/usr/bin/storescu"
DCMCONV = "/usr/bin/dcmconv"


def call(*command: str) -> str:
    """Run a program that must succeed."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def run(
    binary: str, listener: Listener, *arguments: str, ok: bool = True, called: str = "ANTEROOM"
) -> str:
    """Run a DCMTK sender against the listener and check how it ended."""
    command = [binary, "-v", "-aet", "SCANNER", "-aec", called, "127.0.0.1", str(listener.port)]
    done = subprocess.run(
        [*command, *arguments], capture_output=True, text=True, timeout=60, check=False
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


@pytest.fixture
def scans(tmp_path: Path) -> list[Path]:
    """Make files that storescu sends as they stand (it would drop trailing padding)."""
    made = []
    for name in ("CT_small.dcm", "MR_small.dcm"):
        made.append(tmp_path / name)
        call(DCMCONV, "-p", str(sample(name)), str(made[-1]))
    return made


def test_echo() -> None:
    with Listener() as listener:
        run(ECHOSCU, listener, "--repeat", "3")
        assert listener.ears.ending() is Ending.RELEASED
        assert listener.ears.progress == 3


def test_store_keeps_every_byte(scans: list[Path]) -> None:
    with Listener() as listener:
        run(STORESCU, listener, "-xe", *map(str, scans))
        assert listener.ears.ending() is Ending.RELEASED
        stored = listener.intake.stored
        association = listener.associations[0]
    for path, recorded in zip(scans, stored, strict=True):
        dataset = pydicom.dcmread(path, stop_before_pixels=True)
        assert recorded.context.sop_class == dataset.SOPClassUID
        assert recorded.context.sop_instance == dataset.SOPInstanceUID
        assert recorded.context.transfer_syntax == "1.2.840.10008.1.2.1"
        assert recorded.origin.calling == "SCANNER"
        assert recorded.origin.receiver == "ANTEROOM"
        assert recorded.origin.peer == "127.0.0.1"
        assert recorded.digest == DataSetDigest(data_set(path)).text
    assert association.objects == 2
    assert association.bytes == sum(len(recorded.data) for recorded in stored)
    assert association.peer_implementation.startswith("OFFIS_DCMTK")


def test_store_of_a_folder_tree(scans: list[Path]) -> None:
    below = scans[0].parent / "deep" / "deeper"
    below.mkdir(parents=True)
    scans[1].rename(below / "image")
    with Listener() as listener:
        run(STORESCU, listener, "-xe", "+sd", "+r", str(scans[0].parent))
        assert listener.ears.ending() is Ending.RELEASED
        assert len(listener.intake.stored) == 2


def test_abort_leaves_what_was_answered(scans: list[Path]) -> None:
    with Listener() as listener:
        run(STORESCU, listener, "-xe", "--abort", *map(str, scans))
        assert listener.ears.ending() is Ending.ABORTED
        assert len(listener.intake.stored) == 2
        assert not any(recorded.abandoned for recorded in listener.intake.seen)


@pytest.mark.parametrize(
    "arguments",
    [
        ("-pdu", "4096"),
        ("-pdu", "131072"),
        ("--max-send-pdu", "4096"),
        ("-pdu", "4096", "--max-send-pdu", "131072"),
    ],
)
def test_pdu_sizes_do_not_show(scans: list[Path], arguments: tuple[str, ...]) -> None:
    with Listener() as listener:
        run(STORESCU, listener, "-xe", *arguments, str(scans[0]))
        assert listener.ears.ending() is Ending.RELEASED
        (stored,) = listener.intake.stored
    assert bytes(stored.data) == data_set(scans[0])


@pytest.mark.parametrize("our_maximum", [4096, 16384, 1048576])
def test_our_maximum_is_kept_to(scans: list[Path], our_maximum: int) -> None:
    with Listener(max_pdu=our_maximum) as listener:
        run(STORESCU, listener, "-xe", str(scans[0]))
        assert listener.ears.ending() is Ending.RELEASED
        (stored,) = listener.intake.stored
    assert bytes(stored.data) == data_set(scans[0])


@pytest.mark.parametrize(
    ("propose", "name", "syntax"),
    [
        ("-xi", "MR_small_implicit.dcm", "1.2.840.10008.1.2"),
        ("-xb", "MR_small_bigendian.dcm", "1.2.840.10008.1.2.2"),
        ("-xd", "image_dfl.dcm", "1.2.840.10008.1.2.1.99"),
        ("-xy", "SC_rgb_jpeg_dcmtk.dcm", "1.2.840.10008.1.2.4.50"),
        ("-xx", "JPGExtended.dcm", "1.2.840.10008.1.2.4.51"),
        ("-xt", "MR_small_jpeg_ls_lossless.dcm", "1.2.840.10008.1.2.4.80"),
        ("-xv", "MR_small_jp2klossless.dcm", "1.2.840.10008.1.2.4.90"),
        ("-xw", "JPEG2000.dcm", "1.2.840.10008.1.2.4.91"),
        ("-xr", "MR_small_RLE.dcm", "1.2.840.10008.1.2.5"),
    ],
)
def test_transfer_syntaxes(propose: str, name: str, syntax: str) -> None:
    with Listener() as listener:
        run(STORESCU, listener, propose, str(sample(name)))
        assert listener.ears.ending() is Ending.RELEASED
        (stored,) = listener.intake.stored
    assert stored.context.transfer_syntax == syntax
    assert stored.data


def test_combined_proposal_is_chosen_by_our_preference(scans: list[Path]) -> None:
    implicit = "1.2.840.10008.1.2"
    with Listener(transfer_syntaxes=(implicit,)) as listener:
        run(STORESCU, listener, "-xe", "+C", str(scans[0]))
        assert listener.ears.ending() is Ending.RELEASED
        (stored,) = listener.intake.stored
    assert stored.context.transfer_syntax == implicit


PROPOSAL = """\
[[TransferSyntaxes]]
[Mixed]
TransferSyntax1 = LittleEndianImplicit
TransferSyntax2 = JPEGLSLossless
TransferSyntax3 = LittleEndianExplicit
[[PresentationContexts]]
[Images]
PresentationContext1 = CTImageStorage\\Mixed
PresentationContext2 = MRImageStorage\\Mixed
[[Profiles]]
[Scanner]
PresentationContexts = Images
"""


@pytest.mark.parametrize(
    ("preferred", "chosen"),
    [
        ((), "1.2.840.10008.1.2.1"),
        (("1.2.840.10008.1.2",), "1.2.840.10008.1.2"),
        (("1.2.840.10008.1.2.5", "1.2.840.10008.1.2.1"), "1.2.840.10008.1.2.1"),
    ],
)
def test_explicit_vr_is_chosen_of_a_mixed_proposal_unless_another_is_preferred(
    scans: list[Path], preferred: tuple[str, ...], chosen: str
) -> None:
    profile = scans[0].with_name("proposal.cfg")
    profile.write_text(PROPOSAL)
    with Listener(transfer_syntaxes=preferred) as listener:
        run(STORESCU, listener, "-xf", str(profile), "Scanner", str(scans[0]))
        assert listener.ears.ending() is Ending.RELEASED
        (stored,) = listener.intake.stored
    assert stored.context.transfer_syntax == chosen
    assert chosen == "1.2.840.10008.1.2" or bytes(stored.data) == data_set(scans[0])


def test_limit_of_one_address() -> None:
    with Listener(max_per_peer=1) as listener:
        run(ECHOSCU, listener)
        assert listener.ears.ending() is Ending.RELEASED
        assert listener.slots.take_peer(listener.receiver, "127.0.0.1")
        said = run(ECHOSCU, listener, ok=False)
        assert "Local Limit Exceeded" in said and "Rejected Transient" in said
        assert listener.ears.rejection().verdict is RejectReason.PEER_LIMIT
        assert listener.slots.established(listener.receiver) == 0


def test_user_identity_is_ignored_by_the_book(scans: list[Path]) -> None:
    with Listener() as listener:
        run(STORESCU, listener, "-xe", "-usr", "somebody", "-pwd", "secret", str(scans[0]))
        assert listener.ears.ending() is Ending.RELEASED
        assert len(listener.intake.stored) == 1


def test_failure_status_reaches_the_sender(scans: list[Path]) -> None:
    with Listener() as listener:
        listener.intake.answer = (0xA700, "the disk is full")
        said = run(STORESCU, listener, "-xe", "-d", str(scans[0]), ok=False)
        assert "A700" in said or "a700" in said
        assert "the disk is full" in said
        assert listener.ears.ending() is Ending.RELEASED
        assert listener.associations[0].last_error == "the disk is full"
        assert listener.associations[0].failures == 1
        assert listener.associations[0].objects == 0


def test_wrong_called_title() -> None:
    with Listener() as listener:
        said = run(ECHOSCU, listener, ok=False, called="NOBODY")
        assert "Called AE Title Not Recognized" in said
        assert listener.ears.rejection().verdict is RejectReason.CALLED_UNKNOWN


def test_caller_not_on_the_list() -> None:
    with Listener(allow_enabled=True, allow=("OTHER", "SCANNER@10.0.0.0/8")) as listener:
        said = run(ECHOSCU, listener, ok=False)
        assert "Calling AE Title Not Recognized" in said
        assert listener.ears.rejection().verdict is RejectReason.CALLING_UNKNOWN


def test_local_limit() -> None:
    with Listener(max_associations=0) as listener:
        said = run(ECHOSCU, listener, ok=False)
        assert "Local Limit Exceeded" in said
        assert listener.ears.rejection().verdict is RejectReason.LOCAL_LIMIT
