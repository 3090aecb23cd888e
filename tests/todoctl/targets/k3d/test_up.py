"""`up` on a make-believe machine with k3d: what it makes, what it leaves, and what it mends."""

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.todoctl.images.engine import Engine
from tests.todoctl.kube.kube import Kube
from tests.todoctl.targets.k3d.world import Machine, World
from tests.todoctl.told import Told
from todoctl.cli import doctor
from todoctl.errors import BadUsageError, UnavailableError
from todoctl.settings import Settings
from todoctl.state import Home
from todoctl.targets import Choice
from todoctl.targets.base import Deployment, Target
from todoctl.targets.k3d.options import ClusterOptions
from todoctl.targets.k3d.provider import K3dCluster
from todoctl.targets.kubernetes.target import KubernetesTarget

KUBECTL = "kubectl --context=k3d-k3s-default --namespace=default"
NODE = "k3d-k3s-default-agent-0"
CACHE = "/tmp/kube/cache"
RESOURCES = {
    ("persistentvolumes", "local-pv"),
    ("persistentvolumeclaims", "local-pv-claim"),
    ("deployments", "todo-app-dep"),
    ("services", "todo-app-svc"),
    ("ingresses", "dwk-todo-app-ingress"),
}


def at(home: Home, **given: Any) -> KubernetesTarget:  # noqa: ANN401
    """The target as one more command makes it."""
    return KubernetesTarget(home, K3dCluster(home, ClusterOptions(**given, stated=frozenset(given))))


def deployed(target: Target) -> Deployment:
    found = target.deployed()
    assert found
    return found


def created(world: World) -> list[list[str]]:
    return [call for call in world.calls if call[:3] == ["k3d", "cluster", "create"] and "--help" not in call]


def test_up_makes_a_cluster_and_all_that_belongs_on_it(
    target: Target, world: World, kube: Kube, settings: Settings, told: Told, home: Home
) -> None:
    assert target.deployed() is None
    assert target.up(settings, told)
    assert set(kube.resources) == RESOURCES
    (call,) = created(world)
    assert {"k3s-default", "--agents=2", f"--port=127.0.0.1:{settings.port}:80@loadbalancer"} <= set(call)
    assert world.paths == {"/tmp/kube"}
    assert deployed(target).settings == settings
    (tag,) = {name for name in world.images if name.startswith("todo-app:")}
    assert world.node_images == {tag}
    (container,) = kube.resources["deployments", "todo-app-dep"]["spec"]["template"]["spec"]["containers"]
    assert container["image"] == tag
    environment = {variable["name"]: variable["value"] for variable in container["env"]}
    assert (environment["CACHE_TTL"], environment["IMAGE_URL"]) == ("600", "sample:")
    (kept,) = (path for path in home.path.rglob("*") if path.is_file())
    assert (kept.name, kept.stat().st_mode & 0o777) == ("kubeconfig", 0o600)


def test_up_again_changes_nothing(
    target: Target, home: Home, world: World, kube: Kube, settings: Settings, told: Told
) -> None:
    target.up(settings, told)
    before = json.dumps(sorted(map(str, kube.resources.items())))
    world.calls.clear()
    assert not at(home).up(settings, told)
    assert json.dumps(sorted(map(str, kube.resources.items()))) == before
    assert sum(call[:2] == ["k3d", "version"] for call in world.calls) == 1
    assert {call[0] for call in world.calls} <= {"k3d", NODE}


def stopped(world: World) -> None:
    world.machines[NODE].status = "exited"


def page_away(world: World) -> None:
    world.kube.page_codes = [503, 503]


def scaled_to_nothing(world: World) -> None:
    world.kube.resources["deployments", "todo-app-dep"]["spec"]["replicas"] = 0


def directory_gone(world: World) -> None:
    world.paths.clear()


def image_gone(world: World) -> None:
    world.node_images.clear()


def service_edited(world: World) -> None:
    world.kube.resources["services", "todo-app-svc"]["spec"]["ports"][0]["targetPort"] = 1


def ingress_gone(world: World) -> None:
    del world.kube.resources["ingresses", "dwk-todo-app-ingress"]


def deployment_gone(world: World) -> None:
    world.kube.delete("deployments", "todo-app-dep")


def cordoned(world: World) -> None:
    node = {"kind": "Node", "metadata": {"name": NODE}, "spec": {"unschedulable": True}}
    world.kube.resources["nodes", NODE] = node


