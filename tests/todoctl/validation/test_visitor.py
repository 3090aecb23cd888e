"""Visitors, and the commands that they tell of: curl, run by hand, sends what they have sent."""

import shlex
import shutil
import socket
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import httpx
import msgspec
import pytest

from tests.app_server import app_server
from tests.todoctl.validation import histories
from todoctl.commands import Commands
from todoctl.evidence.history import History, Role
from todoctl.targets.endpoint import Entrance
from todoctl.validation.contract import PROBES
from todoctl.validation.visitor import Visitors, streaming

pytestmark = pytest.mark.live

Sent = tuple[str, str, str | None, bytes]
"""Method, path, If-None-Match, body."""


class Site:
    """An HTTP server that notes what comes."""

    def __init__(self) -> None:
        self.seen: list[Sent] = []
        self.chunked = False
        site = self

        class Handler(BaseHTTPRequestHandler):
            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline(65537)
                if self.parse_request():
                    site.chunked = self.headers.get("Transfer-Encoding") == "chunked"
                    body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                    while site.chunked and (size := int(self.rfile.readline(), 16)):
                        body += self.rfile.read(size + 2)[:-2]
                    site.seen.append((self.command, self.path, self.headers.get("If-None-Match"), body))
                    self.send_response(200)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                self.close_connection = True

            def log_message(self, *_: object) -> None:
                """Nothing on the screen."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def take(self) -> list[Sent]:
        seen, self.seen = self.seen, []
        return seen


@pytest.fixture(name="site")
def _site() -> Iterator[Site]:
    site = Site()
    yield site
    site.server.shutdown()
    site.server.server_close()


@pytest.fixture(name="lines")
def _lines() -> list[str]:
    return []


@pytest.fixture(name="visitors")
def _visitors(site: Site, lines: list[str]) -> Iterator[Visitors]:
    made = histories.Script().history
    history = History(
        facts=msgspec.structs.replace(made.facts, url=site.url.replace("127.0.0.1", "localhost"))
    )
    visitors = Visitors(Entrance(url=site.url, words="directly"), history, Commands(lines.append))
    yield visitors
    visitors.close()


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here")
@pytest.mark.parametrize("name", PROBES)
def test_curl_sends_the_same(name: str, site: Site, visitors: Visitors, lines: list[str]) -> None:
    visitors.probe(name, ("if-none-match", '"it\'s"'))
    sent = site.take()
    if "long" in name or "large" in name:
        assert not lines, "nobody would type that"
        return
    (line,) = lines
    subprocess.run([*shlex.split(line), "--silent", "--noproxy", "*"], check=True, capture_output=True)
    assert site.take() == sent
    assert "http://localhost:" in line


def test_a_browser_stays_on_its_connection(tmp_path: Path) -> None:
    with app_server(tmp_path / "cache", tmp_path / "log", IMAGE_URL="sample:") as app:
        visitors = Visitors(Entrance(url=app.url, words="directly"), histories.Script().history)
        opened: list[object] = []
        connect = socket.create_connection

        def counted(*given: object, **more: object) -> socket.socket:
            opened.append(given)
            return connect(*given, **more)  # type: ignore[arg-type]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(socket, "create_connection", counted)
            with visitors.staying():
                for _ in range(3):
                    visitors.probe("GET /healthz")
            assert len(opened) == 1
            for _ in range(3):
                visitors.probe("GET /healthz")
            assert len(opened) == 4
        visitors.close()


@pytest.mark.parametrize("name", ["a body", "a body of unknown length"])
def test_a_body_is_sent_with_its_length_or_without(name: str, site: Site, visitors: Visitors) -> None:
    visitors.probe(name)
    (sent,) = site.take()
    assert sent[3] == b"body"
    assert site.chunked == (name != "a body")


def test_a_probe_can_be_of_another_address(site: Site, visitors: Visitors) -> None:
    request = visitors.probe("the page's style", path="/static/other.css")
    assert [sent[1] for sent in site.take()] == [request.url] == ["/static/other.css"]


def test_looks_are_not_told_and_a_picture_goes_into_a_file(visitors: Visitors, lines: list[str]) -> None:
    visitors.ask(Role.CACHE, "GET", "/api/cache")
    visitors.picture("/image?v=1", 1)
    (line,) = lines
    assert line == f"curl --output picture.jpg {visitors._history.facts.url}/image"


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here")
def test_a_crowd_is_one_command(site: Site, visitors: Visitors, lines: list[str], tmp_path: Path) -> None:
    visitors.crowd(5)
    sent = site.take()
    (line,) = lines
    environment = {"no_proxy": "*", "PATH": "/usr/bin:/bin"}
    subprocess.run(["/bin/sh", "-c", line], check=True, cwd=tmp_path, env=environment)
    assert site.take() == sent
    assert len(sent) == 5


def test_a_crowd_goes_by_the_way_that_all_go(site: Site) -> None:
    visitors = Visitors(
        Entrance(url=site.url, words="from inside", transport=httpx.HTTPTransport()),
        histories.Script().history,
    )
    visitors.crowd(5)
    visitors.close()
    assert len(site.take()) == 5


def test_those_of_a_crowd_are_sent_to_each_server_in_turn(site: Site, visitors: Visitors) -> None:
    visitors.servers = [site.url, f"{site.url.replace('127.0.0.1', 'localhost')}/"]
    seen = visitors.crowd(4)
    assert len(site.take()) == 4
    assert sorted(request.server for request in seen) == ["", "", *[f"localhost:{site.port}"] * 2]
    assert len({request.visit for request in seen}) == 4
    assert {request.crowd for request in seen} == {seen[0].crowd}


def test_another_address_is_named_as_it_is(site: Site, visitors: Visitors, lines: list[str]) -> None:
    visitors.servers = [f"{site.url}/"]
    visitors.view()
    assert lines == [f"curl {site.url}/"]


def test_a_picture_from_elsewhere_is_asked_of_the_app(site: Site, visitors: Visitors) -> None:
    """A visitor's browser would go there; we stay with the app."""
    for source in (
        "https://example.org/cat.jpg",
        "//example.org/cat.jpg",
        f"{site.url}/image?v=2",
        "image?v=3",
    ):
        visitors.picture(source, 1)
    assert [path for _, path, _, _ in site.take()] == ["/image", "/image", "/image?v=2", "/image?v=3"]


def test_several_servers_are_asked_in_turn(site: Site, visitors: Visitors) -> None:
    other = Site()
    try:
        visitors.servers = [site.url, other.url]
        asked = [visitors.view() for _ in range(4)]
        assert [len(site.take()), len(other.take())] == [2, 2]
        assert [request.server for request in asked] == ["", other.url.removeprefix("http://")] * 2
    finally:
        other.server.shutdown()
        other.server.server_close()


def test_that_there_is_no_answer_is_written_down(site: Site, visitors: Visitors) -> None:
    site.server.shutdown()
    site.server.server_close()
    request = visitors.view()
    assert request.answer is None
    assert "refused" in request.error


@pytest.mark.parametrize("running", [True, False])
def test_page_views_go_on_until_the_end_of_the_block(running: bool) -> None:
    """Of a site that changes, where that leaves no gap."""
    viewed = Event()
    with streaming(viewed.set, running=running):
        assert viewed.wait(10 if running else 0.2) == running
    viewed.clear()
    assert not viewed.wait(0.2)
