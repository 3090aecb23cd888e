"""Signals, the port, and visitors who leave."""

import asyncio
import signal
import socket
import threading
import time
from pathlib import Path

import httpx
import pytest

from tests.app_server import AppServer, read_page, wait_for
from tests.conftest import StartApp
from tests.image_service import ImageService, Mode


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
    app = start_app(IMAGE_URL=images.url, CACHE_TTL="0.3")
    wait_for(lambda: app.cache()["status"] == "expired", what="expiry")
    assert app.view().status == "grace"
    images.mode = Mode.HANG

    async def scene() -> httpx.Response:
        async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
            answer = asyncio.create_task(client.get(f"{app.url}/"))
            await asyncio.to_thread(wait_for, lambda: images.fetches == 2)
            app.process.send_signal(signal.SIGTERM)
            return await answer

    page = read_page(asyncio.run(scene()).text)
    assert (page.status, page.access_count) == ("stale", 2)
    assert app.wait() == 0
    images.mode = Mode.OK
    app.start()
    assert app.cache()["access_count"] == 2


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


def test_a_request_that_never_comes_whole_is_dropped(
    start_app: StartApp, images: ImageService, tmp_path: Path
) -> None:
    """Nor does one that comes half on a connection that has been used; what is answered meanwhile goes on."""
    program = "import sys, todoapp.__main__ as m; m.REQUEST_SECONDS = 0.5; sys.exit(m.main())"
    app = AppServer(tmp_path / "cache", tmp_path / "log", {"IMAGE_URL": images.url})
    app.start("-c", program)
    try:
        fresh = [socket.create_connection(("127.0.0.1", app.port), timeout=20) for _ in range(20)]
        for connection in fresh:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        used = socket.create_connection(("127.0.0.1", app.port), timeout=20)
        used.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert used.recv(4096).startswith(b"HTTP/1.1 200")
        used.sendall(b"GET /healthz HT")
        for connection in [*fresh, used]:
            while connection.recv(4096):
                pass
            connection.close()
        assert app.view().status in {"valid", "empty"}
    finally:
        app.close()
