"""A first start over a slow line: a few hundred kB/s from a registry, cut in the middle, an image missing."""

import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.app_server import wait_for
from tests.e2e.conftest import Lab, images, run
from tests.e2e.registry import docker_config, push, registry
from tests.e2e.relay import Line
from todoctl.images.build import DEFAULT_BASE_IMAGE
from todoctl.targets.k3d import cluster as k3d
from todoctl.targets.k3d.options import ClusterOptions

RATE = 300_000.0
"""Bytes a second."""

LAYERS = {"k3s": 4_000_000, "k3d-proxy": 400_000, "k3d-tools": 400_000, "python": 3_000_000}
"""Bytes of each of the two layers that Docker has to fetch of an image; those below it has."""

ALL = 2 * sum(LAYERS.values())


def sources() -> dict[str, str]:
    """The images of this machine, by the names that the registry has for them."""
    given = images()
    of_k3d = k3d.versions().images(ClusterOptions(k3s_image=given.get("--k3s-image")), create=True)
    names = [*of_k3d, given.get("--base-image", DEFAULT_BASE_IMAGE)]
    return dict(zip(LAYERS, names, strict=True))


@pytest.fixture(name="line", scope="module")
def _line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """A slow line to a registry that has all images that `up` needs, with the tag 1."""
    directory = tmp_path_factory.mktemp("registry")
    with registry(directory) as port:
        for short, source in sources().items():
            push(source, f"localhost:{port}/{short}:1", LAYERS[short], directory / short)
        with closing(Line(("127.0.0.1", port), RATE)) as line:
            try:
                yield line
            finally:
                run("docker", "rmi", *(at(line, short) for short in LAYERS), check=False)


def at(line: Line, short: str) -> str:
    return f"localhost:{line.port}/{short}:1"


def remove_apps_image(said: str) -> None:
    run("docker", "rmi", *set(re.findall(r"todo-app:[0-9a-f]{16}", said)))


def test_one_image_is_not_there(todoctl: Lab, line: Line) -> None:
    """It is told while the others come, and nothing is left."""
    began = time.monotonic()
    missing = f"localhost:{line.port}/k3s:nosuch"
    done = todoctl.up("--k3s-image", missing, "--base-image", at(line, "python"), code=3)
    assert time.monotonic() - began < 30
    (said,) = done.stderr.splitlines()
    assert said.startswith(f"todoctl: The image {missing} cannot be pulled: manifest for {missing} not found")
    assert "--k3s-image" in said
    assert todoctl.traces() == []


def test_a_registry_that_is_not_there(todoctl: Lab) -> None:
    began = time.monotonic()
    done = todoctl.up("--base-image", "registry.invalid/python:3.13-slim", code=3)
    assert time.monotonic() - began < 60
    assert "registry.invalid/python:3.13-slim cannot be pulled" in done.stderr
    assert "Check the network" in done.stderr


def test_interrupted_and_then_without_a_line_for_longer_than_docker_waits(todoctl: Lab, line: Line) -> None:
    """Docker's engine gives up after five attempts, 75 s in all; the image comes all the same."""
    build = ("image", "build", "todoctl-e2e-slow:1", "--base-image", at(line, "python"))
    before = line.passed
    with todoctl.spawn(*build) as running:
        wait_for(lambda: line.passed > before + 1_000_000, deadline=60)
        os.killpg(running.pid, signal.SIGINT)
        out, err = running.communicate(timeout=60)
    assert running.returncode == 130, out + err
    time.sleep(2)
    before = line.passed
    time.sleep(2)
    assert line.passed == before, "Docker stops with it"
    with todoctl.spawn(*build) as running:
        wait_for(lambda: line.passed > before + 2_000_000, deadline=60)
        line.cut(down=True)
        assert running.stdout
        said = ""
        for text in running.stdout:
            said += text
            if "trying again" in text:
                line.restore()
        err = running.stderr.read() if running.stderr else ""
    line.restore()
    assert running.returncode == 0, said + err
    assert "Docker tries again" in said
    assert "trying again" in said
    assert f"✓ Pull {at(line, 'python')}" in said
    run("docker", "rmi", "todoctl-e2e-slow:1", at(line, "python"))
    run("docker", "image", "prune", "--force", "--filter", "label=todoctl.stage=build")  # has its layers


