"""Forwards a port of this machine to the app's pods: `python -m todoctl.targets.kubernetes.forward`.

Each connection goes to a pod that is ready when it is made, so that the next one finds the next pod. It runs
in the background like the local target's app, is found and ended like that, and needs no kubectl.
"""

import os
import socket
import socketserver
import sys
import threading
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from todoctl.errors import TodoctlError, UnavailableError
from todoctl.kube.client import Client
from todoctl.kube.manifests import SELECTOR
from todoctl.kube.wait import is_ready, is_running
from todoctl.targets.local import process

if TYPE_CHECKING:
    import subprocess

MODULE = "todoctl.targets.kubernetes.forward"
LOG = "forward.log"
CONTAINER_PORT = 3000
CHUNK = 1 << 16


class Forwarder:
    """The process that forwards a port for what is up in `directory`; it outlives the one that began it."""

    def __init__(self, directory: Path, context: str = "", namespace: str = "") -> None:
        self._directory, self._context, self._namespace = directory, context, namespace
        self._child: subprocess.Popen[bytes] | None = None

    def forwards(self, port: int) -> bool:
        """Whether it runs on that port."""
        return process.runs_on(self._directory, port, MODULE)

    def start(self, port: int) -> bool:
        """Begins to forward `port`; returns False if that is so already. One on another port ends."""
        if self.forwards(port):
            return False
        self.stop()
        environment = {
            "TODOCTL_CONTEXT": self._context,
            "TODOCTL_NAMESPACE": self._namespace,
            "PORT": str(port),
        }
        if named := os.environ.get("KUBECONFIG"):  # it runs in another directory than the user
            paths = [str(Path(path).absolute()) for path in named.split(os.pathsep) if path]
            environment["KUBECONFIG"] = os.pathsep.join(paths)
        self._child = process.spawn(self._directory, environment, self._directory / LOG, MODULE)
        return True

    def check(self) -> None:
        """Raises `TodoctlError` with its last line if it has ended by itself."""
        if self._child is not None and self._child.poll() is not None:
            log = self._directory / LOG
            last = log.read_text(encoding="utf-8", errors="replace").strip().split("\n")[-1]
            why = last or "its log is empty"
            raise TodoctlError("The port-forward process has exited", why=why, fix=f"See {log}")

    def stop(self) -> None:
        """Ends it, and reaps it if it is a child of this process."""
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

    def __init__(self, port: int, client: Client) -> None:
        super().__init__(("127.0.0.1", port), Connection)
        self.client = client

    def pod(self) -> str:
        """Returns the newest pod that is ready; raises if none is."""
        found = self.client.list("Pod", labels=SELECTOR)
        ready = [one["metadata"] for one in found if is_running(one) and is_ready(one)]
        if not ready:
            raise UnavailableError("No pod of the app is ready", fix="See 'todoctl status'")
        return str(max(ready, key=lambda one: str(one["creationTimestamp"]))["name"])


class Connection(socketserver.BaseRequestHandler):
    """One connection, from its begin to its end."""

    server: Server

    def handle(self) -> None:
        try:
            pod = self.server.client.connect(self.server.pod(), CONTAINER_PORT)
        except TodoctlError as error:
            sys.stderr.write(f"{error}\n")
            return
        with closing(pod):
            sending = threading.Thread(target=copy, args=(self.request, pod), daemon=True)
            sending.start()
            copy(pod, self.request)


def copy(source: socket.socket, sink: socket.socket) -> None:
    """Copies until `source` ends, and says so to `sink`, which may have more to say."""
    with suppress(OSError):
        while data := source.recv(CHUNK):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


def main() -> None:
    namespace, context = os.environ["TODOCTL_NAMESPACE"], os.environ["TODOCTL_CONTEXT"]
    try:
        client = Client(os.environ.get("KUBECONFIG"), namespace, context=context)
        with Server(int(os.environ["PORT"]), client) as server:
            server.serve_forever()
    except (TodoctlError, OSError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
