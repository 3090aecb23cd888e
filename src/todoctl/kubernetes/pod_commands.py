"""Commands in a pod, as `kubectl exec` runs them, and connections to it."""

import socket
import threading
from typing import Any

from kubernetes import client, stream

from todoctl.errors import UnavailableError
from todoctl.kubernetes.answers import TIMEOUT, ask

Session = Any
"""A command that goes on in a pod: a `kubernetes.stream.ws_client.WSClient`."""


class PodCommands:
    """Commands in the first container of the pods of a namespace."""

    def __init__(self, configuration: Any, namespace: str) -> None:  # noqa: ANN401 - the library has no types
        # A client that is not itself for as long as a session is opened.
        self._core = client.CoreV1Api(client.ApiClient(configuration))
        self._opening = threading.Lock()
        self._namespace = namespace

    def begin(self, pod: str, *command: str, stdin: bool) -> Session:
        """Begins `command`, with `stdin` on what is written to it. See `end`."""
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
        found: socket.socket = way.socket(port)
        found.setblocking(True)
        return found

    def run(self, pod: str, *command: str) -> str:
        """Runs `command` to its end; returns what it printed. Raises `UnavailableError` where it fails."""
        session = self.begin(pod, *command, stdin=False)
        try:
            session.run_forever(timeout=TIMEOUT)
            output: str = session.read_stdout() + session.read_stderr()
            if session.is_open() or session.returncode:
                raise UnavailableError(f"'{command[0]}' failed in the pod {pod}", why=output[-300:])
        finally:
            end(session)
        return output


def end(session: Session) -> None:
    """Ends what `begin` has begun."""
    session.sock.shutdown()  # its `close` leaves the socket open where the server has ended it
