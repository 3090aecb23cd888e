"""Where people find the page, and what is told where they do not."""

import pytest

from tests.app_server import wait_for
from tests.todoctl.kubernetes.kube import Kube
from tests.todoctl.namespace.conftest import OPTIONS
from tests.todoctl.told import Told
from todoctl import ports, process
from todoctl.errors import TodoctlError, UnavailableError
from todoctl.home import Home
from todoctl.namespace import forward, page
from todoctl.namespace.options import NamespaceOptions
from todoctl.namespace.target import NamespaceTarget
from todoctl.settings import Settings


def at(home: Home, host: str) -> NamespaceTarget:
    options = NamespaceOptions(
        context="it", app_image="me/app:1", host=host, stated=OPTIONS.stated | frozenset({"host"})
    )
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
    with pytest.raises(UnavailableError, match=r"whether localhost leads to 172.18.0.2"):
        at(home, f"localhost:{ports.find_free()}").up(settings, told)


def test_rights_on_the_ingress_are_asked_for(home: Home, kube: Kube, settings: Settings, told: Told) -> None:
    kube.denied = {"create ingresses"}
    with pytest.raises(UnavailableError, match="not allowed: create ingresses"):
        at(home, "todo.invalid").up(settings, told)
    assert kube.resources == {}


def test_a_port_that_cannot_be_led_on_is_told(target: NamespaceTarget, settings: Settings) -> None:
    target.directory.mkdir(parents=True)
    forwarder = target.forwarder
    forwarder.check()
    forwarder.start("nowhere", "default", settings.port)
    with pytest.raises(TodoctlError, match=r"leads the port on has ended: .*nowhere.* See /.*forward.log"):
        wait_for(forwarder.check)


def test_a_service_that_is_gone_is_told(
    target: NamespaceTarget, kube: Kube, settings: Settings, told: Told
) -> None:
    target.up(settings, told)
    kube.delete("services", "todo-app-svc")
    with pytest.raises(UnavailableError, match="The service todo-app-svc is gone"):
        target.entrance(settings)
