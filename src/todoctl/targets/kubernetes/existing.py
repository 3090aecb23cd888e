"""A cluster that exists already, as a context of the user's kubeconfig: `--target kubernetes`."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any
from urllib.parse import quote

from todoctl.errors import BadUsageError, UnavailableError
from todoctl.kube.app import App
from todoctl.kube.client import Client
from todoctl.kube.manifests import (
    ROUTE,
    ROUTE_GROUP,
    Resource,
    adapted,
    deployment_of,
    is_ours,
    owned,
    pulled_with,
)
from todoctl.settings import Settings
from todoctl.state import Home, make_directory
from todoctl.targets.base import Finding, Progress, error_finding, port_finding
from todoctl.targets.kubernetes.forward import Forwarder
from todoctl.targets.kubernetes.options import IN_MANIFESTS, NamespaceOptions
from todoctl.targets.kubernetes.page import Page
from todoctl.targets.kubernetes.provider import Cluster, Provided
from todoctl.targets.kubernetes.target import recall

FOLDER = "kubernetes"
"""Below todoctl's home; in it one for each context, and in that one for each namespace."""

CHANGE = ("get", "patch", "create", "delete")

RIGHTS = {
    "configmaps": CHANGE,
    "persistentvolumeclaims": CHANGE,
    "services": CHANGE,
    "deployments": CHANGE,
    "pods": (*CHANGE, "list"),
    "pods/log": ("get",),
    "pods/exec": ("get", "create"),
    "pods/portforward": ("get", "create"),
    "events": ("list",),
}
"""What the user has to be allowed: apply is a patch that may create, and a WebSocket begins with a get (since
Kubernetes 1.35 it needs `create` as well)."""

GROUPS = {"deployments": "apps", "ingresses": "networking.k8s.io", "httproutes": ROUTE_GROUP}

LOAD = "'k3d image import', 'kind load docker-image', 'minikube image load'"


