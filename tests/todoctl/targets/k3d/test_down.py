"""`down` on a make-believe machine with k3d: what goes, what stays, and what is in the way."""

import shutil
from collections.abc import Callable  # noqa: TC003
from pathlib import Path

import pytest

from tests.todoctl.images.engine import Engine
from tests.todoctl.kube.kube import Answer, Kube
from tests.todoctl.targets.k3d.test_up import CACHE, NODE, at
from tests.todoctl.targets.k3d.world import Machine, World
from tests.todoctl.told import Told
from todoctl import targets
from todoctl.errors import UnavailableError
from todoctl.settings import Settings
from todoctl.state import Home
from todoctl.targets import Choice
from todoctl.targets.k3d import cluster as k3d
from todoctl.targets.kubernetes import target as kubernetes
from todoctl.targets.kubernetes.target import KubernetesTarget


@pytest.fixture(name="standing")
def _standing(target: KubernetesTarget, settings: Settings, told: Told) -> KubernetesTarget:
    target.up(settings, told)
    return target


@pytest.fixture(name="found_by_docker")
def _found_by_docker(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """For what looks for clusters without knowing of one."""
    monkeypatch.setattr("todoctl.images.engine.connect", engine)
    return engine


def test_down_takes_all_away_twice(standing: KubernetesTarget, home: Home, world: World, told: Told) -> None:
    assert standing.down(told, keep_data=False)
    assert not world.machines
    assert not standing.directory.parent.exists()
    assert not at(home).down(told, keep_data=False)


@pytest.mark.parametrize("validating", [False, True])
def test_down_asks_nothing_of_the_api_of_a_cluster_that_goes(
    validating: bool, standing: KubernetesTarget, home: Home, world: World, told: Told
) -> None:
    """Its server may be dead: certificates of a year ago, a full disk, a process that is stopped.

    A validation that was killed keeps nobody from it either.
    """
    if validating:
        standing.marker.begin()
        standing.volume.clear()
    world.kube.requests.clear()
    world.kube.answers["/"] = Answer(503, "{}")
    assert at(home).down(told, keep_data=False)
    assert not world.machines
    assert not world.networks
    assert not world.kube.requests


def test_a_cluster_is_found_by_its_own_labels(
    standing: KubernetesTarget, home: Home, world: World, told: Told, found_by_docker: Engine
) -> None:
    """The state directory is lost: another user's, another TODOCTL_HOME, a home that was tidied."""
    shutil.rmtree(home.path)
    world.machines["k3d-mine-server-0"] = Machine(label=None, cluster="mine")
    found = targets.require(home, Choice())
    assert found.deployed() == standing.deployed()
    assert found.down(told, keep_data=False)
    assert set(world.machines) == {"k3d-mine-server-0"}
    assert targets.find(home, Choice()) is None


def test_where_docker_does_not_answer_nobody_says_that_nothing_is_up(
    standing: KubernetesTarget, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(**_: object) -> None:
        raise UnavailableError("Docker does not answer", fix="Start it")

    monkeypatch.setattr("todoctl.images.engine.connect", away)
    for choice in (Choice(), Choice("k3d"), Choice(cluster="k3s-default")):
        with pytest.raises(UnavailableError, match="Docker does not answer"):
            targets.find(home, choice)
    assert targets.find(home, Choice("local")) is None


def test_what_k3d_leaves_is_removed(standing: KubernetesTarget, world: World, told: Told) -> None:
    world.volumes["k3d-k3s-default-images"] = world.cluster
    for code in (0, 1):
        world.tools["cluster delete"] = (code, "", "")
        assert standing.down(told, keep_data=False) is (code == 0)
        assert [world.machines, world.networks, world.volumes] == [{}, [], {}]


def test_what_stays_is_named_and_removed_by_the_next_down(
    standing: KubernetesTarget, home: Home, world: World, told: Told
) -> None:
    world.held.add("k3d-k3s-default")
    world.tools["cluster delete"] = (0, "", "")
    with pytest.raises(UnavailableError, match=r"network k3d-k3s-default stayed: .*has active endpoints"):
        standing.down(told, keep_data=False)
    world.held.clear()
    assert at(home).down(told, keep_data=False)
    assert not world.networks
    assert not home.path.exists() or not list(home.path.iterdir())


def test_down_can_keep_the_data(
    standing: KubernetesTarget, home: Home, world: World, settings: Settings, told: Told
) -> None:
    world.paths.add(CACHE)
    assert standing.down(told, keep_data=True)
    assert CACHE in world.paths
    assert "stays: the volume is in its node" in told
    assert not world.kube.resources
    assert at(home).deployed() is None
    assert not at(home).down(told, keep_data=True), "that is so already"
    assert at(home).up(settings, told)
    assert CACHE in world.paths
    assert at(home).down(told, keep_data=False)
    assert not world.machines


def test_down_can_keep_the_cluster_alone(
    standing: KubernetesTarget, home: Home, world: World, told: Told
) -> None:
    world.paths |= {CACHE, f"{CACHE}.set-aside"}
    assert at(home, keep_cluster=True).down(told, keep_data=False)
    assert world.machines
    assert world.paths == {"/tmp/kube"}


def test_a_killed_validation_gives_the_cache_back_before_it_is_kept(
    standing: KubernetesTarget, home: Home, world: World, settings: Settings, told: Told
) -> None:
    """And so does `up`, which goes on then."""
    world.paths.add(CACHE)
    finishes: list[Callable[[], bool]] = [
        lambda: at(home).down(told, keep_data=True),
        lambda: at(home).up(settings, told),
    ]
    for finish in finishes:
        at(home).up(settings, told)
        standing.marker.begin()
        standing.volume.clear()
        world.paths.add(CACHE)  # of the validation
        calls = len(world.calls)
        assert finish()
        moves = [call[1:] for call in world.calls[calls:] if call[1:2] == ["mv"]]
        assert moves == [["mv", f"{CACHE}.set-aside", CACHE]]
        assert not standing.marker.exists()
        standing.__dict__.pop("volume")


@pytest.mark.parametrize("code", [126, 137, 2])
def test_a_node_that_cannot_be_looked_into_is_not_empty(
    code: int, standing: KubernetesTarget, world: World
) -> None:
    """The user's picture and counts were deleted: what could not be seen was taken for not there."""
    world.paths.add(CACHE)
    world.commands["test -e"] = (code, "OCI runtime exec failed")
    volume = standing.volume
    for touch in (volume.clear, volume.is_set_aside, volume.put_back):
        with pytest.raises(UnavailableError, match=r"'test -e .*failed in the node"):
            touch()
    assert CACHE in world.paths
    assert f"{CACHE}.set-aside" not in world.paths


def test_an_app_on_a_stopped_cluster_that_is_to_stay(
    standing: KubernetesTarget, world: World, told: Told
) -> None:
    world.machines[NODE].status = "exited"
    with pytest.raises(UnavailableError, match="does not run, so the app cannot be taken off"):
        standing.down(told, keep_data=True)
    assert standing.down(told, keep_data=False)


def test_down_tells_what_holds_it_up(
    standing: KubernetesTarget, kube: Kube, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kubernetes, "DELETE_SECONDS", 0.2)
    kube.answers["DELETE /api/v1/namespaces/default/persistentvolumeclaims"] = Answer(
        200, '{"kind": "Status"}'
    )
    with pytest.raises(UnavailableError, match=r"PersistentVolumeClaim local-pv-claim is being deleted"):
        standing.down(told, keep_data=True)


def test_down_leaves_others_clusters_alone(
    standing: KubernetesTarget, home: Home, world: World, settings: Settings, told: Told
) -> None:
    """A neighbour whose name begins like ours, and one that somebody made by hand."""
    neighbour = Machine(label=None, cluster="k3s-default-2", status="exited")
    world.machines["k3d-k3s-default-2-server-0"] = neighbour
    world.networks.append("k3d-k3s-default-2")
    world.volumes["k3d-k3s-default-2-images"] = "k3s-default-2"
    assert standing.down(told, keep_data=False)
    assert world.machines == {"k3d-k3s-default-2-server-0": neighbour}
    assert world.networks == ["k3d-k3s-default-2"]
    assert world.volumes == {"k3d-k3s-default-2-images": "k3s-default-2"}
    world.create(settings.port)
    world.kube.apply("services", "todo-app-svc", {"metadata": {"name": "todo-app-svc"}})
    before = dict(world.machines)
    assert not at(home).down(told, keep_data=False)
    assert world.machines == before
    assert world.kube.resources


def test_a_state_directory_that_cannot_be_removed_is_told(
    standing: KubernetesTarget, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(shutil, "rmtree", refuse)
    with pytest.raises(UnavailableError, match="cannot be written"):
        standing.down(told, keep_data=False)


def test_a_cluster_of_another_version_of_todoctl_goes_as_well(
    engine: Engine, home: Home, world: World, settings: Settings, told: Told
) -> None:
    """Its label says nothing that this version understands, and a state file lies about."""
    world.create(settings.port, label="made")
    (home.path / "k3d" / "k3s-default").mkdir(parents=True)
    (home.path / "k3d" / "k3s-default" / "state.json").write_text("{")
    assert at(home).down(told, keep_data=False)
    assert not world.machines
    assert k3d.names(engine) == []  # type: ignore[arg-type]
