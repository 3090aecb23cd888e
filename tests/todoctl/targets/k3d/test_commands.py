"""The commands that are told, on a make-believe machine. That they work is shown in tests/e2e."""

import shlex
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tests.todoctl.images.engine import Engine
from tests.todoctl.kube.kube import Kube
from tests.todoctl.targets.k3d.world import World
from tests.todoctl.told import Told
from todoctl.__main__ import run
from todoctl.commands import Commands
from todoctl.home import Home
from todoctl.images import image
from todoctl.kube import image_pod
from todoctl.settings import Settings
from todoctl.targets.base import Way
from todoctl.targets.k3d.options import ClusterOptions
from todoctl.targets.k3d.resources import command, resources
from todoctl.targets.k3d.target import K3dTarget

NODE = "k3d-k3s-default-agent-0"
KUBECTL = "kubectl --context=k3d-k3s-default"
ROLLOUT = f"{KUBECTL} rollout status deployment/todo-app-dep"
CONTAINER = "deployment/todo-app-dep --container=todo-app-container"
PIPED = f"{KUBECTL} apply -f -"
FORCED = f"{KUBECTL} delete pods --selector=app=todo-app --grace-period=0 --force"
MERGE = "k3d kubeconfig merge k3s-default --kubeconfig-merge-default --kubeconfig-switch-context=true"
FOUND = f"docker exec {NODE} crictl ps --quiet --name '^todo-app-container$'"
RESOURCES = (
    "ingress/dwk-todo-app-ingress service/todo-app-svc deployment/todo-app-dep "
    "persistentvolumeclaim/local-pv-claim persistentvolume/local-pv"
)


@pytest.fixture(name="lines")
def _lines() -> list[str]:
    return []


@pytest.fixture(name="target")
def _target(home: Home, options: ClusterOptions, engine: Engine, lines: list[str]) -> K3dTarget:
    return K3dTarget(home, options, Commands(lines.append))


@pytest.fixture(name="standing")
def _standing(target: K3dTarget, home: Home, settings: Settings, told: Told, lines: list[str]) -> K3dTarget:
    """As the next command finds it after `up`."""
    target.up(settings, told)
    lines.clear()
    return K3dTarget(home, ClusterOptions(), Commands(lines.append))


def tag(world: World) -> str:
    (name,) = {name for name in world.images if name.startswith("todo-app:")}
    return name


def signal(name: str) -> str:
    kill = f"docker exec {NODE} ctr -n=k8s.io tasks kill --signal={name}"
    ended = " || true" if name == "SIGKILL" else ""
    return f"{FOUND} | xargs --no-run-if-empty -n1 {kill}{ended}"


def test_a_cold_up(target: K3dTarget, world: World, settings: Settings, told: Told, lines: list[str]) -> None:
    target.up(replace(settings, ttl=77.5), told)
    create, merge, build, make, load, apply, *waits = lines
    (called,) = (call for call in world.calls if call[:3] == ["k3d", "cluster", "create"])
    kept = [word for word in called if not word.startswith(("--runtime-label", "--timeout"))]
    assert shlex.split(create) == kept
    assert len(kept) == len(called) - 2, "a cluster made by hand carries no mark of todoctl"
    assert merge == MERGE
    name = tag(world)
    assert build.startswith(f"todoctl image context | docker build --tag={name} --build-arg=BASE=python:3")
    assert make == f"docker exec {NODE} mkdir -p /tmp/kube"
    assert load == f"docker save {name} | docker exec -i {NODE} ctr -n=k8s.io images import -"
    printing = f"todoctl manifests --ttl=77.5 --image-url=sample: --app-image={name}"
    assert apply == f"{printing} | {PIPED}"
    assert waits[:2] == [ROLLOUT, f"{KUBECTL} get ingress/dwk-todo-app-ingress"]
    assert waits[2].startswith("curl --head --fail --retry ")
    assert waits[2].endswith(f" {settings.url}/")
    assert len(waits) == 3


def test_what_is_there_is_not_done_again(
    standing: K3dTarget, world: World, settings: Settings, told: Told, lines: list[str]
) -> None:
    world.machines[NODE].status = "exited"
    standing.up(settings, told)
    start, merge, make, apply, *_ = lines
    assert start == "k3d cluster start k3s-default"
    assert merge == MERGE
    assert make.endswith("mkdir -p /tmp/kube")
    assert apply.endswith(PIPED)


def test_a_lost_directory_takes_a_restart(
    standing: K3dTarget, world: World, settings: Settings, told: Told, lines: list[str]
) -> None:
    world.paths.clear()
    standing.up(settings, told)
    assert f"{KUBECTL} rollout restart deployment/todo-app-dep" in lines


def test_images_are_pulled(
    target: K3dTarget, world: World, settings: Settings, told: Told, lines: list[str]
) -> None:
    world.images.remove("python:3.13-slim")
    world.pulls["python:3.13-slim"] = [[{"status": "Status: Downloaded newer image"}]]
    target.up(settings, told)
    assert lines[0] == "docker pull python:3.13-slim"


def test_down(standing: K3dTarget, told: Told, lines: list[str]) -> None:
    standing.down(told, keep_data=False)
    assert lines == ["k3d cluster delete k3s-default"]


