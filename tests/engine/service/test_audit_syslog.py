# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import base64
import json
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
from sqlalchemy import select

from engine.archive.audit.key import AuditKey
from engine.archive.audit.trail import AuditChain, Recorded
from engine.archive.tables import AuditTargetRow
from engine.database.connection import Database
from engine.model.archive import AuditEvent
from engine.model.errors import InvalidInput, Unavailable
from engine.model.health import Finding
from engine.model.settings import AuditSettings
from engine.service import syslog
from engine.service.audit_messages import KINDS, audit_message, kind_of, outcome_of
from engine.service.audit_syslog import AuditSender
from engine.service.event_buffer import EventBuffer
from tests.authority import Authority

FRAME = re.compile(rb"(\d+) ")
NOON = datetime(2026, 9, 11, 12, tzinfo=UTC)


class Repository:
    """A syslog server that keeps what it gets, over TLS where it is given a context."""

    def __init__(self, context: ssl.SSLContext | None = None, port: int = 0) -> None:
        self._context = context
        self.messages: list[bytes] = []
        self.faults: list[str] = []
        self.takes: int | None = None
        """After so many messages it hangs up, without a word."""
        self._socket = socket.create_server(("127.0.0.1", port))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(20)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            connection.settimeout(20)
            with closing(connection):
                try:
                    if self._context is not None:
                        with self._context.wrap_socket(connection, server_side=True) as secured:
                            self._take(secured)
                    else:
                        self._take(connection)
                except OSError as error:
                    self.faults.append(type(error).__name__)

    def _take(self, connection: socket.socket) -> None:
        data = b""
        while chunk := connection.recv(65536):
            data += chunk
            while (found := FRAME.match(data)) and len(data) >= found.end() + int(found[1]):
                end = found.end() + int(found[1])
                self.messages.append(data[found.end() : end])
                data = data[end:]
                if self.takes is not None and len(self.messages) >= self.takes:
                    return

    @property
    def numbers(self) -> list[int]:
        return [number_of(message) for message in self.messages]


def number_of(message: bytes) -> int:
    """Read the number of the event that a message tells of."""
    _, text = message.split(b"\xef\xbb\xbf", 1)
    detail = ElementTree.fromstring(text).find(".//ParticipantObjectDetail")
    assert detail is not None
    number = json.loads(base64.b64decode(detail.attrib["value"]))["number"]
    assert isinstance(number, int)
    return number


class _Site:
    def __init__(self, archive: Database, **settings: Any) -> None:
        self.chain = AuditChain(archive, AuditKey(b"k" * 32))
        given = AuditSettings(**settings)
        self.sender = AuditSender(archive, self.chain, given, "SITE", EventBuffer())

    async def happens(self, *numbers: int, at: datetime | None = None) -> None:
        await self.chain.append(
            [
                Recorded(
                    id=f"event-{number}",
                    at=at or datetime.now(UTC),
                    actor="ada",
                    action="Transferred",
                    object=f"XNAT_E{number}",
                    detail={"project": "BRAINS"},
                )
                for number in numbers
            ]
        )


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "authority")


@pytest.fixture
def open_repository() -> Iterator[Callable[..., Repository]]:
    opened: list[Repository] = []

    def make(*given: Any) -> Repository:
        opened.append(Repository(*given))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


async def test_events_are_sent_over_tls_in_their_order_and_survive_an_absence(
    archive: Database, authority: Authority, open_repository: Callable[..., Repository]
) -> None:
    own = authority.issue("localhost")
    ours = authority.issue("anteroom")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own.certificate, own.key)
    context.load_verify_locations(authority.certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    repository = open_repository(context)
    site = _Site(
        archive,
        syslog=f"tls://localhost:{repository.port}",
        syslog_ca=str(authority.certificate),
        syslog_certificate=str(ours.certificate),
        syslog_key=str(ours.key),
    )
    await site.happens(1, 2)
    # A new target begins with what happens next.
    await site.sender.work()
    await site.happens(*range(3, 500))
    await site.sender.work()
    assert repository.numbers == list(range(3, 500))
    assert (await site.sender.check()).found.endswith("has #499")
    repository.close()
    await site.happens(500, at=NOON - timedelta(days=400))
    await site.sender.work()
    check = await site.sender.check()
    assert check.finding is Finding.LOOK
    assert "1 event not sent to tls://localhost:" in check.found
    assert "Connection refused" in check.found
    await site.happens(501)
    again = open_repository(context, repository.port)
    await site.sender.work()
    assert again.numbers == [500, 501]
    assert (await site.sender.check()).finding is Finding.GOOD
    assert again.faults == []


@pytest.mark.parametrize("scheme", ["tcp", "tls"])
async def test_a_target_that_hangs_up_gets_everything_in_the_end(
    archive: Database,
    open_repository: Callable[..., Repository],
    authority: Authority,
    scheme: str,
) -> None:
    context = None
    if scheme == "tls":
        own = authority.issue("localhost")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(own.certificate, own.key)
    repository = open_repository(context)
    site = _Site(
        archive,
        syslog=f"{scheme}://localhost:{repository.port}",
        syslog_ca=str(authority.certificate),
    )
    await site.sender.work()
    repository.takes = 3
    await site.happens(*range(1, 150))
    await site.sender.work()
    async with archive.read() as session:
        kept = await session.scalar(select(AuditTargetRow.number))
    assert kept == 0
    repository.takes = None
    await site.sender.work()
    assert set(repository.numbers) == set(range(1, 150))
    assert repository.numbers[-149:] == list(range(1, 150))


async def test_a_certificate_that_nobody_trusts_gets_nothing(
    archive: Database,
    authority: Authority,
    open_repository: Callable[..., Repository],
) -> None:
    own = authority.issue("localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own.certificate, own.key)
    repository = open_repository(context)
    site = _Site(archive, syslog=f"tls://localhost:{repository.port}")
    await site.sender.work()
    await site.happens(1)
    await site.sender.work()
    assert "its certificate is not trusted" in (await site.sender.check()).found
    assert repository.messages == []
    target = syslog.Target.parse(f"tls://localhost:{repository.port}")
    for wrong in (
        syslog.TlsPaths(ca="/nowhere"),
        syslog.TlsPaths(ca=str(authority.certificate), certificate=str(own.certificate)),
    ):
        with pytest.raises(InvalidInput):
            await syslog.send(target, [b"x"], wrong)


async def test_datagrams_are_one_message_each() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as log:
        log.bind(("127.0.0.1", 0))
        log.settimeout(20)
        target = syslog.Target.parse(f"udp://127.0.0.1:{log.getsockname()[1]}")
        await syslog.send(target, [b"one", b"two"], syslog.TlsPaths())
        assert [await asyncio.to_thread(log.recv, 100) for _ in range(2)] == [b"one", b"two"]
    with pytest.raises(Unavailable, match="does not take messages"):
        await syslog.send(syslog.Target.parse("unix:///nowhere/log"), [b"x"], syslog.TlsPaths())


def test_a_message_is_of_rfc_5424() -> None:
    made = syslog.message("ü", id="DICOM+RFC3881", at=NOON)
    header, text = made.split(b" - \xef\xbb\xbf")
    assert text == "ü".encode()
    pattern = rb"<85>1 2026-09-11T12:00:00\.000000Z [!-~]+ anteroom \d+ DICOM\+RFC3881"
    assert re.fullmatch(pattern, header)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tls://log.example.org", "tls://log.example.org:6514"),
        ("udp://10.0.0.1", "udp://10.0.0.1:514"),
        ("tcp://[::1]:1514", "tcp://::1:1514"),
        ("unix:///dev/log", "unix:///dev/log"),
    ],
)
def test_targets(text: str, said: str) -> None:
    assert str(syslog.Target.parse(text)) == said


