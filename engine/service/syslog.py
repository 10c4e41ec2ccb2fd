# SPDX-License-Identifier: Apache-2.0
"""Sends messages to a syslog target: RFC 5424 over TLS (RFC 5425), TCP (RFC 6587, octet counting),
UDP (RFC 5426) or a local socket. What is in a message is not known here."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from engine.model.errors import InvalidInput, Unavailable
from engine.model.settings import SYSLOG_TARGET
from engine.storage import pem

SECONDS = 10.0
"""After which a target that does not take what it is sent counts as gone."""

_PARTING = 2.0
"""Seconds in which a target that got everything may hang up."""

_PORTS = {"udp": 514, "tcp": 514, "tls": 6514}
_FACILITY = 10
"""Security and authorization, as RFC 3881 and PS3.15 have it."""
_NAME = re.compile(r"[^!-~]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """Where messages go."""

    scheme: str
    host: str = ""
    port: int = 0
    path: str = ""

    @classmethod
    def parse(cls, text: str) -> Target:
        """Read a target that the settings allow."""
        found = SYSLOG_TARGET.fullmatch(text)
        if found is None:
            raise InvalidInput(f"{text} is no target for syslog")
        if found["path"]:
            return cls(scheme="unix", path=found["path"])
        scheme = found["scheme"]
        port = int(found["port"] or _PORTS[scheme])
        return cls(scheme=scheme, host=found["host"].strip("[]"), port=port)

    def __str__(self) -> str:
        """Say it as the settings have it."""
        return f"unix://{self.path}" if self.path else f"{self.scheme}://{self.host}:{self.port}"


@dataclass(frozen=True, kw_only=True, slots=True)
class TlsPaths:
    """The files of a target with TLS."""

    ca: str = ""
    certificate: str = ""
    key: str = ""

    def context(self) -> ssl.SSLContext:
        """Read the files; the target's chain and name are verified.

        Raises:
            InvalidInput: saying which of them is wrong.
        """
        if self.ca:
            pem.read_certificates("audit.syslog_ca", self.ca)
        try:
            context = ssl.create_default_context(cafile=self.ca or None)
        except (ssl.SSLError, OSError) as error:
            raise pem.no_certificate(self.ca) from error
        if self.certificate:
            pem.read_certificates("audit.syslog_certificate", self.certificate)
            pem.read_key(self.key)
            try:
                context.load_cert_chain(self.certificate, self.key, password=b"")
            except ssl.SSLError as error:
                raise pem.refused(error, self.certificate, self.key) from error
        return context


def message(text: str, *, id: str, at: datetime, severity: int = 5, mark: bool = True) -> bytes:
    """Return an RFC 5424 message.

    Args:
        id: its MSGID, by which receivers tell kinds of messages.
        mark: begin the text with the mark that says it is UTF-8.
    """
    when = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    host = _NAME.sub("-", socket.gethostname())[:255] or "-"
    header = f"<{_FACILITY * 8 + severity}>1 {when} {host} anteroom {os.getpid()} {id} - "
    return header.encode("ascii") + (b"\xef\xbb\xbf" if mark else b"") + text.encode("utf-8")


async def send(target: Target, messages: Sequence[bytes], tls: TlsPaths) -> None:
    """Send messages in their order.

    Over TLS and TCP the target has taken them all into its buffers when this returns: the
    connection was closed in order. UDP and a local socket tell nothing.

    Raises:
        InvalidInput: if the files of TLS are wrong.
        Unavailable: if the target cannot be reached, or stops taking them.
    """
    if not messages:
        return
    try:
        async with asyncio.timeout(SECONDS + len(messages) / 100):
            if target.scheme in ("tcp", "tls"):
                context = await asyncio.to_thread(tls.context) if target.scheme == "tls" else None
                await _stream(target, messages, context)
            else:
                await asyncio.to_thread(_datagrams, target, messages)
    except ssl.SSLCertVerificationError as error:
        why = f"its certificate is not trusted: {error.verify_message}"
        raise _gone(target, why) from error
    except ssl.SSLError as error:
        raise _gone(
            target, f"TLS: {(error.reason or 'failed').replace('_', ' ').lower()}"
        ) from error
    except TimeoutError as error:
        raise _gone(target, f"no answer within {SECONDS:.0f} seconds") from error
    except OSError as error:
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else "no such host"
        raise _gone(target, why) from error


async def _stream(
    target: Target, messages: Sequence[bytes], context: ssl.SSLContext | None
) -> None:
    name = target.host if context is not None else None
    reader, writer = await asyncio.open_connection(
        target.host, target.port, ssl=context, server_hostname=name
    )
    try:
        for one in messages:
            writer.write(b"%d " % len(one) + one)
            await writer.drain()
        # Syslog has no answers. What has arrived is known from an orderly end: a target that is
        # gone resets the connection, one that lives closes it after ours.
        if writer.can_write_eof():
            writer.write_eof()
            with suppress(TimeoutError):
                async with asyncio.timeout(_PARTING):
                    await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()


def _datagrams(target: Target, messages: Sequence[bytes]) -> None:
    if target.path:
        family, address = socket.AF_UNIX, target.path
        with socket.socket(family, socket.SOCK_DGRAM) as local:
            local.settimeout(SECONDS)
            for one in messages:
                local.sendto(one, address)
        return
    found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_DGRAM)
    of, kind, protocol, _, place = found[0]
    with socket.socket(of, kind, protocol) as remote:
        remote.settimeout(SECONDS)
        remote.connect(place)
        for one in messages:
            remote.send(one)


def _gone(target: Target, why: str) -> Unavailable:
    return Unavailable(f"{target} does not take messages: {why}", hint="the next try is soon")
