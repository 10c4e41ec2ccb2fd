# SPDX-License-Identifier: Apache-2.0
"""A sender that keeps the answer to every object, and studies made for it: small, with two series
of one number and a secondary capture, so that a build has files to move. Not for speed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from socket import SHUT_RDWR
from typing import Any

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian
from pynetdicom import AE
from pynetdicom.association import Association
from pynetdicom.transport import AssociationSocket

from engine.service.requestor import associate

ROOT = "1.2.826.0.1.3680043.10.1771"
MR = "1.2.840.10008.5.1.4.1.1.4"
SECONDARY = "1.2.840.10008.5.1.4.1.1.7"
PATIENCE = 30


def make_object(
    study: int, number: int, *, project: str = "", label: str = "", size: int = 64
) -> Dataset:
    """Make object `number` of a study; every third is of another series, every sixth secondary."""
    secondary = number % 6 == 5
    series = 3 if secondary else 1 + number % 3 // 2
    made = Dataset()
    made.SOPClassUID = UID(SECONDARY if secondary else MR)
    made.SOPInstanceUID = UID(f"{ROOT}.{study}.{series}.{number + 1}")
    made.StudyDate, made.StudyTime = "20240102", "101010"
    made.Modality = "OT" if secondary else "MR"
    made.PatientName, made.PatientID = "Test^Crash", f"C{study}"
    made.StudyInstanceUID = UID(f"{ROOT}.{study}")
    made.SeriesInstanceUID = UID(f"{ROOT}.{study}.{series}")
    made.SeriesNumber = "7" if secondary else "1"
    made.InstanceNumber = str(number + 1)
    made.SeriesDescription = f"series {series}"
    if project:
        made.PatientComments = f"Project:{project} Subject:S{study} Session:{label or f'E{study}'}"
    made.Rows = made.Columns = 8
    made.BitsAllocated, made.BitsStored, made.HighBit = 8, 8, 7
    made.SamplesPerPixel, made.PixelRepresentation = 1, 0
    made.PhotometricInterpretation = "MONOCHROME2"
    made.PixelData = bytes([number % 256]) * size
    made["PixelData"].VR = "OW"
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = made.SOPClassUID
    meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.file_meta = meta
    return made


def make_study(study: int, objects: int = 6, *, project: str = "", size: int = 64) -> list[Dataset]:
    """Make all objects of a study."""
    return [make_object(study, number, project=project, size=size) for number in range(objects)]


def send(
    port: int, objects: Iterable[Dataset], answered: Callable[[str], None] = lambda _: None
) -> list[str]:
    """Store objects one after the other; return the UIDs of those that were answered with success.

    Ends early when the receiver goes away. `answered` hears of each success as it comes."""
    sender = AE("SENDER")
    sender.acse_timeout = sender.dimse_timeout = sender.network_timeout = PATIENCE
    for sop_class in (MR, SECONDARY):
        sender.add_requested_context(sop_class, ExplicitVRLittleEndian)
    kept: list[str] = []
    association = associate(sender, "127.0.0.1", port, called="ANTEROOM")
    if not _alive(association):
        return kept
    line: Any = association.dul.socket
    raw = line.socket
    try:
        for each in objects:
            if not _alive(association):
                break
            status = association.send_c_store(each)
            if "Status" not in status:
                break
            if status.Status == 0:
                kept.append(str(each.SOPInstanceUID))
                answered(kept[-1])
    except (RuntimeError, OSError):
        return kept  # the connection broke between two objects
    finally:
        if _alive(association):
            association.release()
        else:
            association.abort()
        association.join(PATIENCE)
        # Where the receiver has hung up, nobody else closes it.
        raw.close()
    return kept


def _shut(line: Any) -> None:
    with suppress(OSError):
        line.socket.shutdown(SHUT_RDWR)
    line.socket.close()


# An engine may be killed before we connect. pynetdicom leaves a socket open that never connected,
# since it cannot be shut down.
setattr(AssociationSocket, "_shutdown_socket", _shut)  # noqa: B010 no public way


def _alive(association: Association) -> bool:
    return bool(association.is_established)
