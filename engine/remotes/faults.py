# SPDX-License-Identifier: Apache-2.0
"""Why a remote could not be called, each in a sentence for people."""

from __future__ import annotations

import os
import socket
import ssl

from engine.model.remotes import Remote

_PERMANENT = 1
_NEARLY = 0.9
"""The part of a time-out after which an end without an answer counts as silence."""
_BY_SOURCE_AND_REASON: dict[tuple[int | None, int | None], str] = {
    (1, 2): "the application context name is not supported",
    (2, 2): "the protocol version is not supported",
    (3, 1): "it is too busy now",
    (3, 2): "it has as many associations as it takes",
}


class Unreached(Exception):
    """No association with a remote came about, or it broke off."""

    def __init__(self, reason: str, *, passes: bool = True) -> None:
        """Say why in a sentence, and whether it may well pass by itself."""
        super().__init__(reason)
        self.reason = reason
        self.passes = passes


class NothingAccepted(Unreached):
    """The remote would talk, but accepts nothing of what was proposed."""


def of_connection(remote: Remote, error: OSError | UnicodeError) -> Unreached:
    """Tell what a connection failed of."""
    place = f"{remote.host} port {remote.port}"
    if isinstance(error, ssl.SSLCertVerificationError):
        said = error.verify_message or "it cannot be verified"
        return Unreached(f"TLS: the certificate of {place} is not accepted: {said}", passes=False)
    if isinstance(error, ssl.SSLError):
        said = str(error.reason or "no reason given").replace("_", " ").lower()
        return Unreached(f"TLS with {place} fails: {said}")
    if isinstance(error, UnicodeError):
        names = " or ".join(filter(None, (remote.host, remote.tls_name)))
        return Unreached(f"{names} cannot be the name of a host", passes=False)
    if isinstance(error, socket.gaierror):
        return Unreached(f"no address is known for {remote.host}")
    if isinstance(error, ConnectionRefusedError):
        return Unreached(f"nothing listens on {place} (connection refused)")
    if isinstance(error, TimeoutError):
        return Unreached(f"{place} did not answer within {remote.connect_timeout:g} seconds")
    if isinstance(error, ConnectionResetError) and remote.tls:
        return Unreached(f"{place} hung up during the TLS handshake")
    said = os.strerror(error.errno) if error.errno else "no reason given"
    return Unreached(f"{place} cannot be reached: {said}")


def of_rejection(
    remote: Remote, calling: str, result: int | None, source: int | None, reason: int | None
) -> Unreached:
    """Tell why an association was rejected (PS3.8, 9.3.4)."""
    passes = result != _PERMANENT
    if (source, reason) == (1, 7):
        said = f"the called AE title {remote.ae_title} is not recognised there"
    elif (source, reason) == (1, 3):
        said = f"the calling AE title {calling} is not recognised there"
    else:
        said = _BY_SOURCE_AND_REASON.get((source, reason), "no reason given")
    return Unreached(f"the association was rejected: {said}", passes=passes)


def of_silence(remote: Remote, *, limit: float, waited: float) -> Unreached:
    """Tell of a remote that is connected, and does not answer or has broken off: which of both is
    seen by how many of the seconds it had were waited for."""
    if waited >= limit * _NEARLY:
        return Unreached(f"{remote.ae_title} did not answer within {limit:g} seconds")
    wants = " (it may want a certificate of ours)" if remote.tls and not remote.certificate else ""
    return Unreached(f"{remote.ae_title} ended the connection without an answer{wants}")
