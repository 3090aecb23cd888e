"""What k3d is told word for word, and what todoctl keeps for itself."""

import re
from pathlib import Path

import pytest

from tests.app_server import free_port
from tests.todoctl.images.engine import Engine
from tests.todoctl.targets.k3d.world import World
from tests.todoctl.told import Told
from todoctl.errors import BadUsageError
from todoctl.home import Home
from todoctl.settings import Settings
from todoctl.targets import K3D, options_for
from todoctl.targets.base import Finding
from todoctl.targets.k3d import extra_args, preflight
from todoctl.targets.k3d.cluster import create_command
from todoctl.targets.k3d.options import ClusterOptions
from todoctl.targets.k3d.target import K3dTarget

PROXY = "--env=HTTP_PROXY=http://proxy.example:3128@all"


@pytest.mark.parametrize(
    "word",
    [
        "--registry-config=/etc/registries.yaml",
        PROXY,
        "-eNO_PROXY=10.0.0.0/8@all",
        "-v=/data:/data@all",
        "--servers=3",
        "--port=8443:443@loadbalancer",
        "-p8080:8080@agent:0",
        "--runtime-label=mine=1@all",
        "--k3s-arg=--disable=traefik@server:0",
        "--k3s-arg=--kubelet-arg=max-pods=20@all",
        "--no-rollback",
        "--verbose",
    ],
)
def test_what_contradicts_nothing_is_handed_on(word: str) -> None:
    assert create_command(ClusterOptions(k3d_arg=(word,)), 8081)[-1] == word


@pytest.mark.parametrize(
    ("word", "fix"),
    [
        ("--agents=3", "Use --agents"),
        ("-a3", "Use --agents"),
        ("-a=3", "Use --agents"),
        ("--image=x", "Use --k3s-image"),
        ("--port=8082:80@loadbalancer", "Use --port"),
        ("--port=127.0.0.1:8082:80/tcp@loadbalancer", "Use --port"),
        ("-p=80", "Use --port"),
        ("--api-port=6550", "free port"),
        ("--timeout=1h", "waits by itself"),
        ("--wait=false", "waits by itself"),
        ("--kubeconfig-switch-context=false", "--keep-context"),
        ("--kubeconfig-update-default", "--keep-context"),
        ("--no-lb", "load balancer"),
        ("--config=k3d.yaml", "as options"),
        ("-ck3d.yaml", "as options"),
        ("-h", "k3d cluster create --help"),
        ("--runtime-label=todoctl=other@all", "its own clusters"),
    ],
)
def test_what_todoctl_sets_is_refused_by_name(word: str, fix: str) -> None:
    with pytest.raises(BadUsageError, match=re.escape(f"--k3d-arg {word} contradicts")) as caught:
        ClusterOptions(k3d_arg=(PROXY, word))
    assert fix in str(caught.value)


@pytest.mark.parametrize("word", ["mine", "", "-", "--", "-x", "A=b@all"])
def test_what_is_no_option_is_refused(word: str) -> None:
    """k3d would take it for the cluster's name, or stop reading options."""
    with pytest.raises(BadUsageError, match="is no option"):
        ClusterOptions(k3d_arg=(word,))


def test_nothing_that_todoctl_sets_itself_is_handed_on() -> None:
    command = create_command(ClusterOptions(k3s_image="k3s:1"), 8081)
    for word in command[3:]:
        with pytest.raises(BadUsageError, match="contradicts"):
            extra_args.check([word])


def test_what_k3d_would_not_take_is_told_before_anything_is_pulled(
    world: World, engine: Engine, tmp_path: Path
) -> None:
    def finding(*words: str) -> Finding:
        findings = preflight.examine(ClusterOptions(k3d_arg=words), free_port())
        (found,) = [finding for finding in findings if finding.subject == "--k3d-arg"]
        return found

    assert not finding(f"--registry-config={tmp_path}/no.yaml").ok
    (tmp_path / "there.yaml").touch()
    assert finding(f"--registry-config={tmp_path}/there.yaml").ok
    said = (
        'Error: unknown flag\ntime="2026-11-24T16:23:02Z" level=fatal msg="invalid \\"x\\" for --servers"\n'
    )
    world.tools["--help"] = (1, "", said)
    assert finding("--servers=x").seen == 'invalid "x" for --servers'


def given(**options: object) -> ClusterOptions:
    found = options_for(K3D, {K3D: options})
    assert isinstance(found, ClusterOptions)
    return found


def test_a_cluster_of_somebody_else_takes_nothing_on(
    world: World, engine: Engine, home: Home, settings: Settings, told: Told
) -> None:
    world.create(settings.port, marked=False)
    with pytest.raises(BadUsageError, match="Cluster k3s-default was made without todoctl's --k3d-arg"):
        K3dTarget(home, given(adopt=True, k3d_arg=(PROXY,))).up(settings, told)
    assert K3dTarget(home, given(adopt=True)).up(settings, told)


@pytest.mark.parametrize(
    ("made", "asked", "said"),
    [
        ({"k3d_arg": (PROXY,)}, {"k3d_arg": ("--servers=3",)}, f"was made with --k3d-arg {PROXY}:"),
        ({}, {"k3d_arg": (PROXY,)}, "was made with --k3d-arg left out:"),
        ({"agents": 3}, {"agents": 2}, "was made with --agents 3:"),
        ({}, {"k3s_image": "python:3.13-slim"}, "was made with --k3s-image left out:"),
    ],
)
def test_a_cluster_keeps_what_it_was_created_with(
    made: dict[str, object],
    asked: dict[str, object],
    said: str,
    world: World,
    engine: Engine,
    home: Home,
    settings: Settings,
    told: Told,
) -> None:
    assert K3dTarget(home, given(**made)).up(settings, told)
    with pytest.raises(BadUsageError, match=re.escape(said)) as caught:
        K3dTarget(home, given(**asked)).up(settings, told)
    assert "todoctl down" in str(caught.value)
    assert not K3dTarget(home, given(**made)).up(settings, told), "the same is no change"
    assert not K3dTarget(home, given()).up(settings, told), "left out it is as it was"
    world.machines.clear()
    world.kube.close_page()
    assert K3dTarget(home, given(**asked)).up(settings, told), "a cluster that is gone can be made otherwise"
