# SPDX-License-Identifier: Apache-2.0
"""The TLS of a remote: from the paths that users have named to a context, with a sentence for each
mistake."""

from __future__ import annotations

import os
import ssl
import stat
from pathlib import Path

from engine.model.errors import InvalidInput
from engine.model.remotes import Remote


def client_context(remote: Remote) -> ssl.SSLContext | None:
    """Read the files of a remote; None where it has no TLS.

    Raises:
        InvalidInput: saying which of them is wrong, and what to do about it.
    """
    if not remote.tls:
        return None
    # TLS 1.2 at least, the chain and the name are verified.
    if remote.ca:
        _must_be_read("ca", remote.ca)
    try:
        context = ssl.create_default_context(cafile=remote.ca or None)
    except (ssl.SSLError, OSError) as error:
        raise InvalidInput(
            f"{remote.ca} holds no certificate in PEM form",
            hint="convert it: openssl x509 -inform der -in FILE -out FILE.pem",
        ) from error
    if remote.certificate:
        _present(context, remote.certificate, remote.key)
    return context


def _present(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Have our own certificate shown to those who ask for one."""
    _must_be_read("certificate", certificate)
    _must_be_read("key", key)
    if stat.S_IMODE(os.stat(key).st_mode) & 0o007:
        raise InvalidInput(f"others can read the key {key}", hint=f"chmod 600 {key}")
    try:
        # An encrypted key would ask for its password at a terminal that nobody sees.
        context.load_cert_chain(certificate, key, password=b"")
    except ssl.SSLError as error:
        said = {
            "KEY_VALUES_MISMATCH": f"the key {key} does not belong to {certificate}",
            "EE_KEY_TOO_SMALL": f"the key of {certificate} is too short: 2048 bits for RSA",
        }
        reason = str(getattr(error, "reason", None) or "")
        raise InvalidInput(
            said.get(reason) or f"{certificate} and {key} are no certificate and key in PEM form",
            hint="a key must not have a password: openssl pkey -in KEY -out NEW_KEY",
        ) from error


def _must_be_read(name: str, path: str) -> None:
    try:
        with Path(path).open("rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise InvalidInput(f"{name}: {path} is no file")
    except OSError as error:
        raise InvalidInput(
            f"{name}: {path} cannot be read: {os.strerror(error.errno or 0)}",
            hint="the user that runs the engine has to be able to read it",
        ) from error
