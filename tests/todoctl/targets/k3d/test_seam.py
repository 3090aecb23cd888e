"""What a validation asks of the k3d target, on a make-believe machine: sides, a death, an image service."""

import base64
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import kubernetes_validate
import pytest

from tests.todoctl.images.engine import Engine
from tests.todoctl.kube.kube import Answer, Kube
from tests.todoctl.kube.objects import pod
from tests.todoctl.targets.k3d.world import Machine, World
from tests.todoctl.told import Told
from todoctl import directory
from todoctl.errors import TodoctlError, UnavailableError
from todoctl.home import Home
from todoctl.image_service import service as program
from todoctl.kube import image_pod, manifests
from todoctl.kube.waiting import patience
from todoctl.settings import Settings
from todoctl.targets.base import Way
from todoctl.targets.k3d import node
from todoctl.targets.k3d.node import Node
from todoctl.targets.k3d.options import ClusterOptions
from todoctl.targets.k3d.target import K3dTarget
from todoctl.targets.volume import File

NODE = "k3d-k3s-default-agent-0"
SERVICE = ("pods", image_pod.NAME)
CONTENT = b"1 2\x00\xff\n" * 50
AT = 1795520561932186601


@pytest.fixture(name="up")
def _up(target: K3dTarget, home: Home, settings: Settings, told: Told) -> K3dTarget:
    """As the command after `up` has it."""
    target.up(settings, told)
    return K3dTarget(home, ClusterOptions())


# The sides of the volume


def looked(*files: tuple[str, bytes], at: str = "1795520561.932186601", after: str = "") -> str:
    """What the node prints: a list, the contents, the list again (or `after`)."""
    listed = "".join(
        f"{number} {len(content)} {at} {at} /tmp/kube/cache/{name}\n"
        for number, (name, content) in enumerate(files)
    )
    return listed + "".join(content.decode() for _, content in files) + (after or listed)


@pytest.mark.parametrize(("at", "seen"), [("1795520561.932186601", AT), ("1795520561", 1795520561 * 10**9)])
def test_both_sides_are_read(at: str, seen: int, up: K3dTarget, world: World, kube: Kube) -> None:
    """Also where the node knows no fractions of seconds."""
    world.commands["stat"] = (0, f"{at}\n")
    kube.output = json.dumps(
        [[name, 3, AT, base64.b64encode(b"abc").decode()] for name in ("cache_metadata.json", "picture")]
    )
    world.commands["find"] = (0, looked(("picture", b"abc"), ("cache_metadata.json", b"abc"), at=at))
    host, app = up.volume.sides()
    assert host.seen_from == f"the node {NODE}: /tmp/kube/cache"
    assert app.seen_from.startswith("the pod pod-")
    assert app.seen_from.endswith(up.volume.directory)
    assert host.read() == app.read()
    assert host.read() == [
        File(name=name, size=3, modified=seen / 1e9, content=b"abc")
        for name in ("cache_metadata.json", "picture")
    ]
    world.commands["find"] = (0, "")
    assert host.read() == []
    kube.output, kube.ending = (
        "changes all the time",
        '{"status": "Failure", "details": {"causes": [{"message": "2"}]}}',
    )
    with pytest.raises(UnavailableError, match=r"'python3' failed in the pod .*changes all the time"):
        app.read()


@pytest.mark.parametrize(
    "program", [["-S", "-c", Path(directory.__file__).read_text()], [directory.__file__]]
)
def test_its_text_is_what_the_pod_runs(program: list[str], tmp_path: Path) -> None:
    """With a Python alone, as it is there."""
    (tmp_path / "picture").write_bytes(CONTENT)
    done = subprocess.run(
        [sys.executable, *program, str(tmp_path)], capture_output=True, text=True, check=True
    )
    ((name, size, at, content),) = json.loads(done.stdout)
    assert (name, size, at) == ("picture", len(CONTENT), (tmp_path / "picture").stat().st_mtime_ns)
    assert base64.b64decode(content) == CONTENT


@pytest.fixture(name="there")
def _there(world: World) -> Node:
    world.machines["node"] = Machine()
    return Node(Engine(world), "node")  # type: ignore[arg-type]


