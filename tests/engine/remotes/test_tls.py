# SPDX-License-Identifier: Apache-2.0
"""The files of a remote's TLS: they keep the rules that those of a receiver keep."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from engine.model.archive import TlsFiles
from engine.model.errors import InvalidInput
from engine.model.remotes import Remote
from engine.receiver.certificates import load
from engine.remotes.tls import client_context
from tests.authority import OPENSSL, Authority


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "hospital")


@pytest.fixture
def remote(authority: Authority) -> Remote:
    issued = authority.issue("anteroom")
    return Remote(
        name="PACS1",
        ae_title="PACS",
        host="10.3.1.5",
        port=104,
        tls=True,
        ca=str(authority.certificate),
        certificate=str(issued.certificate),
        key=str(issued.key),
    )


def said(remote: Remote) -> tuple[str, str]:
    """Return what is said of the files of a remote, which is what is said of a receiver's."""
    with pytest.raises(InvalidInput) as of_remote:
        client_context(remote)
    with pytest.raises(InvalidInput) as of_receiver:
        load(TlsFiles(certificate=remote.certificate, key=remote.key))
    found = of_remote.value.message, of_remote.value.hint
    assert found == (of_receiver.value.message, of_receiver.value.hint)
    return found


def test_files_that_are_right_are_taken(remote: Remote) -> None:
    assert client_context(remote) is not None
    assert client_context(replace(remote, certificate="", key="")) is not None
    assert client_context(replace(remote, tls=False, ca="/none")) is None


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o640, 0o620])
def test_a_key_that_others_can_read_is_refused(remote: Remote, mode: int) -> None:
    Path(remote.key).chmod(mode)
    message = f"others can read the key {remote.key} (its mode is {mode:04o})"
    assert said(remote) == (message, f"chmod 600 {remote.key}")


def test_mistakes_in_the_files_are_explained(
    remote: Remote, authority: Authority, tmp_path: Path
) -> None:
    other = authority.issue("other")
    message, _ = said(replace(remote, key=str(other.key)))
    assert message == f"the key {other.key} does not belong to {remote.certificate}"
    message, _ = said(replace(remote, certificate=remote.key))
    assert message == f"{remote.key} holds no certificate in PEM form"
    Path(remote.certificate).chmod(0o600)
    message, _ = said(replace(remote, key=remote.certificate))
    assert message == f"{remote.certificate} holds no private key in PEM form"
    message, _ = said(replace(remote, certificate=str(tmp_path / "none.pem")))
    assert message.endswith("cannot be read: No such file or directory")
    locked = tmp_path / "locked.key"
    words = ("-topk8", "-in", remote.key, "-out", str(locked), "-passout", "pass:secret")
    subprocess.run([OPENSSL, "pkcs8", *words], check=True, capture_output=True)
    locked.chmod(0o600)
    message, hint = said(replace(remote, key=str(locked)))
    assert "is encrypted" in message and "openssl pkey" in hint


def test_a_ca_that_is_none_is_explained(remote: Remote, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="holds no certificate in PEM form"):
        client_context(replace(remote, ca=remote.key))
    with pytest.raises(InvalidInput, match="cannot be read"):
        client_context(replace(remote, ca=str(tmp_path)))
