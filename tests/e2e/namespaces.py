"""A cluster that todoctl has not made, and people who have a namespace of it and nothing else.

The cluster comes from plain `k3d cluster create`, or is the one of `TODOCTL_E2E_KUBECONFIG`, an
administrator's kubeconfig. Each user is a service account with only the documented Role, in a namespace that
enforces the restricted Pod Security Standard.
"""

import json
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests import visitor
from tests.app_server import free_port, wait_for
from tests.e2e.conftest import base_image, images, run
from tests.todoctl.conftest import CommandLine
from todoctl.client import CacheState, Client
from todoctl.errors import TodoctlError

CONTEXT = "school"
IMAGE = f"todoctl-e2e-namespace:{os.getpid()}"
READ = ["get", "list"]
WRITE = [*READ, "watch", "create", "patch", "delete"]

RIGHTS: Mapping[str, Sequence[str]] = {
    "configmaps": WRITE,
    "persistentvolumeclaims": WRITE,
    "services": WRITE,
    "pods": WRITE,
    "pods/log": READ,
    "events": READ,
    "pods/exec": ["get", "create"],
    "pods/portforward": ["get", "create"],
    "deployments.apps": WRITE,
    "ingresses.networking.k8s.io": WRITE,
}
"""Verbs by resource: the Role of issue 12, and no more."""

KINDS = (
    "configmaps,cronjobs,daemonsets,deployments,endpointslices,ingresses,jobs,leases,networkpolicies,"
    "persistentvolumeclaims,poddisruptionbudgets,pods,replicasets,resourcequotas,rolebindings,roles,secrets,"
    "serviceaccounts,services,statefulsets"
)
"""What somebody may have made in a namespace."""


class User(CommandLine):
    """`todoctl` as run by one who has a namespace, as from a machine of their own."""

    PATH = os.environ["PATH"]

    def __init__(self, school: "School", namespace: str, directory: Path) -> None:
        super().__init__(directory / "home", free_port())
        self.school = school
        self.namespace = namespace
        self.page = f"http://127.0.0.1:{self.port}"
        self.env["KUBECONFIG"] = str(school.kubeconfig(namespace, directory))
        self.place = ("--context", CONTEXT, "--namespace", namespace)

    def up_arguments(self, *more: str, image: str = IMAGE) -> list[str]:
        """With no image of that name where `image` is empty."""
        given = {"--port": str(self.port), "--image-url": "sample:", "--app-image": image}
        return [
            *("up", "--target", "kubernetes", *self.place),
            *(word for pair in given.items() if pair[1] for word in pair),
            *more,
        ]

    def validate(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        """The verdict."""
        with self.spawn("validate", "--json", *arguments) as running:
            out, said = running.communicate(timeout=500)
        assert running.returncode == code, said + out[:3000]  # the rest of `out` is the whole history
        told: dict[str, Any] = json.loads(out)
        return told

    def status(self, code: int = 0) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self("status", "--json", code=code).stdout)
        return told

    def state(self) -> CacheState:
        with Client(self.page) as client:
            return client.state()

    def visit(self, times: int = 1) -> CacheState:
        """Page views, and the state after them."""
        for _ in range(times):
            visitor.view(self.page)
        return self.state()

    def ttl(self) -> float | None:
        """What the app that runs was started with; None while none answers."""
        try:
            return self.state().ttl
        except TodoctlError:
            return None

    def kubectl(self, *command: str, check: bool = True) -> str:
        return self.school.kubectl("--namespace", self.namespace, *command, check=check)

    def pods(self) -> list[dict[str, Any]]:
        """The app's pods that are not ending."""
        found = json.loads(self.kubectl("get", "pods", "-l", "app=todo-app", "-o", "json"))["items"]
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def things(self) -> set[str]:
        """All that is in the namespace, as `kind/name`."""
        return set(self.kubectl("get", KINDS, "-o", "name").split())

    def wait_for_things(self, wanted: set[str]) -> None:
        """Until there is that and nothing else: what belongs to what has gone follows it a moment later."""
        _wait_for_set(self.things, wanted)

    def own_things(self) -> set[str]:
        """What is there for a validation only."""
        return {name for name in self.things() if "/todoctl-" in name or name == "pod/todoctl"}

    def wait_until_nothing_is_left(self) -> None:
        """Until none of that is there: a pod that was told to end takes a moment."""
        _wait_for_set(self.own_things, set())


