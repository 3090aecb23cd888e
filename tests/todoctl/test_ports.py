"""Ports of this machine, and who holds them."""

import os
import socket
from collections.abc import Callable, Iterator

import psutil
import pytest

from todoctl import ports
from todoctl.errors import UnavailableError


@pytest.fixture(name="listener")
def _listener() -> Iterator[int]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


def test_a_taken_port_names_its_holder(listener: int) -> None:
    with pytest.raises(UnavailableError) as caught:
        ports.check_free(listener)
    assert f"Port {listener} is taken" in str(caught.value)
    assert f"(pid {os.getpid()}) listens there" in str(caught.value)
    assert "--port" in str(caught.value)


def test_a_holder_that_may_not_be_known_is_another_program(
    listener: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(**_: str) -> None:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil, "net_connections", denied)
    with pytest.raises(UnavailableError, match="is taken: another program listens there"):
        ports.check_free(listener)


def test_the_ipv6_loopback_counts_as_well() -> None:
    with socket.socket(socket.AF_INET6) as listening:
        listening.bind(("::1", 0))
        listening.listen()
        with pytest.raises(UnavailableError, match="is taken"):
            ports.check_free(listening.getsockname()[1])


NOT_HERE = OSError(99, "Cannot assign requested address")


def binding(monkeypatch: pytest.MonkeyPatch, bind: Callable[[socket.socket, tuple[str, int]], None]) -> None:
    """Lets sockets be bound as `bind` does it."""
    monkeypatch.setattr(socket, "socket", type("Socket", (socket.socket,), {"bind": bind}))


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (PermissionError(13, "Permission denied"), "Permission denied. Choose another one, above 1023"),
        (NOT_HERE, "Cannot assign"),
    ],
)
def test_a_port_that_cannot_be_bound_is_an_error(
    error: OSError, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise error

    binding(monkeypatch, refuse)
    with pytest.raises(UnavailableError, match=f"cannot be used: {message}"):
        ports.check_free(80)


def test_a_program_that_listens_everywhere_is_found_by_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """On macOS the bind would succeed beside it."""
    bind = socket.socket.bind
    with socket.socket() as listening:
        listening.bind(("0.0.0.0", 0))
        listening.listen()
        binding(monkeypatch, lambda one, address: bind(one, (address[0], 0)))
        with pytest.raises(UnavailableError, match="is taken"):
            ports.check_free(listening.getsockname()[1])


def test_no_ipv6_is_no_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(one: socket.socket, _: object) -> None:
        if one.family == socket.AF_INET6:
            raise NOT_HERE

    binding(monkeypatch, refuse)
    monkeypatch.setattr(socket.socket, "listen", lambda _: None)
    ports.check_free(80)


def test_a_free_port_can_be_used() -> None:
    ports.check_free(ports.find_free())
