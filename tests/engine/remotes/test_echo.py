# SPDX-License-Identifier: Apache-2.0
"""C-ECHO to peers of every kind: how they answer, and each reason why they do not."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from pynetdicom import evt
from pynetdicom.events import Event

from engine.model.remotes import Echo, Remote
from engine.remotes.echo import echo
from tests.authority import Authority
from tests.engine.remotes.peers import scp, silent, storescp

HERE = Remote(name="PEER", ae_title="PEER", host="127.0.0.1", port=104, connect_timeout=5)


def asked(remote: Remote) -> Echo:
    return echo(remote, calling="ANTEROOM", max_pdu=131_072)


def test_storescp_answers(tmp_path: Path) -> None:
    with storescp(tmp_path) as port:
        answer = asked(replace(HERE, port=port))
    assert (answer.ok, answer.reason) == (True, "")
    assert answer.milliseconds > 0


def test_a_name_is_as_good_as_an_address() -> None:
    with scp() as port:
        assert asked(replace(HERE, host="localhost", port=port)).ok


def test_a_port_where_nothing_listens() -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        answer = asked(replace(HERE, port=taken.getsockname()[1]))
    assert not answer.ok and "(connection refused)" in answer.reason


def test_a_host_that_nobody_knows() -> None:
    answer = asked(replace(HERE, host="pacs.invalid"))
    assert (answer.ok, answer.reason) == (False, "no address is known for pacs.invalid")


def test_a_peer_that_is_silent() -> None:
    with silent() as port:
        answer = asked(replace(HERE, port=port, connect_timeout=1))
    assert (answer.ok, answer.reason) == (False, "PEER did not answer within 1 seconds")


def test_a_peer_that_falls_silent_once_it_is_asked() -> None:
    over = threading.Event()

    def sleep(_event: Event) -> int:
        over.wait(30)
        return 0

    with scp(handlers=[(evt.EVT_C_ECHO, sleep)]) as port:
        answer = asked(replace(HERE, port=port, connect_timeout=1))
        over.set()
    assert (answer.ok, answer.reason) == (False, "PEER did not answer within 1 seconds")


def test_a_peer_that_hangs_up() -> None:
    with silent(hang_up=True) as port:
        answer = asked(replace(HERE, port=port))
    assert answer.reason == "PEER ended the connection without an answer"


def test_a_title_that_is_not_recognised() -> None:
    with scp(require_called=True) as port:
        answer = asked(replace(HERE, ae_title="OTHER", port=port))
        assert "the called AE title OTHER is not recognised there" in answer.reason
        assert asked(replace(HERE, port=port)).ok
    with scp(require_calling=["FRIEND"]) as port:
        answer = asked(replace(HERE, port=port))
        assert "the calling AE title ANTEROOM is not recognised there" in answer.reason


def test_a_peer_without_verification() -> None:
    with scp(contexts=["1.2.840.10008.5.1.4.1.1.2"]) as port:
        answer = asked(replace(HERE, port=port))
    assert answer.reason == "PEER does not accept echoes (verification is not supported)"


def test_a_status_that_is_not_success() -> None:
    def busy(_event: Event) -> int:
        return 0x0122

    with scp(handlers=[(evt.EVT_C_ECHO, busy)]) as port:
        answer = asked(replace(HERE, port=port))
    assert (answer.ok, answer.reason) == (False, "PEER answered with status 0122")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "hospital")


def test_tls_is_verified(authority: Authority, tmp_path: Path) -> None:
    issued = authority.issue("peer")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(issued.certificate, issued.key)
    with scp(tls=context) as port:
        secured = replace(
            HERE, host="localhost", port=port, tls=True, ca=str(authority.certificate)
        )
        assert asked(secured).ok
        # Its certificate is for localhost.
        by_address = replace(secured, host="127.0.0.1")
        assert "TLS: the certificate of 127.0.0.1" in asked(by_address).reason
        assert asked(replace(by_address, tls_name="localhost")).ok
        other = Authority(tmp_path / "other")
        assert "is not accepted" in asked(replace(secured, ca=str(other.certificate))).reason
        assert "cannot be read" in asked(replace(secured, ca="/nowhere/ca.pem")).reason
    with scp() as port:
        assert "TLS" in asked(replace(secured, port=port)).reason


def test_a_peer_may_ask_for_our_certificate(authority: Authority) -> None:
    issued, own = authority.issue("peer"), authority.issue("anteroom")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority.certificate))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(issued.certificate, issued.key)
    with scp(tls=context) as port:
        without = replace(
            HERE, host="localhost", port=port, tls=True, ca=str(authority.certificate)
        )
        assert not asked(without).ok
        ours = replace(without, certificate=str(own.certificate), key=str(own.key))
        assert asked(ours).ok
