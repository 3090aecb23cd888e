"""Requests that go out from a pod: the program that runs there, and the way to it."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from todoctl.errors import UnavailableError
from todoctl.targets.kubernetes import ask, transport
from todoctl.targets.kubernetes.transport import PROGRAM, PodTransport


class Program:
    """The program as a process of this machine, and what a session in a pod does for it."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *PROGRAM[1:]], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self.process.stdin
        assert self.process.stdout
        self._input, self._output = self.process.stdin, self.process.stdout
        self._come = b""
        self.near = False

    def write(self, text: str) -> None:
        self._input.write(text.encode())
        self._input.flush()

    def receive(self, timeout: float) -> bool:
        assert timeout
        data = os.read(self._output.fileno(), 1000)  # lines come in parts
        self._come += data
        return bool(data)

    def take_line(self) -> str | None:
        line, end, rest = self._come.partition(b"\n")
        if not end:
            return None
        self._come = rest
        return line.decode()

    def fileno(self) -> int:
        return self._output.fileno()

    def is_near(self) -> bool:
        return False

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self._input.close()
        self._output.close()


class Site(BaseHTTPRequestHandler):
    """Answers with what it was asked; `/together` when three are there."""

    together = threading.Barrier(3)
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        if self.path == "/none":
            self.close_connection = True
            return
        if self.path == "/together":
            with suppress(threading.BrokenBarrierError):
                self.together.wait(10)
        length = int(self.headers.get("content-length", 0))
        asked = f"{self.command} {self.path} {self.headers.get('if-none-match')} ".encode()
        body = asked + self.rfile.read(length) + b"." * (200_000 if self.path == "/big" else 0)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"1"')
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_POST = do_HEAD = do_GET  # noqa: N815


@pytest.fixture(name="site")
def _site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(name="programs")
def _programs() -> list[Program]:
    return []


@pytest.fixture(name="http")
def _http(programs: list[Program]) -> Iterator[httpx.Client]:
    def begin() -> Program:
        programs.append(Program())
        return programs[-1]

    with httpx.Client(transport=PodTransport(begin), timeout=20.0) as found:  # type: ignore[arg-type]
        yield found


def test_requests_and_answers_are_whole(http: httpx.Client, site: str) -> None:
    answer = http.get(f"{site}/image?v=1", headers={"if-none-match": '"2"'})
    assert (answer.status_code, answer.headers["etag"]) == (200, '"1"')
    assert answer.content == b'GET /image?v=1 "2" '
    assert http.post(f"{site}/", content=b"\xff\x00").content == b"POST / None \xff\x00"
    assert http.head(f"{site}/").content == b""
    assert len(http.get(f"{site}/big").content) > 200_000


def test_a_line_is_answered_with_a_line(site: str, capsys: pytest.CaptureFixture[str]) -> None:
    host, _, port = site.removeprefix("http://").partition(":")
    asked = {"number": 7, "host": host, "port": int(port), "timeout": 20, "headers": [], "body": ""}
    for path, kind in (("/", "status"), ("/none", "error")):
        ask.work(json.dumps({**asked, "method": "GET", "path": path}))
        told = json.loads(capsys.readouterr().out)
        assert told["number"] == 7
        assert kind in told


def test_many_go_at_the_same_time(http: httpx.Client, site: str, programs: list[Program]) -> None:
    with ThreadPoolExecutor(3) as visitors:
        answers = list(visitors.map(http.get, [f"{site}/together"] * 3))
    assert [answer.status_code for answer in answers] == [200] * 3
    assert len(programs) == 1


def test_no_answer_is_what_a_visitor_here_would_get(http: httpx.Client, site: str) -> None:
    with pytest.raises(httpx.TransportError, match="closed connection without response"):
        http.get(f"{site}/none")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with pytest.raises(httpx.TransportError, match="refused"):
            http.get(f"http://127.0.0.1:{nobody.getsockname()[1]}/")


def test_a_way_that_is_lost_is_no_answer_of_the_app_and_is_made_again(
    http: httpx.Client, site: str, programs: list[Program]
) -> None:
    assert http.get(site).status_code == 200
    with ThreadPoolExecutor(1) as visitor:
        waiting = visitor.submit(http.get, f"{site}/together")
        while not Site.together.n_waiting:
            pass
        programs[0].process.kill()
        with pytest.raises(UnavailableError, match="The way into the cluster was lost"):
            waiting.result()
    Site.together.abort()
    Site.together.reset()
    assert http.get(site).status_code == 200
    assert len(programs) == 2


def test_what_does_not_come_back_is_lost(
    http: httpx.Client, site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "ANSWER_SECONDS", -19.9)
    with pytest.raises(UnavailableError, match="it does not answer"):
        http.get(f"{site}/together")
    Site.together.abort()
    Site.together.reset()
