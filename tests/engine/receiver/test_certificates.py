# SPDX-License-Identifier: Apache-2.0
"""The files of a receiver's TLS: what is taken, and what is said of what is not."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.intake.snapshot import TlsConfig
from engine.model.archive import ClientCertificates, TlsFiles
from engine.model.errors import InvalidInput
from engine.receiver.certificates import load, revocations_end, stamp, validity
from tests.authority import OPENSSL, Authority


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "hospital")


@pytest.fixture
def files(authority: Authority) -> TlsFiles:
    issued = authority.issue("receiver")
    return TlsFiles(
        certificate=str(issued.certificate),
        key=str(issued.key),
        client_ca=str(authority.certificate),
        client_certificates=ClientCertificates.REQUIRED,
    )


def fault(files: TlsFiles) -> InvalidInput:
    with pytest.raises(InvalidInput) as refused:
        load(files)
    return refused.value


def test_files_are_read_whole(files: TlsFiles, authority: Authority) -> None:
    chain = Path(files.certificate)
    chain.write_text(f"a comment\n{chain.read_text()}{authority.certificate.read_text()}")
    config = load(files)
    assert config.certificate.count("BEGIN CERTIFICATE") == 2
    assert "comment" not in config.certificate
    assert config.client_ca.count("BEGIN CERTIFICATE") == 1
    assert config.client_certificates is ClientCertificates.REQUIRED
    # Nobody is asked: the CA is of no use, and need not be there.
    careless = replace(files, client_certificates=ClientCertificates.NONE, client_ca="/none")
    assert load(careless).client_ca == ""


def test_the_days_of_a_certificate_are_read(files: TlsFiles, authority: Authority) -> None:
    now = datetime.now(UTC)
    begins, ends = validity(load(files))
    assert abs(begins - now + timedelta(days=1)) < timedelta(hours=1)
    assert abs(ends - now - timedelta(days=100)) < timedelta(hours=1)
    # From 2050 on, the year has four digits.
    late = authority.issue("receiver", ends=timedelta(days=365 * 40))
    _, ends = validity(load(replace(files, certificate=str(late.certificate), key=str(late.key))))
    assert ends.year > 2050


@pytest.mark.parametrize(
    "certificate", ["", "-----BEGIN CERTIFICATE-----\nMAAwAA==\n-----END CERTIFICATE-----"]
)
def test_days_that_cannot_be_read(certificate: str) -> None:
    with pytest.raises((ValueError, IndexError)):
        validity(TlsConfig(certificate=certificate, key=""))


def test_a_key_that_others_can_read_is_refused(files: TlsFiles) -> None:
    for mode in (0o644, 0o604, 0o640, 0o620):
        Path(files.key).chmod(mode)
        refused = fault(files)
        assert refused.message == f"others can read the key {files.key} (its mode is {mode:04o})"
        assert refused.hint == f"chmod 600 {files.key}"
    Path(files.key).chmod(0o400)
    load(files)


def test_mistakes_in_the_files_are_explained(
    files: TlsFiles, authority: Authority, tmp_path: Path
) -> None:
    other = authority.issue("other")
    wrong = fault(replace(files, key=str(other.key)))
    assert wrong.message == f"the key {other.key} does not belong to {files.certificate}"
    missing = str(tmp_path / "none.pem")
    wrong = fault(replace(files, certificate=missing))
    assert wrong.message == f"certificate: {missing} cannot be read: No such file or directory"
    wrong = fault(replace(files, certificate=files.key))
    assert wrong.message == f"{files.key} holds no certificate in PEM form"
    Path(files.certificate).chmod(0o644)
    wrong = fault(replace(files, key=files.certificate))
    assert wrong.message.startswith("others can read the key")
    Path(files.certificate).chmod(0o600)
    wrong = fault(replace(files, key=files.certificate))
    assert wrong.message == f"{files.certificate} holds no private key in PEM form"
    wrong = fault(replace(files, key="key.pem"))
    assert (wrong.message, wrong.hint) == (
        "key: key.pem does not begin with /",
        "write the whole path",
    )
    wrong = fault(replace(files, key=""))
    assert (wrong.message, wrong.hint) == ("TLS needs a key", "name its PEM file: key=PATH")
    wrong = fault(replace(files, client_ca=""))
    assert wrong.message == "client certificates are required, but there is no client_ca"
    wrong = fault(replace(files, client_ca=files.key))
    assert wrong.message == f"{files.key} holds no certificate in PEM form"
    wrong = fault(replace(files, certificate=str(tmp_path)))
    assert "cannot be read" in wrong.message
    wrong = fault(replace(files, crl=files.certificate))
    assert wrong.message == f"{files.certificate} holds no revocation list in PEM form"
    unasked = replace(files, client_certificates=ClientCertificates.NONE)
    wrong = fault(replace(unasked, crl=files.certificate))
    assert wrong.message.startswith("there is a revocation list, but senders are not asked")


def test_the_end_of_a_revocation_list_is_read(files: TlsFiles, authority: Authority) -> None:
    before = datetime.now(UTC)
    assert revocations_end(load(files)) is None
    crl = authority.revocations(ends=timedelta(days=5))
    end = revocations_end(load(replace(files, crl=str(crl))))
    assert end is not None
    assert timedelta(days=5, seconds=-2) <= end - before <= timedelta(days=5, minutes=1)
    two = crl.read_text() + authority.revocations(ends=timedelta(days=2)).read_text()
    crl.write_text(two)
    first = revocations_end(load(replace(files, crl=str(crl))))
    assert first is not None and first < end
    crl.write_text("-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n")
    with pytest.raises(InvalidInput):
        load(replace(files, crl=str(crl)))


def test_a_certificate_that_is_damaged_is_refused(files: TlsFiles) -> None:
    path = Path(files.certificate)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:3], *lines[4:]]))
    assert fault(files).message.startswith("TLS cannot use these files: ")


@pytest.mark.parametrize("form", [("pkcs8", "-topk8"), ("ec",)])
def test_a_key_with_a_password_is_refused_without_asking_for_it(
    files: TlsFiles, tmp_path: Path, form: tuple[str, ...]
) -> None:
    locked = tmp_path / "locked.key"
    subprocess.run(
        [
            *(OPENSSL, *form, "-in", files.key, "-out", str(locked)),
            *(("-passout", "pass:secret") if form[0] == "pkcs8" else ()),
            *(("-aes128", "-passout", "pass:secret") if form[0] == "ec" else ()),
        ],
        check=True,
        capture_output=True,
    )
    locked.chmod(0o600)
    refused = fault(replace(files, key=str(locked)))
    assert "is encrypted" in refused.message
    assert "openssl pkey" in refused.hint


def test_a_short_key_is_refused(files: TlsFiles, tmp_path: Path) -> None:
    key, certificate = tmp_path / "short.key", tmp_path / "short.pem"
    subprocess.run(
        [
            *(OPENSSL, "req", "-x509", "-newkey", "rsa:1024", "-nodes", "-subj", "/CN=short"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    refused = fault(replace(files, key=str(key), certificate=str(certificate)))
    assert refused.message == f"the key of {certificate} is too short: 2048 bits for RSA"


def test_a_change_of_a_file_is_seen(files: TlsFiles) -> None:
    before = stamp(files)
    assert stamp(files) == before
    Path(files.key).chmod(0o400)
    changed = stamp(files)
    assert changed != before
    renewed = Path(files.certificate).with_suffix(".new")
    renewed.write_bytes(Path(files.certificate).read_bytes())
    os.replace(renewed, files.certificate)
    assert stamp(files) != changed
    Path(files.certificate).unlink()
    assert stamp(files)[0] is None
    assert stamp(TlsFiles(certificate="", key="")) == (None, None, None, None)
