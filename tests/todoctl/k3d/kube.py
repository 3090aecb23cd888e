"""A make-believe API server and ingress: real HTTP, resources in a dictionary, pods that tests shape."""

import base64
import hashlib
import json
import re
import struct
import threading
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import yaml

from todoctl.image_service.service import Server

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]
PLURALS = {
    "PersistentVolume": "persistentvolumes",
    "PersistentVolumeClaim": "persistentvolumeclaims",
    "Deployment": "deployments",
    "Service": "services",
    "Ingress": "ingresses",
    "Pod": "pods",
}
NAMED = re.compile(r"/(?P<kind>[a-z]+)/(?P<name>[a-z0-9-]+)$")
PROXIED = re.compile(r"/pods/(?P<name>[a-z0-9-]+)(:|%3A)(?P<port>\d+)/proxy/(?P<path>.*)$")


@dataclass(frozen=True)
class Answer:
    """What is answered instead of the truth."""

    code: int
    body: str = ""


def pod(name: str, *, ready: bool = True, **more: Any) -> Json:  # noqa: ANN401 - JSON
    """A pod whose container is running; `waiting`, `terminated`, `restarts`, `conditions` say otherwise."""
    state: Json = {"running": {}}
    for key in ("waiting", "terminated"):
        if key in more:
            state = {key: more[key]}
            ready = False
    container = {
        "name": "todo-app-container",
        "image": "todo-app:1",
        "imageID": "",
        "ready": ready,
        "restartCount": more.get("restarts", 0),
        "state": state,
    }
    return {
        "metadata": {"name": name, "uid": f"uid-{name}", "creationTimestamp": "2026-11-23T12:00:00Z"},
        "status": {
            "conditions": more.get("conditions", [{"type": "PodScheduled", "status": "True"}]),
            "containerStatuses": None if "conditions" in more else [container],
        },
    }


class Kube:
    """`shape` makes the pods of a deployment with a number of replicas; tests replace it."""

    def __init__(self) -> None:
        self.resources: dict[tuple[str, str], Json] = {}
        self.pods: list[Json] = []
        self.number = 0
        self.requests: list[str] = []
        self.answers: dict[str, Answer] = {}
        self.tool: Callable[[list[str], str], Json] = lambda _, __: {}
        self.shape: Callable[[int], list[Json]] = self._healthy
        self.conditions: list[Json] = []
        self.service: Server | None = None
        self.service_status: Json = {"podIP": "10.42.1.7"}
        self.logs = "first line\nlast line"
        self.output = "[]"
        self.ending = '{"status": "Success"}'
        self.page_code = 200
        self.address = "172.18.0.2"
        self.page_codes: list[int] = []
        self._server = self._serve(0)
        self._page: ThreadingHTTPServer | None = None
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @property
    def running(self) -> int:
        """How many containers of the app run in the node."""
        return len(self.pods)

    def _healthy(self, replicas: int) -> list[Json]:
        return [pod(f"pod-{self.number}-{index}") for index in range(replicas)]

    def _serve(self, port: int) -> ThreadingHTTPServer:
        handler = type("Handler", (_Handler,), {"kube": self})
        server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return server

    def open_page(self, port: int) -> None:
        """The load balancer's port."""
        self._page = self._serve(port)

    def close_page(self) -> None:
        if self._page:
            self._page.shutdown()
            self._page.server_close()
            self._page = None

    def open_service(self) -> None:
        """What the image service's pod runs."""
        self.close_service()
        self.service = Server(("127.0.0.1", 0), {})
        threading.Thread(target=self.service.serve_forever, args=(0.05,), daemon=True).start()

    def close_service(self) -> None:
        if self.service:
            self.service.shutdown()
            self.service.server_close()
            self.service = None

    def close(self) -> None:
        self.close_page()
        self.close_service()
        self._server.shutdown()
        self._server.server_close()

    def kubeconfig(self) -> str:
        """As `k3d kubeconfig get` prints it."""
        return yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "it",
                "clusters": [{"name": "it", "cluster": {"server": self.url}}],
                "users": [{"name": "it", "user": {"token": "secret"}}],
                "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
            }
        )

    def apply_all(self, text: str) -> None:
        """What kubectl does."""
        for resource in yaml.safe_load_all(text):
            self.apply(PLURALS[resource["kind"]], resource["metadata"]["name"], resource)

    def apply(self, kind: str, name: str, resource: Json) -> Json:
        """Server-side apply, and what the controllers make of a deployment."""
        before = self.resources.get((kind, name), {})
        if kind == "deployments":
            given = resource["spec"]
            scaled, annotated = list(given) == ["replicas"], list(given) == ["template"]
            if scaled or annotated:  # a scale or a restart: nothing else comes
                resource = {**before, "spec": {**before["spec"], **(given if scaled else {})}}
            changed = annotated or resource["spec"] != before.get("spec")
            self.number += changed and not scaled  # which leaves the pods that there are
            generation = before.get("metadata", {}).get("generation", 0) + 1
            replicas = resource["spec"]["replicas"]
            resource = {**resource, "metadata": {**resource["metadata"], "generation": generation}}
            if changed:
                self.pods = self.shape(replicas)
            ready = len([pod for pod in self.pods if _is_ready(pod)])
            resource["status"] = {
                "observedGeneration": generation,
                "replicas": len(self.pods),
                "updatedReplicas": replicas,
                "availableReplicas": ready,
                "conditions": self.conditions,
            }
        if kind == "pods":
            resource = {**resource, "status": self.service_status}
            self.open_service()
        if kind == "persistentvolumes":
            resource = {**resource, "status": {"phase": "Available"}}
        if kind == "ingresses" and self.address:
            resource = {**resource, "status": {"loadBalancer": {"ingress": [{"ip": self.address}]}}}
        self.resources[kind, name] = resource
        return resource

    def delete(self, kind: str, name: str) -> Json | None:
        """What goes, and what the controllers make of that; None where it was not there."""
        gone = self.resources.pop((kind, name), None)
        if gone and kind == "deployments":
            self.pods = []
        if gone and kind == "pods":
            self.close_service()
        for pod in [pod for pod in self.pods if kind == "pods" and pod["metadata"]["name"] == name]:
            gone = pod
            self.pods.remove(pod)
            self.number += 1
            wanted = self.resources["deployments", "todo-app-dep"]["spec"]["replicas"]
            self.pods += self.shape(1) if len(self.pods) < wanted else []
        return gone


