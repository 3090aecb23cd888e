"""todoctl's own pod: files and requests from inside, and the image service beside it."""

import base64
import inspect
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

from tests.todoctl.kube.kube import Kube
from todoctl.errors import UnavailableError
from todoctl.image_service.service import ResponseMode
from todoctl.kube import ask, helper_pod, image_pod
from todoctl.kube.client import Client
from todoctl.kube.helper_pod import HelperPod, PodFiles, PodTransport


class Program:
    """The program as a process of this machine, and what a session in a pod does for it."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-S", "-c", inspect.getsource(ask)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self.process.stdin
        assert self.process.stdout
        self._input, self._output = self.process.stdin, self.process.stdout
        self._come = b""

    def write(self, data: bytes) -> None:
        self._input.write(data)
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

    def is_buffered(self) -> bool:
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
        with pytest.raises(UnavailableError, match="The connection into the cluster was lost"):
            waiting.result()
    Site.together.abort()
    Site.together.reset()
    assert http.get(site).status_code == 200
    assert len(programs) == 2


def test_what_does_not_come_back_is_lost(
    http: httpx.Client, site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(helper_pod, "ANSWER_SECONDS", -19.9)
    with pytest.raises(UnavailableError, match="it does not answer"):
        http.get(f"{site}/together")
    Site.together.abort()
    Site.together.reset()


def test_an_answer_that_makes_no_sense_lets_nobody_wait(
    http: httpx.Client, site: str, programs: list[Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert http.get(site).status_code == 200
    monkeypatch.setattr(programs[0], "take_line", lambda: "{}")
    with pytest.raises(UnavailableError, match="The connection into the cluster was lost"):
        http.get(site)


# In the pod

AT = 1795520561932186601


def line(content: bytes) -> str:
    return json.dumps([["picture", len(content), AT, base64.b64encode(content).decode()]]) + "\n"


def test_one_program_in_the_pod_looks_again_and_again_and_another_one_if_it_ends(
    client: Client, kube: Kube
) -> None:
    contents = [b"", b"1", b"2" * 300_000]
    kube.lines = [line(content) for content in contents]
    kube.output = line(b"of another")
    files = PodFiles(client, "pod-1", "/cache")
    found = [files.read() for _ in range(4)]
    assert [[(one.name, one.content) for one in each] for each in found] == [
        [("picture", content)] for content in (*contents, b"of another")
    ]
    kube.lines, kube.output = [], "PermissionError"
    kube.ending = '{"status": "Failure", "details": {"causes": [{"message": "1"}]}}'
    with pytest.raises(UnavailableError, match=r"'python3' failed in the pod .*PermissionError"):
        files.read()


def test_the_pod_is_made_when_it_is_needed_and_is_todoctl_s_own(client: Client, kube: Kube) -> None:
    helper = HelperPod(client, "todo-app:1", pull_secrets=["it"], timeout=5.0)
    assert ("pods", "todoctl") not in kube.resources
    assert helper.require() == "todoctl"
    spec = kube.resources["pods", "todoctl"]["spec"]
    assert spec["imagePullSecrets"] == [{"name": "it"}]
    assert spec["containers"][0]["securityContext"]["allowPrivilegeEscalation"] is False
    kube.lines = ["5\n"]
    helper.put("/cache/it", b"12345")
    kube.lines = ["No space left\n"]
    with pytest.raises(
        UnavailableError, match=r"/cache/it cannot be written in the pod todoctl: No space left"
    ):
        helper.put("/cache/it", b"12345")
    helper.remove()
    assert ("pods", "todoctl") not in kube.resources
    kube.apply("pods", "todoctl", {"kind": "Pod", "metadata": {"name": "todoctl"}})
    with pytest.raises(UnavailableError, match="todoctl has not made it"):
        helper.require()
    helper.remove()
    assert ("pods", "todoctl") in kube.resources


def test_the_image_service_is_asked_over_a_forwarded_port(client: Client, kube: Kube) -> None:
    with image_pod.run_beside(client, "todo-app:1") as service:
        assert service.url.startswith("http://10.42.1.7:8000/")
        assert service.served() == []
        service.answer(ResponseMode.BUSY)
        assert kube.service
        assert kube.service.mode == "busy"
    assert ("pods", image_pod.NAME) not in kube.resources
