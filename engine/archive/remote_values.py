# SPDX-License-Identifier: Apache-2.0
"""What the values of a remote may be: each mistake is refused with a sentence that says what is
wrong. Where they are kept is `remotes`."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import replace

from engine.archive.receiver_values import checked_ae_title
from engine.model.errors import InvalidInput
from engine.model.expectations import between, rule_of
from engine.model.remotes import Remote
from engine.model.settings import DicomSettings

PORTS = range(1, 65536)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
_HOST = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(\.[A-Za-z0-9_-]{1,63})*\.?"
)
_DESCRIPTION_LENGTH = 200
_SECONDS = between(1, 3600, "seconds")
_PATHS = ("ca", "certificate", "key")


def checked(remote: Remote) -> Remote:
    """Return a remote with its values as they are kept.

    Raises:
        InvalidInput: if one of the values is not allowed.
    """
    if remote.port not in PORTS:
        raise InvalidInput(
            f"{remote.port} cannot be the port of a remote",
            hint=f"use {PORTS.start} to {PORTS.stop - 1}; DICOM has 104 and 11112",
        )
    largest = rule_of(DicomSettings, "max_pdu")
    if remote.max_pdu and largest is not None and not largest.holds(remote.max_pdu):
        raise InvalidInput(
            f"max_pdu: expected {largest.words}, or 0 for what the settings file says"
        )
    for name in ("connect_timeout", "answer_timeout"):
        if not _SECONDS.holds(getattr(remote, name)):
            raise InvalidInput(f"{name}: expected {_SECONDS.words}")
    paths = {name: _checked_path(name, getattr(remote, name)) for name in _PATHS}
    if bool(paths["certificate"]) != bool(paths["key"]):
        raise InvalidInput(
            "a certificate of our own needs a key, and a key a certificate",
            hint="name both PEM files: certificate=PATH key=PATH",
        )
    calling, tls_name = remote.calling.strip(" "), remote.tls_name.strip()
    return replace(
        remote,
        name=checked_name(remote.name),
        ae_title=checked_ae_title(remote.ae_title),
        host=_checked_host("host", remote.host),
        calling=checked_ae_title(calling) if calling else "",
        description=_checked_description(remote.description),
        tls_name=_checked_host("tls_name", tls_name) if tls_name else "",
        ca=paths["ca"],
        certificate=paths["certificate"],
        key=paths["key"],
    )


def checked_name(name: str) -> str:
    """Return the name of a remote without blanks around it.

    Raises:
        InvalidInput: if it cannot be one.
    """
    text = name.strip()
    if not _NAME.fullmatch(text):
        raise InvalidInput(
            f"{name!r} cannot be the name of a remote",
            hint="use 1 to 32 letters, digits, '.', '_' and '-', with a letter or digit first",
        )
    return text


def _checked_host(name: str, host: str) -> str:
    text = host.strip()
    try:
        return str(ipaddress.ip_address(text.strip("[]")))
    except ValueError:
        pass
    # Four numbers are meant as an address, and a resolver would make another one of three.
    if not _HOST.fullmatch(text) or re.fullmatch(r"[0-9.]+", text):
        raise InvalidInput(
            f"{name}: {host!r} is neither the name of a host nor an address",
            hint="write pacs.example.org, 10.3.1.5 or fd00::5; the port is a value of its own",
        )
    return text


def _checked_description(description: str) -> str:
    text = description.strip()
    if len(text) > _DESCRIPTION_LENGTH or not text.isprintable():
        raise InvalidInput(
            f"description: expected one line of at most {_DESCRIPTION_LENGTH} characters"
        )
    return text


def _checked_path(name: str, path: str) -> str:
    text = path.strip()
    if text and not text.startswith("/"):
        raise InvalidInput(f"{name}: {text} does not begin with /", hint="write the whole path")
    return text
