# SPDX-License-Identifier: Apache-2.0
"""Senders with TLS: who gets an association, who does not, and in which words that is told."""

from __future__ import annotations

import socket
import ssl
import subprocess
import warnings
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from pydicom.data import get_testdata_file
from pydicom.filereader import read_file_meta_info

from engine.dicom.digest import DataSetDigest
from engine.intake.snapshot import TlsConfig
from engine.model.archive import ClientCertificates
from engine.receiver.protocol.ending import Ending
from engine.receiver.protocol.tls import failure, server_context, subject
from tests.authority import Authority, Issued
from tests.engine.receiver.listening import PATIENCE, Listener
from tests.engine.receiver.protocol import wire

STORESCU = "/usr/bin/storescu"
DCMCONV = "/usr/bin/dcmconv"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "hospital")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "stranger")


@pytest.fixture(scope="module")
def own(authority: Authority) -> Issued:
    return authority.issue("receiver")


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a file that storescu sends as it stands (it would drop trailing padding)."""
    source = get_testdata_file("CT_small.dcm")
    assert isinstance(source, str)
    made = tmp_path_factory.mktemp("image") / "ct.dcm"
    subprocess.run([DCMCONV, "-p", source, str(made)], check=True)
    return made


def config(
    own: Issued,
    authority: Authority,
    asks: ClientCertificates = ClientCertificates.NONE,
    crl: str = "",
) -> TlsConfig:
    """Read what the engine would read."""
    return TlsConfig(
        certificate=own.certificate.read_text(),
        key=own.key.read_text(),
        client_ca=authority.certificate.read_text(),
        client_certificates=asks,
        crl=crl,
    )


def store(listener: Listener, image: Path, *tls: str, ok: bool = True) -> str:
    """Send a file with storescu and check how that ended."""
    command = [STORESCU, "-v", "-xe", *tls, "-aec", "ANTEROOM", "localhost", str(listener.port)]
    done = subprocess.run(
        [*command, str(image)], capture_output=True, text=True, timeout=60, check=False
    )
    said = done.stdout + done.stderr
    assert (done.returncode == 0) is ok, said
    return said


def by(issued: Issued, trusted: Authority) -> list[str]:
    """Return storescu's words for a sender with a certificate."""
    files = (str(issued.key), str(issued.certificate))
    return ["+tls", *files, "--add-cert-file", str(trusted.certificate)]


def anonymous(trusted: Authority) -> list[str]:
    """Return storescu's words for a sender without a certificate."""
    return ["+tla", "--add-cert-file", str(trusted.certificate)]


@pytest.mark.parametrize("asks", list(ClientCertificates))
def test_a_sender_with_a_certificate_stores_every_byte(
    authority: Authority, own: Issued, image: Path, asks: ClientCertificates
) -> None:
    with Listener(tls=config(own, authority, asks)) as listener:
        store(listener, image, *by(authority.issue("sender"), authority))
        assert listener.ears.ending() is Ending.RELEASED
        (stored,) = listener.intake.stored
        assert listener.slots.half_open("127.0.0.1") == 0
    meta = 144 + int(read_file_meta_info(image).FileMetaInformationGroupLength)
    assert stored.digest == DataSetDigest(image.read_bytes()[meta:]).text


@pytest.mark.parametrize("asks", [ClientCertificates.NONE, ClientCertificates.OPTIONAL])
def test_a_sender_without_a_certificate_where_none_is_needed(
    authority: Authority, own: Issued, image: Path, asks: ClientCertificates
) -> None:
    with Listener(tls=config(own, authority, asks)) as listener:
        store(listener, image, *anonymous(authority))
        assert listener.ears.ending() is Ending.RELEASED


def test_a_sender_without_a_certificate_is_refused_where_one_is_required(
    authority: Authority, own: Issued, image: Path
) -> None:
    with Listener(tls=config(own, authority, ClientCertificates.REQUIRED)) as listener:
        store(listener, image, *anonymous(authority), ok=False)
        assert listener.ears.rejection().reason == "the sender has no client certificate"
        assert listener.intake.seen == []


@pytest.mark.parametrize("asks", [ClientCertificates.OPTIONAL, ClientCertificates.REQUIRED])
def test_certificates_of_an_unknown_ca_are_refused(
    authority: Authority, stranger: Authority, own: Issued, image: Path, asks: ClientCertificates
) -> None:
    with Listener(tls=config(own, authority, asks)) as listener:
        store(listener, image, *by(stranger.issue("sender"), authority), ok=False)
        rejection = listener.ears.rejection()
        assert rejection.reason == "the CA of the client certificate is unknown"
        assert (rejection.peer, rejection.port) == ("127.0.0.1", listener.port)
        assert rejection.verdict is None


