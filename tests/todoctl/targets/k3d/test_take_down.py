"""`down` on a make-believe machine: what goes, what stays, and what is in the way."""

import shutil
from pathlib import Path

import pytest

from tests.todoctl.images.engine import Engine
from tests.todoctl.kube.kube import Answer, Kube
from tests.todoctl.targets.k3d.world import World
from tests.todoctl.told import Told
from todoctl import targets
from todoctl.__main__ import run
from todoctl.errors import UnavailableError
from todoctl.home import Home
from todoctl.settings import Settings
from todoctl.targets import Choice
from todoctl.targets.k3d import take_down
from todoctl.targets.k3d.options import ClusterOptions
from todoctl.targets.k3d.target import K3dTarget

NODE = "k3d-k3s-default-agent-0"


def test_down_takes_all_away_twice(target: K3dTarget, world: World, settings: Settings, told: Told) -> None:
    target.up(settings, told)
    assert target.down(told, keep_data=False)
    assert not world.machines
    assert not target.directory.parent.exists()
    assert not target.down(told, keep_data=False)


def test_down_asks_nothing_of_the_api_of_a_cluster_that_goes(
    target: K3dTarget, world: World, settings: Settings, told: Told
) -> None:
    """Its server may be dead: certificates of a year ago, a full disk, a process that is stopped."""
    target.up(settings, told)
    world.kube.requests.clear()
    world.kube.answers["/"] = Answer(503, "{}")
    assert target.down(told, keep_data=False)
    assert not world.machines
    assert not world.kube.requests


def test_a_killed_validation_keeps_nobody_from_down(
    target: K3dTarget,
    world: World,
    home: Home,
    settings: Settings,
    told: Told,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TODOCTL_HOME", str(home.path))
    target.up(settings, told)
    target.record.begin()
    target.volume.set_aside()
    world.kube.answers["/"] = Answer(503, "{}")
    assert run(["down", "--target", "k3d", "--quiet"]) == 0
    assert not world.machines


def test_a_node_that_cannot_be_looked_into_is_not_empty(
    target: K3dTarget, world: World, settings: Settings, told: Told
) -> None:
    """The user's picture and counts were deleted: what could not be seen was taken for not there."""
    target.up(settings, told)
    world.paths.add("/tmp/kube/cache")
    for code in (126, 137, 2):
        world.commands["test -e"] = (code, "OCI runtime exec failed")
        for touch in (target.volume.set_aside, target.volume.is_set_aside, target.volume.put_back):
            with pytest.raises(UnavailableError, match=r"'test -e .*failed in the node"):
                touch()
    assert "/tmp/kube/cache" in world.paths
    assert "/tmp/kube/cache.set-aside" not in world.paths


def test_down_names_what_stays(target: K3dTarget, world: World, settings: Settings, told: Told) -> None:
    target.up(settings, told)
    world.volumes["k3d-k3s-default-images"] = world.cluster
    world.tools["cluster delete"] = (0, "", "")
    with pytest.raises(UnavailableError, match=r"container .*, network .*, volume k3d-k3s-default-images st"):
        target.down(told, keep_data=False)


def test_down_can_keep_the_data(target: K3dTarget, world: World, settings: Settings, told: Told) -> None:
    target.up(settings, told)
    world.paths.add("/tmp/kube/cache")
    assert target.down(told, keep_data=True)
    assert "/tmp/kube/cache" in world.paths
    assert "stays: the volume is in its node" in told
    assert not world.kube.resources
    assert target.settings() is None
    assert not target.down(told, keep_data=True), "that is so already"
    assert target.down(told, keep_data=False)
    assert not world.machines
    assert not target.directory.parent.exists()


def test_down_finds_what_was_kept(
    home: Home, engine: Engine, world: World, settings: Settings, told: Told
) -> None:
    """By the name of the cluster, and with the options that it was made with."""
    world.cluster = "other"
    K3dTarget(home, ClusterOptions(cluster="other", agents=0)).up(settings, told)
    K3dTarget(home, ClusterOptions(cluster="other", keep_cluster=True)).down(told, keep_data=False)
    assert targets.find(home, Choice()) is None
    again = K3dTarget(home, ClusterOptions(cluster="other"))
    assert again.up(settings, told), "which finds the one node that there is"
    again.down(told, keep_data=True)
    found = targets.find(home, Choice(), leftovers=True)
    assert found is not None
    assert found.down(told, keep_data=False)
    assert not world.machines


def test_down_of_an_app_on_a_stopped_cluster_that_is_to_stay(
    target: K3dTarget, world: World, settings: Settings, told: Told
) -> None:
    target.up(settings, told)
    world.machines[NODE].status = "exited"
    with pytest.raises(UnavailableError, match="does not run, so the app cannot be taken off"):
        target.down(told, keep_data=True)
    assert target.down(told, keep_data=False)


def test_down_tells_what_holds_it_up(
    target: K3dTarget,
    kube: Kube,
    settings: Settings,
    told: Told,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(take_down, "DELETE_SECONDS", 0.2)
    target.up(settings, told)
    kube.answers["DELETE /api/v1/namespaces/default/persistentvolumeclaims"] = Answer(200, "{}")
    with pytest.raises(UnavailableError, match=r"PersistentVolumeClaim local-pv-claim did not go"):
        target.down(told, keep_data=True)
    assert "waiting for PersistentVolumeClaim" in told


def test_down_where_the_state_cannot_be_removed(
    target: K3dTarget, settings: Settings, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    target.up(settings, told)
    monkeypatch.setattr(shutil, "rmtree", refuse)
    with pytest.raises(UnavailableError, match="cannot be written"):
        target.down(told, keep_data=False)
