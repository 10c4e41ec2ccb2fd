# SPDX-License-Identifier: Apache-2.0
"""A certification authority for tests, made with openssl when it is needed: no key is kept."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

OPENSSL = "/usr/bin/openssl"
_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
_CONFIGURATION = """\
[ca]
default_ca = ca_default
[ca_default]
database = {folder}/index
new_certs_dir = {folder}
private_key = {folder}/ca.key
certificate = {folder}/ca.pem
serial = {folder}/serial
default_md = sha256
unique_subject = no
policy = anything
[anything]
commonName = supplied
[req]
distinguished_name = dn
[dn]
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Issued:
    """The files of one certificate."""

    certificate: Path
    key: Path


class Authority:
    """Issues certificates, for any time."""

    def __init__(self, folder: Path) -> None:
        """Make key and certificate of the authority itself."""
        folder.mkdir()
        self._folder = folder
        self._issued = 0
        self.certificate = folder / "ca.pem"
        self._configuration = folder / "openssl.cnf"
        self._configuration.write_text(_CONFIGURATION.format(folder=folder))
        (folder / "index").touch()
        _openssl(
            *("req", "-x509", *_NEW_KEY, "-subj", f"/CN={folder.name}", "-days", "3650"),
            *("-addext", "basicConstraints=critical,CA:TRUE"),
            *("-addext", "keyUsage=critical,keyCertSign,cRLSign"),
            *("-keyout", str(folder / "ca.key"), "-out", str(self.certificate)),
        )

    def issue(
        self,
        name: str,
        usage: str = "serverAuth,clientAuth",
        *,
        begins: timedelta = timedelta(days=-1),
        ends: timedelta = timedelta(days=100),
    ) -> Issued:
        """Issue a certificate for `localhost`; its times are told from now."""
        self._issued += 1
        stem = self._folder / f"{name}-{self._issued}"
        issued = Issued(certificate=stem.with_suffix(".pem"), key=stem.with_suffix(".key"))
        request, extensions = stem.with_suffix(".csr"), stem.with_suffix(".ext")
        extensions.write_text(f"subjectAltName=DNS:localhost\nextendedKeyUsage={usage}\n")
        _openssl(
            *("req", "-new", *_NEW_KEY, "-subj", f"/CN={name}"),
            *("-keyout", str(issued.key), "-out", str(request)),
        )
        now = datetime.now(UTC)
        _openssl(
            *("ca", "-batch", "-config", str(self._configuration), "-rand_serial", "-notext"),
            *("-startdate", f"{now + begins:%Y%m%d%H%M%SZ}"),
            *("-enddate", f"{now + ends:%Y%m%d%H%M%SZ}"),
            *("-extfile", str(extensions), "-in", str(request), "-out", str(issued.certificate)),
        )
        return issued

    def revoke(self, issued: Issued) -> None:
        """Revoke a certificate; the next list names it."""
        self._ca("-revoke", str(issued.certificate))

    def revocations(
        self,
        *,
        begins: timedelta = timedelta(days=-1),
        ends: timedelta = timedelta(days=9),
        file: Path | None = None,
    ) -> Path:
        """Write the list of revoked certificates; its times are told from now."""
        self._issued += 1
        made = file or self._folder / f"revoked-{self._issued}.pem"
        now = datetime.now(UTC)
        self._ca(
            *("-gencrl", "-crl_lastupdate", f"{now + begins:%Y%m%d%H%M%SZ}"),
            *("-crl_nextupdate", f"{now + ends:%Y%m%d%H%M%SZ}", "-out", str(made)),
        )
        return made

    def _ca(self, *words: str) -> None:
        _openssl("ca", "-batch", "-config", str(self._configuration), *words)

    def trusting(self, own: Issued | None = None) -> ssl.SSLContext:
        """Return the context of a sender that trusts this authority, with a certificate or not."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        if own is not None:
            context.load_cert_chain(own.certificate, own.key)
        return context


def _openssl(*words: str) -> None:
    done = subprocess.run([OPENSSL, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
