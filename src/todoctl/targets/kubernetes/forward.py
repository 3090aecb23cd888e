"""The page's port on this machine, led on to the app's pods: `python -m todoctl.targets.kubernetes.forward`.

Each connection goes to a pod that is ready when it is made, so that the next one finds the next pod. It runs
in the background like the local target's app, is found and ended like that, and needs no kubectl.
"""

import os
import select
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from todoctl.errors import TodoctlError, UnavailableError
from todoctl.kube.api import Api
from todoctl.kube.waiting import pods
from todoctl.targets.local import process

if TYPE_CHECKING:
    import subprocess

MODULE = "todoctl.targets.kubernetes.forward"
LOG = "forward.log"
CONTAINER_PORT = 3000
CHUNK = 1 << 16

KNOWN_SECONDS = 0.2
"""How long a pod that was ready counts as ready."""


class Forwarder:
    """The process that leads a port on for what is up in `directory`; it outlives the one that began it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._child: subprocess.Popen[bytes] | None = None

    def leads(self, port: int) -> bool:
        return process.runs_on(self._directory, port, MODULE)

    def start(self, context: str, namespace: str, port: int) -> None:
        """Begins to lead `port` on; one that already does goes on, one that leads another port ends."""
        if self.leads(port):
            return
        self.stop()
        environment = {"TODOCTL_CONTEXT": context, "TODOCTL_NAMESPACE": namespace, "PORT": str(port)}
        if named := os.environ.get("KUBECONFIG"):  # it runs in another directory than the user
            paths = [str(Path(path).absolute()) for path in named.split(os.pathsep) if path]
            environment["KUBECONFIG"] = os.pathsep.join(paths)
        self._child = process.spawn(self._directory, environment, self._directory / LOG, MODULE)

    def check(self) -> None:
        """Raises `TodoctlError` with its last line where it has ended by itself."""
        if self._child is not None and self._child.poll() is not None:
            log = self._directory / LOG
            lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
            why = next((line for line in reversed(lines) if line), "its log is empty")
            raise TodoctlError("The port-forward process has exited", why=why, fix=f"See {log}")

    def stop(self) -> None:
        """Ends it; our own child is buried, also where it has ended by itself and so is not found."""
        process.kill(process.find(self._directory, MODULE))
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            self._child = None


class Server(socketserver.ThreadingTCPServer):
    """Listens on the loopback interface."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, port: int, api: Api) -> None:
        super().__init__(("127.0.0.1", port), Connection)
        self.api = api
        self._looking = threading.Lock()
        self._pod, self._until = "", 0.0

    def pod(self) -> str:
        """The newest pod that is ready, for connections that come together; raises where there is none."""
        with self._looking:
            if time.monotonic() > self._until:
                ready = [pod for pod in self.api.pods() if pods.is_standing(pod) and pods.is_ready(pod)]
                if not ready:
                    raise UnavailableError("No pod of the app is ready", fix="See 'todoctl status'")
                newest = max(ready, key=lambda pod: pod.metadata.creation_timestamp)
                self._pod, self._until = str(newest.metadata.name), time.monotonic() + KNOWN_SECONDS
            return self._pod


class Connection(socketserver.BaseRequestHandler):
    """One connection, from its begin to its end."""

    server: Server

    def handle(self) -> None:
        try:
            way = self.server.api.pod_commands.connect(self.server.pod(), CONTAINER_PORT)
        except TodoctlError as error:
            sys.stderr.write(f"{error}\n")
            return
        with closing(way), suppress(OSError):
            pump(self.request, way)


def pump(one: socket.socket, other: socket.socket) -> None:
    """What comes from either goes to the other, until one of them ends."""
    ways = {one: other, other: one}
    while True:
        for ready in _readable(ways):
            data = ready.recv(CHUNK)
            if not data:
                return
            ways[ready].sendall(data)


def _readable(sockets: Iterable[socket.socket]) -> list[socket.socket]:
    found, _, _ = select.select(list(sockets), [], [])
    return found


def main() -> None:
    namespace, context = os.environ["TODOCTL_NAMESPACE"], os.environ["TODOCTL_CONTEXT"]
    try:
        api = Api(os.environ.get("KUBECONFIG"), namespace, context=context)
        with Server(int(os.environ["PORT"]), api) as server:
            server.serve_forever()
    except (TodoctlError, OSError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
