"""What `--show-commands` prints, pasted into a shell: it does what todoctl does, and undoes it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import RESOURCES, Lab, images, lab, run
from todoctl.client import Client
from todoctl.images import build
from todoctl.images.build import DEFAULT_BASE_IMAGE
from todoctl.images.engine import connect

BASE = "todoctl-typed-base:e2e"


@pytest.fixture(name="todoctl", scope="module")
def _todoctl(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with lab(tmp_path_factory.mktemp("commands"), "todoctl-typed") as found:
        yield found


@pytest.fixture(name="base")
def _base() -> Iterator[str]:
    """A name of our own for the base image, which gives the app's image a tag that nobody else has."""
    real = images().get("--base-image", DEFAULT_BASE_IMAGE)
    if not run("docker", "images", "--quiet", real):
        run("docker", "pull", real)
    run("docker", "tag", real, BASE)
    built = build.reference(connect(), BASE)
    run("docker", "rmi", built, check=False)  # of a run that was killed
    yield BASE
    run("docker", "rmi", built, check=False)
    run("docker", "rmi", BASE)


def shown(said: str) -> list[str]:
    """The commands in an output, as `grep '^\\$ '` cuts them out."""
    return [line.removeprefix("$ ") for line in said.splitlines() if line.startswith("$ ")]


def paste(todoctl: Lab, commands: list[str], directory: Path) -> str:
    """Lets one shell read the commands from its input, and stop at the first that fails."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-o", "verbose"],  # noqa: S607 - a shell of whoever pastes
        input="\n".join(commands) + "\n",
        env={**todoctl.environment, "PATH": path, "TODOCTL_HOME": str(directory / "other-home")},
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert not done.returncode, f"{done.stdout}{done.stderr}"
    return done.stdout


def wanted(todoctl: Lab) -> dict[str, Any]:
    """What the five resources ask for, without what the cluster fills in for each anew."""
    specs = {name: todoctl.read(name)["spec"] for name in RESOURCES}
    del specs["service/todo-app-svc"]["clusterIP"], specs["service/todo-app-svc"]["clusterIPs"]
    del specs["pv/local-pv"]["claimRef"]
    # Filled in only where Traefik's class was there before the ingress.
    specs["ingress/dwk-todo-app-ingress"].pop("ingressClassName", None)
    return specs


def node_images(todoctl: Lab) -> set[str]:
    """Of the app, in the node that runs it."""
    listed = run("docker", "exec", todoctl.node, "ctr", "-n=k8s.io", "images", "ls", "-q")
    return {name for name in listed.split() if "/todo-app:" in name}


def test_the_commands_do_what_todoctl_does(todoctl: Lab, base: str, tmp_path: Path) -> None:
    up = shown(todoctl.up("--show-commands", "--ttl", "1234.5", "--base-image", base).stdout)
    assert any("docker build" in line for line in up)
    specs, brought = wanted(todoctl), node_images(todoctl)
    down = shown(todoctl("down", "--show-commands").stdout)
    assert not todoctl.traces()
    (built,) = (name.removeprefix("docker.io/library/") for name in brought)
    run("docker", "rmi", built)

    paste(todoctl, up, tmp_path)
    assert wanted(todoctl) == specs
    assert node_images(todoctl) == brought
    with Client(f"http://127.0.0.1:{todoctl.port}") as client:
        client.find_page()
        assert client.state().access_count == 0, "no command views the page"
    assert todoctl.state().ttl == 1234.5
    assert "todoctl has not made it" in todoctl.up(code=3).stderr, "what is made by hand is nobody else's"

    paste(todoctl, down, tmp_path)
    assert not todoctl.traces()
