# SPDX-License-Identifier: Apache-2.0
"""A whole engine with TLS, and dcmtk as the sender: who gets an association, and what is told of
the others. Whom a receiver lets in is tried there too, without an engine."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
import warnings
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from pydicom.data import get_testdata_file

from tests.authority import Authority, Issued
from tests.line.serving import LONGEST_WAIT, Served, until

REASONS = {
    "anonymous": "the sender has no client certificate",
    "stranger": "the CA of the client certificate is unknown",
    "expired": "the client certificate has expired",
    "revoked": "the client certificate is revoked",
    "old": "the sender's TLS is older than 1.2",
}


async def stored(served: Served, *tls: str) -> int:
    """Send one image; return storescu's exit code."""
    image = get_testdata_file("CT_small.dcm")
    assert isinstance(image, str)
    sender = await asyncio.create_subprocess_exec(
        *("/usr/bin/storescu", "-aet", "SCANNER", "-aec", "ANTEROOM", *tls, "localhost"),
        *(str(served.port), image),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return await asyncio.wait_for(sender.wait(), LONGEST_WAIT)


def by(issued: Issued, trusted: Authority) -> tuple[str, ...]:
    files = (str(issued.key), str(issued.certificate))
    return ("+tls", *files, "--add-cert-file", str(trusted.certificate))


def old_handshake(served: Served, own: Issued, version: ssl.TLSVersion) -> None:
    """Shake hands by an old version of TLS, with a certificate that is good."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.load_cert_chain(own.certificate, own.key)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    context.set_ciphers("ALL:@SECLEVEL=0")
    with socket.create_connection(("localhost", served.port)) as plain:
        context.wrap_socket(plain)


async def test_only_peers_with_a_good_certificate_store(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    hospital, stranger = Authority(tmp_path / "hospital"), Authority(tmp_path / "stranger")
    own, good = hospital.issue("receiver"), hospital.issue("mr1.hospital.org")
    revoked = hospital.issue("sold")
    expired = hospital.issue("old", begins=timedelta(days=-9), ends=timedelta(days=-2))
    crl = hospital.revocations()
    served = serve(
        dicom={
            "tls": True,
            "tls_certificate": str(own.certificate),
            "tls_key": str(own.key),
            "tls_client_ca": str(hospital.certificate),
            "tls_client_certificates": "required",
            "tls_crl": str(crl),
        },
    )
    await served.start()
    async with served.asked() as engine:
        assert await stored(served, *by(good, hospital)) == 0
        assert await stored(served, *by(revoked, hospital)) == 0
        hospital.revoke(revoked)
        hospital.revocations(file=crl)
        # Any change of the configuration reads the files again; else that takes half a minute.
        await engine.projects.add("NEURO")
        for refused in (
            ("+tla", "--add-cert-file", str(hospital.certificate)),
            by(stranger.issue("sender"), hospital),
            by(expired, hospital),
            by(revoked, hospital),
        ):
            assert await stored(served, *refused) != 0
        for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            with pytest.raises(ssl.SSLError, match=r"(?i)protocol version"):
                await asyncio.to_thread(old_handshake, served, good, version)

        async def told() -> bool:
            lines = await engine.live.ledger(outcome="refused")
            many = {line.reason: line.count for line in lines}
            return many == dict.fromkeys(REASONS.values(), 1) | {REASONS["old"]: 2}

        await until(engine, told)
        assert await stored(served, *by(good, hospital)) == 0

        async def counted() -> bool:
            return (await engine.system.status()).accounts.received == 3

        await until(engine, counted)
        shown = sorted(transfer.certificate for transfer in await engine.live.transfers())
        assert shown == ["mr1.hospital.org", "mr1.hospital.org", "sold"]
    assert await served.stop() == 0
