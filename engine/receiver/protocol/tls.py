# SPDX-License-Identifier: Apache-2.0
"""TLS for receivers by BCP 195 (RFC 9325; PS3.15 B.12): versions, cipher suites, client
certificates, and the words for a handshake that failed. It reads no file of an administrator."""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache

from engine.intake.snapshot import TlsConfig
from engine.model.archive import ClientCertificates

# RFC 9325 4.2 for TLS 1.2; those of TLS 1.3 are all good and are not chosen here. Level 2 refuses
# RSA keys of less than 2048 bits and signatures with SHA-1.
SUITES = (
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES256-GCM-SHA384",
)
_CIPHERS = ":".join((*SUITES, "@SECLEVEL=2"))
_ASKING = {
    ClientCertificates.NONE: ssl.CERT_NONE,
    ClientCertificates.OPTIONAL: ssl.CERT_OPTIONAL,
    ClientCertificates.REQUIRED: ssl.CERT_REQUIRED,
}

HANDSHAKE = 0x16
"""The first byte of a TLS connection: a record of the handshake (RFC 8446 5.1)."""

_LONGEST_SUBJECT = 160

CUT_OFF = "the sender hung up during the TLS handshake"

# By OpenSSL's names; alerts are what the sender said of us.
_FAILURES = {
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "the sender has no client certificate",
    "UNSUPPORTED_PROTOCOL": "the sender's TLS is older than 1.2",
    "VERSION_TOO_LOW": "the sender's TLS is older than 1.2",
    "NO_SHARED_CIPHER": "the sender has no TLS cipher suite that is allowed here",
    "NO_SHARED_SIGNATURE_ALGORITHMS": "the sender has no TLS signature algorithm that fits",
    "TLSV1_ALERT_UNKNOWN_CA": "the sender does not know the CA of our certificate",
    "TLSV1_ALERT_PROTOCOL_VERSION": "the sender wants another version of TLS",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "the sender says that our certificate has expired",
    "SSLV3_ALERT_BAD_CERTIFICATE": "the sender does not accept our certificate",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "the sender does not accept our certificate",
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": "the sender does not accept our certificate",
    "SSLV3_ALERT_CERTIFICATE_REVOKED": "the sender says that our certificate is revoked",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "the sender and we have no TLS parameters in common",
    "UNEXPECTED_EOF_WHILE_READING": CUT_OFF,
}

# X509_verify_cert(3): what is wrong with the sender's certificate.
_UNKNOWN_CA = "the CA of the client certificate is unknown"
_FAULTS = {
    2: _UNKNOWN_CA,
    3: "there is no revocation list of the CA of the client certificate",
    8: "the revocation list is not signed by the CA of the client certificate",
    9: "the client certificate is not valid yet",
    10: "the client certificate has expired",
    11: "the revocation list is not valid yet",
    12: "the revocation list has ended",
    18: _UNKNOWN_CA,
    19: _UNKNOWN_CA,
    20: _UNKNOWN_CA,
    21: _UNKNOWN_CA,
    23: "the client certificate is revoked",
    26: "the client certificate is not meant for clients",
}


@lru_cache(maxsize=64)
def server_context(config: TlsConfig) -> ssl.SSLContext:
    """Return the context for a port; the same one for the same certificates.

    Raises:
        ssl.SSLError: if certificate, key or CA cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    # An association is long: nothing is gained by resuming a session, and one that is not resumed
    # has its certificate checked.
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET
    context.num_tickets = 0
    with _as_file(f"{config.certificate}\n{config.key}\n") as path:
        # Without a password OpenSSL would ask for one at the terminal.
        context.load_cert_chain(path, password=b"")
    if config.client_certificates is not ClientCertificates.NONE:
        context.load_verify_locations(cadata=config.client_ca)
        # The CA of a department is enough, without the one above it.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.verify_mode = _ASKING[config.client_certificates]
        if config.crl:
            # The certificate of the sender alone: a CA that is revoked is taken out of the file
            # of CAs, and many CAs above publish no list.
            context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
            with _as_file(config.crl) as path:
                context.load_verify_locations(cafile=path)
    return context


def subject(certificate: Mapping[str, object]) -> str:
    """Return whom a certificate names, as `getpeercert` tells it: the common name, or what else
    there is; empty for no certificate."""
    names: list[tuple[str, str]] = []
    found = certificate.get("subject", ())
    for part in found if isinstance(found, tuple) else ():
        names += part
    common = [value for name, value in names if name == "commonName"]
    text = ", ".join(common) or ", ".join(f"{name}={value}" for name, value in names)
    return "".join(filter(str.isprintable, text))[:_LONGEST_SUBJECT]


def failure(error: OSError) -> str:
    """Say in plain words why a handshake failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        known = _FAULTS.get(error.verify_code)
        return known or f"the client certificate is not accepted: {error.verify_message}"
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
        reason = str(getattr(error, "reason", None) or "")
        words = reason.replace("_", " ").lower() or "no reason given"
        return _FAILURES.get(reason) or f"the TLS handshake failed: {words}"
    return CUT_OFF


@contextmanager
def _as_file(text: str) -> Iterator[str]:
    """Show a text as a file that nobody else can open, for OpenSSL's sake."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("tls", os.MFD_CLOEXEC)
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            yield f"/proc/self/fd/{descriptor}"
        return
    with tempfile.NamedTemporaryFile("w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        yield file.name
