"""What todoctl does not touch: when something is in the way, and beside what is its own."""

import re
from collections.abc import Callable
from pathlib import Path

import docker.errors
import pytest

from tests.todoctl.images.engine import Engine
from tests.todoctl.kube.kube import Kube
from tests.todoctl.targets.k3d.world import Machine, World
from tests.todoctl.told import Told
from todoctl import doctor
from todoctl.errors import UnavailableError
from todoctl.home import Home
from todoctl.settings import Settings
from todoctl.targets import Choice
from todoctl.targets.k3d.options import ClusterOptions
from todoctl.targets.k3d.target import K3dTarget

CHANGES = {"create", "start", "delete", "import", "save", "mkdir", "rm", "mv"}


def changes(world: World) -> list[list[str]]:
    """The commands that change something, of those that were given."""
    return [call for call in world.calls if CHANGES & set(call)]


def k3d_is_missing(world: World, settings: Settings, bin_directory: Path) -> None:
    (bin_directory / "k3d").unlink()


def k3d_is_old(world: World, settings: Settings, bin_directory: Path) -> None:
    world.tools["k3d version"] = (0, "k3d version v4.4.8\n", "")


def the_port_is_taken(world: World, settings: Settings, bin_directory: Path) -> None:
    world.kube.open_page(settings.port)


def the_cluster_is_foreign(world: World, settings: Settings, bin_directory: Path) -> None:
    world.create(settings.port, marked=False)


def the_cluster_has_another_port(world: World, settings: Settings, bin_directory: Path) -> None:
    world.machines["k3d-k3s-default-serverlb"] = Machine(port=settings.port + 1)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (k3d_is_missing, r"k3d: it is not installed\. Install k3d 5 from"),
        (k3d_is_old, r"k3d: 4\.4\.8\. Install k3d 5 from"),
        (the_port_is_taken, r"Port \d+: .*listens there.* --port"),
        (the_cluster_is_foreign, r"it exists, and todoctl has not made it.* --adopt.* --cluster"),
        (the_cluster_has_another_port, r"made for port \d+.* --port \d+.*todoctl down"),
    ],
)
def test_what_is_in_the_way_is_told_in_one_line_and_nothing_is_changed(
    fault: Callable[[World, Settings, Path], None],
    said: str,
    target: K3dTarget,
    world: World,
    kube: Kube,
    settings: Settings,
    told: Told,
    tmp_path: Path,
) -> None:
    fault(world, settings, tmp_path / "bin")
    before = dict(world.machines)
    with pytest.raises(UnavailableError, match=said) as caught:
        target.up(settings, told)
    assert "\n" not in str(caught.value)
    assert world.machines == before
    assert not changes(world)
    assert not world.built
    assert not kube.resources
    assert not target.directory.exists()
    assert not told.lines


def test_doctor_looks_at_the_cluster_that_is_meant(
    home: Home, world: World, engine: Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "why_unreachable", lambda _: None)
    world.create(settings.port, marked=False)
    found = doctor.examine(home, Choice("k3d"), port=settings.port + 1)
    assert not doctor.is_usable(found.targets["k3d"]), "somebody else's"
    found = doctor.examine(home, Choice("k3d", "other"), port=settings.port + 1)
    assert doctor.is_usable(found.targets["k3d"])
    assert "Cluster other" in [finding.subject for finding in found.targets["k3d"]]


def test_down_leaves_a_cluster_of_somebody_else_alone(
    target: K3dTarget, world: World, kube: Kube, settings: Settings, told: Told
) -> None:
    world.create(settings.port, marked=False)
    kube.apply("services", "todo-app-svc", {"metadata": {"name": "todo-app-svc"}})
    before = dict(world.machines)
    assert not target.down(told, keep_data=False)
    assert world.machines == before
    assert kube.resources
    assert not changes(world)


