# SPDX-License-Identifier: Apache-2.0
"""Requests for a storage commitment (PS3.4 annex J) in a worker: each is read from untrusted bytes
and kept durably in a file before it is answered. The engine takes the files from there; what is
committed is decided by it alone.

A data set is spooled to a file without a name, because a hundred associations may send one at the
same time, and one is read at a time."""

from __future__ import annotations

import mmap
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

import msgspec
import structlog

from engine.dicom import commitment
from engine.dicom.commitment import RequestError, RequestStatus
from engine.intake.answers import SUCCESS, Origin, Reply
from engine.model.identifiers import new_commitment_id
from engine.model.outage import named
from engine.storage.files import PRIVATE, write_durably
from engine.storage.folders import sync_folder

FOLDER = ".commitments"
"""Below the prearchive."""

ENDING = ".request"

MOST_FILES = 1000
"""Requests that may wait for the engine; more are refused until it has taken some."""

_log = structlog.get_logger(__name__)


class Asking(msgspec.Struct, frozen=True, kw_only=True):
    """A request and where it comes from; `at` in nanoseconds since 1970 (UTC)."""

    id: str
    at: int
    transaction: str
    count: int
    transfer: str
    receiver: str
    calling: str
    peer: str
    context: int
    """The presentation context that it came on."""
    explicit: bool
    """How that encodes."""


class DamagedRequest(ValueError):
    """The file is none of ours."""


class Commitments:
    """Takes in the requests of one worker, in any thread."""

    def __init__(self, root: Path, owner: str, *, asked: Callable[[str], None]) -> None:
        """Keep them below the prearchive's `root`; `asked` hears the id of each that is kept.

        Raises:
            OSError: if the folder cannot be made.
        """
        self.folder = root / FOLDER
        self._owner = owner
        self._asked = asked
        self._turn = threading.Lock()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        sync_folder(root)

    def begin(self, origin: Origin, *, context: int, explicit: bool) -> IncomingRequest:
        """Start to take one in.

        Raises:
            OSError: if there is no room for it.
        """
        return IncomingRequest(self, origin, context, explicit)

    def keep(self, origin: Origin, context: int, explicit: bool, spool: IO[bytes]) -> Reply:
        """Read one and keep it, or say why not."""
        try:
            with self._turn:
                if sum(1 for _ in self.folder.glob(f"*{ENDING}")) >= MOST_FILES:
                    raise RequestError(
                        RequestStatus.RESOURCE_LIMITATION, "too many requests wait already"
                    )
                request = _read(spool, explicit)
            asking = Asking(
                id=new_commitment_id(),
                at=time.time_ns(),
                transaction=request.transaction,
                count=request.count,
                transfer=origin.transfer,
                receiver=origin.receiver,
                calling=origin.calling,
                peer=origin.peer,
                context=context,
                explicit=explicit,
            )
            write_request(self.folder, self._owner, asking, request.objects)
        except RequestError as error:
            return Reply(status=error.status, comment=str(error))
        except OSError as error:
            _log.error("request_not_kept", transfer=origin.transfer, error=named(error))
            return Reply(status=RequestStatus.PROCESSING_FAILURE, comment="it cannot be kept now")
        self._asked(asking.id)
        return Reply(status=SUCCESS)


class IncomingRequest:
    """One request on its way in."""

    def __init__(
        self, commitments: Commitments, origin: Origin, context: int, explicit: bool
    ) -> None:
        self._commitments = commitments
        self._origin = origin
        self._context = context
        self._explicit = explicit
        self._size = 0
        # Closed by whoever ends it: the association does so in every case.
        self._spool = tempfile.TemporaryFile(dir=commitments.folder)  # noqa: SIM115

    def write(self, chunks: Sequence[memoryview], /) -> None:
        """Take the next bytes of the data set; what goes beyond the limit is dropped."""
        for chunk in chunks:
            self._size += len(chunk)
            if self._size <= commitment.LARGEST_REQUEST:
                self._spool.write(chunk)

    def finish(self) -> Reply:
        """Read and keep it, and say so."""
        with self._spool:
            if self._size > commitment.LARGEST_REQUEST:
                return Reply(status=RequestStatus.RESOURCE_LIMITATION, comment="it is too large")
            self._spool.flush()
            return self._commitments.keep(self._origin, self._context, self._explicit, self._spool)

    def abandon(self, _reason: str, /) -> None:
        """Keep nothing."""
        self._spool.close()


def write_request(folder: Path, owner: str, asking: Asking, objects: bytes) -> None:
    """Write the file of a request durably, for the engine of `owner`.

    Raises:
        OSError: if it cannot be written.
    """
    data = msgspec.json.encode(asking) + b"\n" + objects
    write_durably(folder / f"{owner}.{asking.id}{ENDING}", data, mode=PRIVATE)


def read_request(path: Path) -> tuple[Asking, bytes]:
    """Read the file of a request: the objects are packed as `engine.dicom.commitment` does.

    Raises:
        OSError: if it cannot be read.
        DamagedRequest: if it is none.
    """
    head, _, objects = path.read_bytes().partition(b"\n")
    try:
        return msgspec.json.decode(head, type=Asking), objects
    except msgspec.MsgspecError:
        raise DamagedRequest(path.name) from None


def _read(spool: IO[bytes], explicit: bool) -> commitment.Request:
    if not spool.seek(0, 2):
        raise RequestError(RequestStatus.MISSING_ATTRIBUTE, "Transaction UID is missing")
    # Mapped: what is read of it may be dropped from memory at any time.
    with (
        mmap.mmap(spool.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
        memoryview(mapped) as data,
    ):
        return commitment.read_request(data, explicit=explicit)
