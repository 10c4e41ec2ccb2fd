# SPDX-License-Identifier: Apache-2.0
"""Remote application entities: where archived and waiting sessions can be sent, how they answer,
and what is being sent. Pure data; nothing here opens a connection."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

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