def volume_released(world: World) -> None:
    found = world.kube.resources["persistentvolumes", "local-pv"]
    found["status"]["phase"] = "Released"
    found["spec"]["claimRef"] = {"name": "gone"}


def state_directory_lost(world: World) -> None:
    """Another home."""


@pytest.mark.parametrize(
    "harm",
    [
        stopped,
        page_away,
        scaled_to_nothing,
        directory_gone,
        image_gone,
        service_edited,
        ingress_gone,
        deployment_gone,
        cordoned,
        volume_released,
        state_directory_lost,
    ],
)
def test_up_brings_what_is_there_to_what_was_asked(
    harm: Callable[[World], None],
    target: Target,
    tmp_path: Path,
    home: Home,
    world: World,
    settings: Settings,
    told: Told,
) -> None:
    target.up(settings, told)
    wanted = deepcopy({key: found["spec"] for key, found in world.kube.resources.items()})
    harm(world)
    if harm is state_directory_lost:
        home = Home(tmp_path / "another")
    at(home).up(settings, told)
    assert not at(home).up(settings, told)
    assert len(created(world)) == 1
    assert world.paths == {"/tmp/kube"}
    assert len(world.node_images) == 1
    assert {key: found["spec"] for key, found in world.kube.resources.items() if key in wanted} == wanted
    assert "unschedulable" not in world.kube.resources.get(("nodes", NODE), {"spec": {}})["spec"]


def test_a_claim_that_is_being_deleted_goes_and_is_made_again(
    target: Target, kube: Kube, settings: Settings, told: Told
) -> None:
    """`kubectl delete pvc --wait=false`: it goes when no pod uses it any more."""
    target.up(settings, told)
    claim = kube.resources["persistentvolumeclaims", "local-pv-claim"]
    claim["metadata"]["deletionTimestamp"] = "2026-12-01T00:00:00Z"
    uid = claim["metadata"]["uid"]

    def collect() -> None:
        found = kube.resources.get(("persistentvolumeclaims", "local-pv-claim"))
        if found and "deletionTimestamp" in found["metadata"] and not kube.pods:
            kube.delete("persistentvolumeclaims", "local-pv-claim")

    kube.controllers.append(collect)
    assert target.up(settings, told)
    assert kube.resources["persistentvolumeclaims", "local-pv-claim"]["metadata"]["uid"] != uid
    assert len(target.instances()) == 1


@pytest.mark.parametrize("name", ["agent-0", "agent-1", "server-0", "serverlb"])
def test_a_node_that_somebody_has_removed_is_named_at_once(
    name: str, target: Target, world: World, settings: Settings, told: Told
) -> None:
    target.up(settings, told)
    del world.machines[f"k3d-k3s-default-{name}"]
    left = set(world.machines)
    if name == "serverlb":
        world.kube.close_page()
    with pytest.raises(UnavailableError, match=rf"not whole: k3d-k3s-default-{name} is gone.*todoctl down"):
        target.up(settings, told)
    assert set(world.machines) == left, "picture and counts may be there still"


def test_an_interrupted_creation_is_begun_anew(
    target: Target, home: Home, world: World, settings: Settings, told: Told
) -> None:
    world.tools["cluster create"] = (1, "", "\x1b[31mFATA\x1b[0m[0004] no space left\n")
    with pytest.raises(UnavailableError, match=r"k3d cluster create failed: no space left"):
        target.up(settings, told)
    world.tools.clear()
    world.machines["k3d-k3s-default-server-0"] = Machine(status="created", label="made")
    assert at(home).up(settings, told)
    assert "Remove what an interrupted start left" in told


def test_the_images_and_names_that_are_asked_for_are_used(
    engine: Engine, world: World, settings: Settings, told: Told, home: Home
) -> None:
    world.images |= {"base:1", "k3s:1"}
    world.cluster = "other"
    given: dict[str, Any] = {
        "cluster": "other",
        "base_image": "base:1",
        "k3s_image": "k3s:1",
        "keep_context": True,
    }
    target = at(home, **given, listen="0.0.0.0")
    target.up(settings, told)
    (call,) = created(world)
    assert {"--image=k3s:1", "--kubeconfig-switch-context=false"} <= set(call)
    assert f"--port=0.0.0.0:{settings.port}:80@loadbalancer" in call
    assert world.built[0]["buildargs"] == {"BASE": "base:1"}
    volume = world.kube.resources["persistentvolumes", "local-pv"]
    assert "k3d-other-agent-0" in json.dumps(volume["spec"]["nodeAffinity"])
    assert deployed(target).details["Cluster"] == "other"


