# SPDX-License-Identifier: Apache-2.0
"""Texts from web servers: only from named hosts, and within limits."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from engine.anonymize.faults import ScriptError
from engine.anonymize.functions import web
from tests.engine.anonymize.subjects import data_set, ran


class _Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Answer as the path says."""
        places = {"/away": "http://elsewhere.example/", "/around": "/text", "/loop": "/loop"}
        if self.path in places:
            self.send_response(302)
            self.send_header("Location", places[self.path])
            self.end_headers()
            return
        pages = {
            "/text": "one\r\ntwo é\n".encode(),
            "/latin": "é".encode("latin_1"),
            "/large": b"x" * (web.MOST_BYTES + 1),
        }
        if self.path not in pages:
            self.send_error(404)
            return
        self.send_response(200)
        latin = "; charset=latin-1" if self.path == "/latin" else ""
        self.send_header("Content-Type", f"text/plain{latin}")
        self.end_headers()
        self.wfile.write(pages[self.path])

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Pages)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def fetch(address: str, path: str) -> str:
    deadline = time.monotonic() + 30
    return web.fetch(f"http://{address}{path}", hosts=frozenset((address,)), deadline=deadline)


def test_lines_are_joined(address: str) -> None:
    assert fetch(address, "/text") == "onetwo é"
    assert fetch(address, "/latin") == "é"
    assert fetch(address, "/around") == "onetwo é"


@pytest.mark.parametrize("path", ["/missing", "/away", "/loop", "/large"])
def test_what_cannot_be_fetched_is_an_error_without_the_address(address: str, path: str) -> None:
    with pytest.raises(ScriptError) as caught:
        fetch(address, path)
    assert address not in str(caught.value)
    assert "elsewhere" not in str(caught.value)


def test_time_that_is_over(address: str) -> None:
    with pytest.raises(ScriptError, match="too long"):
        web.fetch(f"http://{address}/text", hosts=frozenset((address,)), deadline=0.0)


@pytest.mark.parametrize(
    "url",
    [
        "file" + "://good.example/x",
        "ftp://good.example/",
        "//good.example/",
        "http:///x",
        "http://bad.example/",
        "http://good.example.bad.example/",
        "http://good.example@bad.example/",
        "http://user:word@good.example/",
        "http://good.example:x/",
        "http://[good.example/",
        "http://port.example/",
        "http://port.example:81/",
        "",
    ],
)
def test_addresses_that_are_not_asked(url: str) -> None:
    with pytest.raises(ScriptError):
        web.check(url, frozenset(("good.example", "port.example:8080")))


@pytest.mark.parametrize(
    "url",
    ["http://good.example", "HTTPS://GOOD.example:99/x?y", "http://port.example:8080/"],
)
def test_addresses_that_are_asked(url: str) -> None:
    web.check(url, frozenset(("Good.example", "port.example:8080")))


def test_scripts_fetch_only_where_hosts_are_named(address: str) -> None:
    text = f'(0010,0010) := getURL["http://{address}/text"]'
    with pytest.raises(ScriptError, match="switched off"):
        ran(text, data_set(PatientID="p"))
    result = ran(text, data_set(PatientID="p"), options={"hosts": frozenset((address,))})
    assert result.subject.text(0x00100010) == "onetwo é"