def test_a_cold_start_at_a_line_that_is_cut(todoctl: Lab, line: Line) -> None:
    """Every image comes over it, none of a byte twice."""
    todoctl.env |= {
        "K3D_IMAGE_LOADBALANCER": at(line, "k3d-proxy"),
        "K3D_IMAGE_TOOLS": at(line, "k3d-tools"),
    }
    given = ("--k3s-image", at(line, "k3s"), "--base-image", at(line, "python"))
    before = line.passed

    def cut() -> None:
        wait_for(lambda: line.passed > before + ALL / 2, deadline=300)
        line.cut()

    cutter = threading.Thread(target=cut, daemon=True)
    cutter.start()
    said = todoctl.up(*given).stdout
    cutter.join()
    assert "✓ Pull 4 images" in said
    assert "Docker tries again" in said
    assert ALL < line.passed - before < 1.1 * ALL
    assert len(said.splitlines()) < 80, "a line now and then"
    assert todoctl.visit().status == "valid"
    again = todoctl.up(*given).stdout
    assert "nothing changed" in again
    assert "Pull" not in again
    todoctl("down")
    remove_apps_image(said)


def test_dockers_own_credentials_are_used(todoctl: Lab, tmp_path: Path) -> None:
    """Those that `docker login` keeps; DOCKER_CONFIG names where."""
    config = tmp_path / "docker"
    config.mkdir()
    with registry(tmp_path, login=True) as port:
        name = f"localhost:{port}/python:1"
        (config / "config.json").write_text(docker_config(port))
        run("docker", "tag", sources()["python"], name)
        run("docker", "--config", str(config), "push", "-q", name)
        run("docker", "rmi", name)
        build = ("image", "build", "todoctl-e2e-login:1", "--base-image", name)
        assert "docker login" in todoctl(*build, code=3).stderr
        todoctl.env["DOCKER_CONFIG"] = str(config)
        assert f"✓ Pull {name}" in todoctl(*build).stdout
        run("docker", "rmi", "todoctl-e2e-login:1", name)


def test_what_is_handed_on_reaches_the_nodes(todoctl: Lab, tmp_path: Path) -> None:
    """As with plain k3d: a registries file, and a proxy."""
    todoctl.env = {"KUBECONFIG": str(todoctl.kubeconfig)}
    registries = tmp_path / "registries.yaml"
    registries.write_text("mirrors:\n  quay.example:\n    endpoint:\n      - http://mirror.example:5000\n")
    proxy = "http://proxy.example:3128"
    handed = (
        f"--k3d-arg=--registry-config={registries}",
        f"--k3d-arg=--env=HTTP_PROXY={proxy}@all",
        "--k3d-arg=--env=NO_PROXY=0.0.0.0/0@all",
    )
    todoctl.up(*handed)
    assert f"HTTP_PROXY={proxy}" in run("docker", "exec", todoctl.server, "env")
    there = run("docker", "exec", todoctl.node, "cat", "/etc/rancher/k3s/registries.yaml")
    assert "http://mirror.example:5000" in there
    assert "nothing changed" in todoctl.up(*handed).stdout
    assert "nothing changed" in todoctl.up().stdout, "left out it is as it was made"
    refused = todoctl.up(f"--k3d-arg=--env=HTTP_PROXY={proxy}@server:0", code=2).stderr
    assert f"was made with --k3d-arg --registry-config={registries}" in refused
    refused = todoctl.up("--k3d-arg=--agents=3", code=2).stderr
    assert "--k3d-arg --agents=3 contradicts what todoctl sets itself. Use --agents." in refused
    todoctl("down")
