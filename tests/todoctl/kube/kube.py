"""A make-believe API server and ingress: real HTTP, resources in a dictionary, pods that tests shape."""

import threading
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING

import yaml

from tests.todoctl.kube.kube_http import Handler
from tests.todoctl.kube.objects import Json, controller, door, pod, service
from todoctl.image_service.service import Server

if TYPE_CHECKING:
    from collections.abc import Callable

PLURALS = {
    "PersistentVolume": "persistentvolumes",
    "PersistentVolumeClaim": "persistentvolumeclaims",
    "Deployment": "deployments",
    "Service": "services",
    "Ingress": "ingresses",
    "Pod": "pods",
    "ConfigMap": "configmaps",
}


@dataclass(frozen=True)
class Answer:
    """What is answered instead of the truth."""

    code: int
    body: str = ""


class Kube:
    """`shape` makes the pods of a deployment with a number of replicas; tests replace it."""

    def __init__(self) -> None:
        self.resources: dict[tuple[str, str], Json] = {}
        self.pods: list[Json] = []
        self.lists: dict[str, list[Json]] = {
            "pods": [controller(), door()],
            "services": [service("traefik")],
            **{
                name: []
                for name in (
                    *("daemonsets", "deployments", "events", "ingresses", "ingressclasses", "jobs"),
                    *("persistentvolumeclaims", "statefulsets", "persistentvolumes", "nodes", "helmcharts"),
                )
            },
        }
        self.number = 0
        self.changes = 0
        self.requests: list[str] = []
        self.answers: dict[str, Answer] = {}
        self.tool: Callable[[list[str], str], Json] = lambda _, __: {}
        self.shape: Callable[[int], list[Json]] = self._healthy
        self.conditions: list[Json] = []
        self.service: Server | None = None
        self.service_status: Json = {**pod("it")["status"], "podIP": "10.42.1.7"}
        self.logs = "first line\nlast line"
        self.output = "[]"
        self.lines: list[str] = []
        """What a program in a pod prints at its begin, and for each line that it gets."""
        self.ending = '{"status": "Success"}'
        self.page_code = 200
        self.looks = 0
        """How often the page was looked for."""
        self.page_headers = {"Content-Security-Policy": "default-src 'self'"}
        self.address = "172.18.0.2"
        self.parents: list[Json] = [{"conditions": []}]
        """What the gateways say of a route."""
        self.page_codes: list[int] = []
        self.context = "it"
        self.controllers: list[Callable[[], None]] = []
        """What the cluster does by itself, before each request."""
        self.denied: set[str] = set()
        """What the user may not do, as `verb resource`."""
        self._server = self._serve(0)
        self._page: ThreadingHTTPServer | None = None
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"

    def _healthy(self, replicas: int) -> list[Json]:
        return [pod(f"pod-{self.number}-{index}") for index in range(replicas)]

    def _serve(self, port: int) -> ThreadingHTTPServer:
        handler = type("Handler", (Handler,), {"kube": self})
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
                "current-context": self.context,
                "clusters": [{"name": "it", "cluster": {"server": self.url}}],
                "users": [{"name": "it", "user": {"token": "secret"}}],
                "contexts": [{"name": self.context, "context": {"cluster": "it", "user": "it"}}],
            }
        )

    def apply(self, kind: str, name: str, resource: Json) -> Json:  # noqa: C901 - a kind, a branch
        """Server-side apply, and what the controllers make of a deployment."""
        before = self.resources.get((kind, name), {})
        if kind == "deployments":
            given = resource["spec"]
            scaled, annotated = list(given) == ["replicas"], list(given) == ["template"]
            if scaled or annotated:  # a scale or a restart: nothing else comes
                resource = {**before, "spec": {**before["spec"], **(given if scaled else {})}}
            changed = annotated or resource["spec"] != before.get("spec")
            self.number += changed and not scaled  # which leaves the pods that there are
            generation = before.get("metadata", {}).get("generation", 0) + (changed or scaled)
            replicas = resource["spec"]["replicas"]
            resource = {**resource, "metadata": {**resource["metadata"], "generation": generation}}
            if changed:
                self.pods = self.shape(replicas)
            resource["status"] = self._status(generation, replicas)
        if kind == "pods" and name == "todoctl":
            resource = {**resource, "status": pod(name)["status"]}
        elif kind == "pods":
            resource = {**resource, "status": self.service_status}
            self.open_service()
        if kind == "httproutes":
            resource = {**resource, "status": {"parents": self.parents}}
        if kind == "services" and "spec" in resource:
            resource = {**resource, "spec": {**resource["spec"], "clusterIP": "10.43.0.9"}}
        if kind == "persistentvolumes":
            resource = {**resource, "status": {"phase": "Available"}}
        if kind == "ingresses" and self.address:
            resource = {**resource, "status": {"loadBalancer": {"ingress": [{"ip": self.address}]}}}
        kept = {"uid": f"uid-{kind}-{name}-{len(self.requests)}", **before.get("metadata", {})}
        version = kept.get("resourceVersion", "0")
        metadata = {"namespace": "default", **resource["metadata"], "uid": kept["uid"]}
        resource = {**resource, "metadata": {**metadata, "resourceVersion": version}}
        if resource != before:
            self.changes += 1
            resource["metadata"]["resourceVersion"] = str(self.changes)
        self.resources[kind, name] = resource
        return resource

    def _status(self, generation: int, replicas: int) -> Json:
        """What the controller says of the deployment."""
        return {
            "observedGeneration": generation,
            "replicas": len(self.pods),
            "updatedReplicas": replicas,
            "availableReplicas": len([pod for pod in self.pods if _is_ready(pod)]),
            "conditions": self.conditions,
        }

    def items(self, kind: str, namespace: str | None) -> list[Json]:
        """What there is of a kind: the app's, and what tests have put into `lists`."""
        own = (
            self.pods
            if kind == "pods"
            else [found for (of, _), found in self.resources.items() if of == kind]
        )
        everything = [*own, *self.lists[kind]]
        if kind == "pods":
            everything += [found for (of, _), found in self.resources.items() if of == kind]
        for number, found in enumerate(everything):
            found["metadata"].setdefault("resourceVersion", str(number))
        return [one for one in everything if namespace in {None, one["metadata"].get("namespace", "default")}]

    def delete(self, kind: str, name: str) -> Json | None:
        """What goes, and what the controllers make of that; None where it was not there."""
        gone = self.resources.pop((kind, name), None)
        if gone and kind == "deployments":
            self.pods = []
        if gone and kind == "pods" and name != "todoctl":
            self.close_service()
        for one in [one for one in self.pods if kind == "pods" and one["metadata"]["name"] == name]:
            gone = one
            self.pods.remove(one)
            self.number += 1
            found = self.resources["deployments", "todo-app-dep"]
            wanted = found["spec"]["replicas"]
            self.pods += self.shape(1) if len(self.pods) < wanted else []
            found["status"] = self._status(found["metadata"]["generation"], wanted)
        return gone


def _is_ready(pod: Json) -> bool:
    return all(status["ready"] for status in pod["status"]["containerStatuses"] or [{"ready": False}])
