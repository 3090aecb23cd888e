"""Commands in a pod, as `kubectl exec` runs them, and connections to it."""

import json
import socket
import threading
import weakref
from typing import Any

from kubernetes import client, stream
from websocket import ABNF, WebSocketException

from todoctl.errors import UnavailableError
from todoctl.kube.answers import TIMEOUT, ask

STDIN, STDOUT, ENDING = 0, 1, 3
"""Channels: the first byte of each message.
https://kubernetes.io/docs/reference/using-api/api-concepts/ (v4.channel.k8s.io)
"""


class CommandFailedError(UnavailableError):
    """A command has come to its end, with another exit code than 0."""

    def __init__(self, what: str, *, why: str, exit_code: int) -> None:
        super().__init__(what, why=why, fix="See 'todoctl logs', and run the command again")
        self.exit_code = exit_code


class Session:
    """A command that goes on. Methods raise `WebSocketException` or `OSError` where the connection is gone.

    What has come is read from the connection itself: `WSClient` looks for news below the encryption, and
    misses what has been decrypted already together with something else.
    """

    def __init__(self, going: Any) -> None:  # noqa: ANN401 - the library has no types
        self._socket = going.sock
        self._come = bytearray()
        self._looked = 0

    def write(self, text: str) -> None:
        """Sends `text` to the command's standard input."""
        self._socket.send(bytes([STDIN]) + text.encode(), ABNF.OPCODE_BINARY)

    def read_line(self, timeout: float) -> str:
        """The next line of its standard output, without the line end; nothing where the command has ended.

        Raises `WebSocketTimeoutException` where nothing comes for `timeout` seconds.
        """
        while (line := self.take_line()) is None:
            if not self.receive(timeout):
                return ""
        return line

    def receive(self, timeout: float) -> bool:
        """Waits for the next message, which may be part of a line; False where the command has ended."""
        self._socket.settimeout(timeout)
        kind, frame = self._socket.recv_data_frame(control_frame=True)
        if kind in {ABNF.OPCODE_BINARY, ABNF.OPCODE_TEXT} and frame.data[:1] == bytes([STDOUT]):
            self._come += frame.data[1:]
        return bool(kind != ABNF.OPCODE_CLOSE)

    def take_line(self) -> str | None:
        """As `read_line`, of what has come; None where that is no whole line."""
        end = self._come.find(b"\n", self._looked)
        if end < 0:
            self._looked = len(self._come)
            return None
        line = self._come[:end].decode(errors="replace")
        del self._come[: end + 1]
        self._looked = 0
        return line

    def fileno(self) -> int:
        """For `select`: readable where a message comes, unless it `is_near`."""
        return int(self._socket.sock.fileno())

    def is_near(self) -> bool:
        """Whether a message has been decrypted together with the last one."""
        return bool(getattr(self._socket.sock, "pending", int)())

    def end(self) -> None:
        """Ends it."""
        self._socket.shutdown()  # its `close` leaves the socket open where the server has ended it


class PodCommands:
    """Commands in the first container of the pods of a namespace."""

    def __init__(self, configuration: Any, namespace: str) -> None:  # noqa: ANN401 - the library has no types
        # A client that is not itself for as long as a session is opened.
        self._core = client.CoreV1Api(client.ApiClient(configuration))
        self._opening = threading.Lock()
        self._namespace = namespace

    def begin(self, pod: str, *command: str) -> Session:
        """Begins `command`, which goes on with what is written to it."""
        return Session(self._begin(pod, *command, stdin=True))

    def connect(self, pod: str, port: int) -> socket.socket:
        """A connection to a port of a pod, as `kubectl port-forward` makes it."""
        with self._opening:
            way = ask(
                lambda: stream.portforward(
                    self._core.connect_get_namespaced_pod_portforward,
                    pod,
                    self._namespace,
                    ports=str(port),
                    _request_timeout=TIMEOUT,
                )
            )
        weakref.finalize(way, way.websocket.shutdown)  # the library leaves it open where the server ends it
        found: socket.socket = way.socket(port)
        found.setblocking(True)
        return found

    def run(self, pod: str, *command: str) -> str:
        """Runs `command` to its end; returns what it printed.

        Raises `CommandFailedError` where it fails, and `UnavailableError` where nobody knows what has become
        of it: the connection was lost, or has been silent for too long.
        """
        running = self._begin(pod, *command, stdin=False)
        try:
            running.run_forever(timeout=TIMEOUT)
            output: str = running.read_stdout() + running.read_stderr()
            code = None if running.is_open() else _exit_code(running.read_channel(ENDING))
        except (WebSocketException, OSError) as error:
            raise _lost(command[0], pod, str(error) or type(error).__name__) from None
        finally:
            running.sock.shutdown()
        if code is None:
            raise _lost(command[0], pod, output[-300:])
        if code:
            what = f"'{command[0]}' failed in the pod {pod}"
            raise CommandFailedError(what, why=output[-300:], exit_code=code)
        return output

    def _begin(self, pod: str, *command: str, stdin: bool) -> Any:  # noqa: ANN401 - a `WSClient`
        with self._opening:
            return ask(
                lambda: stream.stream(
                    self._core.connect_get_namespaced_pod_exec,
                    pod,
                    self._namespace,
                    command=list(command),
                    stdin=stdin,
                    stdout=True,
                    stderr=True,
                    _preload_content=False,
                    _request_timeout=TIMEOUT,
                )
            )


def _exit_code(ending: str) -> int | None:
    """From what the server says at the end of a command; None where the command has not ended by itself."""
    try:
        status = json.loads(ending)
        return 0 if status["status"] == "Success" else int(status["details"]["causes"][0]["message"])
    except (ValueError, KeyError, TypeError, IndexError):
        return None


def _lost(command: str, pod: str, why: str) -> UnavailableError:
    return UnavailableError(
        f"The connection was lost while '{command}' ran in the pod {pod}",
        why=why,
        fix="Run the command again",
    )
