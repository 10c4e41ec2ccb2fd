# SPDX-License-Identifier: Apache-2.0
"""Connections to remotes: how they are cut while they come about, and that nothing goes over one
in plain text that has TLS."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from pynetdicom.presentation import build_context

from engine.model.remotes import Remote
from engine.remotes.calling import Cord, opened
from engine.remotes.faults import Unreached
from tests.authority import Authority
from tests.engine.remotes.peers import VERIFICATION, Relay, scp, silent

# None of these waits for as long: each is cut.
HERE = Remote(
    name="PEER",
    ae_title="PEER",
    host="127.0.0.1",
    port=104,
    connect_timeout=600,
    answer_timeout=600,
)
SECRET = b"DOE^JANE"
_SYN_SENT = 2


class Seen(Cord):
    """A cord that shows the connection that it holds."""

    def __init__(self) -> None:
        super().__init__()
        self.tied: list[socket.socket] = []
        self.is_tied = threading.Event()

    def tie(self, connection: socket.socket) -> None:
        self.tied.append(connection)
        super().tie(connection)
        self.is_tied.set()


def call(remote: Remote, cord: Cord) -> threading.Thread:
    """Open an association, in a thread."""

    def run() -> None:
        with (
            suppress(Unreached),
            opened(
                remote, [build_context(VERIFICATION)], calling="ANTEROOM", max_pdu=16_382, cord=cord
            ),
        ):
            pass

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


@contextmanager
def deaf() -> Iterator[int]:
    """Listen on a port that answers no more connections: those that it has room for are there."""
    with ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(64):
            one = stack.enter_context(socket.socket())
            one.settimeout(0.2)
            try:
                one.connect(listening.getsockname())
            except TimeoutError:
                break
        yield int(listening.getsockname()[1])


def until_state(connection: socket.socket, state: int) -> None:
    never = threading.Event()
    for _ in range(500):
        if connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == state:
            return
        never.wait(0.02)
    raise AssertionError("it does not connect")


def test_a_connection_that_does_not_come_about_is_cut() -> None:
    cord = Seen()
    with deaf() as port:
        thread = call(replace(HERE, port=port), cord)
        assert cord.is_tied.wait(30)
        until_state(cord.tied[0], _SYN_SENT)
        cord.cut()
        thread.join(30)
        assert not thread.is_alive()


def test_a_handshake_that_does_not_come_about_is_cut() -> None:
    cord = Seen()
    with silent() as port:
        thread = call(replace(HERE, port=port, tls=True), cord)
        never = threading.Event()
        while not any(isinstance(one, ssl.SSLSocket) for one in list(cord.tied)):
            assert thread.is_alive()
            never.wait(0.01)
        cord.cut()
        thread.join(30)
        assert not thread.is_alive()


def test_what_was_cut_before_is_not_connected() -> None:
    cord = Seen()
    cord.cut()
    with silent() as port:
        thread = call(replace(HERE, port=port), cord)
        thread.join(30)
        assert not thread.is_alive()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "hospital")


@pytest.mark.parametrize("how", ["shutdown", "_real_close"])
def test_nothing_goes_in_plain_text_while_a_connection_ends(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Another thread may send in the very moment in which a connection is cut, or closed."""
    issued = authority.issue("peer")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(issued.certificate, issued.key)
    mine: list[socket.socket] = []
    end = getattr(socket.socket, how)

    def at_that_moment(self: socket.socket, *arguments: object, **others: object) -> None:
        if self in mine:
            with suppress(OSError):
                self.send(SECRET)
        end(self, *arguments, **others)

    cord = Seen()
    with scp(tls=context) as port, Relay(port) as relay:
        remote = replace(
            HERE, host="localhost", port=relay.port, tls=True, ca=str(authority.certificate)
        )
        with (
            suppress(Unreached),
            opened(
                remote, [build_context(VERIFICATION)], calling="ANTEROOM", max_pdu=0, cord=cord
            ) as association,
        ):
            assert association.send_c_echo().Status == 0
            mine.append(cord.tied[-1])
            monkeypatch.setattr(socket.socket, how, at_that_moment)
            if how == "shutdown":
                cord.cut()
            else:
                # The thread of pynetdicom has not come to it.
                monkeypatch.setattr("engine.remotes.calling._end", lambda *_, **__: None)
    assert relay.sent and SECRET not in relay.sent


def test_a_host_that_can_be_none_is_told() -> None:
    """Kept before it was looked at."""
    with (
        pytest.raises(Unreached, match="cannot be the name of a host"),
        opened(
            replace(HERE, host=f"{'a' * 64}.example.org"),
            [build_context(VERIFICATION)],
            calling="ANTEROOM",
            max_pdu=0,
        ),
    ):
        pass


def test_a_name_for_tls_that_can_be_none_is_told(tmp_path: Path) -> None:
    remote = replace(HERE, tls=True, tls_name=f"{'a' * 64}.example.org")
    with (
        silent() as port,
        pytest.raises(Unreached, match="cannot be the name of a host"),
        opened(replace(remote, port=port), [build_context(VERIFICATION)], calling="A", max_pdu=0),
    ):
        pass
