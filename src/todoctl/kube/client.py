"""The API of a cluster, as one context of a kubeconfig and one namespace.

Resources are plain dictionaries, as YAML has them: what is applied, and what the cluster answers.
"""

import json
import socket
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from websocket import WebSocketBadStatusException, WebSocketException

from todoctl.errors import UnavailableError
from todoctl.kube import kubeconfig, streams
from todoctl.kube.manifests import MANAGER, NAMESPACE, ROUTE_GROUP, Resource
from todoctl.kube.streams import Session

TIMEOUT = 10.0
"""Seconds for one answer."""

COMMAND_SECONDS = 60.0
"""For a command in a pod."""

EVERYWHERE = "*"

APPLY = "application/apply-patch+yaml"
"""https://kubernetes.io/docs/reference/using-api/server-side-apply/"""

MERGE = "application/merge-patch+json"

KINDS = {
    "ConfigMap": ("v1", "configmaps", True),
    "Deployment": ("apps/v1", "deployments", True),
    "Event": ("v1", "events", True),
    "HTTPRoute": (f"{ROUTE_GROUP}/v1", "httproutes", True),
    "HelmChart": ("helm.cattle.io/v1", "helmcharts", True),
    "Ingress": ("networking.k8s.io/v1", "ingresses", True),
    "IngressClass": ("networking.k8s.io/v1", "ingressclasses", False),
    "Job": ("batch/v1", "jobs", True),
    "Namespace": ("v1", "namespaces", False),
    "Node": ("v1", "nodes", False),
    "PersistentVolume": ("v1", "persistentvolumes", False),
    "PersistentVolumeClaim": ("v1", "persistentvolumeclaims", True),
    "Pod": ("v1", "pods", True),
    "Service": ("v1", "services", True),
}
"""API version, plural, and whether it is in a namespace."""

EXTENSIONS = tuple(f"/apis/{KINDS[kind][0]}/" for kind in ("HTTPRoute", "HelmChart"))
"""Where a cluster may know nothing: it then answers in plain text that there is no such page."""