@pytest.mark.parametrize(
    ("begins", "ends", "usage", "said"),
    [
        (-9, -2, "clientAuth", "the client certificate has expired"),
        (2, 9, "clientAuth", "the client certificate is not valid yet"),
        (-9, 9, "serverAuth", "the client certificate is not meant for clients"),
    ],
)
def test_certificates_that_are_not_valid_are_refused(
    authority: Authority,
    own: Issued,
    image: Path,
    begins: int,
    ends: int,
    usage: str,
    said: str,
) -> None:
    with Listener(tls=config(own, authority, ClientCertificates.REQUIRED)) as listener:
        sender = authority.issue(
            "sender", usage, begins=timedelta(days=begins), ends=timedelta(days=ends)
        )
        store(listener, image, *by(sender, authority), ok=False)
        assert listener.ears.rejection().reason == said


def test_whom_a_certificate_names_is_known(authority: Authority, own: Issued, image: Path) -> None:
    with Listener(tls=config(own, authority, ClientCertificates.OPTIONAL)) as listener:
        store(listener, image, *by(authority.issue("mr1.hospital.org"), authority))
        store(listener, image, *anonymous(authority))
        named = [association.certificate for association in listener.associations]
    assert named == ["mr1.hospital.org", ""]
    assert subject(
        {"subject": ((("organizationName", "Ward\x1b"),), (("serialNumber", "7"),))}
    ) == ("organizationName=Ward, serialNumber=7")
    assert subject({}) == ""


def test_certificates_on_the_revocation_list_are_refused(
    authority: Authority, stranger: Authority, own: Issued, image: Path
) -> None:
    good, bad = authority.issue("good"), authority.issue("bad")
    authority.revoke(bad)
    lists = {
        "in force": authority.revocations(),
        "ended": authority.revocations(ends=timedelta(minutes=-1)),
        "early": authority.revocations(begins=timedelta(days=1)),
        "of another": stranger.revocations(),
    }
    for of, sender, said in (
        ("in force", good, ""),
        ("in force", bad, "the client certificate is revoked"),
        ("ended", good, "the revocation list has ended"),
        ("early", good, "the revocation list is not valid yet"),
        ("of another", good, "there is no revocation list of the CA of the client certificate"),
    ):
        tls = config(own, authority, ClientCertificates.REQUIRED, lists[of].read_text())
        with Listener(tls=tls) as listener:
            store(listener, image, *by(sender, authority), ok=not said)
            if said:
                assert listener.ears.rejection().reason == said
            else:
                assert listener.ears.ending() is Ending.RELEASED


def test_a_sender_that_does_not_trust_us_says_so(
    authority: Authority, stranger: Authority, own: Issued, image: Path
) -> None:
    with Listener(tls=config(own, authority)) as listener:
        said = store(listener, image, *anonymous(stranger), ok=False)
        assert "certificate verify failed" in said.lower()
        reason = listener.ears.rejection().reason
        assert reason == "the sender does not know the CA of our certificate"


def test_a_sender_finds_our_certificate_expired(authority: Authority, image: Path) -> None:
    expired = authority.issue("receiver", begins=timedelta(days=-9), ends=timedelta(days=-2))
    with Listener(tls=config(expired, authority)) as listener:
        store(listener, image, *anonymous(authority), ok=False)
        reason = listener.ears.rejection().reason
        assert reason == "the sender says that our certificate has expired"


def test_a_sender_without_tls_is_told_in_its_own_words(
    authority: Authority, own: Issued, image: Path
) -> None:
    with Listener(tls=config(own, authority)) as listener:
        said = store(listener, image, ok=False)
        assert "Peer aborted Association" in said
        assert listener.ears.rejection().reason == "the sender does not use TLS"


def test_a_sender_with_tls_at_a_plain_receiver(authority: Authority, image: Path) -> None:
    with Listener() as listener:
        store(listener, image, *anonymous(authority), ok=False)
        reason = listener.ears.rejection().reason
        assert reason == "the sender uses TLS, and the receiver does not"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_versions_are_refused(
    authority: Authority, own: Issued, version: ssl.TLSVersion
) -> None:
    context = authority.trusting()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    context.set_ciphers("ALL:@SECLEVEL=0")
    with Listener(tls=config(own, authority)) as listener:
        with (
            listener.connect() as plain,
            pytest.raises(ssl.SSLError, match=r"(?i)protocol version"),
        ):
            context.wrap_socket(plain, server_hostname="localhost")
        assert listener.ears.rejection().reason == "the sender's TLS is older than 1.2"


