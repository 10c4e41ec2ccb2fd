# SPDX-License-Identifier: Apache-2.0
"""Engines that start with receivers that have TLS: with their certificates, and without them."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import pytest

from engine.model.errors import InvalidSettings, Refused
from engine.model.health import Finding
from engine.model.home import Home
from engine.service.engine import Engine
from tests.authority import Authority
from tests.engine.service.rounds import a_round
from tests.line.serving import Served

PORT = 14125
SETTINGS = {"dicom": {"workers": 1}, "node": {"name": "secured"}}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "hospital")


async def test_the_receiver_of_the_settings_file_has_tls_too(
    authority: Authority, tmp_path: Path
) -> None:
    issued = authority.issue("receiver")
    home = tmp_path / "home"
    dicom = {
        "workers": 1,
        "tls": True,
        "tls_certificate": "receiver.pem",
        "tls_key": str(issued.key),
        "tls_client_ca": str(authority.certificate),
        "tls_client_certificates": "optional",
    }
    served = Served(home, {**SETTINGS, "dicom": dicom})
    found = Home.find(served.home, {})
    settings = found.ensure().override({"dicom.port": 0})
    with pytest.raises(InvalidSettings, match=r"dicom.tls: .* cannot be read"):
        await Engine.start(found, settings)
    issued.certificate.replace(home / "receiver.pem")
    engine = await Engine.start(found, settings)
    try:
        (status,) = engine.configuration.receivers()
        assert status.tls and status.listening and status.certificate_ends is not None
        assert status.client_certificates == "optional"
        asked = engine.acting("root").receivers
        assert "answered" in await asked.echo("ANTEROOM", status.port)
        with pytest.raises(Refused):
            await asked.reload("ANTEROOM", status.port)
    finally:
        await engine.stop()


async def test_without_its_certificate_a_receiver_does_not_listen_in_the_clear(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.service.engine._CERTIFICATES_EVERY", 0.05)
    issued = authority.issue("receiver")
    served = Served(tmp_path / "home", SETTINGS)
    found = Home.find(served.home, {})
    settings = found.ensure().override({"dicom.port": 0})
    engine = await Engine.start(found, settings)
    try:
        api = engine.acting("root")
        await api.receivers.add("SECURE", PORT)
        files = {"certificate": str(issued.certificate), "key": str(issued.key)}
        await api.receivers.edit("SECURE", PORT, {"tls": "on", **files})
    finally:
        await engine.stop()
    away = issued.certificate.with_suffix(".away")
    issued.certificate.rename(away)
    engine = await Engine.start(found, settings)
    try:
        api = engine.acting("root")
        (_, status) = await api.receivers.list()
        assert (status.enabled, status.listening) == (True, False)
        assert "cannot be read" in status.note
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", PORT)).close()
        checks = {check.name: check for check in await api.system.checks()}
        assert checks["receivers"].finding is Finding.FAILED
        away.rename(issued.certificate)
        await a_round(engine.configuration, "certificates_changed")
        (_, status) = await api.receivers.list()
        assert (status.listening, status.note) == (True, "")
        with (
            socket.create_connection(("127.0.0.1", PORT)) as plain,
            authority.trusting().wrap_socket(plain, server_hostname="localhost") as sender,
        ):
            shown = sender.getpeercert(binary_form=True)
        assert shown == ssl.PEM_cert_to_DER_cert(issued.certificate.read_text())
    finally:
        await engine.stop()