@pytest.mark.parametrize("box", [None, "busybox"])
def test_the_nodes_command_works(
    box: str | None, there: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command itself, with this machine's find, stat and cat, and with BusyBox's where it is there."""
    cache = tmp_path / "cache"
    monkeypatch.setattr(node, "CACHE", str(cache))
    command = [word.replace("/tmp/kube", str(tmp_path)) for word in node.LOOK]
    if box:
        path = shutil.which(box) or pytest.skip("no BusyBox here")
        tools = {tool: tmp_path / tool for tool in ("find", "stat", "cat")}
        for tool in tools.values():
            tool.symlink_to(path)
        command = [str(tools.get(word, word)) for word in command]

    def execute(_: object) -> tuple[int, bytes, bytes]:
        done = subprocess.run(command, capture_output=True, check=False)
        return done.returncode, done.stdout, done.stderr

    monkeypatch.setattr(there, "_execute", execute)
    assert there.files() == [], "no directory"
    cache.mkdir()
    assert there.files() == []
    (cache / "b").write_bytes(CONTENT)
    (cache / "a").write_bytes(b"")
    (cache / ".hidden").write_bytes(b"x")
    (cache / "deeper").mkdir()
    (cache / "deeper" / "c").write_bytes(b"x")
    seen = [(name, size, content) for name, size, _, content in directory.read(str(cache))]
    assert [(file.name, file.size, file.content) for file in there.files()] == seen
    if not box:
        assert there.files()[1].modified == (cache / "b").stat().st_mtime_ns / 1e9


@pytest.mark.parametrize(
    "output",
    [
        looked(("a", b"abc"), after="1 3 12 12 /tmp/kube/cache/a\n"),
        looked(("a", b"abc")) + "x",
        looked(("a", b"abc"))[:-1],
        "1 3 12 12 /tmp/kube/cache/a\n",
    ],
)
def test_what_is_not_of_one_moment_is_seen_and_read_again(output: str, there: Node, world: World) -> None:
    assert node.parse(output.encode()) is None
    world.commands["find"] = (0, output)
    with pytest.raises(UnavailableError, match="cannot be read: they change all the time"):
        there.files()
    assert len(world.calls) == node.TRIES
    world.commands["find"] = (1, "find: /tmp/kube: No such file or directory\n")
    with pytest.raises(UnavailableError, match="cannot be read: find: /tmp/kube: No such file"):
        there.files()


# A death


def test_killed_it_is_replaced(up: K3dTarget, world: World, kube: Kube) -> None:
    before = up.instances()
    deployment = dict(kube.resources["deployments", "todo-app-dep"])
    world.calls.clear()
    up.kill()
    assert len(up.instances()) == 1
    assert not up.instances() & before
    signals = [call for call in world.calls if "kill" in call]
    assert signals == [
        [NODE, "ctr", "-n=k8s.io", "tasks", "kill", f"--signal={name}", f"{0:064}"]
        for name in ("SIGSTOP", "SIGKILL")
    ]
    (deletion,) = [line for line in kube.requests if line.startswith("DELETE")]
    assert "gracePeriodSeconds=0" in deletion
    assert kube.resources["deployments", "todo-app-dep"] == deployment, "set the same"


@pytest.mark.parametrize("deleted", [True, False])
def test_a_halted_app_is_killed_whatever_happens(
    deleted: bool, up: K3dTarget, world: World, kube: Kube
) -> None:
    world.commands["ctr -n=k8s.io tasks kill --signal=SIGKILL"] = (1, "process already finished")
    if deleted:
        up.kill()
    else:
        kube.answers["DELETE"] = Answer(500, '{"message": "etcd is away"}')
        with pytest.raises(UnavailableError, match="etcd is away"):
            up.kill()
    assert "--signal=SIGKILL" in world.calls[-1] or deleted


def test_a_new_pod_is_waited_for(up: K3dTarget, kube: Kube) -> None:
    """The deployment's status is still that of the dead one."""
    kube.shape = lambda _: [pod("new", ready=False)]
    with pytest.raises(UnavailableError, match="pod new runs, and is not ready yet"):
        up.kill()


# The image service


def test_the_image_service_is_controlled_through_the_api(up: K3dTarget, kube: Kube) -> None:
    with up.image_service() as service:
        assert service.url == "http://10.42.1.7:8000/picture?of=the-moment"
        assert "app" not in kube.resources[SERVICE]["metadata"]["labels"], "it is none of the app's pods"
        assert len(up.instances()) == 1
        service.answer(Way.ERROR)
        assert kube.service
        with closing(HTTPConnection("127.0.0.1", kube.service.server_address[1])) as asking:
            asking.request("GET", program.ASKED)
            assert asking.getresponse().status == 500
        assert [served.way for served in service.served()] == [Way.ERROR]
        assert service.pending() == 0
    assert SERVICE not in kube.resources
    (deletion,) = [line for line in kube.requests if line.startswith("DELETE")]
    assert "gracePeriodSeconds=0" in deletion


def test_its_pod_is_by_the_books(up: K3dTarget, kube: Kube) -> None:
    wanted = image_pod.pod(NODE, "todo-app:1", pull_secrets=("mine",))
    assert wanted["spec"]["imagePullSecrets"] == [{"name": "mine"}]
    kubernetes_validate.validate(wanted, kubernetes_validate.latest_version(), strict=True)
    (container,) = wanted["spec"]["containers"]
    app = manifests.plain()[2]["spec"]["template"]["spec"]
    assert container["securityContext"] == app["containers"][0]["securityContext"]
    assert wanted["spec"]["securityContext"]["runAsNonRoot"] is True
    assert "volumes" not in wanted["spec"]
    assert not wanted["spec"]["automountServiceAccountToken"]
    text, port, *pictures = container["args"]
    assert (text, port) == (Path(program.__file__).read_text(), "8000")
    assert {picture.split(",")[1] for picture in pictures} >= {"image/jpeg", "image/gif"}
    assert "$(" not in container["args"][0], "Kubernetes would put a variable there"
    with up.image_service():
        made = kube.resources[SERVICE]["spec"]
    app = kube.resources["deployments", "todo-app-dep"]["spec"]["template"]["spec"]
    assert made["containers"][0]["image"] == app["containers"][0]["image"]
    assert made["nodeName"] == NODE


def remove(target: K3dTarget, told: Told) -> None:
    target.stop()
    target.remove_image_service()


def down(target: K3dTarget, told: Told) -> None:
    target.down(told, keep_data=True)


def begin(target: K3dTarget, told: Told) -> None:
    with target.image_service():
        pass


@pytest.mark.parametrize("ours", [True, False])
@pytest.mark.parametrize("mend", [remove, down, begin])
def test_what_a_killed_run_has_left_goes_and_nobody_elses(
    mend: Callable[[K3dTarget, Told], None],
    ours: bool,
    up: K3dTarget,
    home: Home,
    kube: Kube,
    told: Told,
) -> None:
    left = image_pod.pod(NODE, "todo-app:1")
    if not ours:
        left["metadata"]["labels"] = {"app": "mine"}
    kube.apply("pods", image_pod.NAME, left)
    again = K3dTarget(home, ClusterOptions())
    if ours or mend is not begin:
        mend(again, told)
    else:
        with pytest.raises(TodoctlError, match="todoctl has not made it"):
            mend(again, told)
    assert (SERVICE in kube.resources) != ours


def test_an_image_service_that_does_not_come_is_told_and_taken_away(
    up: K3dTarget, kube: Kube, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_pod, "WAIT_SECONDS", 0.1)
    monkeypatch.setattr(patience, "QUIET_SECONDS", 0.1)
    waiting = {"reason": "ErrImageNeverPull", "message": "no such image"}
    for status, why in (
        (
            pod("it", waiting=waiting)["status"],
            "pod todoctl-image-service: the image todo-app:1 is not in the node, and is never",
        ),
        ({}, "pod todoctl-image-service is being created"),
    ):
        kube.service_status = status
        with pytest.raises(UnavailableError, match=f"pod todoctl-image-service does not get ready.*: {why}"):
            begin(up, Told())
        assert SERVICE not in kube.resources
    kube.service_status = pod("it")["status"] | {"podIP": "10.42.1.7"}
    monkeypatch.setattr(kube, "open_service", lambda: None)
    with pytest.raises(UnavailableError, match="connection refused"):
        begin(up, Told())
