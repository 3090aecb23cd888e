"""The original README's own commands, on the cluster that it names; then todoctl meets that cluster."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app_server import wait_for
from tests.e2e.conftest import RESOURCES, Lab, images, lab, run
from todoctl.client import Client

ROOT = Path(__file__).parents[2]
IMAGE = "todo-app:1.12"


@pytest.fixture(name="todoctl", scope="module")
def _todoctl(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with lab(tmp_path_factory.mktemp("documented"), "k3s-default") as found:
        yield found


def test_kubectl_alone_makes_it_run(todoctl: Lab) -> None:
    """`kubectl apply -k manifests/` on the documented cluster."""
    given = images()
    k3s = [f"--image={given['--k3s-image']}"] if "--k3s-image" in given else []
    base = [f"--base-image={given['--base-image']}"] if "--base-image" in given else []
    kubeconfig = ("env", f"KUBECONFIG={todoctl.kubeconfig}")
    run(
        *kubeconfig,
        "k3d",
        "cluster",
        "create",
        "--port",
        f"{todoctl.port}:80@loadbalancer",
        "--agents",
        "2",
        *k3s,
    )
    run("docker", "exec", "k3d-k3s-default-agent-0", "mkdir", "-p", "/tmp/kube")
    todoctl("image", "build", IMAGE, *base)
    wait_for(lambda: is_imported(todoctl), deadline=120)  # it reports success without it, at times
    run("docker", "cp", str(ROOT / "manifests"), f"{todoctl.server}:/tmp/manifests")
    todoctl.kubectl("apply", "-k", "/tmp/manifests")
    todoctl.kubectl("rollout", "status", "deployment", "todo-app-dep", "--timeout=180s")
    with Client(f"http://127.0.0.1:{todoctl.port}") as client:
        wait_for(client.is_ready, deadline=120)


def is_imported(todoctl: Lab) -> bool:
    run("k3d", "image", "import", IMAGE)
    return IMAGE in run("docker", "exec", todoctl.node, "ctr", "-n=k8s.io", "images", "ls", "-q")


def test_up_refuses_a_cluster_that_it_has_not_made(todoctl: Lab) -> None:
    before = todoctl.versions()
    line = todoctl.up(code=3).stderr
    assert "todoctl has not made it" in line
    assert "--adopt" in line
    assert todoctl.versions() == before
    assert not todoctl.home.exists()


def test_adopted_it_is_used(todoctl: Lab) -> None:
    todoctl.up("--adopt")
    assert "(adopted)" in todoctl("status").stdout
    assert todoctl.visit().status == "valid"
    assert "nothing changed" in todoctl.up("--adopt").stdout


def test_down_takes_the_app_and_leaves_the_cluster(todoctl: Lab) -> None:
    todoctl("down")
    assert not todoctl.kubectl("get", *RESOURCES, "--ignore-not-found")
    assert len([trace for trace in todoctl.traces() if "container" in trace]) == 4
    run("env", f"KUBECONFIG={todoctl.kubeconfig}", "k3d", "cluster", "delete", "k3s-default")
    run("docker", "rmi", IMAGE)