def _wait_for_set(look: Callable[[], set[str]], wanted: set[str]) -> None:
    deadline = time.monotonic() + 60
    while (found := look()) != wanted and time.monotonic() < deadline:
        time.sleep(1)
    assert found == wanted, f"too many {found - wanted}, missing {wanted - found}"


class School:
    """The cluster; what is asked here is asked as its administrator."""

    def __init__(self, admin: Path, directory: Path, port: int | None = None) -> None:
        self.port = port
        """Where its ingress controller is reached on this machine, if it has one."""
        self._admin = admin
        self._directory = directory
        self._brought: list[str] = []

    def nodes(self, *options: str) -> list[str]:
        """Their names, which are those of their containers too: so it is with k3d and with kind."""
        return self.kubectl("get", "nodes", "-o", "jsonpath={.items[*].metadata.name}", *options).split()

    def server(self) -> str:
        """The node of the API server."""
        (found,) = self.nodes("-l", "node-role.kubernetes.io/control-plane")
        return found

    def host(self) -> str:
        """This machine's own name, with the port of the ingress controller; skips a test without one."""
        if self.port is None:
            pytest.skip("of the cluster that was given no ingress is known")
        host = socket.gethostname().lower()
        try:
            socket.create_connection((host, self.port), timeout=5).close()
        except OSError:
            pytest.skip("this machine's own name does not lead to it")
        return f"{host}:{self.port}"

    def open_volumes(self) -> None:
        """Lets all write the volumes of the cluster's storage class, as k3s does before and after 1.21.3.

        There only root may: https://github.com/k3s-io/k3s/issues/3704
        """
        config = ("--namespace=kube-system", "configmap/local-path-config")

        def script() -> str:
            printed = self.kubectl("get", *config, "-o", "jsonpath={.data.setup}", check=False)
            return printed if "mkdir" in printed else ""  # until it is there kubectl prints an error

        setup = wait_for(script, deadline=60)
        if "-m 0700" in setup:
            open_one = json.dumps({"data": {"setup": setup.replace("-m 0700", "-m 0777")}})
            self.kubectl("patch", *config, "--type=merge", f"--patch={open_one}")

    def bring(self, image: str) -> None:
        """An image of this machine, to all nodes: `k3d image import` says nothing where one has failed."""
        self._brought.append(image)
        archive = self._directory / "image.tar"
        run("docker", "save", "-o", str(archive), image)
        for node in self.nodes():
            run("docker", "cp", str(archive), f"{node}:/image.tar")
            run("docker", "exec", node, "ctr", "-n=k8s.io", "images", "import", "/image.tar")
            run("docker", "exec", node, "rm", "/image.tar")
        archive.unlink()

    def clear(self) -> None:
        """Takes the images off all nodes again."""
        for node in self.nodes():
            for image in self._brought:
                run("docker", "exec", node, "crictl", "rmi", image, check=False)

    def kubectl(self, *command: str, check: bool = True, given: str | None = None) -> str:
        """Nothing of it goes through todoctl or the user's kubeconfig."""
        return run("kubectl", f"--kubeconfig={self._admin}", *command, check=check, given=given)

    @contextmanager
    def user(
        self, namespace: str, directory: Path, *more: Mapping[str, Any], without: Sequence[str] = ()
    ) -> Iterator[User]:
        """One with a new namespace, `without` some rights, in which the administrator has put `more`."""
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        named = {"metadata": {"name": "learner", "namespace": namespace}}
        # Not `apply`: a namespace that is there already is somebody's own, and goes at the end.
        whole = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}}
        self.kubectl("create", "-f", "-", given=json.dumps(whole))
        given = {name: verbs for name, verbs in RIGHTS.items() if name not in without}
        account = {"apiVersion": "v1", "kind": "ServiceAccount", **named}
        self.apply(account, *role(namespace, "learner", given), *more)
        found = User(self, namespace, directory)
        wait_for(lambda: "serviceaccount/default" in found.things(), deadline=60)
        wait_for(lambda: "configmap/kube-root-ca.crt" in found.things(), deadline=60)
        try:
            yield found
        finally:
            # The port's process is this machine's, and ends with what is up; the namespace takes all else.
            found("down")
            self.kubectl("delete", "namespace", namespace, "--wait=false")

    def apply(self, *resources: Mapping[str, Any]) -> None:
        given = json.dumps({"apiVersion": "v1", "kind": "List", "items": resources})
        self.kubectl("apply", "-f", "-", given=given)

    def kubeconfig(self, namespace: str, directory: Path) -> Path:
        """With one context, which is not the current one."""
        admin = json.loads(self.kubectl("config", "view", "--raw", "--flatten", "--minify", "-o", "json"))
        (cluster,) = admin["clusters"]
        token = self.kubectl("--namespace", namespace, "create", "token", "learner", "--duration=24h").strip()
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [cluster],
            "users": [{"name": "learner", "user": {"token": token}}],
            "contexts": [{"name": CONTEXT, "context": {"cluster": cluster["name"], "user": "learner"}}],
        }
        path = directory / "kubeconfig"
        path.write_text(json.dumps(config))
        return path


