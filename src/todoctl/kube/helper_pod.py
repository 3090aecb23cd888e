"""todoctl's own pod beside the app, for as long as a validation takes.

It mounts the claim, so it sees the volume from outside the app; and it is where visitors come from. A
forwarded port is no load balancer: it leads to one pod, and its connections end with that pod. So what
visitors ask goes out from here, through the service.
"""

import base64
import inspect
import itertools
import json
import select
import socket
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx
from websocket import WebSocketException

from todoctl import directory as directory_program
from todoctl.errors import TodoctlError, UnavailableError
from todoctl.kube import ask, manifests, wait
from todoctl.kube.client import Client
from todoctl.kube.manifests import Resource, is_ours
from todoctl.kube.streams import Session
from todoctl.targets.base import File

if TYPE_CHECKING:
    from _typeshed import HasFileno

NAME = "todoctl"

PYTHON = ("python3", "-S", "-c")

PUT = """
import sys
with open(sys.argv[1], "wb") as file:
    print(file.write(sys.stdin.buffer.read(int(sys.argv[2]))))
"""

CHUNK = 1 << 15
LOOK_SECONDS = 5.0
"""For one more look at a directory: far more than it takes. After that, a command of its own is asked."""

PUT_SECONDS = 30.0
ANSWER_SECONDS = 10.0
"""How much longer than the app may take the connection into the pod and back may take."""

MESSAGE_SECONDS = 5.0
"""For the rest of a message that has begun to come."""


class PodFiles:
    """A directory in a pod's first container.

    It is looked at after every page view, and to begin a command there takes longer than to read the files.
    So one goes on there, and looks again when it gets a line. If that fails, a command of its own looks, and
    says why if it fails as well.
    """

    def __init__(self, client: Client, pod: str, directory: str) -> None:
        self.seen_from = f"the pod {pod}: {directory}"
        self.pod = pod
        self._client = client
        self._command = (*PYTHON, inspect.getsource(directory_program), directory)
        self._going: Session | None = None

    def read(self) -> list[File]:
        """Returns its files, all of one moment; none if there is no such directory."""
        seen = json.loads(self._look_again() or self._client.run(self.pod, *self._command))
        return [
            File(name=name, size=size, modified=at / 1e9, content=base64.b64decode(content))
            for name, size, at, content in seen
        ]

    def _look_again(self) -> str:
        """Returns what the program has printed; empty if it has failed."""
        line = ""
        with suppress(WebSocketException, OSError):
            if self._going is None:
                self._going = self._client.begin(self.pod, *self._command)  # it looks at once
            else:
                self._going.write(b"\n")
            line = self._going.read_line(LOOK_SECONDS)
        if line.startswith("["):
            return line
        self.close()  # it has ended, maybe with a traceback
        return ""

    def close(self) -> None:
        """Ends the program."""
        if self._going is not None:
            self._going.end()
            self._going = None


def require_pod(client: Client, wanted: Resource, timeout: float | None) -> Resource:
    """Returns a pod of todoctl's own when it is ready; makes it if it is missing, as after a drain.

    Raises `UnavailableError` if one of that name is there that todoctl has not made.
    """
    name = wanted["metadata"]["name"]

    def look() -> wait.Reason | None:
        found = client.get("Pod", name)
        if found is None:
            client.apply(wanted)
            return wait.Reason(f"pod {name} is being made")
        if not is_ours(found):
            what = f"pod {name} is in namespace {client.namespace}, and todoctl has not made it"
            return wait.Reason(what, final=True, fix="Rename it, or use another namespace with --namespace")
        if not wait.is_running(found) and "deletionTimestamp" not in found["metadata"]:
            client.delete("Pod", name, grace=1)  # evicted, it would stay on the list for good
        ready = wait.is_running(found) and wait.is_ready(found)
        return None if ready else wait.pod_reason(client, found)

    wait.until(look, f"todoctl's own pod {name} does not get ready", None, timeout)
    return client.get("Pod", name) or {}


