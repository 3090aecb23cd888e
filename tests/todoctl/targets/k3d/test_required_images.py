"""Which images a cluster is made of."""

import re

import httpx
import pytest

from tests.todoctl.targets.k3d.world import IMAGES, World
from todoctl.errors import UnavailableError
from todoctl.targets.k3d import required_images
from todoctl.targets.k3d.options import ClusterOptions


def names(*arguments: str, k3s_image: str | None = None) -> list[str]:
    return list(required_images.by_cluster(ClusterOptions(k3s_image=k3s_image, k3d_arg=arguments)))


def test_they_are_those_of_this_k3d(world: World) -> None:
    assert names() == list(IMAGES[:3])


def test_an_older_k3d_has_its_helpers_elsewhere(world: World) -> None:
    world.tools["k3d version"] = (0, "k3d version v5.3.0\nk3s version v1.22.6-k3s1 (default)\n", "")
    assert names() == [
        "docker.io/rancher/k3s:v1.22.6-k3s1",
        "docker.io/rancher/k3d-proxy:5.3.0",
        "docker.io/rancher/k3d-tools:5.3.0",
    ]


def test_a_k3d_that_does_not_tell_its_k3s(world: World) -> None:
    world.tools["k3d version"] = (0, "k3d version v5.9.0\n", "")
    with pytest.raises(UnavailableError, match="--k3s-image"):
        names()


def test_k3ds_own_variables_count(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K3D_IMAGE", "mine/k3s:1")
    monkeypatch.setenv("K3D_HELPER_IMAGE_TAG", "5.8.3")
    assert names() == ["mine/k3s:1", "ghcr.io/k3d-io/k3d-proxy:5.8.3", "ghcr.io/k3d-io/k3d-tools:5.8.3"]
    monkeypatch.setenv("K3D_IMAGE_LOADBALANCER", "mine/proxy:1")
    monkeypatch.setenv("K3D_IMAGE_TOOLS", "mine/tools:1")
    assert names(k3s_image="asked/k3s:2") == ["asked/k3s:2", "mine/proxy:1", "mine/tools:1"]


def test_a_registry_of_its_own_is_one_more(world: World) -> None:
    assert names("--registry-create=mine")[3:] == ["docker.io/library/registry:2"]


@pytest.mark.parametrize("asked", ["stable", "+stable"])
def test_a_channel_is_looked_up(asked: str, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = httpx.Response(
        200,
        json={
            "data": [
                {"name": "stable", "latest": "v1.36.3+k3s1"},
                {"name": "v1.35", "latest": "v1.35.9+k3s1"},
            ]
        },
        request=httpx.Request("GET", required_images.CHANNELS),
    )
    monkeypatch.setattr(httpx, "get", lambda *_, **__: answer)
    assert names(k3s_image=asked)[0] == "docker.io/rancher/k3s:v1.36.3-k3s1"
    with pytest.raises(UnavailableError, match=re.escape("'nosuch' is not known")):
        names(k3s_image="+nosuch")
