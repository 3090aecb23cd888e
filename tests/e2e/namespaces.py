"""A cluster that todoctl has not made, and people who have a namespace of it and nothing else.

The cluster comes from plain `k3d cluster create`. Each user is a service account with only the documented
Role, in a namespace that enforces the restricted Pod Security Standard.
"""

import json
import os
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests import visitor
from tests.app_server import free_port, wait_for
from tests.e2e.conftest import images, run
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

    def __init__(self, school: "School", namespace: str, directory: Path) -> None:
        super().__init__(directory / "home", free_port())
        self.school = school
        self.namespace = namespace
        self.env["KUBECONFIG"] = str(school.kubeconfig(namespace, directory))
        self.place = ("--context", CONTEXT, "--namespace", namespace)

    def up_arguments(self, *more: str) -> list[str]:
        given = {"--port": str(self.port), "--image-url": "sample:", "--app-image": IMAGE}
        return [
            *("up", "--target", "kubernetes", *self.place),
            *(word for pair in given.items() for word in pair),
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
        with Client(f"http://127.0.0.1:{self.port}") as client:
            return client.state()

    def visit(self, times: int = 1) -> CacheState:
        """Page views by the port that is led on; the state after them."""
        for _ in range(times):
            visitor.view(f"http://127.0.0.1:{self.port}")
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
        deadline = time.monotonic() + 60
        while (found := self.things()) != wanted and time.monotonic() < deadline:
            time.sleep(1)
        assert found == wanted, f"too many {found - wanted}, missing {wanted - found}"

    def own_things(self) -> set[str]:
        """What is there for a validation only."""
        return {name for name in self.things() if "/todoctl-" in name or name == "pod/todoctl"}


class School:
    """The cluster; what is asked here is asked as its administrator."""

    def __init__(self, directory: Path, name: str) -> None:
        self.name = name
        self.port = free_port()
        self.server = f"k3d-{name}-server-0"
        self._directory = directory

    @property
    def api(self) -> str:
        """The address of its API server on this machine."""
        port = run("docker", "port", f"k3d-{self.name}-serverlb", "6443").split()[0].rpartition(":")[2]
        return f"https://127.0.0.1:{port}"

    def create(self) -> None:
        given = images().get("--k3s-image")
        run(
            *("k3d", "cluster", "create", self.name, "--agents=2", "--timeout=240s"),
            *("--port", f"{self.port}:80@loadbalancer"),
            *("--kubeconfig-update-default=false", "--kubeconfig-switch-context=false"),
            # No registry has the image: where the disk is rather full, a node would remove it for good.
            *("--k3s-arg", "--kubelet-arg=image-gc-high-threshold=100@all:*"),
            *((f"--image={given}",) if given else ()),
        )
        CommandLine(self._directory / "home")("image", "build", IMAGE, *_base())
        self.bring(IMAGE)

    def bring(self, image: str) -> None:
        """An image of this machine, to all nodes: `k3d image import` says nothing where one has failed."""
        archive = self._directory / "image.tar"
        run("docker", "save", "-o", str(archive), image)
        for node in (self.server, *(f"k3d-{self.name}-agent-{number}" for number in range(2))):
            run("docker", "cp", str(archive), f"{node}:/image.tar")
            run("docker", "exec", node, "ctr", "-n=k8s.io", "images", "import", "/image.tar")
            run("docker", "exec", node, "rm", "/image.tar")
        archive.unlink()

    def delete(self) -> None:
        run("k3d", "cluster", "delete", self.name, check=False)
        run("docker", "rmi", IMAGE, check=False)

    def kubectl(self, *command: str, check: bool = True, given: str | None = None) -> str:
        """The server's own: nothing of it goes through todoctl or the user's kubeconfig."""
        interactive = [] if given is None else ["-i"]
        return run("docker", "exec", *interactive, self.server, "kubectl", *command, check=check, given=given)

    @contextmanager
    def user(
        self, namespace: str, directory: Path, *more: Mapping[str, Any], without: Sequence[str] = ()
    ) -> Iterator[User]:
        """One with a new namespace, `without` some rights, in which the administrator has put `more`."""
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        named = {"metadata": {"name": "learner", "namespace": namespace}}
        group = "rbac.authorization.k8s.io"
        self.apply(
            {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": namespace, "labels": labels},
            },
            {"apiVersion": "v1", "kind": "ServiceAccount", **named},
            role(namespace, without),
            {
                "apiVersion": f"{group}/v1",
                "kind": "RoleBinding",
                **named,
                "roleRef": {"apiGroup": group, "kind": "Role", "name": "learner"},
                "subjects": [{"kind": "ServiceAccount", "name": "learner", "namespace": namespace}],
            },
            *more,
        )
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
        admin = json.loads(self.kubectl("config", "view", "--raw", "-o", "json"))
        authority = admin["clusters"][0]["cluster"]["certificate-authority-data"]
        token = self.kubectl("--namespace", namespace, "create", "token", "learner", "--duration=24h").strip()
        server = {"server": self.api, "certificate-authority-data": authority}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "cluster", "cluster": server}],
            "users": [{"name": "learner", "user": {"token": token}}],
            "contexts": [{"name": CONTEXT, "context": {"cluster": "cluster", "user": "learner"}}],
        }
        path = directory / "kubeconfig"
        path.write_text(json.dumps(config))
        return path


def role(namespace: str, without: Sequence[str] = ()) -> dict[str, Any]:
    """The Role, without what it may do with some resources."""
    rules = []
    for name, verbs in RIGHTS.items():
        resource, _, group = name.partition(".")
        if resource not in without:
            rules.append({"apiGroups": [group], "resources": [resource], "verbs": verbs})
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "learner", "namespace": namespace},
        "rules": rules,
    }


def _base() -> list[str]:
    return [f"{option}={name}" for option, name in images().items() if option == "--base-image"]


def own_host(port: int) -> str | None:
    """This machine's own name with the port, where it leads here."""
    host = socket.gethostname().lower()
    try:
        socket.create_connection((host, port), timeout=5).close()
    except OSError:
        return None
    return f"{host}:{port}"


@contextmanager
def school(directory: Path, name: str) -> Iterator[School]:
    """A cluster that is gone at the end."""
    found = School(directory, f"{name}-{os.getpid()}")
    try:
        found.create()
        yield found
    finally:
        found.delete()
