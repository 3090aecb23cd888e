"""What a validation asks of a real cluster: both views of the volume, deaths, an image service."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import visitor
from tests.app_server import wait_for
from tests.e2e.conftest import Lab, lab, run
from todoctl.client import Client
from todoctl.errors import UnavailableError
from todoctl.kube import image_pod
from todoctl.state import Home
from todoctl.targets.k3d.options import ClusterOptions
from todoctl.targets.k3d.provider import K3dCluster
from todoctl.targets.kubernetes.target import KubernetesTarget


@pytest.fixture(name="todoctl", scope="module")
def _todoctl(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with lab(tmp_path_factory.mktemp("target"), "todoctl-target") as found:
        found.up()
        found.visit()
        yield found


@pytest.fixture(name="target")
def _target(todoctl: Lab) -> Iterator[KubernetesTarget]:
    home = Home(todoctl.home)
    target = KubernetesTarget(home, K3dCluster(home, ClusterOptions(cluster=todoctl.cluster)))
    yield target
    target._cluster.client.close()


@pytest.fixture(name="client")
def _client(todoctl: Lab) -> Iterator[Client]:
    with Client(f"http://127.0.0.1:{todoctl.port}") as client:
        yield client


def test_both_views_of_the_volume_are_the_same_and_quickly_read(
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
    for view in (host, app):
        began = time.monotonic()
        view.read()
        assert time.monotonic() - began < 1

    def going() -> str:
        return run("docker", "top", f"k3d-{todoctl.cluster}-agent-0", "-o", "pid,args")

    assert "python3 -S" in going(), "one program in the pod looks again and again"
    target.restart()
    wait_for(lambda: "python3 -S" not in going())


def test_out_of_reach_the_app_goes_on_in_memory(target: KubernetesTarget, client: Client) -> None:
    """On a cache that stands in for the user's."""
    found, before = target.deployed(), client.state()
    assert found
    target.stop()
    target.volume.clear()
    target.start(found.settings)
    host, app = target.volume.views()
    visitor.view(client.url)
    assert app.read() == (kept := host.read())
    target.volume.detach()
    visitor.view(client.url)
    assert host.read() == kept
    with pytest.raises(UnavailableError, match="Permission denied"):
        app.read()
    target.volume.put("theirs", b"put meanwhile")
    target.volume.attach()
    assert client.state().access_count == 2
    assert "theirs" in [file.name for file in app.read()]
    target.volume.detach()  # no obstacle to what is put back
    target.stop(at_once=True)
    target.volume.put_back()
    target.start(found.settings)
    assert client.state() == before


def test_deaths_lose_nothing_and_cost_no_more_each_time(
    todoctl: Lab, target: KubernetesTarget, client: Client
) -> None:
    """The kubelet would wait 10 s, then 20 s, then 40 s."""
    before, runs = client.state(), target.instances()
    for _ in range(4):
        target.restart(at_once=True)
        (fresh,) = target.instances() - runs
        runs |= {fresh}
        assert client.state() == before, "the page is there at once"
        (pod,) = todoctl.pods()
        assert pod["status"]["containerStatuses"][0]["restartCount"] == 0
    assert "killed" not in todoctl("logs", "--lines", "500").stdout


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
    wait_for(lambda: not there(todoctl))
    begin(todoctl, signal.SIGKILL)
    assert there(todoctl)
    with target.image_service() as service:
        assert service.served() == [], "a new one"
    begin(todoctl, signal.SIGKILL)
    target.marker.end()
    wait_for(lambda: not there(todoctl))
    assert client.state() == before
    begin(todoctl, signal.SIGKILL)
    todoctl("down", "--keep-data")
    wait_for(lambda: not there(todoctl))
    wait_for(lambda: not runs(todoctl), deadline=20)


def runs(todoctl: Lab) -> str:
    """The image service's containers, as the node tells."""
    return run("docker", "exec", todoctl.node, "crictl", "ps", "--quiet", "--name", "image-service").strip()
