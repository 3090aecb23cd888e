"""What a validation asks of a real cluster: both sides of the volume, deaths, an image service."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import visitor
from tests.app_server import wait_for
from tests.e2e.conftest import Lab, lab, run
from todoctl.client import Client
from todoctl.errors import UnavailableError
from todoctl.image_service.service import ResponseMode
from todoctl.kube import image_pod
from todoctl.settings import Settings
from todoctl.state import Home
from todoctl.targets.k3d.options import ClusterOptions
from todoctl.targets.k3d.provider import K3dCluster
from todoctl.targets.kubernetes.target import KubernetesTarget

LOG = logging.getLogger(__name__)


@pytest.fixture(name="todoctl", scope="module")
def _todoctl(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with lab(tmp_path_factory.mktemp("seam"), "todoctl-seam") as found:
        found.up()
        found.visit()
        yield found


def made(home: Home, cluster: str) -> KubernetesTarget:
    return KubernetesTarget(home, K3dCluster(home, ClusterOptions(cluster=cluster)))


@pytest.fixture(name="target")
def _target(todoctl: Lab) -> KubernetesTarget:
    return made(Home(todoctl.home), todoctl.cluster)


@pytest.fixture(name="client")
def _client(todoctl: Lab) -> Iterator[Client]:
    with Client(f"http://127.0.0.1:{todoctl.port}") as client:
        yield client


def seconds(work: Callable[[], object], times: int) -> float:
    """What `work` takes at best; all is logged (`--log-cli-level=INFO`)."""
    took = []
    for _ in range(times):
        began = time.monotonic()
        work()
        took.append(time.monotonic() - began)
    LOG.info("%s: %s s", getattr(work, "__qualname__", work), " ".join(f"{one:.3f}" for one in took))
    return min(took)


def test_both_sides_of_the_volume_are_the_same_and_quickly_read(
    todoctl: Lab, target: KubernetesTarget, client: Client
) -> None:
    host, app = target.volume.views()
    seen = host.read()
    assert seen == app.read()
    assert [file.name for file in seen] == ["cache_metadata.json", "cached_image.jpg"]
    assert seen[1].content == visitor.picture(client.url)
    assert target.volume.directory in "\n".join(target.logs(follow=False, lines=500))
    visitor.view(client.url)
    assert host.read() == app.read() != seen
    seconds(target.volume.views, 5)
    assert seconds(host.read, 9) < 1
    assert seconds(app.read, 9) < 1

    def going() -> str:
        return run("docker", "top", f"k3d-{todoctl.cluster}-agent-0", "-o", "pid,args")

    assert "python3 -S" in going(), "one program in the pod looks again and again"
    target.restart()
    wait_for(lambda: "python3 -S" not in going())


def test_deaths_lose_nothing_and_cost_no_more_each_time(
    todoctl: Lab, target: KubernetesTarget, client: Client
) -> None:
    """The kubelet would wait 10 s, then 20 s, then 40 s."""
    before, runs = client.state(), target.instances()
    for _ in range(4):
        seconds(lambda: target.restart(at_once=True), 1)
        (fresh,) = target.instances() - runs
        runs |= {fresh}
        assert client.state() == before, "the page is there at once"
        (pod,) = todoctl.pods()
        assert pod["status"]["containerStatuses"][0]["restartCount"] == 0
    assert "killed" not in todoctl("logs", "--lines", "500").stdout


def test_the_app_fetches_from_an_image_service_beside_it(
    todoctl: Lab, target: KubernetesTarget, client: Client
) -> None:
    found = target.deployed()
    assert found
    deployed = found.settings
    began = time.monotonic()
    with target.image_service() as service:
        LOG.info("the image service is there after %.3f s", time.monotonic() - began)
        assert service.served() == []
        assert len(todoctl.pods()) == 1, "it is none of the app's pods"
        settings = Settings(port=deployed.port, ttl=0.5, image_url=service.url)
        target.stop()
        target.volume.clear()
        target.start(settings)
        wait_for(lambda: client.state().sha256)
        first = visitor.picture(client.url)
        (served,) = service.served()
        assert (served.mode, served.picture) == (ResponseMode.PICTURE, first)
        assert served.end - served.begin < 0.5
        for way in ResponseMode:
            service.answer(way)
            asked = len(service.served())
            began = time.time()
            while len(service.served()) == asked:
                visitor.view(client.url)
            served = service.served()[asked]
            assert served.mode is way
            assert began - 0.5 < served.begin < served.end < time.time() + 0.5
            assert (served.picture is not None) == (
                way in {ResponseMode.PICTURE, ResponseMode.SLOW, ResponseMode.AGAIN}
            )
        service.answer(ResponseMode.PICTURE)
        target.restart(at_once=True)
        assert client.state().source == service.url
        assert client.state().ttl == 0.5
        seconds(service.served, 9)
        target.stop()
        target.volume.put_back()
        target.start(deployed)
    assert image_pod.NAME not in todoctl.kubectl("get", "pods", "-o", "name")


@pytest.fixture(name="playing")
def _playing(target: KubernetesTarget, client: Client) -> Iterator[KubernetesTarget]:
    """On a cache that stands in for the user's, with a picture."""
    found, before = target.deployed(), client.state()
    assert found
    deployed = found.settings
    target.stop()
    target.volume.clear()
    try:
        target.start(deployed)
        wait_for(lambda: client.state().sha256)
        yield target
    finally:
        seconds(lambda: target.stop(at_once=True), 1)
        assert target.instances() == frozenset()
        target.volume.put_back()
        target.start(deployed)
    assert client.state() == before


