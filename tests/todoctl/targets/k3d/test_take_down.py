"""`down` on a make-believe machine: what goes, what stays, and what is in the way."""

import shutil
from pathlib import Path

import pytest

from tests.todoctl.images.engine import Engine
from tests.todoctl.kube.kube import Answer, Kube
from tests.todoctl.targets.k3d.world import World
from tests.todoctl.told import Told
from todoctl import targets
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
