"""Docker is reached where the docker command reaches it; whatever is wrong with it is said in one line."""

import hashlib
import json
import os
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import docker.errors
import pytest
import requests.exceptions

from tests.todoctl.told import away
from todoctl.errors import UnavailableError
from todoctl.images import engine

JSON = dict[str, Any]


class Daemon(BaseHTTPRequestHandler):
    """An engine that answers to a ping."""

    def do_GET(self) -> None:
        body = b'{"ApiVersion": "1.43", "Version": "24"}' if "version" in self.path else b"OK"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "a socket"

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(name="socket")
def _socket(tmp_path: Path) -> Iterator[str]:
    path = str(tmp_path / "d.sock")
    with socketserver.ThreadingUnixStreamServer(path, Daemon) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"unix://{path}"
        server.shutdown()


@pytest.fixture(name="docker_home", autouse=True)
def _docker_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("DOCKER_")]:
        monkeypatch.delenv(name)
    home = tmp_path / "docker"
    monkeypatch.setenv("DOCKER_CONFIG", str(home))
    home.mkdir()
    return home


def add_context(home: Path, name: str, content: JSON | str) -> None:
    """As `docker context create` writes it."""
    directory = home / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest()
    directory.mkdir(parents=True)
    text = content if isinstance(content, str) else json.dumps(content)
    (directory / "meta.json").write_text(text)


def context(name: str, host: str) -> JSON:
    return {"Name": name, "Metadata": {}, "Endpoints": {"docker": {"Host": host, "SkipTLSVerify": False}}}


@pytest.mark.parametrize("by", ["DOCKER_HOST", "DOCKER_CONTEXT", "config.json"])
def test_where_the_docker_command_goes(
    by: str, socket: str, docker_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_context(docker_home, "mine", context("mine", socket))
    (docker_home / "config.json").write_text('{"currentContext": "mine"}' if by == "config.json" else "{}")
    if by != "config.json":
        monkeypatch.setenv(by, socket if by == "DOCKER_HOST" else "mine")
    with away():
        engine.connect(timeout=5).close()  # it has answered


@pytest.mark.parametrize(
    ("environment", "config", "meta", "what"),
    [
        ({"DOCKER_CONTEXT": "gone"}, "{}", None, "The Docker context gone is not found"),
        ({}, '{"currentContext": "gone"}', None, "The Docker context that is the current one is not found"),
        ({"DOCKER_CONTEXT": "mine"}, "{}", "cut off: {", "Docker does not answer"),
        ({"DOCKER_CONTEXT": "mine"}, "{}", context("mine", "unix:///gone.sock"), "answer: No such"),
        ({"DOCKER_HOST": "unix:///gone.sock"}, "not JSON", None, "unix:///gone.sock: No such file"),
        ({"DOCKER_HOST": "tcp://127.0.0.1:1"}, "{}", None, "tcp://127.0.0.1:1: Connection refused"),
        ({"DOCKER_HOST": "nonsense"}, "{}", None, "Docker does not answer"),
        ({"DOCKER_HOST": "ssh://me@nowhere.invalid"}, "{}", None, "Docker does not answer"),
        ({"DOCKER_HOST": "tcp://127.0.0.1:1", "DOCKER_TLS_VERIFY": "1"}, "{}", None, "does not answer"),
        ({"DOCKER_HOST": "tcp://127.0.0.1:1", "ALL_PROXY": "foo://bar"}, "{}", None, "does not answer"),
    ],
)
def test_one_that_cannot_be_used_is_said_in_one_line(
    environment: dict[str, str],
    config: str,
    meta: JSON | str | None,
    what: str,
    docker_home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (docker_home / "config.json").write_text(config)
    if meta is not None:
        add_context(docker_home, "mine", meta)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with away():
        said = _said()
    assert what in said
    assert "\n" not in said


def _said() -> str:
    """What connecting says; its error, which holds on to an open socket, goes."""
    try:
        engine.connect(timeout=2)
    except UnavailableError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    "error",
    [
        docker.errors.APIError("500 Server Error", explanation="layer\ndoes not exist"),
        requests.exceptions.ReadTimeout("Read timed out. (read timeout=2)"),
        json.JSONDecodeError("no JSON", "", 0),
        ConnectionResetError(104, "Connection reset by peer"),
    ],
)
def test_whatever_goes_wrong_later_is_one_line_too(error: Exception) -> None:
    with pytest.raises(UnavailableError, match="Docker has not done what it was asked for: ") as failed:
        with engine.translated():
            raise error
    assert "\n" not in str(failed.value)
