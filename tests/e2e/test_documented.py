"""The commands of the original README and of ours, word for word; then todoctl meets the cluster they made.

Beside Docker and k3d that takes a kubectl on this machine.
"""

import re
import shlex
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.app_server import wait_for
from tests.e2e.conftest import RESOURCES, Lab, base_image, images, lab, run
from todoctl.client import Client

ROOT = Path(__file__).parents[2]
IMAGE = "todo-app:1.12"
CACHE = "/usr/src/app/files/cache"

CREATE = "k3d cluster create --port 8081:80@loadbalancer --agents 2"
MAKE_DIRECTORY = "docker exec k3d-k3s-default-agent-0 mkdir -p /tmp/kube"
FILES = """ \\
  -f ./the_project/todo-app/manifests/deployment.yaml \\
  -f ./the_project/todo-app/manifests/ingress.yaml \\
  -f ./the_project/todo-app/manifests/service.yaml \\
  -f ./volumes/persistentvolume.yaml \\
  -f ./volumes/persistentvolumeclaim.yaml
"""
RESTART = "kubectl rollout restart deployment todo-app-dep"

Type = Callable[[str], str]


@pytest.fixture(name="todoctl", scope="module")
def _todoctl(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with lab(tmp_path_factory.mktemp("documented"), "k3s-default") as found:
        found.port = 8081
        yield found


@pytest.fixture(name="course", scope="module")
def _course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our manifests, laid out as the course's are; the pictures are the app's own."""
    directory = tmp_path_factory.mktemp("course")
    for name in re.findall(r"-f (\S+)", FILES):
        file = directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        text = (ROOT / "manifests" / file.name).read_text()
        file.write_text(text.replace("https://picsum.photos/500", "'sample:'"))  # also without the internet
    return directory


@pytest.fixture(name="type_", scope="module")
def _type(todoctl: Lab, course: Path) -> Type:
    """Types a line in that directory, and gives what it prints."""

    def type_(line: str) -> str:
        return run(*(f"env --chdir={course} KUBECONFIG={todoctl.kubeconfig}").split(), *words(line))

    return type_


def words(line: str) -> list[str]:
    return shlex.split(line.replace("\\\n", " "))


def pod(type_: Type) -> str:
    """The name of the app's pod, as `kubectl get pods` shows it once it runs."""
    type_("kubectl rollout status deployment todo-app-dep --timeout=180s")

    def running() -> list[str]:
        listed = type_("kubectl get pods")
        found = re.findall(r"(?m)^(todo-app-dep-\S+) +1/1 +Running +0 ", listed)
        return found if listed.count("todo-app-dep-") == 1 else []

    return wait_for(running, deadline=120)[0]


def followed(todoctl: Lab, line: str, until: str) -> str:
    """What a command prints that does not end by itself, to the line with `until`."""
    with subprocess.Popen(words(line), env=todoctl.environment, stdout=subprocess.PIPE, text=True) as process:
        late = threading.Timer(120, process.kill)
        late.start()
        printed = ""
        for found in process.stdout or ():
            printed += found
            if until in found:
                break
        late.cancel()
        process.kill()
    return printed


def test_the_original_readme(todoctl: Lab, type_: Type) -> None:
    given = images()
    type_(CREATE + (f" --image={given['--k3s-image']}" if "--k3s-image" in given else ""))
    type_(MAKE_DIRECTORY)
    todoctl("image", "build", IMAGE, *base_image())  # instead of a build and a push to Docker Hub
    wait_for(lambda: is_imported(todoctl), deadline=120)  # it reports success without it, at times
    type_(f"kubectl apply {FILES}")
    name = pod(type_)

    log = followed(todoctl, f"kubectl logs -f {name}", until="INFO new picture: ")
    assert CACHE in log
    assert "600 s" in log
    on_node = type_("docker exec k3d-k3s-default-agent-0 ls -l /tmp/kube/cache/")
    in_pod = type_(f"kubectl exec -it {name} -c todo-app-container -- ls -l {CACHE}")
    assert "cache_metadata.json" in on_node
    assert "cached_image.jpg" in on_node
    listed = [line for line in in_pod.splitlines() if line.startswith(("total ", "-rw"))]
    assert listed == on_node.splitlines(), "sizes and times are the same on both sides"

    with Client("http://localhost:8081") as client:
        wait_for(client.is_ready, deadline=120)
        before = todoctl.visit()
        assert (before.status, before.access_count, before.image_access_count) == ("valid", 1, 1)
        type_(RESTART)
        assert pod(type_) != name
        wait_for(client.is_ready, deadline=120)
    after = todoctl.visit()
    assert (after.status, after.access_count, after.sha256) == ("valid", 2, before.sha256)
    assert (after.downloaded_at, after.expires_at) == (before.downloaded_at, before.expires_at)

    gone = type_(f"kubectl delete {FILES}")
    assert gone.count(" deleted") == len(RESOURCES)
    assert not todoctl.kubectl("get", *RESOURCES, "--ignore-not-found")


def test_our_readme(todoctl: Lab, type_: Type) -> None:
    """On that cluster again: files that are there are taken up, as a volume with `Retain` promises."""
    type_(f"kubectl apply -k {ROOT}/manifests/")
    pod(type_)
    with Client("http://localhost:8081") as client:
        wait_for(client.is_ready, deadline=120)
    assert todoctl.visit().access_count == 3


def is_imported(todoctl: Lab) -> bool:
    run("k3d", "image", "import", IMAGE)
    return IMAGE in run("docker", "exec", todoctl.node, "ctr", "-n=k8s.io", "images", "ls", "-q")


def test_up_refuses_a_cluster_that_it_has_not_made(todoctl: Lab) -> None:
    before = todoctl.versions()
    line = todoctl.up(code=3).stderr
    assert "todoctl has not made it" in line
    assert "--adopt" in line
    assert todoctl.versions() == before
    assert not todoctl.home.exists()


def test_adopting_the_cluster_is_not_adopting_the_app_on_it(todoctl: Lab, type_: Type) -> None:
    """Its names are those of the course, and so are the names of everybody's own app of this step."""
    before = todoctl.versions()
    line = todoctl.up("--adopt", code=3).stderr
    assert "todoctl has not applied it" in line
    assert "deployment/todo-app-dep" in line
    assert todoctl.versions() == before
    assert not todoctl.home.exists()
    type_(f"kubectl delete {FILES}")


def test_adopted_it_is_used(todoctl: Lab) -> None:
    todoctl.up("--adopt")
    assert "(adopted)" in todoctl("status").stdout
    assert todoctl.visit().status == "valid"
    assert "nothing changed" in todoctl.up("--adopt").stdout


def test_down_takes_the_app_and_leaves_the_cluster(todoctl: Lab, type_: Type) -> None:
    todoctl("down")
    assert not todoctl.kubectl("get", *RESOURCES, "--ignore-not-found")
    assert "cached_image.jpg" in run("docker", "exec", todoctl.node, "find", "/tmp/kube"), "as it was found"
    assert len([trace for trace in todoctl.traces() if "container" in trace]) == 4
    type_("k3d cluster delete k3s-default")
    assert not todoctl.traces()
    run("docker", "rmi", IMAGE)
