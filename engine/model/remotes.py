# SPDX-License-Identifier: Apache-2.0
"""Remote application entities: where archived and waiting sessions can be sent, how they answer,
and what is being sent. Pure data; nothing here opens a connection."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from engine.model.settings import DicomSettings

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Echo:
    """How a remote answered a C-ECHO."""

    at: datetime
    ok: bool
    milliseconds: float
    """From the request to the answer; or until it failed."""
    reason: str = ""
    """One sentence that says why it did not answer; empty where it did."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Remote:
    """An application entity that Anteroom calls."""

    name: str
    """By which people name it, e.g. `PACS1`; the same in upper and lower case."""
    ae_title: str
    """The AE title that is called there."""
    host: str
    port: int
    calling: str = ""
    """The AE title that we present; empty for that of the settings file's receiver."""
    description: str = ""
    enabled: bool = True
    max_pdu: int = 0
    """The largest PDU that we offer and send, in bytes; 0 for what the settings file says."""
    connect_timeout: float = CONNECT_SECONDS
    """Seconds until the association has to be open."""
    answer_timeout: float = ANSWER_SECONDS
    """Seconds that the remote may take for an answer, or to take in what we send."""
    tls: bool = False
    ca: str = ""
    """Path of a PEM file, as in the next two: the CA that the remote's certificate has to come
    from. Empty: those that this machine trusts."""
    certificate: str = ""
    """Our own, for remotes that ask for one."""
    key: str = ""
    tls_name: str = ""
    """The name that the remote's certificate has to be for; empty for the host."""
    last_echo: Echo | None = None
    """The last echo that anybody has asked for; None where nobody has."""


SEND = "send"
"""The verb of jobs that send."""
MOST_FAILURES = 200
"""Failures of one send that are kept with their reason; all are counted."""


class SendState(StrEnum):
    """What becomes of the objects of one session that are to go to one remote."""

    QUEUED = "queued"
    SENDING = "sending"
    WAITING = "waiting"
    """The remote could not be reached, and is called again later."""
    DONE = "done"
    """The remote has taken all of them."""
    FAILED = "failed"
    """It has not taken all of them, or none could be sent."""
    CANCELLED = "cancelled"


UNFINISHED = frozenset({SendState.QUEUED, SendState.SENDING, SendState.WAITING})


@dataclass(frozen=True, kw_only=True, slots=True)
class SendFailure:
    """An object that a remote has not taken, or has taken with a warning."""

    file: str
    """Below the session's folder."""
    uid: str
    """SOP Instance UID; empty where the file could not be read."""
    status: str
    """The DIMSE status, four hexadecimal digits; empty where it did not come to one."""
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Send:
    """A session on its way to a remote. Sizes are bytes."""

    id: str
    remote: str
    session: str
    """Prearchive id, or accession ID."""
    filed: bool
    """Whether it is a session of the archive."""
    scans: tuple[str, ...] = ()
    """Those that go; empty for all."""
    state: SendState
    actor: str
    queued: datetime
    began: datetime | None = None
    ended: datetime | None = None
    objects: int = 0
    """All that go; 0 while they are not counted yet, as in the next."""
    bytes: int = 0
    sent: int = 0
    """Taken by the remote, with a warning or without."""
    sent_bytes: int = 0
    warnings: int = 0
    """Of those that were taken."""
    failed: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    """How often each DIMSE status but success came."""
    failures: tuple[SendFailure, ...] = ()
    """The first `MOST_FAILURES`, warnings among them; lists leave them out."""
    tries: int = 0
    """How often the remote could not be reached since an object was sent last."""
    next_try: datetime | None = None
    reason: str = ""
    """One sentence: why it waits, or has failed."""


def presented(remote: Remote, settings: DicomSettings, calling: str = "") -> tuple[str, int]:
    """Return as whom a remote is called, and the largest PDU: its own values, or else `calling` and
    those of the settings file."""
    name = remote.calling or calling or settings.ae_title
    return name, remote.max_pdu or settings.max_pdu
