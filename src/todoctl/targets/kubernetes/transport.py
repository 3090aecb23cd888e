"""HTTP from inside the cluster: requests go out from a pod of todoctl's own, as any other pod's would.

A forwarded port is no load balancer: it leads to one pod, and its connections end with that pod. So what
visitors ask in a validation goes through the service. One program in the pod sends all of it.
"""

import base64
import inspect
import itertools
import json
import select
import socket
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx
from websocket import WebSocketException

from todoctl.errors import TodoctlError, UnavailableError
from todoctl.kube.manifests import ENTRY_POINT
from todoctl.targets.kubernetes import ask

if TYPE_CHECKING:
    from _typeshed import HasFileno

    from todoctl.kube.pod_commands import Session

PROGRAM = ("python3", "-S", "-c", inspect.getsource(ask))
COMMAND = (*ENTRY_POINT, *PROGRAM)

ANSWER_SECONDS = 10.0
"""How much longer than the app may take the way into the pod and back may take."""

MESSAGE_SECONDS = 5.0
"""For the rest of a message that has begun to come."""

Answered = Future[dict[str, Any]]


class PodTransport(httpx.BaseTransport):
    """Sends requests by `COMMAND`, which `begin` begins in a pod; begun again where it is lost.

    A request that is lost with it raises `UnavailableError`: nobody knows what has become of it.
    """

    def __init__(self, begin: Callable[[], "Session"]) -> None:
        self._begin = begin
        self._numbers = itertools.count()
        self._starting = threading.Lock()
        self._line: _Line | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
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
        answered = self._going().send(asked)
        try:
            told = answered.result(timeout + ANSWER_SECONDS)
        except TimeoutError:
            raise _lost("it does not answer") from None
        if "error" in told:
            raise httpx.TransportError(told["error"], request=request)
        body = httpx.ByteStream(base64.b64decode(told["body"]))
        return httpx.Response(told["status"], headers=told["headers"], stream=body, request=request)

    def _going(self) -> "_Line":
        with self._starting:
            if self._line is None or self._line.ended:
                self._line = _Line(self._begin())
            return self._line

    def close(self) -> None:
        with self._starting:
            if self._line is not None:
                self._line.end()
                self._line = None


class _Line:
    """The way to the program and back. One thread alone has to do with the connection: it is not for two."""

    def __init__(self, session: "Session") -> None:
        self.ended = False
        self._session = session
        self._waiting: dict[int, Answered] = {}
        self._going_out: deque[str] = deque()
        self._changing = threading.Lock()
        self._woken, self._bell = socket.socketpair()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def send(self, asked: dict[str, Any]) -> Answered:
        answered: Answered = Future()
        with self._changing:
            if self.ended:
                raise _lost("it has ended")
            self._waiting[asked["number"]] = answered
            self._going_out.append(json.dumps(asked) + "\n")
            self._bell.send(b"!")
        return answered

    def end(self) -> None:
        with suppress(OSError):
            self._bell.shutdown(socket.SHUT_WR)
        self._thread.join()

    def _run(self) -> None:
        problem: TodoctlError | None = None
        try:
            while self._step():
                pass
        except (WebSocketException, OSError, ValueError) as error:
            problem = _lost(str(error) or type(error).__name__)
        with self._changing:
            self.ended = True
            self._session.end()
            self._woken.close()
            self._bell.close()
            for answered in self._waiting.values():
                answered.set_exception(problem or _lost("it has ended"))

    def _step(self) -> bool:
        """Sends what there is to be sent, and takes one message; False at the end."""
        if not self._session.is_near():
            sources: list[HasFileno] = [self._session, self._woken]
            readable, _, _ = select.select(sources, [], [])
            if self._woken in readable:
                if not self._woken.recv(1024):
                    return False
                while self._going_out:
                    self._session.write(self._going_out.popleft())
            if self._session not in readable:
                return True
        going = self._session.receive(MESSAGE_SECONDS)
        while (line := self._session.take_line()) is not None:
            told = json.loads(line)
            with self._changing:
                answered = self._waiting.pop(told["number"])
            answered.set_result(told)
        return going


def _lost(why: str) -> UnavailableError:
    return UnavailableError(
        "The way into the cluster was lost, and what was asked with it",
        why=why,
        fix="See whether the API server and the pod todoctl are well, and try again",
    )
