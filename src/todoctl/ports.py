"""Ports of this machine: which is free, and who holds it if not."""

import errno
import random
import socket
from contextlib import suppress

from todoctl.errors import UnavailableError
from todoctl.settings import LOOPBACK

CONNECT_SECONDS = 1.0


def check_free(port: int) -> None:
    """Raises `UnavailableError`, naming the holder if that can be known, if `port` is taken.

    Both loopback addresses count: a browser that is sent to `localhost` may try `::1` first.
    """
    for family, address in ((socket.AF_INET, LOOPBACK), (socket.AF_INET6, "::1")):
        try:
            # macOS lets a program bind one address of a port while another one listens at all of them.
            with suppress(OSError), socket.create_connection((address, port), CONNECT_SECONDS):
                raise _taken(port)
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((address, port))
                probe.listen()
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise _taken(port) from None
            if family == socket.AF_INET or error.errno == errno.EACCES:  # there may be no IPv6
                fix = "Choose another one, above 1023, with --port"
                raise UnavailableError(
                    f"Port {port} cannot be used", why=error.strerror or "", fix=fix
                ) from None


def _taken(port: int) -> UnavailableError:
    fix = "End that program, or choose another port with --port"
    return UnavailableError(f"Port {port} is taken", why=_holder(port), fix=fix)


def find_free() -> int:
    """Returns a free port of the loopback address, outside the range that outgoing connections use.

    One from that range may be a connection's own until it is bound.
    """
    while True:
        port = random.randrange(20_000, 32_000)  # noqa: S311 - nothing is secret here
        with socket.socket() as probe, suppress(OSError):
            probe.bind((LOOPBACK, port))
            return port


def _holder(port: int) -> str:
    """Returns who listens on `port`, as far as this user may know."""
    import psutil

    try:
        pids = {
            connection.pid
            for connection in psutil.net_connections(kind="tcp")
            if connection.status == psutil.CONN_LISTEN and connection.laddr[1:2] == (port,) and connection.pid
        }
        names = [f"{psutil.Process(pid).name()} (pid {pid})" for pid in sorted(pids)]
    except psutil.Error:
        names = []
    return f"{' and '.join(names)} listens there" if names else "another program listens there"
