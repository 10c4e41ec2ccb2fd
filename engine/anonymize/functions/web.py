# SPDX-License-Identifier: Apache-2.0
"""Texts that scripts fetch from web servers, with limits on time and size. Only configured hosts
are allowed; without any, the function is off."""

from __future__ import annotations

import time
from http.client import HTTPException
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import (
    HTTPRedirectHandler,
    ProxyHandler,
    Request,
    build_opener,
)

from engine.anonymize.faults import ScriptError

MOST_BYTES = 1024 * 1024
_PIECE = 16 * 1024
_FAILED = "getURL could not fetch the text"


def fetch(url: str, *, hosts: frozenset[str], deadline: float) -> str:
    """Return the lines of a text, joined without line breaks. `hosts` are names, or `name:port`
    where only that port is meant; `deadline` is a time of the monotonic clock.

    No error quotes the address, which may be made of values.
    """
    if not hosts:
        raise ScriptError(
            "getURL is switched off", hint="An administrator has to configure the allowed hosts."
        )
    check(url, hosts)
    opener = build_opener(ProxyHandler({}), _Redirects(hosts))
    try:
        with opener.open(Request(url), timeout=_left(deadline)) as answer:
            data = bytearray()
            while piece := answer.read1(_PIECE):
                data += piece
                if len(data) > MOST_BYTES:
                    raise ScriptError(f"getURL takes at most {MOST_BYTES:,} bytes")
                _left(deadline)
            charset = answer.headers.get_content_charset() or "utf-8"
    except HTTPError as error:
        error.close()
        raise ScriptError(_FAILED) from None
    except (URLError, HTTPException, OSError, ValueError):
        raise ScriptError(_FAILED) from None
    try:
        text = bytes(data).decode(charset, "replace")
    except LookupError:
        raise ScriptError(_FAILED) from None
    return "".join(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))


def check(url: str, hosts: frozenset[str]) -> None:
    """Refuse an address that is not of one of the hosts, or not of the web."""
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise ScriptError("getURL was given no address") from None
    if parts.scheme.lower() not in ("http", "https") or not host:
        raise ScriptError("getURL fetches only from addresses that begin with http: or https:")
    if parts.username is not None or parts.password is not None:
        raise ScriptError("getURL takes no user name in an address")
    named = {name.lower() for name in hosts}
    if host not in named and f"{host}:{port or _port(parts.scheme)}" not in named:
        raise ScriptError("getURL may not ask this host")


def _port(scheme: str) -> int:
    return 443 if scheme.lower() == "https" else 80


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise ScriptError("getURL takes too long")
    return left


class _Redirects(HTTPRedirectHandler):
    def __init__(self, hosts: frozenset[str]) -> None:
        self._hosts = hosts

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> Request | None:
        """Follow only to hosts that were named."""
        try:
            check(newurl, self._hosts)
        except ScriptError:
            fp.close()
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)
