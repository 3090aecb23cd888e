"""Requests that are none, on raw sockets, and in how many pieces an answer goes out."""

import contextlib
import socket
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, cast

import pytest

from tests.app_server import AppServer, app_server
from todoapp.protocol import MAX_HEADER_BYTES, MAX_URL_BYTES, Corked

if TYPE_CHECKING:
    import asyncio


@pytest.fixture(name="app", scope="module")
def _app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    base = tmp_path_factory.mktemp("app")
    with app_server(base / "cache", base / "log", IMAGE_URL="sample:") as app:
        yield app


def raw(app: AppServer, *parts: bytes) -> bytes:
    """All that is answered to these bytes, until the app closes the connection."""
    with socket.create_connection(("127.0.0.1", app.port), timeout=30) as connection:
        with contextlib.suppress(ConnectionError):  # it may be refused before all is sent
            for part in parts:
                connection.sendall(part)
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while part := connection.recv(65536):
                answer += part
    return answer


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"hello\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),  # TLS
        (b"GET / HTTP/9.9\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"GET /\xff HTTP/1.1\r\n\r\n", 400),
        (b"GET /" + b"x" * MAX_URL_BYTES + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET /?" + b"x" * 1_000_000, 414),
        (b"GET / HTTP/1.1\r\nx: " + b"y" * MAX_HEADER_BYTES + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 10_000 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"x" * 1_000_000, 431),
        (b"GET / HTTP/1.1\r\nx: " + b"y" * 1_000_000, 431),
        (b"POST / HTTP/1.1\r\nContent-Length: 1000000000\r\n\r\n" + bytes(1_000_000), 413),
        (b"GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", 413),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 413),
        (b"PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n", 413),
        (
            b"GET / HTTP/1.1\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
        ),
        (b"CONNECT example.org:443 HTTP/1.1\r\n\r\n", 400),
    ],
    ids=lambda value: str(value)[:60],  # the whole would not fit into the environment of a process
)
def test_broken_and_oversized_requests(app: AppServer, request_: bytes, status: int) -> None:
    before = app.cache()["access_count"]
    answer = raw(app, request_)
    assert answer.startswith(b"HTTP/1.1 %d " % status), answer
    assert b"x-content-type-options: nosniff" in answer
    assert answer.lower().count(b"connection: close") == 1
    assert answer.count(b"HTTP/1.1 ") == 1, "one request, one answer"
    assert app.cache()["access_count"] == before
    assert "Traceback" not in app.log


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /healthz HTTP/1.0\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n",
        b"GET http://evil.example/healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"GET /healthz?a=b&c HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"GET /%68ealthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    ],
    ids=str,
)
def test_unusual_requests(app: AppServer, request_: bytes) -> None:
    assert raw(app, request_).startswith(b"HTTP/1.1 200 ")


def test_byte_by_byte(app: AppServer) -> None:
    request = b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    assert raw(app, *(bytes([byte]) for byte in request)).startswith(b"HTTP/1.1 200 ")


def test_pipelined_requests(app: AppServer) -> None:
    """Each is answered in its order; after a broken one there is no more."""
    good = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
    last = b"GET /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    answer = raw(app, good * 50 + last)
    assert answer.count(b"HTTP/1.1 200 ") == 50
    assert answer.count(b"HTTP/1.1 404 ") == 1
    answer = raw(app, good + b"hello\r\n\r\n" + good)
    assert answer.count(b"HTTP/1.1") <= 2
    assert answer.startswith((b"HTTP/1.1 200 ", b"HTTP/1.1 400 "))


def test_an_upgrade_is_not_taken_up(app: AppServer) -> None:
    request = (
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", app.port), timeout=30) as connection:
        connection.sendall(request)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_an_answer_to_head_is_all_that_comes(app: AppServer) -> None:
    """The connection stays open: nothing else makes it go out."""
    with socket.create_connection(("127.0.0.1", app.port), timeout=30) as connection:
        for path in (b"/", b"/image", b"/static/style.css", b"/nothing"):
            connection.sendall(b"HEAD " + path + b" HTTP/1.1\r\nHost: a\r\n\r\n")
            assert connection.recv(65536).endswith(b"\r\n\r\n")


class Wire:
    """What goes out, call by call."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.sent.append(data)

    def writelines(self, parts: Iterable[bytes]) -> None:
        self.sent.append(b"".join(parts))

    def close(self) -> None:
        self.sent.append(b"closed")


def test_a_head_goes_out_with_what_follows_it() -> None:
    wire = Wire()
    corked = Corked(cast("asyncio.Transport", wire))
    corked.write(b"HTTP/1.1 200 OK\r\n\r\n")
    assert wire.sent == []
    corked.write(b"one")
    corked.write(b"two")
    corked.flush()
    corked.write(b"HTTP/1.1 204 \r\n\r\n")
    corked.flush()
    corked.write(b"HTTP/1.1 404 \r\n\r\n")
    corked.close()
    assert wire.sent == [
        b"HTTP/1.1 200 OK\r\n\r\none",
        b"two",
        b"HTTP/1.1 204 \r\n\r\n",
        b"HTTP/1.1 404 \r\n\r\n",
        b"closed",
    ]