def remove_pod(client: Client, name: str) -> None:
    """Deletes a pod of todoctl's own, if it is there and todoctl has made it."""
    if is_ours(client.get("Pod", name)):
        client.delete("Pod", name, grace=1)


def own_pod(namespace: str, name: str, container: Resource, **more: Any) -> Resource:  # noqa: ANN401
    """Returns a pod with no more rights than the app has; `more` is of its specification."""
    limits = {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"cpu": "1", "memory": "128Mi"}}
    app = manifests.deployment_of(manifests.plain())["spec"]["template"]["spec"]
    return manifests.owned(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {
                "automountServiceAccountToken": False,
                "enableServiceLinks": False,
                "terminationGracePeriodSeconds": 1,
                "securityContext": app["securityContext"],
                "containers": [
                    {
                        "name": name,
                        "imagePullPolicy": "IfNotPresent",
                        "resources": limits,
                        "securityContext": app["containers"][0]["securityContext"],
                        **container,
                    }
                ],
                **more,
            },
        }
    )


class HelperPod:
    """The pod that mounts the claim, of the app's image; made when it is first needed."""

    seen_from = f"the pod {NAME}"

    def __init__(
        self,
        client: Client,
        image: str,
        *,
        pull_secrets: Sequence[str] = (),
        node: str | None = None,
        timeout: float | None = None,
    ) -> None:
        self._client = client
        self._timeout = timeout
        self._files: dict[str, PodFiles] = {}
        self._transport: PodTransport | None = None
        self.runs = False
        """Whether it is known to run."""
        app = manifests.deployment_of(manifests.plain())["spec"]["template"]["spec"]
        container = {"image": image, "command": ["sleep", "infinity"]}
        container |= {"volumeMounts": app["containers"][0]["volumeMounts"]}
        self._wanted = own_pod(
            client.namespace,
            NAME,
            container,
            volumes=app["volumes"],
            **({"nodeName": node} if node else {}),
            **manifests.pulled_with(pull_secrets),
        )

    def require(self) -> str:
        """Returns its name when it runs."""
        if not self.runs:
            require_pod(self._client, self._wanted, self._timeout)
            self.runs = True
        return NAME

    def remove(self) -> None:
        """Deletes it, if there is one and todoctl has made it."""
        self.close()
        self.runs = False
        remove_pod(self._client, NAME)

    def run(self, *command: str) -> str:
        """Returns what `command` prints; raises `CommandFailedError` if it fails."""
        return self._client.run(self.require(), *command)

    def files(self, directory: str) -> list[File]:
        """Returns the files of a directory, all of one moment; none if there is no such directory."""
        if directory not in self._files:
            self._files[directory] = PodFiles(self._client, self.require(), directory)
        return self._files[directory].read()

    def put(self, path: str, content: bytes) -> None:
        """Writes a file."""
        session = self._client.begin(self.require(), *PYTHON, PUT, path, str(len(content)))
        try:
            for start in range(0, len(content), CHUNK):
                session.write(content[start : start + CHUNK])
            line = session.read_line(PUT_SECONDS)
        except (WebSocketException, OSError) as error:
            line = str(error)
        finally:
            session.end()
        if line.strip() != str(len(content)):
            raise UnavailableError(
                f"{path} cannot be written in the pod {NAME}",
                why=line or session.output()[-300:],
                fix="Is the volume full? Make room, and run the command again",
            )

    def transport(self) -> "PodTransport":
        """Returns what sends requests from inside the pod."""
        if self._transport is None:
            program = (*PYTHON, inspect.getsource(ask))
            self._transport = PodTransport(lambda: self._client.begin(self.require(), *program))
        return self._transport

    def close(self) -> None:
        """Ends the programs in it."""
        for files in self._files.values():
            files.close()
        self._files.clear()
        if self._transport is not None:
            self._transport.close()
            self._transport = None