def test_a_cluster_keeps_what_it_was_created_with(
    home: Home, engine: Engine, world: World, settings: Settings, told: Told
) -> None:
    """Its containers' labels say what that was, also when the state directory is lost."""
    at(home, agents=2, k3d_arg=("--env=A=1@all",)).up(settings, told)
    for given, said in (
        ({"agents": 3}, "was made with --agents 2"),
        ({"k3d_arg": ("--env=B=1@all",)}, "was made with --k3d-arg --env=A=1@all"),
        ({"k3s_image": "k3s:2"}, "was made with --k3s-image left out"),
    ):
        with pytest.raises(BadUsageError, match=said):
            at(Home(home.path / "lost"), **given).up(settings, told)
    assert not at(home).up(settings, told)


# Clusters of other people


def test_a_cluster_of_somebody_else_is_used_only_when_that_is_asked_for_once(
    target: Target, world: World, settings: Settings, told: Told, home: Home
) -> None:
    world.create(settings.port)
    with pytest.raises(UnavailableError, match=r"todoctl has not made it.*--adopt"):
        target.up(settings, told)
    assert at(home, adopt=True).up(settings, told)
    assert "(adopted)" in deployed(at(home)).details["Cluster"]
    assert at(home).up(replace(settings, ttl=5.0), told), "what was lent once is lent still"
    world.paths |= {CACHE}
    assert at(home).down(told, keep_data=False)
    assert world.machines, "the cluster stays"
    assert world.paths == {"/tmp/kube"}
    assert not world.kube.resources
    assert not at(home).down(told, keep_data=False)
    with pytest.raises(UnavailableError, match="--adopt"):
        at(home).up(settings, told)


def test_a_cluster_that_somebody_made_since_is_not_the_one_that_was_lent(
    target: Target, home: Home, world: World, settings: Settings, told: Told
) -> None:
    target.up(settings, told)
    world.kube.context = "made by hand"
    for machine in world.machines.values():
        machine.label = None
    with pytest.raises(UnavailableError, match="--adopt"):
        at(home).up(settings, told)


def test_on_a_cluster_of_somebody_else_his_app_and_his_files_stay(
    engine: Engine, world: World, kube: Kube, settings: Settings, told: Told, home: Home
) -> None:
    """The names are those of the course: whoever has such a cluster may have such an app."""
    world.create(settings.port)
    world.paths |= {"/tmp/kube", CACHE}
    kube.apply("services", "todo-app-svc", {"metadata": {"name": "todo-app-svc"}})
    before = dict(kube.resources)
    with pytest.raises(UnavailableError, match=r"service/todo-app-svc is in .*delete service/todo-app-svc"):
        at(home, adopt=True).up(settings, told)
    assert kube.resources == before
    kube.delete("services", "todo-app-svc")
    assert at(home, adopt=True).up(settings, told)
    kube.apply("ingresses", "dwk-todo-app-ingress", {"metadata": {"name": "dwk-todo-app-ingress"}})
    assert at(home).down(told, keep_data=False)
    assert set(kube.resources) == {("ingresses", "dwk-todo-app-ingress")}, "made by somebody else meanwhile"
    assert CACHE in world.paths
    assert "it was there before" in told


def test_the_volume_is_on_the_server_of_a_cluster_without_agents(
    engine: Engine, world: World, settings: Settings, told: Told, home: Home
) -> None:
    world.create(settings.port)
    for name in ("agent-0", "agent-1"):
        del world.machines[f"k3d-k3s-default-{name}"]
    assert at(home, adopt=True).up(settings, told)
    assert deployed(at(home)).details["Volume"].endswith("k3d-k3s-default-server-0")


