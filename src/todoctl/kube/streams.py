"""Commands in pods (`kubectl exec`), and connections to their ports (`kubectl port-forward`).

Both are WebSockets whose messages begin with the number of a channel.
https://kubernetes.io/docs/reference/using-api/api-concepts/ (v4.channel.k8s.io)
"""

import json
import select
import socket
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlencode, urlsplit

import websocket
from websocket import ABNF, WebSocketException

from todoctl.errors import CommandFailedError, UnavailableError
from todoctl.kube.kubeconfig import Access

if TYPE_CHECKING:
    from _typeshed import HasFileno

PROTOCOL = "v4.channel.k8s.io"
STDIN, STDOUT, STDERR, STATUS = range(4)
DATA, ERROR = 0, 1
CHUNK = 1 << 16

HALF_OPEN_SECONDS = 60.0
"""For the rest of an answer to somebody who has said that nothing more will be asked."""


def open_stream(access: Access, path: str, query: Sequence[tuple[str, str]], timeout: float) -> Any:  # noqa: ANN401
    """Returns a WebSocket of the API server; raises `WebSocketException` or `OSError`."""
    proxy, name = urlsplit(access.proxy or ""), access.server_name or urlsplit(access.server).hostname
    return websocket.create_connection(
        f"{access.server.replace('http', 'ws', 1)}{path}?{urlencode(query)}",
        timeout=timeout,
        header=[f"{name}: {value}" for name, value in access.headers.items()],
        subprotocols=[PROTOCOL],
        suppress_origin=True,
        sslopt={"context": access.tls, "server_hostname": name} if access.tls else {},
        proxy_type="http",
        http_proxy_host=proxy.hostname or "none",
        http_proxy_port=proxy.port or 80,
        http_proxy_auth=(unquote(proxy.username), unquote(proxy.password or "")) if proxy.username else None,
        http_no_proxy=["none"] if access.proxy else ["*"],  # without a list the environment is asked
    )


class Session:
    """A command that goes on. Methods raise `WebSocketException` or `OSError` when the connection is lost."""

    def __init__(self, stream: Any) -> None:  # noqa: ANN401 - the library has no types
        self._stream = stream
        self._output = bytearray()
        self.status = b""
        """How the command has ended, as the server says it (JSON)."""

    def write(self, data: bytes) -> None:
        """Sends `data` to the command's standard input."""
        self._stream.send(bytes([STDIN]) + data, ABNF.OPCODE_BINARY)

    def receive(self, timeout: float) -> bool:
        """Waits for the next message, which may be part of a line; False if the command has ended."""
        self._stream.settimeout(timeout)
        kind, frame = self._stream.recv_data_frame(control_frame=True)
        if kind in {ABNF.OPCODE_BINARY, ABNF.OPCODE_TEXT} and frame.data:
            channel = frame.data[0]
            if channel in {STDOUT, STDERR}:
                self._output += frame.data[1:]
            elif channel == STATUS:
                self.status += frame.data[1:]
        return bool(kind != ABNF.OPCODE_CLOSE)

    def take_line(self) -> str | None:
        """Returns the next line of the output, without its end; None if none has come whole."""
        end = self._output.find(b"\n")
        if end < 0:
            return None
        line = self._output[:end].decode(errors="replace")
        del self._output[: end + 1]
        return line

    def read_line(self, timeout: float) -> str:
        """Returns the next line of the output; empty if the command has ended.

        Raises `WebSocketTimeoutException` if nothing comes for `timeout` seconds.
        """
        while (line := self.take_line()) is None:
            if not self.receive(timeout):
                return ""
        return line

    def output(self) -> str:
        """Returns what has come and was not taken."""
        return self._output.decode(errors="replace")

    def fileno(self) -> int:
        """For `select`: readable when a message comes, unless it `is_buffered`."""
        return int(self._stream.sock.fileno())

    def is_buffered(self) -> bool:
        """Whether a message has been decrypted together with the last one, which `select` cannot see."""
        return _is_buffered(self._stream)

    def end(self) -> None:
        """Ends it."""
        self._stream.shutdown()


def run_to_end(session: Session, pod: str, command: tuple[str, ...], seconds: float) -> str:
    """Returns what `command` prints until it ends.

    Raises `CommandFailedError` if it fails, and `UnavailableError` if nobody knows what has become of it: the
    connection was lost, or the command takes longer than `seconds`.
    """
    end = time.monotonic() + seconds
    try:
        while session.receive(max(end - time.monotonic(), 0.01)):
            pass
    except (WebSocketException, OSError) as error:
        raise _lost(command[0], pod, str(error) or type(error).__name__) from None
    finally:
        session.end()
    code = _exit_code(session.status)
    if code is None:
        raise _lost(command[0], pod, session.output()[-300:])
    if code:
        what = f"'{command[0]}' failed in the pod {pod}"
        raise CommandFailedError(what, why=session.output()[-300:], exit_code=code)
    return session.output()


def _exit_code(status: bytes) -> int | None:
    """From what the server says at the end of a command; None if the command has not ended by itself."""
    try:
        said = json.loads(status)
        return 0 if said["status"] == "Success" else int(said["details"]["causes"][0]["message"])
    except (ValueError, KeyError, TypeError, IndexError):
        return None


def _lost(command: str, pod: str, why: str) -> UnavailableError:
    return UnavailableError(
        f"The connection was lost while '{command}' ran in the pod {pod}",
        why=why,
        fix="Run the command again",
    )


def forward(stream: Any, local: socket.socket) -> None:  # noqa: ANN401, C901 - two directions
    """Leads `local` on to the port that `stream` was opened for, until both directions have ended."""
    greeted: set[int] = set()  # the first message of a channel is the port's number
    sources: list[HasFileno] = [stream.sock, local]
    with suppress(OSError, WebSocketException):
        while True:
            if not _is_buffered(stream):
                readable, _, _ = select.select(
                    sources, [], [], None if local in sources else HALF_OPEN_SECONDS
                )
                if not readable:
                    break
                if local in readable:
                    if data := local.recv(CHUNK):
                        stream.send(bytes([DATA]) + data, ABNF.OPCODE_BINARY)
                    else:
                        sources.remove(local)  # it may still wait for the answer
                if stream.sock not in readable:
                    continue
            kind, frame = stream.recv_data_frame(control_frame=True)
            if kind == ABNF.OPCODE_CLOSE:
                break
            if kind != ABNF.OPCODE_BINARY or not frame.data:
                continue
            channel = frame.data[0]
            if channel not in greeted:
                greeted.add(channel)
            elif channel == ERROR:
                break
            else:
                local.sendall(frame.data[1:])
    stream.shutdown()


def _is_buffered(stream: Any) -> bool:  # noqa: ANN401
    return isinstance(stream.sock, ssl.SSLSocket) and stream.sock.pending() > 0
