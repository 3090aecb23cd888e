"""Signals, the port, and requests that are none, on raw sockets."""

import asyncio
import contextlib
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.app_server import AppServer, app_server, read_page, wait_for
from tests.conftest import StartApp
from tests.image_service import ImageService, Mode
from todoapp.server import MAX_HEADER_BYTES, MAX_URL_BYTES


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
    ids=str,
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


def test_visitors_who_leave(start_app: StartApp, images: ImageService) -> None:
    """They are counted, or not, but they disturb nobody."""
    images.mode = Mode.HANG
    app = start_app(IMAGE_URL=images.url)
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", app.port), timeout=30) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    images.mode = Mode.OK
    views = 0

    def valid() -> bool:
        nonlocal views
        views += 1
        return app.view().status == "valid"

    wait_for(valid, what="a picture")
    assert views <= app.cache()["access_count"] <= 20 + views
    assert "Traceback" not in app.log


def test_sigterm_while_busy(start_app: StartApp, images: ImageService) -> None:
    """Everything asked for is answered and counted, also what comes while the drain lasts."""
    app = start_app(IMAGE_URL=images.url, DRAIN_SECONDS="8")
    app.view()
    answers: list[httpx.Response] = []
    failures: list[httpx.HTTPError] = []
    stop = threading.Event()

    def visit() -> None:
        while not stop.is_set():
            try:
                answers.append(httpx.get(f"{app.url}/", timeout=60, trust_env=False))
            except httpx.HTTPError as error:
                failures.append(error)
                return

    visitors = [threading.Thread(target=visit) for _ in range(4)]
    for visitor in visitors:
        visitor.start()
    wait_for(lambda: len(answers) > 20, what="visits")
    app.process.send_signal(signal.SIGTERM)
    wait_for(lambda: app.client.get("/readyz").status_code == 503, what="it to say so")
    drained = len(answers)
    wait_for(lambda: len(answers) > drained + 8, what="visits while it drains")
    assert app.client.get("/healthz").status_code == 200
    assert app.client.get("/healthz").headers["connection"] == "close"
    stop.set()
    for visitor in visitors:
        visitor.join(60)
    assert app.wait() == 0
    assert not failures
    assert {answer.status_code for answer in answers} == {200}
    counts = sorted(read_page(answer.text).access_count for answer in answers)
    assert counts == list(range(2, len(answers) + 2))
    app.start()
    assert app.cache()["access_count"] == len(answers) + 1


def test_sigterm_with_requests_in_flight(start_app: StartApp, images: ImageService) -> None:
    """Who waits for a picture still gets a page; a fetch that goes on does not hold up the end."""
    images.mode = Mode.HANG
    app = start_app(IMAGE_URL=images.url)

    async def scene() -> httpx.Response:
        async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
            answer = asyncio.create_task(client.get(f"{app.url}/"))
            await asyncio.to_thread(wait_for, lambda: images.fetches)
            app.process.send_signal(signal.SIGTERM)
            return await answer

    page = read_page(asyncio.run(scene()).text)
    assert (page.status, page.access_count) == ("empty", 1)
    assert app.wait() == 0
    images.mode = Mode.OK
    app.start()
    assert app.cache()["access_count"] == 1


@pytest.mark.parametrize(
    "signals",
    [[signal.SIGINT], [signal.SIGTERM, signal.SIGTERM], [signal.SIGTERM, signal.SIGINT]],
)
def test_signals_that_mean_now(start_app: StartApp, signals: list[signal.Signals]) -> None:
    app = start_app(IMAGE_URL="sample:", DRAIN_SECONDS="60")
    app.view()
    begun = time.monotonic()
    for number in signals:
        app.process.send_signal(number)
        if number is signal.SIGTERM:
            wait_for(lambda: "SIGTERM" in app.log, what="the first one to be taken note of")
    assert app.wait() == 0
    assert time.monotonic() - begun < 40, "it drained"
    assert "everything is saved" in app.log


def test_sigterm_during_the_start(tmp_path: Path) -> None:
    """Process 1 of a container has no default handlers; it must end all the same."""
    server = AppServer(tmp_path / "cache", tmp_path / "log", {"IMAGE_URL": "sample:"})
    server.spawn(
        "-c",
        "import os, signal, todoapp.__main__ as m; "
        "m.read = lambda _: os.kill(os.getpid(), signal.SIGTERM); m.main()",
    )
    assert server.wait() == 0
    server.client.close()


def test_a_second_process_takes_over(start_app: StartApp, images: ImageService) -> None:
    """It may be there already while the first one drains."""
    old = start_app(IMAGE_URL=images.url, DRAIN_SECONDS="1")
    old.view()
    new = start_app(IMAGE_URL=images.url)
    old.process.send_signal(signal.SIGTERM)
    assert [new.view().access_count, old.view().access_count] == [2, 3]
    assert old.wait() == 0
    assert new.view().access_count == 4
    assert images.fetches == 1


@pytest.mark.parametrize(
    ("host", "reason"), [("127.0.0.1", "in use"), ("203.0.113.1", ""), ("host.invalid", "")]
)
def test_an_address_that_cannot_be(tmp_path: Path, host: str, reason: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = AppServer(tmp_path / "cache", tmp_path / "log", {"IMAGE_URL": "sample:"})
        server.env |= {"HOST": host, "PORT": str(taken.getsockname()[1])}
        server.spawn()
        assert server.wait() == 1
    server.client.close()
    [line] = server.log.splitlines()
    assert line.startswith(f"todoapp: cannot listen on HOST={host} PORT={server.env['PORT']}: ")
    assert reason in line


def test_debug_logs_requests(start_app: StartApp) -> None:
    app = start_app(IMAGE_URL="sample:", LOG_LEVEL="debug")
    app.view()
    wait_for(lambda: '"GET / HTTP/1.1" 200' in app.log, what="the request in the log")
