# SPDX-License-Identifier: Apache-2.0
"""Receivers with TLS in a whole engine: saved, refused, renewed while images arrive, and told."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import AsyncIterator
from datetime import timedelta

import pydicom
import pytest
import pytest_asyncio
from pydicom.data import get_testdata_file
from pynetdicom import AE
from pynetdicom.association import Association

from engine.model.archive import TlsFiles
from engine.model.errors import Conflict, InvalidInput, Refused
from engine.model.health import Finding
from engine.model.home import Home
from engine.model.live import LedgerEntry, ReceiverStatus
from engine.receiver import certificates
from engine.receiver.certificates import Stamp
from engine.service.api import EngineApi
from engine.service.certificates import usable
from engine.service.engine import Engine
from engine.service.requestor import associate
from tests.authority import Authority, Issued
from tests.engine.service.rounds import a_round
from tests.line.serving import LONGEST_WAIT, Served, until

CT = "1.2.840.10008.5.1.4.1.1.2"
PORT, OWN = 14120, 14122
SETTINGS = {"dicom": {"workers": 2}, "node": {"name": "secured"}}

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "hospital")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Engine]:
    served = Served(tmp_path_factory.mktemp("secured") / "home", SETTINGS)
    found = Home.find(served.home, {})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.service.engine._CERTIFICATES_EVERY", 0.05)
        made = await Engine.start(found, found.ensure().override({"dicom.port": OWN}))
    yield made
    await made.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def api(engine: Engine) -> AsyncIterator[EngineApi]:
    asked = engine.acting("root")
    yield asked
    for one in await asked.receivers.list():
        if one.origin == "added":
            await asked.receivers.remove(one.ae_title, one.port)


def values(issued: Issued) -> dict[str, str]:
    """Return what is told a receiver about its certificate."""
    return {"tls": "on", "certificate": str(issued.certificate), "key": str(issued.key)}


async def secured(api: EngineApi, issued: Issued, ae_title: str = "SECURE") -> ReceiverStatus:
    """Add a receiver that has TLS from the first connection."""
    return await api.receivers.add(ae_title, PORT, values=values(issued))


def replace_files(old: Issued, new: Issued) -> None:
    """Put a certificate in the place of another, as a renewal does."""
    new.key.replace(old.key)
    new.certificate.replace(old.certificate)


async def opened(context: ssl.SSLContext) -> Association:
    """Open an association with TLS."""
    entity = AE(ae_title="SCANNER")
    entity.add_requested_context(CT, "1.2.840.10008.1.2.1")
    association = await asyncio.to_thread(
        associate, entity, "localhost", PORT, called="SECURE", tls_args=(context, "localhost")
    )
    assert association.is_established
    return association


async def stored(association: Association) -> int:
    """Store one image."""
    source = get_testdata_file("CT_small.dcm")
    assert isinstance(source, str)
    response = await asyncio.to_thread(association.send_c_store, pydicom.dcmread(source))
    return int(response.Status)


async def shown(context: ssl.SSLContext) -> bytes:
    """Return the certificate that a sender is shown; each worker shows the same."""

    def handshake() -> bytes:
        with (
            socket.create_connection(("127.0.0.1", PORT)) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as sender,
        ):
            return sender.getpeercert(binary_form=True) or b""

    seen = {await asyncio.to_thread(handshake) for _ in range(4)}
    assert len(seen) == 1
    return seen.pop()


def greeted(context: ssl.SSLContext) -> None:
    """Make the handshake as a sender, and wait for what the receiver says of it."""
    with (
        socket.create_connection(("127.0.0.1", PORT)) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as sender,
    ):
        sender.recv(1)


async def renewed(engine: Engine) -> None:
    """Wait until the engine has looked for new certificates, and put them into force."""
    await a_round(engine.configuration, "certificates_changed")


async def audited(api: EngineApi, action: str, detail: str = "") -> bool:
    """Say whether an act stands in the audit trail."""
    return any(
        entry.action == action and (not detail or detail in entry.detail)
        for entry in (await api.audit.list()).rows
    )


def der(issued: Issued) -> bytes:
    return ssl.PEM_cert_to_DER_cert(issued.certificate.read_text())


async def test_a_receiver_gets_tls_while_it_runs(api: EngineApi, authority: Authority) -> None:
    issued = authority.issue("receiver")
    status = await secured(api, issued)
    assert (status.tls, status.listening, status.note) == (True, True, "")
    assert status.certificate_ends is not None
    assert await shown(authority.trusting()) == der(issued)
    assert "answered" in await api.receivers.echo("SECURE", PORT)
    association = await opened(authority.trusting())
    assert await stored(association) == 0
    await asyncio.to_thread(association.release)
    off = await api.receivers.edit("SECURE", PORT, {"tls": "off"})
    assert (off.tls, off.certificate_ends) == (False, None)
    assert off.certificate == str(issued.certificate)
    assert "answered" in await api.receivers.echo("SECURE", PORT)
    await until(api, lambda: audited(api, "Modified receiver", "tls"))


async def test_a_ca_for_senders_has_them_asked(api: EngineApi, authority: Authority) -> None:
    await secured(api, authority.issue("receiver"))
    ca = {"client_ca": str(authority.certificate)}
    assert (await api.receivers.edit("SECURE", PORT, ca)).client_certificates == "required"
    assert "answered" in await api.receivers.echo("SECURE", PORT)

    with pytest.raises(ssl.SSLError, match=r"(?i)certificate.required"):
        await asyncio.to_thread(greeted, authority.trusting())
    line: list[LedgerEntry] = []

    async def told() -> bool:
        line[:] = [
            one
            for one in await api.live.ledger(outcome="refused")
            if one.reason == "the sender has no client certificate"
        ]
        return bool(line)

    await until(api, told)
    assert line[0].peer == "127.0.0.1"
    association = await opened(authority.trusting(authority.issue("sender")))
    await asyncio.to_thread(association.release)
    without = await api.receivers.edit("SECURE", PORT, {"client_ca": ""})
    assert without.client_certificates == "none"


async def test_a_certificate_is_renewed_while_an_association_is_open(
    engine: Engine, api: EngineApi, authority: Authority
) -> None:
    issued = authority.issue("receiver")
    await secured(api, issued)
    association = await opened(authority.trusting())
    assert await stored(association) == 0
    old = der(issued)
    assert await shown(authority.trusting()) == old
    replace_files(issued, authority.issue("receiver"))
    # Whoever looks at the receivers takes nothing from the engine's own look at the files.
    await api.receivers.list()
    await renewed(engine)
    assert await shown(authority.trusting()) == der(issued) != old
    replace_files(issued, authority.issue("receiver"))
    assert (await api.receivers.reload("SECURE", PORT)).note == ""
    assert await shown(authority.trusting()) == der(issued)
    await renewed(engine)
    number = (await api.system.status()).snapshot
    await renewed(engine)
    assert (await api.system.status()).snapshot == number
    assert await stored(association) == 0
    await asyncio.to_thread(association.release)
    await until(api, lambda: audited(api, "Reloaded certificates of receiver"))


async def test_a_renewal_that_cannot_be_used_is_a_fault_and_the_old_one_stays(
    engine: Engine, api: EngineApi, authority: Authority
) -> None:
    issued = authority.issue("receiver")
    before = await secured(api, issued)
    old, key = der(issued), issued.key.read_bytes()
    authority.issue("receiver").key.replace(issued.key)
    with pytest.raises(InvalidInput, match="does not belong to"):
        await api.receivers.reload("SECURE", PORT)
    await renewed(engine)
    (status,) = [one for one in await api.receivers.list() if one.ae_title == "SECURE"]
    assert status.listening
    assert "does not belong to" in status.note and "the one before stays" in status.note
    assert status.certificate_ends == before.certificate_ends
    assert await shown(authority.trusting()) == old
    checks = {check.name: check for check in await api.system.checks()}
    assert checks["certificates"].finding is Finding.LOOK
    assert "does not belong to" in checks["certificates"].found
    # Other values can be changed meanwhile, and nothing is lost.
    edited = await api.receivers.edit("SECURE", PORT, {"max_per_peer": "9"})
    assert edited.listening and await shown(authority.trusting()) == old
    issued.key.write_bytes(key)
    await renewed(engine)
    (status,) = [one for one in await api.receivers.list() if one.ae_title == "SECURE"]
    assert status.note == ""


async def test_what_cannot_be_used_is_refused_when_it_is_saved(
    api: EngineApi, authority: Authority
) -> None:
    issued = authority.issue("receiver")
    await api.receivers.add("SECURE", PORT)
    with pytest.raises(InvalidInput, match="TLS needs a certificate"):
        await api.receivers.edit("SECURE", PORT, {"tls": "on"})
    issued.key.chmod(0o644)
    with pytest.raises(InvalidInput, match="others can read the key"):
        await api.receivers.edit("SECURE", PORT, values(issued))
    expired = authority.issue("old", begins=timedelta(days=-9), ends=timedelta(days=-2))
    with pytest.raises(InvalidInput, match="is not valid now: it ended on"):
        await api.receivers.edit("SECURE", PORT, values(expired))
    early = authority.issue("early", begins=timedelta(days=2))
    with pytest.raises(InvalidInput, match="is not valid now: it begins on"):
        await api.receivers.edit("SECURE", PORT, values(early))
    with pytest.raises(Refused, match="has no TLS"):
        await api.receivers.reload("SECURE", PORT)
    (status,) = [one for one in await api.receivers.list() if one.ae_title == "SECURE"]
    assert (status.tls, status.listening) == (False, True)


async def test_files_are_read_in_a_thread_and_while_others_can_write(
    api: EngineApi, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, threads = asyncio.get_running_loop(), set[int]()

    def stamped(files: TlsFiles) -> Stamp:
        threads.add(threading.get_ident())
        return certificates.stamp(files)

    def read_meanwhile(files: TlsFiles) -> None:
        threads.add(threading.get_ident())
        another = api.projects.add(f"P{len(threads)}")
        asyncio.run_coroutine_threadsafe(another, loop).result(LONGEST_WAIT)
        usable(files)

    issued = authority.issue("receiver")
    await api.receivers.add("SECURE", PORT)
    monkeypatch.setattr("engine.service.certificates.stamp", stamped)
    monkeypatch.setattr("engine.service.receivers.usable", read_meanwhile)
    status = await api.receivers.edit("SECURE", PORT, values(issued))
    assert (status.tls, status.listening) == (True, True)
    await api.receivers.list()
    assert threads and threading.get_ident() not in threads


async def test_a_revocation_list_is_read_again_and_its_end_is_told(
    engine: Engine, api: EngineApi, authority: Authority
) -> None:
    sender, crl = authority.issue("sender"), authority.revocations()
    asked = {"client_ca": str(authority.certificate), "crl": str(crl)}
    ended = authority.revocations(ends=timedelta(minutes=-1))
    issued = values(authority.issue("receiver"))
    with pytest.raises(InvalidInput, match=r"the revocation list .* ended on"):
        await api.receivers.add("SECURE", PORT, values=issued | asked | {"crl": str(ended)})
    status = await api.receivers.add("SECURE", PORT, values=issued | asked)
    assert (status.crl, status.note) == (str(crl), "")
    association = await opened(authority.trusting(sender))
    authority.revoke(sender)
    authority.revocations(file=crl)
    await renewed(engine)
    # A handshake of TLS 1.3 ends for the sender before the receiver has judged its certificate.
    with pytest.raises(ssl.SSLError, match=r"(?i)certificate.revoked"):
        await asyncio.to_thread(greeted, authority.trusting(sender))
    assert await stored(association) == 0
    await asyncio.to_thread(association.release)
    authority.revocations(file=crl, ends=timedelta(minutes=-1))
    await renewed(engine)
    (status,) = [one for one in await api.receivers.list() if one.ae_title == "SECURE"]
    assert status.note.startswith("the revocation list ended on")
    checks = {check.name: check for check in await api.system.checks()}
    assert checks["certificates"].finding is Finding.LOOK
    assert "the revocation list ended" in checks["certificates"].found


async def test_receivers_of_one_port_have_one_certificate(
    api: EngineApi, authority: Authority
) -> None:
    issued = authority.issue("receiver")
    await secured(api, issued)
    with pytest.raises(Conflict, match="SECURE on port 14120 has other TLS settings"):
        await api.receivers.add("OTHER", PORT)
    await api.receivers.add("OTHER", PORT + 1)
    await api.receivers.edit("OTHER", PORT + 1, {"port": str(PORT), **values(issued)})
    with pytest.raises(Conflict, match="has other TLS settings"):
        await api.receivers.edit("OTHER", PORT, {"tls": "off"})
    # The way to another certificate: one after the other is stopped, set and started.
    await api.receivers.stop("OTHER", PORT)
    await api.receivers.edit("SECURE", PORT, {"tls": "off"})
    with pytest.raises(Conflict, match="has other TLS settings"):
        await api.receivers.start("OTHER", PORT)
    await api.receivers.edit("OTHER", PORT, {"tls": "off"})
    assert (await api.receivers.start("OTHER", PORT)).listening
    with pytest.raises(Conflict, match="settings file"):
        await api.receivers.edit("OTHER", PORT, {"port": str(OWN), **values(issued)})
