"""Options, marker, volume and forwarded port, each by itself."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import httpx
import pytest

from tests.todoctl.kube.kube import Kube
from tests.todoctl.kube.objects import pod
from todoctl import ports
from todoctl.client import Client as Site
from todoctl.errors import BadUsageError, LockedError
from todoctl.kube.app import App
from todoctl.kube.client import Client
from todoctl.targets.base import Marker
from todoctl.targets.kubernetes.forward import Server
from todoctl.targets.kubernetes.marker import NAME, NamespaceMarker
from todoctl.targets.kubernetes.options import NamespaceOptions

# Options


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"context": ""}, "--context is empty"),
        ({"namespace": "No"}, "no name for a namespace"),
        ({"replicas": 0}, "--replicas 0"),
        ({"app_image": "a", "registry": "b"}, "exclude each other"),
        ({"host": "http://x"}, "no host name"),
        ({"host": "x:99999"}, "no host name"),
        ({"gateway": "a"}, "goes with --host only"),
        ({"host": "x", "gateway": "a/b/c"}, "no gateway"),
        ({"host": "x", "gateway": "a", "ingress_class": "b"}, "exclude each other"),
    ],
)
def test_what_no_namespace_could_take_is_refused(given: dict[str, str], said: str) -> None:
    with pytest.raises(BadUsageError, match=said):
        NamespaceOptions(**{"context": "it", **given}, stated=frozenset(given))  # type: ignore[arg-type]


def test_what_is_not_stated_stays_as_it_was() -> None:
    before = NamespaceOptions(context="it", app_image="a:1", pull_secret=("login",), storage_class="fast")
    again = NamespaceOptions(context="it", stated=frozenset({"context"}))
    assert again.over(again.recalled({**asdict(before), "of_another_version": 1})) == before
    registry = NamespaceOptions(context="it", registry="r", stated=frozenset({"context", "registry"}))
    assert registry.over(before).app_image is None, "one says where the image is, not both"
    slow = NamespaceOptions(
        context="it", storage_class="slow", stated=frozenset({"context", "storage_class"})
    )
    with pytest.raises(BadUsageError, match="The claim is there, and keeps its storage class"):
        slow.over(before)


# Marker

Begin = Callable[[str], Marker]


@pytest.fixture(name="marker")
def _marker(client: Client, tmp_path: Path) -> Begin:
    """Makes the marker of a machine, by its name."""
    return lambda machine: Marker(tmp_path / machine, NamespaceMarker(lambda: App(client, "it")))


def test_only_one_validates_at_a_time(marker: Begin, kube: Kube) -> None:
    one, other = marker("one"), marker("other")
    one.begin()
    assert one.exists()
    assert marker("one").exists(), "as the next command finds it"
    for refused in (other.begin, other.check):
        with pytest.raises(
            LockedError, match=r"under way in namespace default: .*kubectl .*delete configmap"
        ):
            refused()
    assert not other.exists()
    other.end()
    assert ("configmaps", NAME) in kube.resources, "that of somebody else stays"
    one.end()
    assert not one.exists()
    other.begin()


def test_one_that_was_killed_at_its_begin_is_not_that_of_another_machine(
    marker: Begin, kube: Kube, tmp_path: Path
) -> None:
    """Its file was there, its ConfigMap not yet: meanwhile the other one has begun."""
    killed, other = marker("killed"), marker("other")
    (tmp_path / "killed").mkdir()
    (tmp_path / "killed" / "validating").write_text("token")
    assert killed.exists(), "there may be something to put back"
    other.begin()
    assert not killed.exists()
    with pytest.raises(LockedError):
        killed.check()
    killed.end()
    assert other.exists()


# Forwarded port


@pytest.fixture(name="server")
def _server(client: Client, kube: Kube) -> Iterator[Server]:
    kube.pods = [pod("first")]
    with Server(ports.find_free(), client) as found:
        threading.Thread(target=found.serve_forever, args=(0.05,), daemon=True).start()
        yield found
        found.shutdown()


def test_each_connection_goes_to_a_pod_that_is_ready(
    server: Server, kube: Kube, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"http://127.0.0.1:{server.server_address[1]}"
    for pods in ([pod("first")], [pod("first", ready=False), pod("second")]):
        kube.pods = pods
        with Site(url) as site:
            site.find_page()
    asked = [line for line in kube.requests if "/portforward" in line]
    assert [line.partition("/pods/")[2].partition("/")[0] for line in asked] == ["first", "second"]
    kube.pods = [pod("first", ready=False)]
    with pytest.raises(httpx.HTTPError):
        httpx.get(url, trust_env=False)
    assert "No pod of the app is ready" in capsys.readouterr().err
