"""The cluster's API: server-side apply, watching, and nothing but the kubeconfig that is named."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import urllib3
from kubernetes import client, config, watch

from todoctl.errors import UnavailableError
from todoctl.kube.answers import TIMEOUT, ask, find, make
from todoctl.kube.manifests import DEPLOYMENT, INGRESS, MANAGER, NAMESPACE, SELECTOR, Resource
from todoctl.kube.pod_commands import PodCommands
from todoctl.kube.routes import Routes

PAUSE = 0.2
"""Seconds before it is asked again where a watch has failed."""

APPLY = "application/apply-patch+yaml"
"""https://kubernetes.io/docs/reference/using-api/server-side-apply/"""

THE_INGRESS = f"metadata.name={INGRESS}"
HELM_CHARTS = ("helm.cattle.io", "v1", "helmcharts")

Pod = Any


class Api:
    """What todoctl asks of the cluster; failures are `UnavailableError` in one line."""

    def __init__(
        self,
        kubeconfig: Path | str | None,
        namespace: str = NAMESPACE,
        *,
        context: str | None = None,
        proxied: bool = True,
    ) -> None:
        """By `context` of `kubeconfig` (several are separated as in PATH), or of the user's own.

        Raises `UnavailableError` where there is none.
        """
        self.namespace = namespace
        try:
            self._api = config.new_client_from_config(
                config_file=kubeconfig and str(kubeconfig), context=context
            )
        except config.ConfigException as error:
            fix = "See 'kubectl config get-contexts'" if context else "Run 'todoctl up' again"
            raise UnavailableError(
                "The cluster's kubeconfig cannot be used", why=str(error), fix=fix
            ) from None
        if not proxied:
            self._api.configuration.proxy = None
        self._api.configuration.retries = False
        self._api = client.ApiClient(self._api.configuration)
        self._applying = client.ApiClient(self._api.configuration, "Content-Type", APPLY)
        self._core = client.CoreV1Api(self._api)
        self._apps = client.AppsV1Api(self._api)
        self._networking = client.NetworkingV1Api(self._api)
        self._batch = client.BatchV1Api(self._api)
        self._custom = client.CustomObjectsApi(self._api)
        self.pod_commands = PodCommands(self._api.configuration, namespace)
        self._seen: dict[str, str] = {}

    def ping(self) -> None:
        """Raises where the API server does not answer or lets no pod be made: it needs this account."""
        ask(lambda: self._core.read_namespaced_service_account("default", self.namespace, _request_timeout=2))

    @property
    def server(self) -> str:
        """The API server's address."""
        return str(self._api.configuration.host)

    def may(self, verb: str, resource: str, group: str = "") -> bool:
        """Whether the user may do that in the namespace; a subresource stands behind a slash."""
        name, _, part = resource.partition("/")
        asked = {"namespace": self.namespace, "verb": verb, "group": group, "resource": name}
        review = {"spec": {"resourceAttributes": {**asked, "subresource": part}}}
        reviews = client.AuthorizationV1Api(self._api)
        answer = ask(lambda: reviews.create_self_subject_access_review(review, _request_timeout=TIMEOUT))
        return bool(answer.status.allowed)

    def create(self, resource: Resource) -> bool:
        """Makes the resource; False where one of that name is there already."""
        kind = resource["kind"]
        create = self._verb("create", kind)
        return make(lambda: create(*self._where(kind), resource, _request_timeout=TIMEOUT))

    def apply(self, resource: Resource) -> None:
        """Server-side apply; what others have set on fields of ours is taken back."""
        kind, name = resource["kind"], resource["metadata"]["name"]
        patch = self._verb("patch", kind, self._applying)
        given: dict[str, Any] = {"field_manager": MANAGER, "force": True, "_request_timeout": TIMEOUT}
        ask(lambda: patch(name, *self._where(kind), body=resource, **given))

    def delete(self, resource: Resource, *, grace: int | None = None) -> bool:
        """Deletes the resource; False where it was not there. A pod gets its own time to end, or `grace` s.

        With 0 it is forgotten at once, also where its kubelet has not ended it yet.
        """
        kind, name = resource["kind"], resource["metadata"]["name"]
        delete = self._verb("delete", kind)
        # The answer is not looked at: what a deletion answers with differs between versions.
        call = partial(delete, name, *self._where(kind), _preload_content=False, _request_timeout=TIMEOUT)
        if grace is not None:
            call = partial(call, grace_period_seconds=grace)
        answer = find(call)
        if answer is not None:
            answer.drain_conn()  # or the connection would stay open, and be of no use to others
        return answer is not None

    def read(self, resource: Resource) -> Any | None:  # noqa: ANN401 - the library has no types
        """The resource as the cluster has it; None where it is not there."""
        kind, name = resource["kind"], resource["metadata"]["name"]
        read = self._verb("read", kind)
        return find(lambda: read(name, *self._where(kind), _request_timeout=TIMEOUT))

    def find_phase(self, volume: Resource) -> None:
        """Raises where the controller that binds claims has not taken note of the volume yet."""
        found = self.read(volume)
        if (found and found.status and found.status.phase) in {None, "", "Pending"}:
            name = volume["metadata"]["name"]
            raise UnavailableError(
                f"The volume {name} is pending", fix=f"See 'kubectl describe persistentvolume {name}'"
            )

    def deployment(self) -> Any | None:  # noqa: ANN401
        return self.read({"kind": "Deployment", "metadata": {"name": DEPLOYMENT}})

    def restart(self) -> None:
        """What `kubectl rollout restart` does: an annotation on the pod template."""
        annotations = {"kubectl.kubernetes.io/restartedAt": datetime.now(UTC).isoformat()}
        self._patch({"template": {"metadata": {"annotations": annotations}}}, "kubectl-rollout")

    def scale(self, replicas: int) -> None:
        """What `kubectl scale` does."""
        self._patch({"replicas": replicas}, MANAGER)

    def _patch(self, spec: dict[str, Any], manager: str) -> None:
        ask(
            lambda: self._apps.patch_namespaced_deployment(
                DEPLOYMENT, self.namespace, {"spec": spec}, field_manager=manager, _request_timeout=TIMEOUT
            )
        )

    def pods(self) -> list[Pod]:
        """The app's pods, also those that are ending."""
        return self._look("Pod", self._core.list_namespaced_pod, label_selector=SELECTOR)

    def ingress(self) -> Any | None:  # noqa: ANN401
        """The app's ingress."""
        found = self._look("Ingress", self._networking.list_namespaced_ingress, field_selector=THE_INGRESS)
        return found[0] if found else None

    def _look(self, kind: str, lists: Callable[..., Any], **selected: str) -> list[Any]:
        found = ask(lambda: lists(self.namespace, **selected, _request_timeout=TIMEOUT))
        self._seen[kind] = found.metadata.resource_version
        return list(found.items)

    def wait_for_pods(self, seconds: int) -> None:
        """Until a pod of the app differs from what `pods` has told, for `seconds` at the most."""
        self._wait("Pod", self._core.list_namespaced_pod, seconds, label_selector=SELECTOR)

    def wait_for_ingress(self, seconds: int) -> None:
        """Until the ingress differs from what `ingress` has told, for `seconds` at the most."""
        self._wait("Ingress", self._networking.list_namespaced_ingress, seconds, field_selector=THE_INGRESS)

    def _wait(self, kind: str, lists: Callable[..., Any], seconds: int, **selected: str) -> None:
        watching = watch.Watch()
        try:
            changes = watching.stream(
                lists,
                self.namespace,
                **selected,
                resource_version=self._seen.get(kind, ""),
                timeout_seconds=seconds,
                _request_timeout=(TIMEOUT, seconds + TIMEOUT),
            )
            next(changes, None)
        except (client.ApiException, urllib3.exceptions.HTTPError):
            time.sleep(PAUSE)  # whoever waits asks again, and is told what is wrong then

    def all(self, kind: str) -> list[Any]:
        """The resources of that kind in all namespaces."""
        lists: dict[str, Any] = {
            "DaemonSet": self._apps.list_daemon_set_for_all_namespaces,
            "Deployment": self._apps.list_deployment_for_all_namespaces,
            "IngressClass": self._networking.list_ingress_class,
            "Job": self._batch.list_job_for_all_namespaces,
            "Pod": self._core.list_pod_for_all_namespaces,
            "Service": self._core.list_service_for_all_namespaces,
        }
        return list(ask(lambda: lists[kind](_request_timeout=TIMEOUT)).items)

    def helm_charts(self) -> list[str]:
        """The names of the charts that k3s has been told to install; none on other clusters."""
        found = find(lambda: self._custom.list_cluster_custom_object(*HELM_CHARTS, _request_timeout=TIMEOUT))
        return [chart["metadata"]["name"] for chart in (found or {}).get("items", [])]

    def events(self, namespace: str) -> list[Any]:
        """What has happened to the pods of a namespace, as far as it is kept, the latest at the end."""
        found = ask(
            lambda: self._core.list_namespaced_event(
                namespace, field_selector="involvedObject.kind=Pod", _request_timeout=TIMEOUT
            )
        )
        return sorted(found.items, key=lambda event: int(event.metadata.resource_version))

    def log(
        self,
        pod: str,
        *,
        lines: int,
        follow: bool = False,
        previous: bool = False,
        namespace: str | None = None,
        container: str | None = None,
    ) -> Iterator[str]:
        """The last lines of a pod's log, without line ends."""
        given: dict[str, Any] = {"container": container} if container else {}
        if not follow:
            given["_request_timeout"] = TIMEOUT
        answer = ask(
            lambda: self._core.read_namespaced_pod_log(
                pod,
                namespace or self.namespace,
                follow=follow,
                tail_lines=lines,
                previous=previous,
                _preload_content=False,
                **given,
            )
        )
        rest = b""
        with closing(answer):  # whoever reads may go before the end
            for part in answer.stream():
                *whole, rest = (rest + part).split(b"\n")
                yield from (line.decode(errors="replace") for line in whole)
        if rest:
            yield rest.decode(errors="replace")

    def ask_pod(self, method: str, pod: str, port: int, path: str) -> bytes:
        """Asks a pod over HTTP, through the API server; slashes within `path` may reach it as %2F."""
        connect = getattr(self._core, f"connect_{method.lower()}_namespaced_pod_proxy_with_path")
        given = (f"{pod}:{port}", self.namespace, path.lstrip("/"))
        answer = ask(lambda: connect(*given, _preload_content=False, _request_timeout=TIMEOUT))
        return bytes(answer.data)

    def _where(self, kind: str) -> tuple[str, ...]:
        return () if kind in {"Namespace", "PersistentVolume"} else (self.namespace,)

    def _verb(self, verb: str, kind: str, by: client.ApiClient | None = None) -> Callable[..., Any]:
        group, name = {
            "PersistentVolume": (client.CoreV1Api, "persistent_volume"),
            "PersistentVolumeClaim": (client.CoreV1Api, "namespaced_persistent_volume_claim"),
            "Deployment": (client.AppsV1Api, "namespaced_deployment"),
            "Service": (client.CoreV1Api, "namespaced_service"),
            "Ingress": (client.NetworkingV1Api, "namespaced_ingress"),
            "Pod": (client.CoreV1Api, "namespaced_pod"),
            "Namespace": (client.CoreV1Api, "namespace"),
            "HTTPRoute": (Routes, "namespaced_http_route"),
            "ConfigMap": (client.CoreV1Api, "namespaced_config_map"),
        }[kind]
        method: Callable[..., Any] = getattr(group(by or self._api), f"{verb}_{name}")
        return method
