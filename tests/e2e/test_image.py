"""The image by itself: built from checkout and from wheel, pushed to a real registry."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.app_server import free_port
from tests.e2e.conftest import base_image, run
from tests.e2e.registry import registry
from tests.todoctl.conftest import CommandLine

ROOT = Path(__file__).parents[2]
BASE = base_image()


@pytest.fixture(name="todoctl")
def _todoctl(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path / "home", env={"PATH": os.environ["PATH"]})


@pytest.fixture(name="registry")
def _registry(tmp_path: Path) -> Iterator[str]:
    with registry(tmp_path) as port:
        yield f"127.0.0.1:{port}"


def test_build_and_push(todoctl: CommandLine, registry: str) -> None:
    """The original's "build and push", to a real registry."""
    name = f"{registry}/me/todo-app:1.12"
    assert "todoctl image build" in todoctl("image", "push", name, code=3).stderr
    todoctl("image", "build", name, *BASE)
    try:
        todoctl("image", "push", name)
        kept = httpx.get(
            f"http://{registry}/v2/me/todo-app/manifests/1.12",
            headers={"Accept": "application/vnd.docker.distribution.manifest.v2+json"},
            trust_env=False,
        )
        assert kept.json()["config"]["digest"] == run("docker", "inspect", "-f", "{{.Id}}", name).strip()
    finally:
        run("docker", "rmi", name)


def test_a_registry_that_is_not_there(todoctl: CommandLine) -> None:
    name = f"127.0.0.1:{free_port()}/me/todo-app:1"
    todoctl("image", "build", name, *BASE)
    try:
        assert "could not be pushed" in todoctl("image", "push", name, code=3).stderr
    finally:
        run("docker", "rmi", name)


def test_the_image_has_the_app_and_nothing_of_this_machine(todoctl: CommandLine) -> None:
    name = "todoctl-e2e-image:1"
    todoctl("image", "build", name, *BASE)
    try:
        look = (
            "import os, todoapp.web; "
            "print(os.getuid(), os.path.exists('/pip'), os.listdir('/app/todoapp/samples'))"
        )
        said = run("docker", "run", "--rm", "--read-only", name, "python3", "-c", look)
        assert said.startswith("10001 False ['")
        assert ".jpg" in said
        history = run("docker", "history", "--no-trunc", name)
        assert "pip install" not in history, "that was a stage of its own"
    finally:
        run("docker", "rmi", name)


def test_a_wheel_that_is_installed_elsewhere_builds_the_same(todoctl: CommandLine, tmp_path: Path) -> None:
    run("uv", "build", "--wheel", "--out-dir", str(tmp_path / "dist"), str(ROOT))
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    site = tmp_path / "site"
    run("uv", "pip", "install", "--no-deps", "--target", str(site), str(wheel))
    env = {**os.environ, "PYTHONPATH": str(site), "TODOCTL_HOME": str(tmp_path / "home")}

    def from_wheel(*command: str) -> str:
        done = subprocess.run(
            [sys.executable, *command], capture_output=True, text=True, check=False, env=env, cwd=tmp_path
        )
        assert not done.returncode, done.stderr
        return done.stdout

    where = "import todoctl, todoapp; print(todoctl.__file__, todoapp.__file__)"
    assert from_wheel("-c", where).count(str(site)) == 2
    assert from_wheel("-m", "todoctl", "manifests") == todoctl("manifests").stdout
    name = "todoctl-e2e-image:2"
    todoctl("image", "build", name, *BASE)
    first = run("docker", "inspect", "-f", "{{.Id}}", name)
    from_wheel("-m", "todoctl", "image", "build", name, *BASE)
    try:
        assert run("docker", "inspect", "-f", "{{.Id}}", name) == first, "not even a layer differs"
    finally:
        run("docker", "rmi", name)
