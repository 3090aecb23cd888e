"""The kubernetes target with a registry that asks for a login: pushed from here, pulled with a secret."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import base_image, run
from tests.e2e.namespaces import School, made
from tests.e2e.registry import docker_config, registry

SECRET = "the-registrys"


@pytest.fixture(name="port", scope="module")
def _port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Of a registry that knows one user alone."""
    with registry(tmp_path_factory.mktemp("registry"), login=True, address="0.0.0.0") as port:
        yield port


@pytest.fixture(name="school", scope="module")
def _school(port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    """Its nodes reach the registry by the name that it has on this machine."""
    directory = tmp_path_factory.mktemp("school")
    mirrors = {"mirrors": {f"localhost:{port}": {"endpoint": [f"http://host.k3d.internal:{port}"]}}}
    (directory / "registries.yaml").write_text(json.dumps(mirrors))
    config = f"--registry-config={directory / 'registries.yaml'}"
    with made(directory, f"todoctl-rg-{os.getpid()}", config) as found:
        yield found


def test_an_image_is_built_pushed_and_pulled(school: School, port: int, tmp_path: Path) -> None:
    place = f"localhost:{port}/class/one"
    config = tmp_path / "docker"
    config.mkdir()
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/dockerconfigjson",
        "metadata": {"name": SECRET, "namespace": "pull"},
        "stringData": {".dockerconfigjson": docker_config(port)},
    }
    with school.user("pull", tmp_path, secret) as user:
        before = user.things()
        arguments = user.up_arguments("--registry", place, *base_image(), image="")
        refused = user(*arguments, code=3).stderr.strip().splitlines()[-1]
        assert f"{place}/todo-app" in refused
        assert "docker login" in refused
        assert user.things() == before, "nothing was begun"

        (config / "config.json").write_text(docker_config(port))
        user.env["DOCKER_CONFIG"] = str(config)
        refused = user(*arguments, code=3).stderr.strip().splitlines()[-1]
        assert "--pull-secret" in refused, f"the cluster has no login: {refused}"

        said = user(*arguments, "--pull-secret", SECRET).stdout
        (pod,) = user.pods()
        image = pod["spec"]["containers"][0]["image"]
        assert re.fullmatch(rf"{re.escape(place)}/todo-app:[0-9a-f]{{16}}", image), said
        assert user.visit().access_count == 1
        told = user.validate("--scenario", "fresh", "--scenario", "mount")
        assert told["passed"], "the image service's pod and todoctl's own pull it too"

        again = user(*arguments).stdout
        assert "nothing changed" in again
        user("down")
        user.wait_for_things(before)
    run("docker", "rmi", image)
