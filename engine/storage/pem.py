# SPDX-License-Identifier: Apache-2.0
"""Files of certificates and keys that users have named, with a sentence for each mistake: the rules
are the same whether a receiver has them or a remote. What they are used for is not known here."""

from __future__ import annotations

import os
import re
import ssl
import stat
from pathlib import Path

from engine.model.errors import InvalidInput

CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)

_KEY = re.compile(r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----")
_ENCRYPTED = re.compile(r"-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED", re.M)
_LARGEST = 4 * 1024 * 1024


def read(name: str, path: str) -> str:
    """Read the file that a value of this name is the path of.

    Raises:
        InvalidInput: if it cannot be read.
    """
    if not path:
        raise InvalidInput(f"TLS needs a {name}", hint=f"name its PEM file: {name}=PATH")
    if not path.startswith("/"):
        raise InvalidInput(f"{name}: {path} does not begin with /", hint="write the whole path")
    try:
        with Path(path).open("rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise InvalidInput(f"{name}: {path} is no file")
            content = file.read(_LARGEST)
    except OSError as error:
        raise InvalidInput(
            f"{name}: {path} cannot be read: {os.strerror(error.errno or 0)}",
            hint="the user that runs the engine has to be able to read it",
        ) from error
    return content.decode("ascii", "replace")


def read_certificates(name: str, path: str) -> str:
    """Read the certificates of a file, and nothing else that stands in it.

    Raises:
        InvalidInput: if it cannot be read, or has none.
    """
    found = CERTIFICATE.findall(read(name, path))
    if not found:
        raise no_certificate(path)
    return "\n".join(found)


def no_certificate(path: str) -> InvalidInput:
    """Say that a file has no certificate."""
    return InvalidInput(
        f"{path} holds no certificate in PEM form",
        hint="convert it: openssl x509 -inform der -in FILE -out FILE.pem",
    )


def read_key(path: str) -> str:
    """Read the file of a key.

    Raises:
        InvalidInput: if it cannot be used, or others can read it.
    """
    key = read("key", path)
    _check_owner(path)
    if _ENCRYPTED.search(key):
        raise InvalidInput(
            f"the key {path} is encrypted, and nobody is there to type its password",
            hint="write it without: openssl pkey -in KEY -out NEW_KEY; chmod 600 NEW_KEY",
        )
    if not _KEY.search(key):
        raise InvalidInput(f"{path} holds no private key in PEM form")
    return key


def refused(error: ssl.SSLError, certificate: str, key: str) -> InvalidInput:
    """Say why OpenSSL does not take a certificate with its key."""
    said = {
        "KEY_VALUES_MISMATCH": f"the key {key} does not belong to {certificate}",
        "EE_KEY_TOO_SMALL": f"the key of {certificate} is too short: 2048 bits for RSA",
        "CA_MD_TOO_WEAK": f"{certificate} is signed with a hash that is too weak",
    }
    reason = str(getattr(error, "reason", None) or "no reason given")
    words = reason.replace("_", " ").lower()
    return InvalidInput(said.get(reason) or f"TLS cannot use these files: {words}")


def _check_owner(path: str) -> None:
    """Refuse a key that others can read. The group may read one that belongs to root, as for
    PostgreSQL: packages keep keys for a group of services so."""
    seen = os.stat(path)
    allowed = 0o640 if seen.st_uid == 0 and os.geteuid() != 0 else 0o700
    if stat.S_IMODE(seen.st_mode) & ~allowed & 0o077:
        raise InvalidInput(
            f"others can read the key {path} (its mode is {stat.S_IMODE(seen.st_mode):04o})",
            hint=f"chmod 600 {path}",
        )
