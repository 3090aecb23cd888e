"""The target as the verbs use it, on a make-believe machine."""

import json
from copy import deepcopy
from dataclasses import replace

import pytest

from tests.todoctl.images.engine import Engine
from tests.todoctl.kube.kube import Answer, Kube
from tests.todoctl.kube.objects import pod
from tests.todoctl.targets.k3d.world import Machine, World
from tests.todoctl.told import Told
from todoctl.errors import UnavailableError
from todoctl.home import Home
from todoctl.kube import manifests
from todoctl.settings import Settings
from todoctl.targets.k3d.options import ClusterOptions
from todoctl.targets.k3d.target import K3dTarget

NODE = "k3d-k3s-default-agent-0"
LOOK = [NODE, "ctr", "-n=k8s.io"]
RESOURCES = {
    ("persistentvolumes", "local-pv"),
    ("persistentvolumeclaims", "local-pv-claim"),
    ("deployments", "todo-app-dep"),
    ("services", "todo-app-svc"),
    ("ingresses", "dwk-todo-app-ingress"),
}


def create(world: World) -> list[list[str]]:
    return [call for call in world.calls if call[:3] == ["k3d", "cluster", "create"]]


def test_up_makes_a_cluster_and_all_that_belongs_on_it(
    target: K3dTarget, world: World, kube: Kube, settings: Settings, told: Told
) -> None:
    assert target.settings() is None
    assert target.up(settings, told)
    assert set(kube.resources) == RESOURCES
    (call,) = create(world)
    assert "k3s-default" in call
    assert "--agents=2" in call
    assert f"--port=127.0.0.1:{settings.port}:80@loadbalancer" in call
    assert "--kubeconfig-switch-context=true" in call
    assert not [word for word in call if word.startswith("--image")]
    assert world.paths == {"/tmp/kube"}
    assert target.settings() == settings
    (tag,) = {name for name in world.images if name.startswith("todo-app:")}
    assert world.node_images == {tag}
    deployment = kube.resources["deployments", "todo-app-dep"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == tag
    environment = {variable["name"]: variable["value"] for variable in container["env"]}
    assert environment["CACHE_TTL"] == "600"
    assert environment["IMAGE_URL"] == "sample:"
    for name in ("kubeconfig", "state.json"):
        assert (target.directory / name).stat().st_mode & 0o777 == 0o600


def test_what_another_version_has_applied_is_applied_anew(
    target: K3dTarget, kube: Kube, settings: Settings, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = manifests.plain()
    plain[2]["spec"]["template"]["spec"]["containers"][0]["readinessProbe"]["timeoutSeconds"] = 1
    with monkeypatch.context() as earlier:
        earlier.setattr(manifests, "plain", lambda: deepcopy(plain))
        target.up(settings, told)
    assert target.up(settings, told)
    (container,) = kube.resources["deployments", "todo-app-dep"]["spec"]["template"]["spec"]["containers"]
    assert container["readinessProbe"]["timeoutSeconds"] == 5
    assert not target.up(settings, told)


def test_up_again_changes_nothing(
    target: K3dTarget, world: World, kube: Kube, settings: Settings, told: Told
) -> None:
    target.up(settings, told)
    before = dict(kube.resources)
    world.calls.clear()
    assert not target.up(settings, told)
    assert kube.resources == before
    assert {call[0] for call in world.calls} <= {"k3d", NODE}
    assert not create(world)


@pytest.mark.parametrize("fault", ["stopped", "api", "page", "settings", "scaled", "directory"])
def test_up_mends_what_is_not_so(
    fault: str, target: K3dTarget, home: Home, world: World, kube: Kube, settings: Settings, told: Told
) -> None:
    target.up(settings, told)
    if fault == "stopped":
        world.machines[NODE].status = "exited"
    elif fault == "api":
        kube.answers["GET /apis/apps/v1/namespaces/default/deployments"] = Answer(500)

        def run_tool(command: list[str], given: str) -> dict[str, object]:
            if "kubeconfig" in command:
                kube.answers.clear()
            return world.run_tool(command, given)

        kube.tool = run_tool
    elif fault == "page":
        kube.page_codes = [503, 503]
    elif fault == "settings":
        settings = replace(settings, ttl=77.0)
    elif fault == "scaled":
        kube.resources["deployments", "todo-app-dep"]["spec"]["replicas"] = 0
    else:
        world.paths.clear()
    assert K3dTarget(home, ClusterOptions()).up(settings, told)
    assert not K3dTarget(home, ClusterOptions()).up(settings, told)
    assert len(create(world)) == 1
    assert world.paths == {"/tmp/kube"}


def test_an_interrupted_creation_is_begun_anew(
    target: K3dTarget, home: Home, world: World, settings: Settings, told: Told
) -> None:
    world.tools["cluster create"] = (1, "", "\x1b[31mFATA\x1b[0m[0004] no space left\n")
    with pytest.raises(UnavailableError, match=r"k3d cluster create failed: no space left"):
        target.up(settings, told)
    world.tools.clear()
    world.machines["k3d-k3s-default-server-0"] = Machine()
    assert K3dTarget(home, ClusterOptions()).up(settings, told)
    assert "Remove what an interrupted start left" in told


def test_a_cluster_of_somebody_else_is_used_only_when_asked_for(
    target: K3dTarget, world: World, engine: Engine, settings: Settings, told: Told, home: Home
) -> None:
    world.create(settings.port, marked=False)
    with pytest.raises(UnavailableError, match=r"todoctl has not made it.*--adopt"):
        target.up(settings, told)
    adopting = K3dTarget(home, ClusterOptions(adopt=True))
    assert adopting.up(settings, told)
    assert "(adopted)" in adopting.details()["Cluster"]
    world.paths |= {"/tmp/kube/cache"}
    assert adopting.down(told, keep_data=False)
    assert world.machines, "the cluster stays"
    assert world.paths == {"/tmp/kube"}
    assert not world.kube.resources
    assert not adopting.down(told, keep_data=False)
    assert world.machines


def test_the_images_and_names_that_are_asked_for_are_used(
    engine: Engine, world: World, settings: Settings, told: Told, home: Home
) -> None:
    world.images |= {"base:1", "k3s:1"}
    world.cluster = "other"
    options = ClusterOptions(
        cluster="other", base_image="base:1", k3s_image="k3s:1", switch_context=False, listen="0.0.0.0"
    )
    target = K3dTarget(home, options)
    target.up(settings, told)
    (call,) = create(world)
    assert "--image=k3s:1" in call
    assert "--kubeconfig-switch-context=false" in call
    assert f"--port=0.0.0.0:{settings.port}:80@loadbalancer" in call
    assert world.built[0]["buildargs"] == {"BASE": "base:1"}
    volume = world.kube.resources["persistentvolumes", "local-pv"]
    assert "k3d-other-agent-0" in json.dumps(volume["spec"]["nodeAffinity"])
    assert "other" in target.details()["Cluster"]


def test_what_is_up_can_be_looked_at(
    target: K3dTarget, world: World, kube: Kube, settings: Settings, told: Told
) -> None:
    target.up(settings, told)
    (instance,) = target.instances()
    assert instance.startswith("pod pod-")
    details = target.details()
    assert details["Cluster"] == "k3s-default"
    assert details["Runs as"] == instance
    assert NODE in details["Volume"]
    assert list(target.logs(follow=False, lines=2)) == ["first line", "last line"]
    kube.pods = []
    assert target.details()["Runs as"].startswith("nothing")
    assert not list(target.logs(follow=False, lines=2))
    for ask in (target.volume.sides, target.kill):
        with pytest.raises(UnavailableError, match="does not run"):
            ask()
    kube.answers["GET /api"] = Answer(500, '{"message": "etcd is away"}')
    assert "etcd is away" in target.details()["Runs as"]


def test_restart_is_what_kubectl_does(target: K3dTarget, kube: Kube, settings: Settings, told: Told) -> None:
    target.up(settings, told)
    before = target.instances()
    target.restart()
    assert not before & target.instances()
    patches = [line for line in kube.requests if line.startswith("PATCH") and "restartedAt" in line]
    assert len(patches) == 1
    assert "fieldManager=kubectl-rollout" in patches[0]
    assert "kubectl.kubernetes.io/restartedAt" in patches[0]


def test_the_cache_is_set_aside_and_put_back(
    target: K3dTarget, world: World, kube: Kube, settings: Settings, told: Told
) -> None:
    target.up(settings, told)
    with pytest.raises(UnavailableError, match="not set aside"):
        target.volume.empty()
    target.stop()
    assert kube.running == 0
    for there in (True, False):
        world.paths -= {"/tmp/kube/cache"}
        if there:
            world.paths |= {"/tmp/kube/cache"}
        target.volume.set_aside()
        assert target.volume.is_set_aside()
        target.start(replace(settings, ttl=4.0))
        assert kube.running == 1
        assert target.settings() == settings, "what was asked for is not what plays"
        target.stop()
        target.volume.empty()
        target.volume.put_back()
        assert not target.volume.is_set_aside()
        assert "/tmp/kube/cache" in world.paths
    target.volume.put_back()
    target.start(settings)
    assert not target.up(settings, told)


def test_stopping_what_is_not_there_is_no_error(
    target: K3dTarget, kube: Kube, settings: Settings, told: Told
) -> None:
    target.stop()
    target.up(settings, told)
    kube.resources.clear()
    kube.pods = []
    target.stop()


@pytest.mark.parametrize(
    ("content", "told_of"),
    [
        ("{", "damaged"),
        ('{"settings": {"port": 0, "ttl": 1, "image_url": "sample:"}, "options": {}}', "--port 0"),
        ('{"options": {}}', "settings"),
    ],
)
def test_a_damaged_state_file_is_told(target: K3dTarget, content: str, told_of: str) -> None:
    target.directory.mkdir(parents=True)
    (target.directory / "state.json").write_text(content)
    with pytest.raises(UnavailableError, match=told_of):
        target.settings()


@pytest.mark.parametrize("damage", [{"cluster": "NO"}, {"nonsense": 1}, None])
def test_damaged_options_are_told(target: K3dTarget, damage: object) -> None:
    target.directory.mkdir(parents=True)
    state = {"settings": {"port": 1, "ttl": 1, "image_url": "sample:"}}
    if damage:
        state["options"] = damage  # type: ignore[assignment]
    (target.directory / "state.json").write_text(json.dumps(state))
    with pytest.raises(UnavailableError, match="damaged"):
        target.details()


def test_a_pod_that_crashes_is_told_with_its_last_words(
    target: K3dTarget, kube: Kube, settings: Settings, told: Told
) -> None:
    waiting = {"reason": "CrashLoopBackOff", "message": "back-off 10s"}
    kube.shape = lambda _: [pod("sick", waiting=waiting, restarts=3, last={"reason": "Error", "exitCode": 1})]
    with pytest.raises(
        UnavailableError, match=r"CrashLoopBackOff: .* ended 4 times .*; its log ends: last line"
    ):
        target.up(settings, told)
    assert "CrashLoopBackOff" in told, "as it happens"


def test_a_pod_that_may_not_be_made_is_told(
    target: K3dTarget, kube: Kube, settings: Settings, told: Told
) -> None:
    kube.shape = lambda _: []
    kube.conditions = [
        {"type": "Progressing", "status": "True", "reason": "NewReplicaSetCreated", "message": ""},
        {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota"},
    ]
    with pytest.raises(UnavailableError, match=r"does not get ready: FailedCreate: exceeded quota\."):
        target.up(settings, told)


def test_where_nothing_can_be_applied_early_it_is_applied_later(
    target: K3dTarget, world: World, kube: Kube, settings: Settings, told: Told
) -> None:
    world.tools["kubectl apply"] = (1, "", "connection refused")
    assert target.up(settings, told)
    assert set(kube.resources) == RESOURCES
