"""Debian's docker-registry, on a port of its own of this machine; Docker talks HTTP to such."""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.app_server import free_port, wait_for
from tests.e2e.conftest import run

USER, PASSWORD = "todoctl", "secret"
HTPASSWD = f"{USER}:$2b$05$CqeprnZ4JjY4gQoyu6Na5OY1jk4hHc7IKK/fBCeRf8K3X5WKOOgDy\n"
"""That password, as bcrypt has it."""


@contextmanager
def registry(directory: Path, *, login: bool = False, address: str = "127.0.0.1") -> Iterator[int]:
    """Its port; what is pushed is kept in `directory`. With `login` it knows one user alone."""
    program = shutil.which("docker-registry")
    assert program, "install it: apt-get install docker-registry"
    port = free_port()
    settings = {
        "version": "0.1",
        "storage": {"filesystem": {"rootdirectory": str(directory / "registry")}},
        "http": {"addr": f"{address}:{port}"},
    }
    if login:
        (directory / "htpasswd").write_text(HTPASSWD)
        settings["auth"] = {"htpasswd": {"realm": "todoctl", "path": str(directory / "htpasswd")}}
    (directory / "registry.json").write_text(json.dumps(settings))
    with subprocess.Popen(
        [program, "serve", str(directory / "registry.json")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            wait_for(lambda: answers(port), deadline=60)
            yield port
        finally:
            process.terminate()


def docker_config(port: int) -> str:
    """What `docker login` keeps, and what is in a pull secret."""
    key = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    return json.dumps({"auths": {f"localhost:{port}": {"auth": key}}})


def answers(port: int) -> bool:
    try:
        code = httpx.get(f"http://127.0.0.1:{port}/v2/", trust_env=False).status_code
    except httpx.HTTPError:
        return False
    return code in {httpx.codes.OK, httpx.codes.UNAUTHORIZED}


def push(source: str, name: str, size: int, directory: Path) -> None:
    """Pushes `source` with two more layers of `size` bytes that are nowhere else."""
    directory.mkdir()
    for layer in ("one", "two"):
        (directory / layer).write_bytes(os.urandom(size))
    (directory / "Dockerfile").write_text(f"FROM {source}\nCOPY one /one\nCOPY two /two\n")
    run("docker", "build", "-q", "-t", name, str(directory))
    run("docker", "push", "-q", name)
    run("docker", "rmi", name)