def _is_ready(pod: Json) -> bool:
    return all(status["ready"] for status in pod["status"]["containerStatuses"] or [{"ready": False}])


class _Handler(BaseHTTPRequestHandler):
    """Pages, tools and the API; which is which, the path says."""

    kube: ClassVar[Kube]

    def log_message(self, *_: object) -> None:
        """Nothing on the screen."""

    def _answer(self, code: int, value: object) -> None:
        body = value.encode() if isinstance(value, str) else json.dumps(value).encode()
        self.send_response(code)
        self.send_header("Content-Type", "text/plain" if isinstance(value, str) else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _body(self) -> str:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()

    def _is_prepared(self, body: str = "") -> bool:
        line = f"{self.command} {self.path} {body}"
        self.kube.requests.append(line)
        for words, answer in self.kube.answers.items():
            if words in line:
                self._answer(answer.code, answer.body)
                return True
        return False

    def _is_proxied(self) -> bool:
        """The API server's way to a pod."""
        path = PROXIED.search(self.path)
        if path is None:
            return False
        if self.kube.service is None or (path["name"], path["port"]) != ("todoctl-image-service", "8000"):
            self._answer(503, {"message": "dial tcp 10.42.1.7:8000: connection refused"})
            return True
        connection = HTTPConnection("127.0.0.1", self.kube.service.server_address[1])
        connection.request(self.command, "/" + path["path"])
        answer = connection.getresponse()
        self._answer(answer.status, answer.read().decode())
        connection.close()
        return True

    def do_HEAD(self) -> None:
        codes = self.kube.page_codes
        self._answer(codes.pop(0) if codes else self.kube.page_code, "")

    def do_POST(self) -> None:
        if self._is_proxied():
            return
        asked = json.loads(self._body())
        self._answer(200, self.kube.tool(asked["tool"], asked["given"]))

    def do_PATCH(self) -> None:
        body = self._body()
        path = NAMED.search(urlsplit(self.path).path)
        if path and not self._is_prepared(body):
            self._answer(200, self.kube.apply(path["kind"], path["name"], yaml.safe_load(body)))

    def do_DELETE(self) -> None:
        path = NAMED.search(urlsplit(self.path).path)
        if path and not self._is_prepared():
            gone = self.kube.delete(path["kind"], path["name"])
            self._answer(200 if gone else 404, gone or {"message": "not found"})

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if self._is_prepared() or self._is_proxied():
            return
        path = NAMED.search(url.path)
        if url.path.endswith("/exec"):
            self._execute()
        elif url.path.endswith("/log"):
            self._answer(200, self.kube.logs)
        elif url.path.endswith("/pods") and "watch" in parse_qs(url.query):
            self._answer(200, json.dumps({"type": "MODIFIED", "object": {"metadata": {}}}) + "\n")
        elif url.path.endswith("/pods"):
            self._answer(200, {"metadata": {"resourceVersion": "7"}, "items": self.kube.pods})
        elif url.path.endswith("/serviceaccounts/default"):
            self._answer(200, {})
        else:
            found = self.kube.resources.get((path["kind"], path["name"])) if path else None
            self._answer(200 if found else 404, found or {"message": "not found"})

    def _execute(self) -> None:
        """The WebSocket (RFC 6455) that `kubectl exec` speaks: channel 1 is output, 3 the end."""
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(key.encode(), usedforsecurity=False).digest()).decode()
        self.send_response(101)
        for name, value in (("Upgrade", "websocket"), ("Connection", "Upgrade")):
            self.send_header(name, value)
        self.send_header("Sec-WebSocket-Accept", accept)
        self.send_header("Sec-WebSocket-Protocol", "v4.channel.k8s.io")
        self.end_headers()
        for opcode, data in (
            (2, b"\1" + self.kube.output.encode()),
            (2, b"\3" + self.kube.ending.encode()),
            (8, struct.pack("!H", 1000)),
        ):
            short, long = struct.pack("!B", len(data) % 126), struct.pack("!BQ", 127, len(data))
            self.wfile.write(bytes([0x80 | opcode]) + (short if len(data) < 126 else long) + data)
        self.close_connection = True