def _event(action: str, **values: Any) -> AuditEvent:
    plain: dict[str, Any] = {
        "number": 7,
        "id": "event-7",
        "at": NOON,
        "actor": "ada",
        "action": action,
        "object": "XNAT_E1",
        "detail": {},
        "hash": "0" * 64,
    }
    return AuditEvent(**plain | values)


@pytest.mark.parametrize(
    ("action", "id", "does", "type", "outcome"),
    [
        ("Began receiving", "110102", "E", "", "0"),
        ("Transferred", "110104", "C", "", "0"),
        ("Sent to remote", "110104", "R", "", "0"),
        ("Exported", "110106", "R", "", "0"),
        ("Looked at", "110103", "R", "", "0"),
        ("Revealed labels", "110103", "R", "", "0"),
        ("Deleted into trash", "110105", "D", "", "0"),
        ("Restored from trash", "110103", "U", "", "0"),
        ("Changed place or label", "110103", "U", "", "0"),
        ("archive failed", "110103", "U", "", "8"),
        ("Modified receiver", "110113", "E", "110128", "0"),
        ("Enabled script", "110113", "E", "110131", "0"),
        ("Added project", "110113", "E", "110131", "0"),
        ("Activated", "110113", "E", "110135", "0"),
        ("Refused", "110113", "E", "110132", "4"),
        ("Signed in", "110114", "E", "110122", "0"),
        ("Sign-in refused", "110114", "E", "110122", "4"),
        ("Signed out", "110114", "E", "110123", "0"),
        ("Used token", "110114", "E", "110122", "0"),
        ("Revoked token", "110113", "E", "110137", "0"),
        ("Granted role", "110113", "E", "110136", "0"),
        ("Released held object", "110103", "U", "", "0"),
        ("Head sent", "110101", "R", "", "0"),
    ],
)
def test_events_are_told_as_what_dicom_calls_them(
    action: str, id: str, does: str, type: str, outcome: str
) -> None:
    kind = kind_of(action)
    assert (kind.id, kind.action, kind.type, outcome_of(action)) == (id, does, type, outcome)
    root = ElementTree.fromstring(audit_message(_event(action), site="SITE").encode())
    assert [child.tag for child in root][:2] == ["EventIdentification", "ActiveParticipant"]
    identification = root[0]
    assert identification.attrib == {
        "EventActionCode": does,
        "EventDateTime": "2026-09-11T12:00:00.000Z",
        "EventOutcomeIndicator": outcome,
    }
    codes = [(code.tag, code.get("csd-code")) for code in identification]
    wanted = [("EventID", id)] + ([("EventTypeCode", type)] if type else [])
    assert codes[:-1] == wanted


def test_every_kind_can_be_told() -> None:
    for _, kind in KINDS:
        assert kind.action in set("CRUDE")
    assert kind_of("something new") == KINDS[-1][1]


def test_text_from_data_stays_text_in_a_message() -> None:
    hostile = 'a"<&>\x00\x1b\n\ud800é'
    event = _event("Began receiving", object=hostile, detail={"remote": hostile}, project="P")
    root = ElementTree.fromstring(audit_message(event, site="SITE").encode())
    shown = 'a"<&>\ufffd\ufffd\n\ufffdé'
    objects = root.findall("ParticipantObjectIdentification")
    assert [one.get("ParticipantObjectID") for one in objects] == [shown, "P"]
    participants = [one.get("UserID") for one in root.findall("ActiveParticipant")]
    assert participants == ["ada", shown, "anteroom@SITE"]
