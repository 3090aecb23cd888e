"""k3d's own words, and what is made of them."""

from pathlib import Path

import pytest

from tests.app_server import free_port
from tests.todoctl.images.engine import Engine
from tests.todoctl.targets.k3d.world import Machine, World
from tests.todoctl.told import away
from todoctl.errors import UnavailableError
from todoctl.targets.base import Finding
from todoctl.targets.k3d import cluster as k3d
from todoctl.targets.k3d import preflight
from todoctl.targets.k3d.options import ClusterOptions

PORT = free_port()


@pytest.mark.parametrize(
    ("said", "version"), [("k3d version v5.9.0\n", (5, 9, 0)), ("k3d version v4.4.8-dirty", (4, 4, 8))]
)
def test_the_version_is_compared_as_numbers(world: World, said: str, version: tuple[int, ...]) -> None:
    world.tools["k3d version"] = (0, said, "")
    assert k3d.version() == version


@pytest.mark.parametrize(("said", "why"), [("dev\n", "dev"), ("", "it says nothing")])
def test_a_k3d_without_a_version(world: World, said: str, why: str) -> None:
    world.tools["k3d version"] = (0, said, "")
    with pytest.raises(UnavailableError, match=why):
        k3d.version()


def test_a_failure_without_a_word(world: World) -> None:
    world.tools["k3d cluster"] = (7, "", "")
    with pytest.raises(UnavailableError, match="k3d cluster start failed: exit 7"):
        k3d.run("cluster", "start", "x")


def test_ctrl_c_ends_k3d_too(world: World) -> None:
    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        k3d.run("version", shown=interrupt)


# Preflight


def found(subject: str, port: int = PORT, **options: bool) -> Finding:
    findings = preflight.examine(ClusterOptions(**options), port)  # type: ignore[arg-type]
    (finding,) = [finding for finding in findings if finding.subject.startswith(subject)]
    return finding


def test_a_machine_that_has_all(engine: Engine) -> None:
    preflight.check(preflight.examine(ClusterOptions(), PORT))
    assert found("kubectl").ok


def test_all_that_is_missing_is_said_at_once(
    world: World, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.create(PORT, marked=False)
    engine.root = str(tmp_path)
    monkeypatch.setattr(preflight, "DISK_BYTES", 1 << 62)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnavailableError) as caught:
        preflight.check(preflight.examine(ClusterOptions(), PORT + 1))
    line = str(caught.value)
    for words in ("k3d: ", "docker: the command", "--adopt", f"--port {PORT}", "Install k3d 5"):
        assert words in line
    assert "GiB free" not in line, "the cluster is there, and has its room"
    assert "\n" not in line
    world.machines.clear()
    with pytest.raises(UnavailableError, match=r"GiB free.*a new cluster needs"):
        preflight.check(preflight.examine(ClusterOptions(), PORT))
    assert not found("kubectl").ok


def test_a_docker_that_is_away(monkeypatch: pytest.MonkeyPatch, world: World, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    with away():
        assert found("Docker").fix.startswith("Start Docker")
        assert found("k3d").ok


def test_an_old_k3d(world: World, engine: Engine) -> None:
    world.tools["k3d version"] = (0, "k3d version v4.4.8", "")
    assert not found("k3d").ok


def test_a_docker_on_another_machine(engine: Engine) -> None:
    engine.root = "/no/such/directory"
    assert found("Disk").ok


def test_the_port_of_a_cluster(world: World, engine: Engine) -> None:
    world.create(PORT)
    assert "held by the cluster" in found("Port").seen
    for machine in world.machines.values():
        machine.status = "exited"
    world.kube.close_page()
    assert found("Port").seen == "free"
    assert not found("Port", PORT + 1).ok
    world.machines = {"k3d-k3s-default-server-0": Machine(marked=False)}
    assert "does not publish its load balancer" in found("Port").seen
    world.machines = {"k3d-k3s-default-tools": Machine(marked=False)}
    assert found("Cluster").ok
    assert found("Port").ok, "what a killed k3d left is no cluster of anybody"


def test_a_registry_belongs_to_the_cluster_it_was_made_with(world: World, engine: Engine) -> None:
    world.machines["mine"] = Machine(marked=False, role="registry")
    assert not found("Cluster").ok, "alone it may be anybody's"
    world.create(PORT)
    assert found("Cluster").ok
    for machine in world.machines.values():
        machine.marked = False
    assert not found("Cluster").ok


def test_a_port_that_is_taken(world: World, engine: Engine) -> None:
    world.kube.open_page(PORT)
    assert "listens there" in found("Port").seen