@pytest.mark.parametrize(
    ("version", "cipher"),
    [
        (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES128-GCM-SHA256"),
        (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES256-GCM-SHA384"),
        (ssl.TLSVersion.TLSv1_3, ""),
    ],
)
def test_versions_and_cipher_suites_of_bcp_195(
    authority: Authority, own: Issued, version: ssl.TLSVersion, cipher: str
) -> None:
    context = authority.trusting()
    context.minimum_version = context.maximum_version = version
    if cipher:
        context.set_ciphers(cipher)
    with Listener(tls=config(own, authority)) as listener:
        # Without a close_notify the end would be an error, for anything may have been cut off.
        with context.wrap_socket(
            listener.connect(), server_hostname="localhost", suppress_ragged_eofs=False
        ) as sender:
            used = sender.cipher()
            assert used is not None and used[0] == (cipher or used[0])
            sender.sendall(wire.associate_rq())
            assert wire.read_pdu(sender)[0] == 0x02
            sender.sendall(wire.RELEASE_RQ)
            assert wire.read_pdu(sender)[0] == 0x06
            assert sender.recv(1) == b""
        assert listener.ears.ending() is Ending.RELEASED


def test_cipher_suites_without_forward_secrecy_are_refused(
    authority: Authority, own: Issued
) -> None:
    context = authority.trusting()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-ECDSA-AES128-SHA256:AES128-GCM-SHA256")
    with Listener(tls=config(own, authority)) as listener:
        with listener.connect() as plain, pytest.raises(ssl.SSLError):
            context.wrap_socket(plain, server_hostname="localhost")
        reason = listener.ears.rejection().reason
        assert reason == "the sender has no TLS cipher suite that is allowed here"


def test_a_connection_that_brings_nothing_is_not_told(authority: Authority, own: Issued) -> None:
    with Listener(tls=config(own, authority)) as listener:
        listener.connect().close()
        listener.accepted.get(timeout=PATIENCE)
        listener.join()
        assert listener.associations[0].ending is Ending.LOST
        assert listener.ears.rejections.empty()


def test_a_sender_that_hangs_up_in_the_handshake(authority: Authority, own: Issued) -> None:
    with Listener(tls=config(own, authority)) as listener:
        with listener.connect() as plain:
            plain.sendall(b"\x16\x03\x01")
            plain.shutdown(socket.SHUT_WR)
            reason = listener.ears.rejection().reason
        assert reason == "the sender hung up during the TLS handshake"


def test_bytes_that_are_no_handshake(authority: Authority, own: Issued) -> None:
    with Listener(tls=config(own, authority)) as listener:
        with listener.connect() as plain:
            plain.sendall(b"\x16" + b"\xff" * 300)
            assert listener.ears.rejection().reason
        assert listener.associations[0].ending is Ending.VIOLATION


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01"])
def test_the_artim_timer_watches_over_the_handshake(
    authority: Authority, own: Issued, sent: bytes
) -> None:
    with Listener(tls=config(own, authority), artim_timeout=0.05) as listener:
        with listener.connect() as plain:
            plain.sendall(sent)
            late = "no TLS handshake in time" if sent else "no association request in time"
            assert listener.ears.rejection().reason == late
        assert listener.associations[0].ending is Ending.TIMED_OUT


def test_a_handshake_ends_when_the_receiver_stops(authority: Authority, own: Issued) -> None:
    with Listener(tls=config(own, authority)) as listener:
        with listener.connect() as plain:
            plain.sendall(b"\x16\x03\x01")
            listener.accepted.get(timeout=PATIENCE).stop()
            listener.join()
        assert listener.associations[0].ending is Ending.STOPPED


def test_an_open_association_outlives_its_certificate(
    authority: Authority, stranger: Authority, own: Issued
) -> None:
    with Listener(tls=config(own, authority)) as listener:
        before = authority.trusting().wrap_socket(listener.connect(), server_hostname="localhost")
        with before:
            before.sendall(wire.associate_rq())
            assert wire.read_pdu(before)[0] == 0x02
            renewed = config(stranger.issue("receiver"), stranger)
            listener.intake.configure(replace(listener.receiver, tls=renewed))
            with (
                listener.connect() as plain,
                pytest.raises(ssl.SSLCertVerificationError),
            ):
                authority.trusting().wrap_socket(plain, server_hostname="localhost")
            context = stranger.trusting()
            with context.wrap_socket(listener.connect(), server_hostname="localhost") as after:
                for sender in (after, before):
                    if sender is after:
                        sender.sendall(wire.associate_rq())
                        assert wire.read_pdu(sender)[0] == 0x02
                    sender.sendall(wire.store(b"data"))
                    assert wire.status(wire.read_response(sender)) == 0


def test_a_context_is_made_once_for_the_same_certificates(
    authority: Authority, own: Issued
) -> None:
    first = server_context(config(own, authority))
    assert server_context(config(own, authority)) is first
    assert server_context(config(authority.issue("receiver"), authority)) is not first


def test_every_failure_has_words() -> None:
    odd = ssl.SSLError(1, "odd")
    assert failure(odd) == "the TLS handshake failed: no reason given"
    assert failure(ConnectionResetError()) == "the sender hung up during the TLS handshake"


def test_a_key_is_in_no_representation(authority: Authority, own: Issued) -> None:
    assert "PRIVATE" not in repr(config(own, authority))