def test_on_a_cluster_of_somebody_else_his_app_and_his_files_stay(
    engine: Engine, world: World, kube: Kube, settings: Settings, told: Told, home: Home
) -> None:
    """The names are those of the course: whoever has such a cluster may have such an app."""
    world.create(settings.port, marked=False)
    world.paths |= {"/tmp/kube", "/tmp/kube/cache"}
    kube.apply("services", "todo-app-svc", {"metadata": {"name": "todo-app-svc"}})
    before = dict(kube.resources)
    adopting = K3dTarget(home, ClusterOptions(adopt=True))
    with pytest.raises(
        UnavailableError, match=r"there is service/todo-app-svc.*kubectl .*delete service/todo-a"
    ):
        adopting.up(settings, told)
    assert kube.resources == before
    assert not adopting.directory.exists()
    kube.delete("services", "todo-app-svc")
    assert adopting.up(settings, told)
    assert not adopting.up(settings, told)
    ours = dict(kube.resources)
    kube.resources.clear()
    kube.apply("services", "todo-app-svc", {"metadata": {"name": "todo-app-svc"}})
    with pytest.raises(UnavailableError, match="todoctl has not applied it"):
        adopting.up(settings, told)  # the cluster was made anew
    assert adopting.settings() == settings
    kube.resources.update(ours)
    kube.apply("ingresses", "dwk-todo-app-ingress", {"metadata": {"name": "dwk-todo-app-ingress"}})
    assert adopting.down(told, keep_data=False)
    assert set(kube.resources) == {("ingresses", "dwk-todo-app-ingress")}, "made by somebody else meanwhile"
    assert "/tmp/kube/cache" in world.paths
    assert "it was there before" in told


def test_the_volume_is_on_the_server_of_a_cluster_without_agents(
    engine: Engine, world: World, settings: Settings, told: Told, home: Home
) -> None:
    world.create(settings.port, marked=False)
    for name in ("agent-0", "agent-1"):
        del world.machines[f"k3d-k3s-default-{name}"]
    adopting = K3dTarget(home, ClusterOptions(adopt=True))
    assert adopting.up(settings, told)
    assert adopting.details()["Volume"].endswith("k3d-k3s-default-server-0")


def test_a_neighbour_is_left_alone(
    target: K3dTarget, home: Home, world: World, settings: Settings, told: Told
) -> None:
    """A cluster whose name begins like ours, with a network and a volume of its own."""
    neighbour = Machine(marked=False, cluster="k3s-default-2", status="exited")
    world.machines["k3d-k3s-default-2-server-0"] = neighbour
    world.networks.append("k3d-k3s-default-2")
    world.volumes["k3d-k3s-default-2-images"] = "k3s-default-2"
    assert target.up(settings, told)
    assert neighbour.status == "exited"
    assert K3dTarget(home, ClusterOptions()).down(told, keep_data=False)
    assert world.machines == {"k3d-k3s-default-2-server-0": neighbour}
    assert world.networks == ["k3d-k3s-default-2"]
    assert world.volumes == {"k3d-k3s-default-2-images": "k3s-default-2"}


def test_the_users_own_kubeconfig_is_neither_asked_nor_written(
    target: K3dTarget,
    settings: Settings,
    told: Told,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The current context leads to another cluster: production, say."""
    other = Kube()
    config = tmp_path / ".kube" / "config"
    config.parent.mkdir()
    config.write_text(other.kubeconfig())
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KUBECONFIG", str(config))
    target.up(settings, told)
    target.restart()
    target.stop()
    target.start(settings)
    target.down(told, keep_data=False)
    other.close()
    assert other.requests == []
    assert config.read_text() == other.kubeconfig()


def test_the_five_resources_are_applied_as_todoctls_own_volume_and_claim_first(
    target: K3dTarget, kube: Kube, settings: Settings, told: Told
) -> None:
    target.up(settings, told)
    patches = [line.split()[1] for line in kube.requests if line.startswith("PATCH")]
    assert [path.split("?")[0].split("/")[-2] for path in patches] == [
        "persistentvolumes",
        "persistentvolumeclaims",
        "deployments",
        "services",
        "ingresses",
    ]
    for path in patches:
        assert {"fieldManager=todoctl", "force=True"} <= set(re.split("[?&]", path)), path


def test_a_build_that_fails_is_told_and_mended_by_the_next_up(
    target: K3dTarget, home: Home, world: World, kube: Kube, settings: Settings, told: Told
) -> None:
    world.events = [{"stream": "ERROR: No matching distribution found for uvloop\n"}]
    world.events.append({"error": "The command returned a non-zero code: 1"})
    with pytest.raises(UnavailableError, match=r"could not be built on .*uvloop.* --base-image"):
        target.up(settings, told)
    assert not kube.resources
    world.events.clear()
    assert K3dTarget(home, ClusterOptions()).up(settings, told)
    assert len([call for call in world.calls if "create" in call]) == 1, "the cluster is used on"


def test_a_docker_that_goes_away_meanwhile_is_told_in_one_line(
    target: K3dTarget,
    engine: Engine,
    settings: Settings,
    told: Told,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def gone(**_: object) -> None:
        raise docker.errors.DockerException("Connection\naborted.")

    monkeypatch.setattr(engine, "build", gone)
    with pytest.raises(UnavailableError, match="Connection aborted") as caught:
        target.up(settings, told)
    assert "\n" not in str(caught.value)
