"""A cluster that exists already, as a context of the user's kubeconfig: `--target kubernetes`."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from todoctl.commands import SILENT, Commands
from todoctl.errors import BadUsageError, UnavailableError
from todoctl.kube.app import Deployed
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
from todoctl.settings import Settings, seconds
from todoctl.state import Home, make_directory
from todoctl.targets import findings
from todoctl.targets.base import Finding, Progress
from todoctl.targets.kubernetes.forward import Forwarder
from todoctl.targets.kubernetes.options import NamespaceOptions
from todoctl.targets.kubernetes.page import ForwardedPort, NamedHost, Page
from todoctl.targets.kubernetes.provider import Provided
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

LOADING = {
    "kind": "kind load docker-image {image} --name {name}",
    "k3d": "k3d image import {image} --cluster {name}",
    "minikube": "minikube image load {image}",
}
"""How an image gets into a cluster without a registry, by the beginning of its context's name."""


class ExistingCluster:
    """A namespace of the cluster; see `todoctl.targets.kubernetes.provider.Provider` for the methods."""

    name = "kubernetes"

    def __init__(self, home: Home, options: NamespaceOptions, commands: Commands = SILENT) -> None:
        self.options, self._commands = options, commands
        self.context = options.context
        self.directory = home.path / FOLDER / quote(options.context, safe="") / options.namespace
        self._forwarder = Forwarder(self.directory)
        self._client: Client | None = None
        self._recalled = False

    def client(self) -> Client:
        """By the context that was named, never the current one."""
        if self._client is None:
            paths = os.environ.get("KUBECONFIG")
            self._client = Client(paths, self.options.namespace, context=self.options.context)
        return self._client

    def _recall(self) -> None:
        """Takes over the options that the app was brought up with, unless the user has stated others."""
        if self._recalled:
            return
        asked = recall(Deployed(self.client(), self.context))
        if asked is not None:
            before = self.options.recalled(asked.options)
            self.options = self.options.over(before)
        self._recalled = True

    def asked(self) -> dict[str, Any]:
        return self.options.to_json()

    def is_own(self) -> bool:
        return False

    # Up

    def findings(self, port: int) -> list[Finding]:
        """Returns whether the API server answers, what may be done there, and the port if it is needed."""
        options = self.options
        client = self.client()
        needed = [(verb, name) for name, verbs in RIGHTS.items() for verb in verbs]
        if options.host:
            needed += [(verb, "httproutes" if options.gateway else "ingresses") for verb in CHANGE]
        try:
            with ThreadPoolExecutor(8) as pool:
                allowed = list(
                    pool.map(lambda one: client.may(one[0], one[1], GROUPS.get(one[1], "")), needed)
                )
        except UnavailableError as error:
            return [findings.of_error("API server", error)]
        lacking = [f"{verb} {name}" for (verb, name), may in zip(needed, allowed, strict=True) if not may]
        found = [Finding(subject="API server", ok=True, seen=client.server)]
        if not options.create_namespace:  # whoever makes it may have no rights in it before
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
        return [*found, findings.of_port(port)]

    def provide(self, settings: Settings, progress: Progress, timeout: float | None) -> Provided:  # noqa: ARG002
        """Makes the namespace if that is asked for, and the image if a registry is named."""
        self._recall()
        client, namespace, made = self.client(), self.options.namespace, False
        if self.options.create_namespace:
            with progress.step(f"Create namespace {namespace}"):
                self._commands.tell(
                    ["kubectl", f"--context={self.context}", "create", "namespace", namespace]
                )
                made = client.create(
                    owned({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
                )
        return Provided(image=self._provide_image(progress), changed=made)

    def _provide_image(self, progress: Progress) -> str:
        """Returns the image's name as the cluster pulls it; builds and pushes it if there is a registry."""
        options = self.options
        if options.app_image:
            return options.app_image
        if not options.registry:
            load = loading(options.context, "todo-app:1.12")
            fix = (
                f" Or: todoctl image build todo-app:1.12; {load}; then --app-image todo-app:1.12"
                if load
                else ""
            )
            raise BadUsageError(
                "--app-image is missing, and --registry too",
                fix=f"Name an image that the cluster can pull, or a registry to push to.{fix}",
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

    # What the app is made of

    def resources(self, settings: Settings, image: str) -> list[Resource]:
        self._recall()
        return resources(settings, self.options, image)

    def printing(self, settings: Settings, image: str) -> Sequence[str]:
        return printing(settings, self.options, image)

    def page(self) -> Page:
        with suppress(UnavailableError):  # what runs for it here can be ended without the API
            self._recall()
        if self.options.host:
            return NamedHost(self.options.host, self.options.gateway, self._forwarder)
        return ForwardedPort(self.context, self.options.namespace, self._forwarder)

    def node(self) -> None:
        """The scheduler knows where the volume can be."""

    def outside(self) -> None:
        """A helper pod: todoctl has nothing to do with the nodes."""

    # Down

    def remove(self, progress: Progress, *, keep_data: bool) -> None:
        """Always stays."""

    def clean(self, progress: Progress, *, keep_data: bool) -> bool:
        namespace = self.options.namespace
        if keep_data:
            make_directory(self.directory)
            progress.note("The claim stays. 'todoctl down' removes it.")
            return True
        if self.options.create_namespace and is_ours(self.client().get("Namespace", namespace)):
            command = f"kubectl --context={self.context} delete namespace {namespace}"
            progress.note(
                f"Namespace {namespace} stays, with what others may have in it. '{command}' deletes it."
            )
        return False

    def details(self) -> dict[str, str]:
        return {"Context": self.context, "Namespace": self.options.namespace}


def loading(context: str, image: str) -> str:
    """Returns the command of the cluster's own tool that brings an image there; empty if it is not known."""
    maker, _, name = context.partition("-")
    return LOADING.get(maker, "").format(image=image, name=name)


def resources(settings: Settings, options: NamespaceOptions, image: str) -> list[Resource]:
    """Returns claim, deployment, service and perhaps ingress or route; the volume is the cluster's."""
    _, claim, deployment, service, ingress = adapted(settings, image, replicas=options.replicas)
    entrance = _route(options, ingress) if options.gateway else ingress
    found = [claim, deployment, service, *([entrance] if options.host else [])]
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


def printing(settings: Settings, options: NamespaceOptions, image: str) -> list[str]:
    """Returns the command that prints what `resources` gives."""
    usual = Settings()
    given = {
        f"--namespace={options.namespace}": True,
        f"--ttl={seconds(settings.ttl)}": settings.ttl != usual.ttl,
        f"--image-url={settings.source}": settings.image_url != usual.image_url,
        f"--app-image={image}": True,
        f"--storage-class={options.storage_class}": options.storage_class is not None,
        f"--replicas={options.replicas}": options.shared,
        **{f"--pull-secret={name}": True for name in options.pull_secret},
        f"--host={options.host}": options.host is not None,
        f"--ingress-class={options.ingress_class}": options.ingress_class is not None,
        f"--gateway={options.gateway}": options.gateway is not None,
    }
    return ["todoctl", "manifests", *(word for word, needed in given.items() if needed)]