class PodTransport(httpx.BaseTransport):
    """Sends requests by a program in a pod, which `begin` begins; begun again if it is lost.

    A request that is lost with it raises `UnavailableError`: nobody knows what has become of it.
    """

    def __init__(self, begin: Callable[[], Session]) -> None:
        self._begin = begin
        self._numbers = itertools.count()
        self._starting = threading.Lock()
        self._connection: _Connection | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Returns the answer; raises `httpx.TransportError` if the app gives none."""
        timeout = request.extensions["timeout"]["read"]
        asked = {
            "number": next(self._numbers),
            "host": request.url.host,
            "port": request.url.port or 80,
            "method": request.method,
            "path": request.url.raw_path.decode(),
            "headers": [(name.decode(), value.decode("latin-1")) for name, value in request.headers.raw],
            "body": base64.b64encode(request.read()).decode(),
            "timeout": timeout,
        }
        with self._starting:
            if self._connection is None or self._connection.ended:
                self._connection = _Connection(self._begin())
        answered = self._connection.send(asked)
        try:
            said = answered.result(timeout + ANSWER_SECONDS)
        except TimeoutError:
            raise _lost("it does not answer") from None
        if "error" in said:
            raise httpx.TransportError(said["error"], request=request)
        body = httpx.ByteStream(base64.b64decode(said["body"]))
        return httpx.Response(said["status"], headers=said["headers"], stream=body, request=request)

    def close(self) -> None:
        """Ends the program."""
        with self._starting:
            if self._connection is not None:
                self._connection.end()
                self._connection = None


class _Connection:
    """The connection to the program. One thread alone has to do with it: TLS is not for two."""

    def __init__(self, session: Session) -> None:
        self.ended = False
        self._session = session
        self._waiting: dict[int, Future[dict[str, Any]]] = {}
        self._outgoing: deque[bytes] = deque()
        self._changing = threading.Lock()
        self._woken, self._waker = socket.socketpair()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def send(self, asked: dict[str, Any]) -> Future[dict[str, Any]]:
        """Sends a request; returns its answer as a future."""
        answered: Future[dict[str, Any]] = Future()
        with self._changing:
            if self.ended:
                raise _lost("it has ended")
            self._waiting[asked["number"]] = answered
            self._outgoing.append(json.dumps(asked).encode() + b"\n")
            self._waker.send(b"!")
        return answered

    def end(self) -> None:
        """Ends the thread, and the program with it."""
        with suppress(OSError):
            self._waker.shutdown(socket.SHUT_WR)
        self._thread.join()

    def _run(self) -> None:
        problem: TodoctlError = _lost("it has ended")
        try:
            while self._step():
                pass
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody may wait for an answer for ever
            problem = _lost(str(error) or type(error).__name__)
        with self._changing:
            self.ended = True
            self._session.end()
            self._woken.close()
            self._waker.close()
            for answered in self._waiting.values():
                answered.set_exception(problem)

    def _step(self) -> bool:
        """Sends what there is to be sent, and takes one message; False at the end."""
        if not self._session.is_buffered():
            sources: list[HasFileno] = [self._session, self._woken]
            readable, _, _ = select.select(sources, [], [])
            if self._woken in readable:
                if not self._woken.recv(1024):
                    return False
                while self._outgoing:
                    self._session.write(self._outgoing.popleft())
            if self._session not in readable:
                return True
        going = self._session.receive(MESSAGE_SECONDS)
        while (line := self._session.take_line()) is not None:
            said = json.loads(line)
            with self._changing:
                answered = self._waiting.pop(said["number"])
            answered.set_result(said)
        return going


def _lost(why: str) -> UnavailableError:
    return UnavailableError(
        "The connection into the cluster was lost, and with it a request",
        why=why,
        fix=f"See whether the API server and the pod {NAME} are well, and try again",
    )
