"""What `up` waits for, and what has failed for good: each made for real, told as it is, in time."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.app_server import wait_for
from tests.e2e.conftest import Lab

SYSTEM = ("-n", "kube-system")
TRAEFIK = "deployment/traefik"
LATE = 90.0
"""Seconds: more than any other limit of a wait."""

BROKEN_VALUES = """
apiVersion: helm.cattle.io/v1
kind: HelmChartConfig
metadata:
  name: traefik
  namespace: kube-system
spec:
  valuesContent: "deployment: [never closed"
"""


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


def test_no_ingress_controller_is_told_within_a_minute(todoctl: Lab) -> None:
    line = failed(todoctl, "--k3d-arg=--k3s-arg=--disable=traefik@server:*", within=60)
    assert "there is no ingress controller" in line
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


def test_one_that_comes_late_is_waited_for(todoctl: Lab) -> None:
    todoctl.up()
    with without_controller(todoctl):
        with todoctl.spawn(*todoctl.up_arguments()) as running:
            time.sleep(LATE)
            assert running.poll() is None
            todoctl.kubectl(*SYSTEM, "scale", TRAEFIK, "--replicas=1")
            out, err = running.communicate(timeout=120)
    assert running.returncode == 0, out + err
    assert "the service traefik has no pods yet" in out
    assert len(out.splitlines()) < 20, "a line for what changes, no flood"