class ExistingCluster:
    """A namespace of the cluster; see `todoctl.targets.kubernetes.provider.Provider` for the methods."""

    name = "kubernetes"

    def __init__(self, home: Home, options: NamespaceOptions) -> None:
        self.options, self.context = options, options.context
        self.directory = home.path / FOLDER / quote(options.context, safe="") / options.namespace
        self._forwarder = Forwarder(self.directory, options.context, options.namespace)
        self._client: Client | None = None
        self._recalled = False

    def client(self) -> Client:
        """Returns the API by the context that was named, never the current one."""
        if self._client is None:
            paths = os.environ.get("KUBECONFIG")
            self._client = Client(paths, self.options.namespace, context=self.options.context)
        return self._client

    def look(self) -> Cluster:
        """Takes over the options that the app was brought up with, unless the user has stated others."""
        client = self.client()
        if not self._recalled and (asked := recall(App(client, self.context))):
            self.options = self.options.over(self.options.recalled(asked.options))
        self._recalled = True
        options = self.options
        values = asdict(options)
        del values["stated"]  # that is of one command only
        return Cluster(
            client=client,
            page=Page(options.host, options.gateway, self._forwarder),
            details={"Context": self.context, "Namespace": options.namespace},
            remembered=values,
        )

    # Up

    def findings(self, port: int) -> list[Finding]:
        """Returns whether the API server answers, what may be done there, and the port if it is needed."""
        options, client = self.options, self.client()
        needed = [(verb, name) for name, verbs in RIGHTS.items() for verb in verbs]
        if options.host:
            needed += [(verb, "httproutes" if options.gateway else "ingresses") for verb in CHANGE]
        try:
            with ThreadPoolExecutor(8) as pool:
                allowed = list(
                    pool.map(lambda one: client.may(one[0], one[1], GROUPS.get(one[1], "")), needed)
                )
        except UnavailableError as error:
            return [error_finding("API server", error)]
        lacking = [f"{verb} {name}" for (verb, name), may in zip(needed, allowed, strict=True) if not may]
        found = [Finding(subject="API server", ok=True, seen=client.server)]
        if not options.create_namespace:  # without it there may be no rights in it yet
            found.append(
                Finding(
                    subject=f"Rights in {options.namespace}",
                    ok=not lacking,
                    seen="not allowed: " + ", ".join(lacking) if lacking else "enough",
                    fix="Ask for a Role that allows this",
                )
            )
        if options.host:
            return found
        if self._forwarder.forwards(port):
            return [*found, Finding(subject=f"Port {port}", ok=True, seen="held by todoctl's own process")]
        return [*found, port_finding(port)]

    def provide(self, settings: Settings, progress: Progress, timeout: float | None) -> Provided:  # noqa: ARG002
        """Makes the namespace if that is asked for, and the image if a registry is named."""
        cluster, namespace, made = self.look(), self.options.namespace, False
        if self.options.create_namespace:
            with progress.step(f"Create namespace {namespace}"):
                progress.command(["kubectl", f"--context={self.context}", "create", "namespace", namespace])
                resource = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
                made = cluster.client.create(owned(resource))
        return Provided(cluster=cluster, image=self._provide_image(progress), changed=made)

    def _provide_image(self, progress: Progress) -> str:
        """Returns the image's name as the cluster pulls it; builds and pushes it if there is a registry."""
        options = self.options
        if options.app_image:
            return options.app_image
        if not options.registry:
            raise BadUsageError(
                "--app-image is missing, and --registry too",
                fix="Name an image that the cluster can pull, or a registry to push to. Or: todoctl image "
                f"build todo-app:1.12; load it into the nodes ({LOAD}); then --app-image todo-app:1.12",
            )
        from todoctl.images import build, pull
        from todoctl.images.engine import connect, has_image

        engine = connect()
        base = options.base_image or build.DEFAULT_BASE_IMAGE
        pull.pull_missing(engine, {base: "--base-image"}, progress)  # first: the name depends on what it is
        name = f"{options.registry}/{build.reference(engine, options.base_image)}"
        if not has_image(engine, name):
            build.build(name, options.base_image, progress)
        build.push(name, progress)
        return name

    def resources(self, settings: Settings, image: str) -> list[Resource]:
        return resources(settings, self.options, image)

    def manifest_options(self) -> dict[str, Any]:
        return {name: getattr(self.options, name) for name in IN_MANIFESTS}

    # Down

    def remove(self, progress: Progress, *, keep_data: bool) -> None:
        """Always stays."""

    def clean(self, cluster: Cluster, progress: Progress, *, keep_data: bool) -> bool:
        namespace = self.options.namespace
        if keep_data:
            make_directory(self.directory)
            progress.note("The claim stays. 'todoctl down' removes it.")
            return True
        if self.options.create_namespace and is_ours(cluster.client.get("Namespace", namespace)):
            command = f"kubectl --context={self.context} delete namespace {namespace}"
            progress.note(
                f"Namespace {namespace} stays, with what others may have in it. '{command}' deletes it."
            )
        return False


def resources(settings: Settings, options: NamespaceOptions, image: str) -> list[Resource]:
    """Returns claim, deployment, service and perhaps ingress or route; the volume is the cluster's."""
    _, claim, deployment, service, ingress = adapted(settings, image, replicas=options.replicas)
    leading = _route(options, ingress) if options.gateway else ingress
    found = [claim, deployment, service, *([leading] if options.host else [])]
    for resource in found:
        resource["metadata"].pop("annotations", None)  # they say why the files name no namespace
        resource["metadata"]["namespace"] = options.namespace
        owned(resource)
    del claim["spec"]["storageClassName"]
    if options.storage_class:
        claim["spec"]["storageClassName"] = options.storage_class
    if options.shared:
        claim["spec"]["accessModes"] = ["ReadWriteMany"]
    pod = deployment_of(found)["spec"]["template"]["spec"]
    pod["shareProcessNamespace"] = True  # nothing kills process 1 from inside its own pod
    pod |= pulled_with(options.pull_secret)
    if options.host:
        ingress["spec"]["rules"][0]["host"] = options.host_name
    if options.ingress_class:
        ingress["spec"]["ingressClassName"] = options.ingress_class
    return found


def _route(options: NamespaceOptions, ingress: Resource) -> Resource:
    """Returns what leads where the ingress does, from a gateway."""
    namespace, _, name = str(options.gateway).rpartition("/")
    service = ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
    return {
        "apiVersion": f"{ROUTE_GROUP}/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": ROUTE},
        "spec": {
            "parentRefs": [{"name": name, **({"namespace": namespace} if namespace else {})}],
            "hostnames": [options.host_name],
            "rules": [{"backendRefs": [{"name": service["name"], "port": service["port"]["number"]}]}],
        },
    }