def test_the_users_own_kubeconfig_is_neither_asked_nor_written(
    target: Target, settings: Settings, told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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
    target.down(told, keep_data=False)
    other.close()
    assert other.requests == []
    assert config.read_text() == other.kubeconfig()


# What is in the way

CHANGES = {"create", "start", "delete", "import", "save", "mkdir", "rm", "mv"}


def k3d_is_missing(world: World, settings: Settings, bin_directory: Path) -> None:
    (bin_directory / "k3d").unlink()


def k3d_is_old(world: World, settings: Settings, bin_directory: Path) -> None:
    world.tools["k3d version"] = (0, "k3d version v4.4.8\n", "")


def k3d_says_nothing(world: World, settings: Settings, bin_directory: Path) -> None:
    world.tools["k3d version"] = (2, "", "Failed to initialize: context nosuch\n")


def the_port_is_taken(world: World, settings: Settings, bin_directory: Path) -> None:
    world.kube.open_page(settings.port)


def the_cluster_is_foreign(world: World, settings: Settings, bin_directory: Path) -> None:
    world.create(settings.port)


def the_cluster_has_another_port(world: World, settings: Settings, bin_directory: Path) -> None:
    world.machines["k3d-k3s-default-serverlb"] = Machine(port=settings.port + 1, label="made")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (k3d_is_missing, r"k3d: it is not installed\. Install k3d 5"),
        (k3d_is_old, r"k3d: 4\.4\.8\. Install k3d 5"),
        (k3d_says_nothing, r"k3d: Failed to initialize: context nosuch\. Install"),
        (the_port_is_taken, r"Port \d+: .*listens there.* --port"),
        (the_cluster_is_foreign, r"it exists, and todoctl has not made it.* --adopt.* --cluster"),
        (the_cluster_has_another_port, r"made for port \d+.* --port \d+.*todoctl down"),
    ],
)
def test_what_is_in_the_way_is_told_in_one_line_and_nothing_is_changed(
    fault: Callable[[World, Settings, Path], None],
    said: str,
    target: KubernetesTarget,
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
    assert not [call for call in world.calls if CHANGES & set(call)]
    assert not kube.resources
    assert not target.directory.exists()
    assert not told.lines


def test_doctor_looks_at_the_cluster_that_is_meant(
    home: Home, world: World, engine: Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "why_unreachable", lambda _: None)
    world.create(settings.port)
    found = doctor.examine(home, Choice("k3d"), settings.port + 1)
    assert not doctor.is_usable(found["k3d"]), "somebody else's"
    found = doctor.examine(home, Choice("k3d", "other"), settings.port + 1)
    assert doctor.is_usable(found["k3d"])


def test_what_k3d_takes_is_asked_of_k3d(
    home: Home, engine: Engine, world: World, settings: Settings, told: Told
) -> None:
    world.tools["--nonsense"] = (1, "", 'time="2026" level=fatal msg="unknown flag: \\"--nonsense\\""\n')
    with pytest.raises(UnavailableError, match='--k3d-arg: unknown flag: "--nonsense"'):
        at(home, k3d_arg=("--nonsense",)).up(settings, told)
    missing = "--registry-config=/nowhere/at.yaml"
    with pytest.raises(UnavailableError, match=r"there is no file /nowhere/at\.yaml"):
        at(home, k3d_arg=(missing,)).up(settings, told)
    for word in ("--port=9000:80@loadbalancer", "-p", "--runtime-label=todoctl=x@all", "word"):
        if word != "-p":
            with pytest.raises(BadUsageError, match="--k3d-arg"):
                ClusterOptions(k3d_arg=(word,))
    ClusterOptions(k3d_arg=("--port=8443:443@loadbalancer", "--env=A=B@all"))


def test_an_image_that_does_not_come_to_its_node_is_told_with_the_reason(
    target: Target, world: World, settings: Settings, told: Told
) -> None:
    world.tools["docker save"] = (1, "", "no space left on device\n")
    with pytest.raises(UnavailableError, match=r"could not be brought to .*: no space left on device"):
        target.up(settings, told)


def test_the_commands_are_those_that_do_the_work(
    target: Target, home: Home, world: World, settings: Settings, told: Told
) -> None:
    target.up(settings, told)
    expected = [
        "k3d cluster create",
        "k3d kubeconfig merge",
        "todoctl image context | docker build",
        f"docker exec {NODE} mkdir",
        "docker save",
        "todoctl manifests",
        f"{KUBECTL} rollout status",
        f"{KUBECTL} get ingress/",
        "curl --head",
    ]
    assert [
        one for one, start in zip(told.commands, expected, strict=True) if not one.startswith(start)
    ] == []
    assert not any("runtime-label" in line for line in told.commands), (
        "a cluster made by hand is not todoctl's"
    )
    told.commands.clear()
    at(home).down(told, keep_data=False)
    assert told.commands == ["k3d cluster delete k3s-default"]