class RefusedError(UnavailableError):
    """The API server has answered, and not done it; `status` is that of HTTP."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(
            "The API server has refused the request",
            why=" ".join(why.split())[:400],
            fix="Mend what it names, or ask who runs the cluster, and run the command again",
        )
        self.status = status


class NotFoundError(RefusedError):
    """The API server itself says that this is not there."""


class Client:
    """Asks one API server about one namespace; may be used from any thread.

    Every failure is an `UnavailableError` in one line.
    """

    def __init__(
        self, paths: Path | str | None, namespace: str = NAMESPACE, *, context: str | None = None
    ) -> None:
        """By `context`, or the current one, of the kubeconfigs at `paths` (separated as in PATH)."""
        self.namespace = namespace
        self._given = str(paths) if paths else None, context
        self._log_in()

    def _log_in(self) -> None:
        access = kubeconfig.load(*self._given)
        extensions = {"sni_hostname": access.server_name} if access.server_name else {}
        self._access, self._extensions = access, extensions
        self._http = httpx.Client(
            base_url=access.server,
            headers=access.headers,
            verify=access.tls or False,  # False is for http alone, which has nothing to verify
            proxy=access.proxy,
            trust_env=False,  # the environment's proxies are in `access` already
            timeout=TIMEOUT,
        )

    @property
    def server(self) -> str:
        """The API server's address."""
        return self._access.server

    def close(self) -> None:
        """Closes its connections."""
        self._http.close()

    # Resources

    def get(self, kind: str, name: str, namespace: str = "") -> Resource | None:
        """Returns the resource; None only if the API server itself says that it is not there."""
        try:
            return self._json("GET", self._path(kind, namespace, name))
        except NotFoundError:
            return None

    def list(self, kind: str, *, namespace: str = "", labels: str = "", fields: str = "") -> list[Resource]:
        """Returns the resources of that kind; those of all namespaces with `EVERYWHERE`."""
        query = {"labelSelector": labels, "fieldSelector": fields}
        try:
            found = self._json("GET", self._path(kind, namespace), {k: v for k, v in query.items() if v})
        except NotFoundError:
            return []
        return list(found.get("items") or [])

    def apply(self, resource: Resource) -> Resource:
        """Applies on the server's side: fields that others have changed are taken back."""
        query, metadata = {"fieldManager": MANAGER, "force": "true"}, resource["metadata"]
        path = self._path(resource["kind"], metadata.get("namespace", ""), metadata["name"])
        return self._json("PATCH", path, query, resource, APPLY)

    def create(self, resource: Resource) -> bool:
        """Makes the resource; False if one of that name is there already."""
        kind = resource["kind"]
        path = self._path(kind, resource["metadata"].get("namespace", ""))
        try:
            self._json("POST", path, {"fieldManager": MANAGER}, resource)
        except RefusedError as error:
            if error.status == httpx.codes.CONFLICT:
                return False
            raise
        return True

    def patch(self, kind: str, name: str, change: Resource, *, manager: str = MANAGER) -> Resource:
        """Changes some fields (JSON merge patch); None takes a field away."""
        return self._json("PATCH", self._path(kind, "", name), {"fieldManager": manager}, change, MERGE)

    def delete(self, kind: str, name: str, *, grace: int | None = None) -> bool:
        """Deletes the resource; False if it was not there. A pod gets its own time to end, or `grace` s.

        With 0 it is forgotten at once, also if its kubelet has not ended it yet.
        """
        query = {} if grace is None else {"gracePeriodSeconds": str(grace)}
        try:
            self._json("DELETE", self._path(kind, "", name), query)
        except NotFoundError:
            return False
        return True

    def ping(self) -> None:
        """Raises if the API server does not answer, or lets no pod be made yet: that needs this account."""
        self._json("GET", f"/api/v1/namespaces/{self.namespace}/serviceaccounts/default", timeout=2.0)

    def may(self, verb: str, resource: str, group: str = "") -> bool:
        """Whether the user may do that in the namespace; a subresource stands behind a slash."""
        name, _, part = resource.partition("/")
        asked = {"namespace": self.namespace, "verb": verb, "group": group}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {**asked, "resource": name, "subresource": part}},
        }
        answer = self._json("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body=review)
        return bool(answer["status"]["allowed"])

    # Pods

    def logs(
        self,
        pod: str,
        *,
        lines: int,
        follow: bool = False,
        previous: bool = False,
        namespace: str = "",
        container: str = "",
    ) -> Iterator[str]:
        """Yields the last lines of a pod's log, without line ends; with `follow` those to come as well."""
        query = {"tailLines": str(lines), "follow": str(follow).lower(), "previous": str(previous).lower()}
        query |= {"container": container} if container else {}
        path = f"{self._path('Pod', namespace, pod)}/log"
        timeout = httpx.Timeout(TIMEOUT, read=None if follow else TIMEOUT)
        try:
            with self._http.stream(
                "GET", path, params=query, timeout=timeout, extensions=self._extensions
            ) as answer:
                if answer.is_error:
                    answer.read()
                    raise _refused(answer)
                rest = b""
                for part in answer.iter_bytes():
                    *whole, rest = (rest + part).split(b"\n")
                    yield from (line.decode(errors="replace") for line in whole)
                if rest:
                    yield rest.decode(errors="replace")
        except httpx.HTTPError as error:
            raise self._unanswered(error) from None

    def run(self, pod: str, *command: str) -> str:
        """Runs `command` to its end; returns what it printed. Raises as `streams.run_to_end`."""
        return streams.run_to_end(self._exec(pod, command, stdin=False), pod, command, COMMAND_SECONDS)

    def begin(self, pod: str, *command: str) -> Session:
        """Begins `command`, which goes on with what is written to it."""
        return self._exec(pod, command, stdin=True)

    def connect(self, pod: str, port: int) -> socket.socket:
        """Returns a connection to a port of a pod."""
        stream = self._stream(f"{self._path('Pod', '', pod)}/portforward", [("ports", str(port))])
        ours, theirs = socket.socketpair()

        def lead() -> None:
            with theirs:
                streams.forward(stream, theirs)

        threading.Thread(target=lead, daemon=True).start()
        return ours

    def _exec(self, pod: str, command: Sequence[str], *, stdin: bool) -> Session:
        query = [("command", word) for word in command]
        query += [("stdin", str(stdin).lower()), ("stdout", "true"), ("stderr", "true")]
        return Session(self._stream(f"{self._path('Pod', '', pod)}/exec", query))

    def _stream(self, path: str, query: Sequence[tuple[str, str]], *, again: bool = True) -> Any:  # noqa: ANN401 - the library has no types
        try:
            return streams.open_stream(self._access, path, query, TIMEOUT)
        except WebSocketBadStatusException as error:
            if not (again and error.status_code == httpx.codes.UNAUTHORIZED):
                body = (error.resp_body or b"").decode(errors="replace")
                raise _refused(httpx.Response(error.status_code, text=body)) from None
        except (WebSocketException, OSError, ValueError) as error:
            raise self._unanswered(error) from None
        self._log_in()
        return self._stream(path, query, again=False)

    # One request

    def _path(self, kind: str, namespace: str = "", name: str = "") -> str:
        version, plural, namespaced = KINDS[kind]
        root = f"/api/{version}" if version == "v1" else f"/apis/{version}"
        if namespaced and namespace != EVERYWHERE:
            root = f"{root}/namespaces/{quote(namespace or self.namespace, safe='')}"
        return f"{root}/{plural}" + (f"/{quote(name, safe='')}" if name else "")

    def _json(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None = None,
        body: Resource | None = None,
        content_type: str = "application/json",
        *,
        timeout: float = TIMEOUT,
        again: bool = True,
    ) -> Resource:
        """Returns the answer to one request; what is no answer of an API server is refused.

        A token that has expired, of a plugin or in a file, is had anew once.
        """
        try:
            answer = self._http.request(
                method,
                path,
                params=query,
                content=None if body is None else json.dumps(body),
                headers={"Content-Type": content_type},
                timeout=timeout,
                extensions=self._extensions,
            )
        except httpx.HTTPError as error:
            raise self._unanswered(error) from None
        if again and answer.status_code == httpx.codes.UNAUTHORIZED:
            self._log_in()
            return self._json(method, path, query, body, content_type, timeout=timeout, again=False)
        if answer.is_error:
            raise _refused(answer, is_extension=path.startswith(EXTENSIONS))
        try:
            found = answer.json()
            found["kind"]
        except (ValueError, KeyError, TypeError):
            raise self._unanswered("what answers there is no API server") from None
        return dict(found)

    def _unanswered(self, error: Exception | str) -> UnavailableError:
        return UnavailableError(
            "The cluster's API does not answer",
            why=f"{self.server}: {' '.join(str(error).split())[:300] or type(error).__name__}",
            fix="See whether it runs; 'todoctl up' starts a cluster that todoctl has made",
        )


def _refused(answer: httpx.Response, *, is_extension: bool = False) -> RefusedError:
    """A 404 counts as "not there" only if it is an API server that says so."""
    status, text = answer.status_code, answer.text
    try:
        said = answer.json()
        why, is_status = str(said["message"]), said.get("kind") == "Status"
    except (ValueError, KeyError, TypeError, AttributeError):
        why, is_status = text.strip() or answer.reason_phrase, False
    unknown_kind = is_extension and text.strip() == "404 page not found"
    if status == httpx.codes.NOT_FOUND and (is_status or unknown_kind):
        return NotFoundError(status, why)
    return RefusedError(status, why if is_status else f"{status} {answer.reason_phrase}: {why}"[:400])
