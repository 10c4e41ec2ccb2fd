# SPDX-License-Identifier: Apache-2.0
"""The TLS of a remote: from the paths that users have named to a context, with a sentence for each
mistake. What the files have to be is in `storage.pem`."""

from __future__ import annotations

import ssl

from engine.model.errors import InvalidInput
from engine.model.remotes import Remote
from engine.storage import pem


def client_context(remote: Remote) -> ssl.SSLContext | None:
    """Read the files of a remote; None where it has no TLS.

    Raises:
        InvalidInput: saying which of them is wrong, and what to do about it.
    """
    if not remote.tls:
        return None
    # TLS 1.2 at least, the chain and the name are verified.
    if remote.ca:
        pem.read("ca", remote.ca)
    try:
        context = ssl.create_default_context(cafile=remote.ca or None)
    except (ssl.SSLError, OSError) as error:
        raise pem.no_certificate(remote.ca) from error
    if remote.certificate:
        _present(context, remote.certificate, remote.key)
    return context


def _present(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Have our own certificate shown to those who ask for one."""
    pem.read_certificates("certificate", certificate)
    pem.read_key(key)
    try:
        # An encrypted key would ask for its password at a terminal that nobody sees.
        context.load_cert_chain(certificate, key, password=b"")
    except ssl.SSLError as error:
        raise pem.refused(error, certificate, key) from error
    except OSError as error:
        # It has gone in the meantime.
        raise InvalidInput(f"{certificate} or {key} cannot be read any more") from error
