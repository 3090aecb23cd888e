"""Processes that todoctl made, ports, and who holds them."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.app_server import wait_for
from todoctl import process
from todoctl.errors import UnavailableError


@pytest.fixture(name="listener")
def _listener() -> Iterator[int]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


def test_a_taken_port_names_its_holder(listener: int) -> None:
    with pytest.raises(UnavailableError) as caught:
        process.check_port_free(listener)
    assert f"Port {listener} is taken" in str(caught.value)
    assert f"(pid {os.getpid()}) listens there" in str(caught.value)
    assert "--port" in str(caught.value)


def test_a_holder_that_may_not_be_known_is_another_program(
    listener: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(**_: str) -> None:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil, "net_connections", denied)
    assert process.holder(listener) == "another program listens there"


def test_the_ipv6_loopback_counts_as_well() -> None:
    with socket.socket(socket.AF_INET6) as listening:
        listening.bind(("::1", 0))
        listening.listen()
        with pytest.raises(UnavailableError, match="is taken"):
            process.check_port_free(listening.getsockname()[1])


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            PermissionError(13, "Permission denied"),
            "may not be used: Permission denied. Choose one above 1023",
        ),
        (OSError(99, "Cannot assign requested address"), "cannot be used: Cannot assign"),
    ],
)
def test_a_port_that_cannot_be_bound_is_an_error(
    error: OSError, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Refusing(socket.socket):
        def bind(self, address: object) -> None:
            raise error

    monkeypatch.setattr(socket, "socket", Refusing)
    with pytest.raises(UnavailableError, match=message):
        process.check_port_free(80)


def test_no_ipv6_is_no_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    class OnlyIPv4(socket.socket):
        def bind(self, address: tuple[str, int]) -> None:  # type: ignore[override]
            if self.family == socket.AF_INET6:
                raise OSError(99, "Cannot assign requested address")
            super().bind((address[0], 0))

    monkeypatch.setattr(socket, "socket", OnlyIPv4)
    process.check_port_free(80)


def test_only_what_carries_the_mark_is_found(tmp_path: Path) -> None:
    """A process with the same command line, but of another directory or by hand, is not ours."""
    (tmp_path / "todoapp.py").write_text("import signal\nsignal.pause()\n")
    command = [sys.executable, "-m", "todoapp"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONSAFEPATH": ""}
    marks: tuple[dict[str, str], ...] = (
        {process.MARK: str(tmp_path)},
        {process.MARK: str(tmp_path / "other")},
        {},
    )
    running = [subprocess.Popen(command, cwd=tmp_path, env={**environment, **mark}) for mark in marks]
    try:
        found = wait_for(lambda: process.find(tmp_path), what="the marked process")
        assert [item.pid for item in found] == [running[0].pid]
        process.stop(found)
        assert process.find(tmp_path) == []
        assert running[1].poll() is None
        assert running[2].poll() is None
        process.stop(found)  # twice is fine
    finally:
        for child in running:
            child.kill()
            child.wait()


def test_what_does_not_listen_to_sigterm_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "STOP_SECONDS", 0.5)
    code = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); signal.pause()"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as child:
        assert child.stdout
        child.stdout.readline()
        process.stop([psutil.Process(child.pid)])
        child.wait(10)


def test_what_survives_even_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "STOP_SECONDS", 0.1)
    monkeypatch.setattr(psutil.Process, "send_signal", lambda *_: None)
    with pytest.raises(UnavailableError, match=f"pid {os.getpid()}. does not end, not even killed"):
        process.stop([psutil.Process()])
