"""What is said of a pod that is not ready."""

import threading
from pathlib import Path

import pytest

from tests.todoctl.k3d.engine import Engine
from tests.todoctl.k3d.kube import Answer, Json, Kube, pod
from tests.todoctl.k3d.world import Machine, World
from todoctl.errors import UnavailableError
from todoctl.k3d import rollout
from todoctl.k3d.api import Api
from todoctl.k3d.node import Node


@pytest.fixture(name="api")
def _api(kube: Kube, tmp_path: Path) -> Api:
    path = tmp_path / "kubeconfig"
    path.write_text(kube.kubeconfig())
    return Api(path)


@pytest.fixture(name="node")
def _node(world: World) -> Node:
    world.machines["node"] = Machine()
    return Node(Engine(world), "node")  # type: ignore[arg-type]


ENDING = pod("old")
ENDING["metadata"]["deletionTimestamp"] = "2026-11-23T12:00:00Z"


@pytest.mark.parametrize(
    ("pods", "reason"),
    [
        ([], rollout.SETTLED),
        ([ENDING], "1 pod(s) still ending"),
        (
            [pod("new", conditions=[{"type": "PodScheduled", "status": "False", "message": "no room"}])],
            "FailedScheduling: no room",
        ),
        (
            [
                pod(
                    "new",
                    conditions=[{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}],
                )
            ],
            "FailedScheduling: Unschedulable",
        ),
        ([pod("new", conditions=[])], rollout.SETTLED),
        ([pod("new", waiting={"reason": "ContainerCreating"})], "ContainerCreating"),
        (
            [pod("new", waiting={"reason": "ImagePullBackOff", "message": "no registry"})],
            "ImagePullBackOff: no registry",
        ),
        (
            [pod("new", terminated={"reason": "Error", "exitCode": 2})],
            "Error; its log ends: last line",
        ),
        ([pod("new", ready=False)], "pod new runs, and is not ready yet"),
        ([pod("new")], rollout.SETTLED),
    ],
)
def test_the_reason_is_that_of_kubernetes(pods: list[Json], reason: str, kube: Kube, api: Api) -> None:
    kube.pods = pods
    assert rollout.why_not(api) == reason


def test_a_crashed_container_may_have_said_nothing(kube: Kube, api: Api) -> None:
    kube.pods = [pod("new", waiting={"reason": "CrashLoopBackOff"}, restarts=1)]
    kube.answers["/log"] = Answer(400, '{"message": "no log yet"}')
    assert rollout.why_not(api) == "CrashLoopBackOff"
    kube.answers.clear()
    kube.logs = ""
    assert rollout.why_not(api) == "CrashLoopBackOff"


def test_nothing_is_rolled_out_without_a_deployment() -> None:
    assert not rollout.is_rolled_out(None, [])


def test_whoever_waits_can_give_up(api: Api, node: Node) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(UnavailableError, match="given up"):
        rollout.wait(api, node, lambda _: None, stop)


def test_waiting_for_the_end_tells_what_is_still_there(
    kube: Kube, api: Api, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollout, "ROLLOUT_SECONDS", 0.0)
    kube.pods = [pod("new")]
    with pytest.raises(UnavailableError, match="does not get ready"):
        rollout.wait_for_none(api, node, lambda _: None, threading.Event())