def role(namespace: str, name: str, rights: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """A Role with `rights`, verbs by resource, and what gives it to the user."""
    group = "rbac.authorization.k8s.io"
    rules = []
    for right, verbs in rights.items():
        resource, _, of = right.partition(".")
        rules.append({"apiGroups": [of], "resources": [resource], "verbs": verbs})
    named = {"apiVersion": f"{group}/v1", "metadata": {"name": name, "namespace": namespace}}
    return [
        {**named, "kind": "Role", "rules": rules},
        {
            **named,
            "kind": "RoleBinding",
            "roleRef": {"apiGroup": group, "kind": "Role", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": "learner", "namespace": namespace}],
        },
    ]


@contextmanager
def school(directory: Path, name: str) -> Iterator[School]:
    """The cluster that the environment names, or one that is gone at the end."""
    given = os.environ.get("TODOCTL_E2E_KUBECONFIG")
    with _given(Path(given), directory) if given else made(directory, f"{name}-{os.getpid()}") as found:
        CommandLine(directory / "home", env={"PATH": os.environ["PATH"]})(
            "image", "build", IMAGE, *base_image()
        )
        try:
            found.bring(IMAGE)
            yield found
        finally:
            run("docker", "rmi", IMAGE, check=False)


@contextmanager
def _given(admin: Path, directory: Path) -> Iterator[School]:
    found = School(admin, directory)
    try:
        yield found
    finally:
        found.clear()


@contextmanager
def made(directory: Path, name: str, *more: str) -> Iterator[School]:
    """A cluster by k3d, with `more` arguments of its."""
    port = free_port()
    admin = directory / "admin"
    image = images().get("--k3s-image")
    try:
        run(
            *("k3d", "cluster", "create", name, "--agents=2", "--timeout=240s"),
            *("--port", f"{port}:80@loadbalancer"),
            *("--kubeconfig-update-default=false", "--kubeconfig-switch-context=false"),
            # No registry has the image: where the disk is rather full, a node would remove it for good.
            *("--k3s-arg", "--kubelet-arg=image-gc-high-threshold=100@all:*"),
            *((f"--image={image}",) if image else ()),
            *more,
        )
        run("k3d", "kubeconfig", "write", name, f"--output={admin}")
        admin.write_text(admin.read_text().replace("0.0.0.0", "127.0.0.1"))
        found = School(admin, directory, port)
        found.open_volumes()
        yield found
    finally:
        run("k3d", "cluster", "delete", name, check=False)
