"""Real clusters: Docker, k3d, k3s, Traefik, the service load balancer. Run with `nox -s e2e`.

`TODOCTL_E2E_BASE_IMAGE` and `TODOCTL_E2E_K3S_IMAGE` name local images, for machines without a registry;
`TODOCTL_E2E_KUBECONFIG` leads the tests of namespaces to another cluster than a k3d one of their own.
Nothing of the user's is touched: state, kubeconfig, ports and cluster names are the tests' own.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests import visitor
from tests.app_server import free_port
from tests.todoctl.conftest import CommandLine
from todoctl.client import CacheState, Client

DEPLOYMENT = "deployment/todo-app-dep"
RESOURCES = (
    "pv/local-pv",
    "pvc/local-pv-claim",
    DEPLOYMENT,
    "service/todo-app-svc",
    "ingress/dwk-todo-app-ingress",
)


def run(*command: str, check: bool = True, given: str | None = None) -> str:
    """Runs a command of the machine; returns what it printed, and what went wrong where it fails.

    kubectl warns on standard error, of an API that is not there yet for one.
    """
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, input=given)
    assert not check or not done.returncode, f"{' '.join(command)}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr if done.returncode else done.stdout


def images() -> dict[str, str]:
    """Options of `up` by name, for the images that the environment names."""
    names = {"--base-image": "TODOCTL_E2E_BASE_IMAGE", "--k3s-image": "TODOCTL_E2E_K3S_IMAGE"}
    return {option: os.environ[name] for option, name in names.items() if os.environ.get(name)}


def base_image() -> list[str]:
    """The option of `image build` and of `up`, where the environment names a base image."""
    return [f"{option}={name}" for option, name in images().items() if option == "--base-image"]


class Lab(CommandLine):
    """`todoctl` on one cluster of its own, with ways to look at it that are not todoctl's."""

    PATH = os.environ["PATH"]

    def __init__(self, directory: Path, cluster: str) -> None:
        super().__init__(directory / "home", free_port())
        self.cluster = cluster
        self.kubeconfig = directory / "kubeconfig"
        self.env["KUBECONFIG"] = str(self.kubeconfig)
        self.server = f"k3d-{cluster}-server-0"
        self.node = f"k3d-{cluster}-agent-0"

    def up_arguments(self, *more: str) -> list[str]:
        given = {"--cluster": self.cluster, "--port": str(self.port), "--image-url": "sample:", **images()}
        return ["up", "--target", "k3d", *(word for pair in given.items() for word in pair), *more]

    def up(self, *more: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        return self(*self.up_arguments(*more), code=code)

    def kubectl(self, *command: str, check: bool = True, given: str | None = None) -> str:
        """The server's own kubectl: no word of it goes through todoctl or the user's kubeconfig."""
        interactive = [] if given is None else ["-i"]
        return run("docker", "exec", *interactive, self.server, "kubectl", *command, check=check, given=given)

    def read(self, *what: str) -> Any:  # noqa: ANN401 - JSON
        return json.loads(self.kubectl("get", *what, "-o", "json"))

    def pods(self) -> list[dict[str, Any]]:
        """The app's pods that are not ending."""
        found = self.read("pods", "-l", "app=todo-app")["items"]
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def versions(self) -> dict[str, str]:
        """What changes with any change of a resource or a pod."""
        found = {name: self.read(name)["metadata"]["resourceVersion"] for name in RESOURCES}
        return {
            **found,
            **{pod["metadata"]["uid"]: pod["metadata"]["resourceVersion"] for pod in self.pods()},
        }

    def state(self) -> CacheState:
        with Client(f"http://127.0.0.1:{self.port}") as client:
            return client.state()

    def visit(self, times: int = 1) -> CacheState:
        """Page views; the state after them."""
        with Client(f"http://127.0.0.1:{self.port}") as client:
            for _ in range(times):
                visitor.view(client.url)
            return client.state()

    def traces(self) -> list[str]:
        """Containers, networks, volumes and kubeconfig entries that belong to the cluster."""
        label = f"label=k3d.cluster={self.cluster}"
        found = run("docker", "ps", "-a", "--filter", label, "--format", "container {{.Names}}")
        found += run(
            "docker", "network", "ls", "--filter", f"name=k3d-{self.cluster}", "--format", "network {{.Name}}"
        )
        found += run("docker", "volume", "ls", "--filter", label, "--format", "volume {{.Name}}")
        if self.kubeconfig.exists() and f"k3d-{self.cluster}" in self.kubeconfig.read_text():
            found += f"an entry in {self.kubeconfig}\n"
        return found.splitlines()


@contextmanager
def lab(directory: Path, cluster: str) -> Iterator[Lab]:
    """A lab whose cluster is not there yet, and that leaves nothing behind."""
    found = Lab(directory, cluster)
    assert not found.traces(), f"cluster {cluster} exists; remove it first: k3d cluster delete {cluster}"
    try:
        yield found
    finally:
        found.env = {"KUBECONFIG": str(found.kubeconfig)}
        found("down")
        if found.traces():
            run("k3d", "cluster", "delete", cluster)


@pytest.fixture(name="todoctl", scope="module")
def _todoctl(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One for a file: its tests tell one story, in their order."""
    with lab(tmp_path_factory.mktemp("e2e"), "todoctl-e2e") as found:
        yield found
