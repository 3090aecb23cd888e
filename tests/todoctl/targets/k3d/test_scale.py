"""Several pods on one volume, and the end of all of them; on a make-believe machine."""

import threading
from collections.abc import Callable

import pytest

from tests.todoctl.kube.kube import Answer, Kube
from tests.todoctl.kube.objects import pod
from tests.todoctl.targets.k3d.world import World
from tests.todoctl.told import Told
from todoctl.home import Home
from todoctl.settings import Settings
from todoctl.targets.k3d.options import ClusterOptions
from todoctl.targets.k3d.target import K3dTarget


def test_several_pods_run_at_one_address(
    target: K3dTarget, kube: Kube, settings: Settings, told: Told, home: Home
) -> None:
    target.up(settings, told)
    (first,) = target.instances()
    template = kube.resources["deployments", "todo-app-dep"]["spec"]["template"]
    for number in (3, 2, 1):
        assert target.scale(number) == [f"http://127.0.0.1:{settings.port}"]
        assert len(target.instances()) == kube.running == number
        assert first in target.instances()
    patches = [line for line in kube.requests if line.startswith("PATCH") and line.endswith('": 3}}')]
    assert ["fieldManager=todoctl" in line for line in patches] == [True]
    assert kube.resources["deployments", "todo-app-dep"]["spec"]["template"] == template
    assert not K3dTarget(home, ClusterOptions()).up(settings, told), "as up has left it"
    (target.directory / "state.json").unlink()
    assert target.scale(1) == []


@pytest.mark.parametrize("end", [K3dTarget.stop, K3dTarget.kill, K3dTarget.restart])
def test_what_ends_it_ends_all_pods(
    end: Callable[[K3dTarget], None], target: K3dTarget, kube: Kube, settings: Settings, told: Told
) -> None:
    target.up(settings, told)
    target.scale(2)
    before = target.instances()
    assert len(before) == 2
    end(target)
    assert not target.instances() & before


def test_a_pod_is_not_deleted_before_its_replica_set_knows(
    target: K3dTarget, kube: Kube, settings: Settings, told: Told, home: Home
) -> None:
    """It would be made anew, and count and fetch while the volume is being changed."""
    target.up(settings, told)
    healthy, late = kube.shape, pod("late")
    kube.shape = lambda replicas: healthy(replicas) or [late]
    before = len(kube.requests)
    too_early: list[str] = []

    def deleted() -> list[str]:
        return [line for line in kube.requests[before:] if line.startswith("DELETE")]

    def mark() -> None:
        too_early.extend(deleted())
        late["metadata"]["deletionTimestamp"] = "2026-11-23T12:00:00Z"

    marking = threading.Timer(0.5, mark)
    marking.start()
    K3dTarget(home, ClusterOptions()).stop(at_once=True)
    marking.join()
    assert not too_early
    (deletion,) = deleted()
    assert "/pods/late" in deletion


def test_stopped_at_once_it_gets_no_notice(
    target: K3dTarget, world: World, kube: Kube, settings: Settings, told: Told
) -> None:
    """Pods that would end by themselves, each in its time, are deleted and killed."""
    target.up(settings, told)
    healthy = kube.shape
    ending = pod("ending")
    ending["metadata"]["deletionTimestamp"] = "2026-11-23T12:00:00Z"
    kube.shape = lambda replicas: healthy(replicas) or [ending]
    world.commands["ctr -n=k8s.io tasks kill"] = (1, "process already finished")
    target.stop(at_once=True)
    assert kube.running == 0
    (deletion,) = [line for line in kube.requests if line.startswith("DELETE")]
    assert "/pods/ending" in deletion
    assert "gracePeriodSeconds=0" in deletion
    target.start(settings)
    assert kube.running == 1
    world.calls.clear()
    world.commands.clear()
    kube.answers["DELETE"] = Answer(404, '{"message": "gone by itself"}')
    kube.shape = lambda _: []
    target.stop(at_once=True)
    assert not [line for line in world.calls if "kill" in line], "there is nothing left"


def test_the_log_is_that_of_a_pod_that_stays(
    target: K3dTarget, kube: Kube, settings: Settings, told: Told
) -> None:
    """A newer one that is ending is on the list for a while, and its log may be gone already."""
    target.up(settings, told)
    ending = pod("ending")
    ending["metadata"] |= {
        "creationTimestamp": "2099-01-01T00:00:00Z",
        "deletionTimestamp": "2099-01-01T00:00:09Z",
    }
    kube.pods = [*kube.pods, ending]
    list(target.logs(follow=False, lines=1))
    assert "/pods/pod-" in kube.requests[-1]
    kube.pods = [ending]
    list(target.logs(follow=False, lines=1))
    assert "/pods/ending/log" in kube.requests[-1], "its last words, where there is no other"
