"""The real app, `python -m todoapp`, as a process of its own on a random port."""

import contextlib
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx

T = TypeVar("T")

START_DEADLINE = 60.0
"""Seconds a start may take on a busy machine before a test gives up."""


_reserved: list[socket.socket] = []


def free_port() -> int:
    """A port of 127.0.0.1 outside the range that outgoing connections use; nobody else gets it.

    Tests run side by side. The socket that stays bound to it keeps off whoever looks for a free port
    in the same way, but not a server that is told to use this one and, as servers do, sets SO_REUSEADDR.
    """
    while True:
        port = random.randrange(10_000, 32_000)  # noqa: S311 - nothing is secret here
        probe = socket.socket()
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            probe.close()
            continue
        if sys.platform == "linux":  # elsewhere a bound socket keeps off everyone
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            _reserved.append(probe)
        else:
            probe.close()
        return port


def wait_for(fact: Callable[[], T | None], *, deadline: float = 30.0, what: str = "") -> T:
    """Ask for `fact` until it is truthy and return it; AssertionError after `deadline` seconds."""
    end = time.monotonic() + deadline
    while not (found := fact()):
        assert time.monotonic() < end, f"not within {deadline} s: {what or fact}"
        time.sleep(0.01)
    return found


@dataclass(frozen=True, kw_only=True)
class Page:
    """What one page said in its metadata box; times as in its `datetime` attributes."""

    status: str
    access_count: int
    image_access_count: int
    downloaded_at: str | None
    expires_at: str | None
    last_access_at: str | None
    words: str
    html: str


def read_page(html: str) -> Page:
    """Take a page apart as `docs/contract.md` writes its metadata box."""
    rows = dict(re.findall(r"<dt>(.*?)</dt>\s*<dd>(.*?)</dd>", html, re.DOTALL))

    def moment(label: str) -> str | None:
        found = re.search(r'datetime="([^"]+)"', rows[label])
        return found[1] if found else None

    status = re.search(r'id="metadata"[^>]*data-status="(\w+)"', html)
    assert status, html
    return Page(
        status=status[1],
        access_count=int(rows["Site Access count"]),
        image_access_count=int(rows["Image Access count"]),
        downloaded_at=moment("Image Download time"),
        expires_at=moment("Image Expiry time"),
        last_access_at=moment("Last Site Access"),
        words=re.sub(r"<[^>]*>", "", rows["Status"]).strip(),
        html=html,
    )


class AppServer:
    """One app process: `env` goes over this process's environment, `prefix` before the command."""

    def __init__(
        self, cache_dir: Path, log: Path, env: Mapping[str, str], prefix: Sequence[str] = ()
    ) -> None:
        self.cache_dir = cache_dir
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.env = {"CACHE_DIR": str(cache_dir), "DRAIN_SECONDS": "0", **env}
        self.client = httpx.Client(base_url=self.url, timeout=60, trust_env=False)
        self._log = log
        self._prefix = prefix
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The running process (or the last one that ran)."""
        assert self._process is not None, "not started"
        return self._process

    @property
    def log(self) -> str:
        """All that was written to standard output and error, over all starts."""
        return self._log.read_text()

    def spawn(self, *command: str) -> None:
        """Start the process (`command` instead of `-m todoapp`) and do not wait for anything."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._prefix, sys.executable, *(command or ("-m", "todoapp"))],
                env={**os.environ, "HOST": "127.0.0.1", "PORT": str(self.port), **self.env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def start(self, *command: str) -> Self:
        """Start the process and wait until it is ready."""
        self.spawn(*command)
        wait_for(self.ready, deadline=START_DEADLINE, what=f"readiness; log: {self._log}")
        return self

    def ready(self) -> bool:
        """Whether `/readyz` says 200; AssertionError with the log where the process has ended."""
        assert self.process.poll() is None, f"exited {self.process.returncode}: {self.log}"
        with contextlib.suppress(httpx.TransportError):
            return self.client.get("/readyz").status_code == 200
        return False

    def wait(self, deadline: float = 30.0) -> int:
        """Wait for the end of the process; its exit code, negative for a signal."""
        return self.process.wait(deadline)

    def stop(self) -> int:
        """Ask it to stop with SIGTERM and wait; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        """End it with SIGKILL."""
        self.process.kill()
        self.process.wait(30)

    def restart(self) -> None:
        """Stop it with SIGTERM and start it again with what is in `env` now."""
        assert self.stop() == 0, self.log
        self.client.close()
        self.client = httpx.Client(base_url=self.url, timeout=60, trust_env=False)
        self.start()

    def close(self) -> None:
        """Make sure that nothing of it is left running."""
        self.client.close()
        if self._process is not None and self._process.poll() is None:
            assert self.stop() == 0, f"did not stop with exit code 0: {self.log}"

    def view(self) -> Page:
        """View the page: one access."""
        answer = self.client.get("/")
        assert answer.status_code == 200, answer.text
        return read_page(answer.text)

    def view_valid(self) -> Page:
        """View the page until it shows a valid picture: on a busy machine a first fetch takes time."""
        return wait_for(lambda: page if (page := self.view()).status == "valid" else None, what="a picture")

    def image(self) -> bytes:
        """The picture's bytes."""
        answer = self.client.get("/image")
        assert answer.status_code == 200, answer.text
        return answer.content

    def cache(self) -> dict[str, Any]:
        """What `/api/cache` says."""
        answer = self.client.get("/api/cache")
        assert answer.status_code == 200, answer.text
        state: dict[str, Any] = answer.json()
        return state


@contextlib.contextmanager
def app_server(cache_dir: Path, log: Path, *, prefix: Sequence[str] = (), **env: str) -> Iterator[AppServer]:
    """An app that is running and ready, with `env` as its settings; stopped at the end."""
    server = AppServer(cache_dir, log, env, prefix)
    try:
        yield server.start()
    except BaseException:
        if server._process is not None and server._process.poll() is None:
            server.kill()
        raise
    finally:
        server.close()
