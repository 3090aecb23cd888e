"""A port that leads to the app's pods: here, without the process that holds it."""

import threading
from collections.abc import Iterator

import httpx
import pytest

from tests.todoctl.kube.kube import Kube
from tests.todoctl.kube.objects import pod
from todoctl import ports
from todoctl.client import Client
from todoctl.kube.api import Api
from todoctl.targets.kubernetes import forward
from todoctl.targets.kubernetes.forward import Server


@pytest.fixture(name="server")
def _server(api: Api, kube: Kube, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(forward, "KNOWN_SECONDS", -1.0)  # each connection looks anew
    kube.pods = [pod("first")]
    with Server(ports.find_free(), api) as found:
        threading.Thread(target=found.serve_forever, args=(0.05,), daemon=True).start()
        yield found
        found.shutdown()


def url(server: Server) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}"


def forwarded(kube: Kube) -> list[str]:
    """The pods that connections were led to, in order."""
    asked = [line for line in kube.requests if "/portforward" in line]
    return [line.partition("/pods/")[2].partition("/")[0] for line in asked]


def test_each_connection_goes_to_a_pod_that_is_ready(server: Server, kube: Kube) -> None:
    for pods in ([pod("first")], [pod("first", ready=False), pod("second")]):
        kube.pods = pods
        with Client(url(server)) as client:
            client.find_page()
    assert forwarded(kube) == ["first", "second"]


def test_without_one_it_is_closed(server: Server, kube: Kube, capsys: pytest.CaptureFixture[str]) -> None:
    kube.pods = [pod("first", ready=False)]
    with pytest.raises(httpx.HTTPError):
        httpx.get(url(server), trust_env=False)
    assert "No pod of the app is ready" in capsys.readouterr().err