def test_down_of_the_app_alone(standing: K3dTarget, home: Home, told: Told, lines: list[str]) -> None:
    keeping = K3dTarget(home, ClusterOptions(keep_cluster=True), Commands(lines.append))
    keeping.down(told, keep_data=False)
    assert lines == [
        f"{KUBECTL} delete {RESOURCES} --ignore-not-found",
        f"docker exec {NODE} rm -rf /tmp/kube/cache /tmp/kube/cache.set-aside",
    ]


def test_what_a_validation_does(
    standing: K3dTarget, world: World, settings: Settings, lines: list[str]
) -> None:
    def told() -> list[str]:
        copy = lines.copy()
        lines.clear()
        return copy

    standing.restart()
    assert told() == [f"{KUBECTL} rollout restart deployment/todo-app-dep", ROLLOUT]
    standing.kill()
    assert told() == [signal("SIGSTOP"), FORCED, signal("SIGKILL"), ROLLOUT]
    standing.scale(2)
    assert told() == [f"{KUBECTL} scale deployment/todo-app-dep --replicas=2", ROLLOUT]
    none = f"{KUBECTL} scale deployment/todo-app-dep --replicas=0"
    standing.stop()
    assert told() == [none, f"{KUBECTL} wait pods --selector=app=todo-app --for=delete"]
    standing.stop(at_once=True)
    assert told() == [none, FORCED, signal("SIGKILL")]
    standing.start(replace(settings, ttl=0.15))
    printing = f"todoctl manifests --ttl=0.15 --image-url=sample: --app-image={tag(world)}"
    assert told() == [f"{printing} | {PIPED}", ROLLOUT]


def test_what_is_done_to_the_volume(standing: K3dTarget, world: World, lines: list[str]) -> None:
    world.paths.add("/tmp/kube/cache")
    volume = standing.volume
    volume.set_aside()
    volume.put("cached_image.jpg", b"picture")
    volume.sides()
    inside = f"docker exec {NODE}"
    assert lines == [
        f"{inside} mv -T /tmp/kube/cache /tmp/kube/cache.set-aside",
        f"{inside} mkdir -p -m 777 /tmp/kube/cache",
        f"docker cp cached_image.jpg {NODE}:/tmp/kube/cache/cached_image.jpg",
        f"{inside} ls -l /tmp/kube/cache",
        f"{KUBECTL} exec {CONTAINER} -- ls -l /usr/src/app/files/cache",
    ]


def test_the_image_service(standing: K3dTarget, world: World, lines: list[str]) -> None:
    with standing.image_service() as service:
        service.answer(Way.SLOW)
    way = "/api/v1/namespaces/default/pods/todoctl-image-service:8000/proxy/way/slow"
    assert lines == [
        f"todoctl manifests --app-image={tag(world)} --image-service | {PIPED}",
        f"{KUBECTL} create --raw={way} --filename=/dev/null",
        f"{KUBECTL} delete pod/todoctl-image-service --grace-period=0 --force",
    ]


def test_the_command_prints_what_is_applied(capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings(ttl=7.5, image_url="sample:")
    options = ClusterOptions(cluster="mine", agents=0)
    for wanted, chosen in ((settings, options), (Settings(), ClusterOptions())):
        name, *words = command(wanted, chosen, "todo-app:it")
        assert name == "todoctl"
        assert run(words) == 0
        printed = list(yaml.safe_load_all(capsys.readouterr().out))
        assert printed == resources(wanted, chosen, "todo-app:it")
        assert run([*words, "--image-service"]) == 0
        assert yaml.safe_load(capsys.readouterr().out) == image_pod.pod(chosen.node, "todo-app:it")


def test_the_build_context_goes_into_a_pipe(
    capfdbinary: pytest.CaptureFixture[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(["image", "context"]) == 0
    archive = tmp_path / "context.tar"
    archive.write_bytes(capfdbinary.readouterr().out)
    with tarfile.open(archive) as tar:
        assert {"Dockerfile", "todoapp/__main__.py", "pip/pip.conf"} <= set(tar.getnames())
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert run(["image", "context"]) == 2
    assert b"not written to a terminal" in capfdbinary.readouterr().err


def test_an_index_on_this_machine_is_reached_from_the_build(
    engine: Engine, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image, "pip_conf", lambda: "index-url = http://localhost:3141/simple\n")
    image.make(engine, "me/app:1", "mine", commands=Commands(lines.append))  # type: ignore[arg-type]
    build = "docker build --tag=me/app:1 --build-arg=BASE=mine --network=host -"
    assert lines == [f"todoctl image context | {build}"]


def test_an_option_with_a_blank_stays_one_word(
    home: Home, engine: Engine, world: World, settings: Settings, told: Told, lines: list[str], kube: Kube
) -> None:
    options = ClusterOptions(k3d_arg=("--env=A=b c@all",), switch_context=False)
    K3dTarget(home, options, Commands(lines.append)).up(settings, told)
    assert "'--env=A=b c@all'" in lines[0]
    assert "--env=A=b c@all" in shlex.split(lines[0])
    assert lines[1].endswith("--kubeconfig-switch-context=false")
