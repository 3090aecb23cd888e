"""Where people find the page, and what is told where they do not."""

import pytest

from tests.app_server import wait_for
from tests.todoctl.kube.kube import Kube
from tests.todoctl.kube.objects import Json
from tests.todoctl.targets.kubernetes.conftest import OPTIONS
from tests.todoctl.told import Told
from todoctl import ports
from todoctl.errors import TodoctlError, UnavailableError
from todoctl.home import Home
from todoctl.settings import Settings
from todoctl.targets.kubernetes import forward, page
from todoctl.targets.kubernetes.options import NamespaceOptions
from todoctl.targets.kubernetes.target import NamespaceTarget
from todoctl.targets.local import process


def at(home: Home, host: str, gateway: str | None = None) -> NamespaceTarget:
    stated = OPTIONS.stated | frozenset({"host", "gateway"})
    options = NamespaceOptions(context="it", app_image="me/app:1", host=host, gateway=gateway, stated=stated)
    return NamespaceTarget(home, options)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "INGRESS_SECONDS", 0.2)


def test_through_an_ingress_no_port_is_led_on(home: Home, kube: Kube, settings: Settings, told: Told) -> None:
    host = f"localhost:{ports.find_free()}"
    kube.open_page(int(host.partition(":")[2]))
    target = at(home, host)
    assert target.up(settings, told)
    assert target.page(settings) == f"http://{host}"
    assert ("ingresses", "dwk-todo-app-ingress") in kube.resources
    assert not process.find(target.directory, forward.MODULE)
    assert (target.entrance(settings).url, target.entrance(settings).transport) == (f"http://{host}", None)
    assert not target.up(settings, told), "nothing differs"
    assert not any(finding.subject.startswith("Port") for finding in target.findings(settings.port))
    target.down(told, keep_data=False)
    assert kube.resources == {}


def test_an_ingress_that_nobody_has_taken_is_told(
    home: Home, kube: Kube, settings: Settings, told: Told
) -> None:
    kube.address = ""
    with pytest.raises(UnavailableError, match="No ingress controller has taken it: name its class"):
        at(home, f"localhost:{ports.find_free()}").up(settings, told)


def test_a_name_that_leads_nowhere_is_told(home: Home, settings: Settings, told: Told) -> None:
    with pytest.raises(UnavailableError, match=r"Let the name todo.invalid lead to 172.18.0.2, by DNS"):
        at(home, "todo.invalid").up(settings, told)


def test_a_name_that_leads_elsewhere_is_told(home: Home, settings: Settings, told: Told) -> None:
    with pytest.raises(UnavailableError, match=r"whether localhost leads to 172.18.0.2; see"):
        at(home, f"localhost:{ports.find_free()}").up(settings, told)


@pytest.mark.parametrize(("gateway", "kind"), [(None, "ingresses"), ("front", "httproutes")])
def test_rights_on_what_leads_there_are_asked_for(
    home: Home, kube: Kube, settings: Settings, told: Told, gateway: str | None, kind: str
) -> None:
    kube.denied = {f"create {kind}"}
    with pytest.raises(UnavailableError, match=f"not allowed: create {kind}"):
        at(home, "todo.invalid", gateway).up(settings, told)
    assert kube.resources == {}


def test_by_a_route_of_a_gateway(home: Home, kube: Kube, settings: Settings, told: Told) -> None:
    host = f"localhost:{ports.find_free()}"
    kube.open_page(int(host.partition(":")[2]))
    target = at(home, host, "edge/front")
    assert target.up(settings, told)
    route = kube.resources["httproutes", "dwk-todo-app-route"]
    assert route["spec"]["parentRefs"] == [{"name": "front", "namespace": "edge"}]
    assert route["spec"]["rules"] == [{"backendRefs": [{"name": "todo-app-svc", "port": 1234}]}]
    assert ("ingresses", "dwk-todo-app-ingress") not in kube.resources
    assert target.entrance(settings).words == "through the cluster's gateway edge/front"
    target.down(told, keep_data=False)
    assert kube.resources == {}


@pytest.mark.parametrize(
    ("parents", "told_of"),
    [
        ([], "Nobody has taken the route: is there a gateway front"),
        (
            [{"conditions": [{"status": "False", "reason": "NotAllowedByListeners", "message": "no"}]}],
            r"The gateway front does not lead there \(NotAllowedByListeners: no\)",
        ),
        ([{"conditions": [{"status": "True"}]}], "Let the name todo.invalid lead to the address of front"),
    ],
)
def test_a_route_that_leads_nowhere_is_told(
    home: Home, kube: Kube, settings: Settings, told: Told, parents: list[Json], told_of: str
) -> None:
    kube.parents = parents
    with pytest.raises(UnavailableError, match=told_of):
        at(home, "todo.invalid", "front").up(settings, told)


def test_a_port_that_cannot_be_led_on_is_told(target: NamespaceTarget, settings: Settings) -> None:
    target.directory.mkdir(parents=True)
    forwarder = target.forwarder
    forwarder.check()
    forwarder.start("nowhere", "default", settings.port)
    with pytest.raises(
        TodoctlError, match=r"port-forward process has exited: .*nowhere.* See /.*forward.log"
    ):
        wait_for(forwarder.check)


def test_a_service_that_is_gone_is_told(
    target: NamespaceTarget, kube: Kube, settings: Settings, told: Told
) -> None:
    target.up(settings, told)
    kube.delete("services", "todo-app-svc")
    with pytest.raises(UnavailableError, match="The service todo-app-svc is gone"):
        target.entrance(settings)