def test_out_of_reach_the_app_goes_on_in_memory(playing: KubernetesTarget, client: Client) -> None:
    volume = playing.volume
    host, app = volume.views()
    visitor.view(client.url)
    kept = host.read()
    seconds(volume.detach, 1)
    visitor.view(client.url)
    assert host.read() == kept
    with pytest.raises(UnavailableError, match="Permission denied"):
        app.read()
    assert client.state().access_count == 2
    assert "counting in memory meanwhile" in "\n".join(playing.logs(follow=False, lines=500))
    volume.put("theirs", b"put meanwhile")
    seconds(volume.attach, 1)
    assert client.state().access_count == 2
    assert host.read() == app.read()
    assert [file.name for file in host.read()] == ["cache_metadata.json", "cached_image.jpg", "theirs"]


def test_a_volume_that_is_left_out_of_reach_is_no_obstacle(playing: KubernetesTarget, client: Client) -> None:
    """The fixture puts the user's cache back."""
    playing.volume.detach()
    visitor.view(client.url)


def test_two_pods_on_one_volume_act_as_one(playing: KubernetesTarget, client: Client) -> None:
    (first,) = playing.instances()
    assert playing.scale(2) == [client.url]
    assert len(playing.instances()) == 2
    assert first in playing.instances()
    before = client.state().access_count
    for _ in range(10):
        visitor.view(client.url)
    assert client.state().access_count == before + 10
    assert playing.scale(1) == [client.url]
    assert len(playing.instances()) == 1
    assert client.state().access_count == before + 10


BEGIN = """
import sys, time
from pathlib import Path
from todoctl.state import Home
from todoctl.targets.k3d.options import ClusterOptions
from todoctl.targets.k3d.provider import K3dCluster
from todoctl.targets.kubernetes.target import KubernetesTarget
home, options = Home(Path(sys.argv[1])), ClusterOptions(cluster=sys.argv[2])
target = KubernetesTarget(home, K3dCluster(home, options))
with target.image_service() as service:
    print(service.url, flush=True)
    time.sleep(600)
"""


def begin(todoctl: Lab, number: signal.Signals) -> None:
    """Ends a run that has an image service."""
    command = [sys.executable, "-c", BEGIN, str(todoctl.home), todoctl.cluster]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, process_group=0) as running:
        assert running.stdout
        assert running.stdout.readline().startswith("http://")
        os.killpg(running.pid, number)
        running.wait(60)


def there(todoctl: Lab) -> bool:
    return image_pod.NAME in todoctl.kubectl("get", "pods", "-o", "name")


def test_a_run_that_is_ended_leaves_no_image_service_for_long(
    todoctl: Lab, target: KubernetesTarget, client: Client, tmp_path: Path
) -> None:
    before = client.state()
    begin(todoctl, signal.SIGINT)
    assert not there(todoctl)
    begin(todoctl, signal.SIGKILL)
    assert there(todoctl)
    with target.image_service() as service:
        assert service.served() == [], "a new one"
    begin(todoctl, signal.SIGKILL)
    target.marker.end()
    assert not there(todoctl)
    assert client.state() == before
    begin(todoctl, signal.SIGKILL)
    todoctl("down", "--keep-data")
    assert not there(todoctl)
    wait_for(lambda: not runs(todoctl), deadline=20)


def runs(todoctl: Lab) -> str:
    """The image service's containers, as the node tells."""
    return run("docker", "exec", todoctl.node, "crictl", "ps", "--quiet", "--name", "image-service").strip()
