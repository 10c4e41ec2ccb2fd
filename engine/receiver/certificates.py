# SPDX-License-Identifier: Apache-2.0
"""The files of a receiver's TLS: read and checked by the engine before any worker gets them, with a
sentence for each mistake. Workers get what was read; how it is used is `protocol.tls`."""

from __future__ import annotations

import os
import re
import ssl
from base64 import b64decode
from collections.abc import Iterator
from datetime import UTC, datetime

from engine.intake.snapshot import TlsConfig
from engine.model.archive import ClientCertificates, TlsFiles
from engine.model.errors import InvalidInput
from engine.receiver.protocol.tls import server_context
from engine.storage import pem

_CRL = re.compile(r"-----BEGIN X509 CRL-----.+?-----END X509 CRL-----", re.DOTALL)
_SEQUENCE, _UTC_TIME, _ANY_TIME, _VERSION, _INTEGER = 0x30, 0x17, 0x18, 0xA0, 0x02

Stamp = tuple[tuple[int, int, int, int] | None, ...]
"""By what is seen that a file has changed, for each of the files."""


def stamp(files: TlsFiles) -> Stamp:
    """Look at the files without reading them; None for one that cannot be seen."""
    paths = (files.certificate, files.key, files.client_ca, files.crl)
    return tuple(_stamp(path) for path in paths)


def load(files: TlsFiles) -> TlsConfig:
    """Read the files and see whether a receiver can work with them.

    Raises:
        InvalidInput: saying which of them is wrong, and what to do about it.
    """
    certificate = pem.read_certificates("certificate", files.certificate)
    key = pem.read_key(files.key)
    client_ca = ""
    if files.client_certificates is not ClientCertificates.NONE:
        if not files.client_ca:
            raise InvalidInput(
                f"client certificates are {files.client_certificates}, but there is no client_ca",
                hint="name the PEM file with the CA that issues them: client_ca=PATH",
            )
        client_ca = pem.read_certificates("client_ca", files.client_ca)
    crl = _read_crl(files) if files.crl else ""
    config = TlsConfig(
        certificate=certificate,
        key=key,
        client_ca=client_ca,
        client_certificates=files.client_certificates,
        crl=crl,
    )
    _try(config, files)
    return config


def validity(config: TlsConfig) -> tuple[datetime, datetime]:
    """Return from when until when the receiver's own certificate is valid.

    Raises:
        ValueError: if it cannot be read.
    """
    found = pem.CERTIFICATE.search(config.certificate)
    if found is None:
        raise ValueError("no certificate")
    # RFC 5280 4.1: Certificate, TBSCertificate; version, serial number, signature and issuer stand
    # before the validity.
    body = _inside(_inside(ssl.PEM_cert_to_DER_cert(found[0])))
    fields = list(_items(body))
    if fields and fields[0][0] == _VERSION:
        del fields[0]
    first, last = list(_items(fields[3][1]))[:2]
    return _moment(*first), _moment(*last)


def revocations_end(config: TlsConfig) -> datetime | None:
    """Return when the first of the revocation lists ends; None where none ends.

    Raises:
        ValueError: if they cannot be read.
    """
    ends = [_crl_ends(found) for found in _CRL.findall(config.crl)]
    return min((end for end in ends if end is not None), default=None)


def _crl_ends(text: str) -> datetime | None:
    # RFC 5280 5.1: CertificateList, TBSCertList; a version may come first, then signature, issuer,
    # thisUpdate, and nextUpdate where there is one.
    body = _inside(_inside(b64decode("".join(text.splitlines()[1:-1]), validate=True)))
    fields = list(_items(body))
    if fields and fields[0][0] == _INTEGER:
        del fields[0]
    if len(fields) < 4 or fields[3][0] not in (_UTC_TIME, _ANY_TIME):
        return None
    return _moment(*fields[3])


def _read_crl(files: TlsFiles) -> str:
    if files.client_certificates is ClientCertificates.NONE:
        raise InvalidInput(
            "there is a revocation list, but senders are not asked for certificates",
            hint="ask for them: client_certificates=required; or leave the list out: crl=",
        )
    crl = "\n".join(_CRL.findall(pem.read("crl", files.crl)))
    if not crl:
        raise InvalidInput(
            f"{files.crl} holds no revocation list in PEM form",
            hint="convert it: openssl crl -inform der -in FILE -out FILE.pem",
        )
    return crl


def _stamp(path: str) -> tuple[int, int, int, int] | None:
    if not path:
        return None
    try:
        seen = os.stat(path)
    except OSError:
        return None
    # Modes and owners change the ctime only.
    return seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns


def _try(config: TlsConfig, files: TlsFiles) -> None:
    try:
        server_context(config)
    except ssl.SSLError as error:
        raise pem.refused(error, files.certificate, files.key) from error


def _inside(data: bytes) -> bytes:
    """Return what is in the sequence at the start of some DER."""
    tag, content = next(_items(data), (0, b""))
    if tag != _SEQUENCE:
        raise ValueError("not a sequence")
    return content


def _items(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Take DER apart: tag and content of each item."""
    position = 0
    while position < len(data):
        try:
            tag, length = data[position], data[position + 1]
        except IndexError:
            raise ValueError("not DER") from None
        position += 2
        if length & 0x80:
            size = length & 0x7F
            length = int.from_bytes(data[position : position + size], "big")
            position += size
        yield tag, data[position : position + length]
        position += length


def _moment(tag: int, content: bytes) -> datetime:
    text = content.decode("ascii")
    if tag == _UTC_TIME:
        # Two digits of the year: from 1950 to 2049 (RFC 5280 4.1.2.5.1).
        text = f"{'19' if text[:2] >= '50' else '20'}{text}"
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
