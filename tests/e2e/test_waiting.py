"""What `up` waits for, and what has failed for good: each made for real, told as it is, in time."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.app_server import wait_for
from tests.e2e.conftest import Lab, run
from tests.e2e.registry import push, registry
from tests.e2e.relay import Line

SYSTEM = ("-n", "kube-system")
TRAEFIK = "deployment/traefik"
LATE = 150.0
"""Seconds; `up` once gave up after 140."""

BROKEN_VALUES = """
apiVersion: helm.cattle.io/v1
kind: HelmChartConfig
metadata:
  name: traefik
  namespace: kube-system
spec:
  valuesContent: "deployment: [never closed"
"""

FAST = 1e9
LAYER = 4_000_000


@pytest.fixture(name="line", scope="module")
def _line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """A line to a registry, which nodes reach too."""
    with registry(tmp_path_factory.mktemp("registry")) as port:
        with closing(Line(("127.0.0.1", port), FAST, listen="0.0.0.0")) as line:
            yield line


@pytest.fixture(name="arguments", scope="module")
def _arguments(line: Line, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """With them, nodes speak HTTP to that registry."""
    path = tmp_path_factory.mktemp("k3d") / "registries.yaml"
    path.write_text(json.dumps({"mirrors": {of(line): {"endpoint": [f"http://{of(line)}"]}}}))
    return [f"--k3d-arg=--registry-config={path}"]


def of(line: Line) -> str:
    """The registry as the nodes call it."""
    return f"host.k3d.internal:{line.port}"


def failed(todoctl: Lab, *arguments: str, within: float) -> str:
    """Runs an `up` that waits for the page in vain, for so many seconds at the most; what it says at last."""
    done = todoctl.up(*arguments, code=3)
    took = re.search(r"✗ Wait for the page at \S+ ([\d.]+) s", done.stdout)
    assert took, done.stdout
    assert float(took[1]) < within
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith(f"todoctl: There is no page at http://localhost:{todoctl.port}: ")
    return line


@contextmanager
def without_controller(todoctl: Lab) -> Iterator[None]:
    """Traefik is away, and the ingress as new: nobody has taken it."""
    todoctl.kubectl(*SYSTEM, "scale", TRAEFIK, "--replicas=0")
    todoctl.kubectl("delete", "ingress", "dwk-todo-app-ingress")
    wait_for(lambda: "traefik" not in controllers(todoctl), deadline=120)
    yield
    todoctl.kubectl(*SYSTEM, "scale", TRAEFIK, "--replicas=1")


def controllers(todoctl: Lab) -> str:
    names = todoctl.kubectl(*SYSTEM, "get", "pods", "-o", "name")
    return "\n".join(name for name in names.splitlines() if name.startswith("pod/traefik"))


@pytest.fixture(name="own_image", scope="module")
def _own_image(todoctl: Lab) -> str:
    """Traefik's, in Docker; asked for while the cluster still has it."""
    spec = todoctl.read(*SYSTEM, TRAEFIK)["spec"]["template"]["spec"]
    image = str(spec["containers"][0]["image"])
    if "No such image" in run("docker", "image", "inspect", image, check=False):
        run("docker", "pull", "-q", image)
    return image


def set_image(todoctl: Lab, image: str) -> None:
    recreate = '{"spec": {"strategy": {"type": "Recreate", "rollingUpdate": null}}}'
    todoctl.kubectl(*SYSTEM, "patch", TRAEFIK, "-p", recreate)
    todoctl.kubectl(*SYSTEM, "set", "image", TRAEFIK, f"traefik={image}")


def test_no_ingress_controller_is_told_within_a_minute(todoctl: Lab) -> None:
    line = failed(todoctl, "--k3d-arg=--k3s-arg=--disable=traefik@server:*", within=60)
    assert "there is no ingress controller in this cluster" in line
    assert "make the cluster without --disable=traefik" in line
    todoctl("down")
    assert todoctl.traces() == []


def test_a_helm_job_that_fails_is_told_with_its_last_words(todoctl: Lab, tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(BROKEN_VALUES)
    manifests = "/var/lib/rancher/k3s/server/manifests"
    line = failed(todoctl, f"--k3d-arg=--volume={path}:{manifests}/broken.yaml@server:*", within=120)
    assert "Helm job helm-install-traefik" in line
    assert "; its log ends: " in line
    assert "kubectl -n kube-system logs job/helm-install-traefik" in line
    todoctl("down")


def test_one_that_comes_late_is_waited_for(
    todoctl: Lab, arguments: list[str], request: pytest.FixtureRequest
) -> None:
    todoctl.up(*arguments)
    request.getfixturevalue("own_image")
    with without_controller(todoctl):
        with todoctl.spawn(*todoctl.up_arguments(*arguments)) as running:
            time.sleep(LATE)
            assert running.poll() is None
            todoctl.kubectl(*SYSTEM, "scale", TRAEFIK, "--replicas=1")
            out, err = running.communicate(timeout=120)
    assert running.returncode == 0, out + err
    assert "the deployment traefik in kube-system is scaled to 0 pods" in out
    assert len(out.splitlines()) < 20, "a line for what changes, no flood"


def test_an_image_that_is_nowhere_is_told_at_once(todoctl: Lab, line: Line, arguments: list[str]) -> None:
    image = f"{of(line)}/traefik:nosuch"
    with without_controller(todoctl):
        set_image(todoctl, image)
    said = failed(todoctl, *arguments, within=60)
    assert f"the image {image} does not exist (not found). Correct the image's name" in said


def test_a_registry_that_is_down_is_told_within_a_minute(
    todoctl: Lab, line: Line, arguments: list[str]
) -> None:
    image = f"{of(line)}/traefik:1"
    line.cut(down=True)
    try:
        set_image(todoctl, image)
        said = failed(todoctl, *arguments, within=90)
    finally:
        line.restore()
    assert f"the image {image} cannot be pulled" in said
    assert "network" in said


def test_a_slow_pull_is_waited_for(
    todoctl: Lab, line: Line, arguments: list[str], own_image: str, tmp_path: Path
) -> None:
    """Traefik's own image, with two layers more that take half a minute."""
    line.rate = FAST
    push(own_image, f"localhost:{line.port}/traefik:1", LAYER, tmp_path / "image")
    line.rate = 2 * LAYER / 30
    with without_controller(todoctl):
        set_image(todoctl, f"{of(line)}/traefik:1")
    said = todoctl.up(*arguments).stdout
    assert re.search(rf"pod traefik-\S+ pulls {of(line)}/traefik:1", said), said
    assert todoctl.visit().status == "valid"
