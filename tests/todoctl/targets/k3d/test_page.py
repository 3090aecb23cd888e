"""Waiting for the page: for as long as it takes, and who answers in its place meanwhile."""

import pytest

from tests.todoctl.kube.kube import Answer, Kube
from tests.todoctl.kube.objects import (
    controller,
    deployment,
    door,
    ingress_class,
    pod,
    pulling,
    service,
)
from tests.todoctl.told import Told
from todoctl.errors import UnavailableError
from todoctl.kube.waiting import patience
from todoctl.settings import Settings
from todoctl.targets.k3d import page
from todoctl.targets.k3d.target import K3dTarget

CREATING = {"reason": "ContainerCreating"}


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "ADDRESS_SECONDS", 0.1)


def test_a_controller_that_comes_late_is_waited_for(
    target: K3dTarget, kube: Kube, settings: Settings, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing in it takes any time: the controller comes when that has been told which is to be told."""
    kube.address = ""
    kube.page_code = 404
    kube.lists |= {"pods": [], "services": [], "helmcharts": [{"metadata": {"name": "traefik"}}]}
    coming = controller(waiting=CREATING)
    stages = {
        "no Helm job yet for traefik": {
            "services": [service("traefik")],
            "deployments": [deployment("traefik")],
        },
        "the service traefik in kube-system has no pods yet": {
            "pods": [coming, door()],
            "events": [pulling(coming, "traefik:3")],
        },
        "pod traefik-1 pulls traefik:3": {"pods": [controller(), door()]},
    }

    def update(detail: str, began: float | None = None) -> None:
        told.lines.append(detail)
        kube.lists |= stages.get(detail, {})
        if detail == "the ingress has no address yet":
            kube.page_code = 200

    monkeypatch.setattr(told, "update", update)
    assert target.up(settings, told)
    for stage in [*stages, "the ingress has no address yet"]:
        assert stage in told


def test_the_load_balancer_is_left_alone_until_connections_lead_on(
    target: K3dTarget, kube: Kube, settings: Settings, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Traefik 3 gives the ingress its address before it is ready."""
    kube.lists["pods"] = [controller(ready=False), door()]

    def update(detail: str, began: float | None = None) -> None:
        told.lines.append(detail)
        assert not kube.looks
        if "traefik-1" in detail:
            kube.lists["pods"] = [controller(), door()]

    monkeypatch.setattr(told, "update", update)
    assert target.up(settings, told)
    assert "pod traefik-1 runs, and is not ready yet" in told
    assert kube.looks == 1


def test_where_all_is_ready_little_is_asked(
    target: K3dTarget, kube: Kube, settings: Settings, told: Told
) -> None:
    assert target.up(settings, told)
    for kind in ("services", "pods"):
        assert len([line for line in kube.requests if line.startswith(f"GET /api/v1/{kind} ")]) == 1
    assert not [line for line in kube.requests if "/events" in line]


def test_nobody_behind_the_load_balancer_is_told_as_such(
    target: K3dTarget, kube: Kube, settings: Settings, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "QUIET_SECONDS", 0.3)
    monkeypatch.setattr(kube, "open_page", lambda _: None)
    with pytest.raises(UnavailableError, match=r"no answer through k3d's load balancer yet \(.*refused\)"):
        target.up(settings, told)


@pytest.mark.parametrize(
    ("code", "headers", "said"),
    [
        (404, {"Server": "nginx"}, "not the app, but .*nginx.* answered 404 to"),
        (503, None, "the app answered 503 to"),
        (200, {}, "not the app, but .* answered 200 to"),
    ],
)
def test_who_answers_in_its_place_is_told(
    code: int,
    headers: dict[str, str] | None,
    said: str,
    target: K3dTarget,
    kube: Kube,
    settings: Settings,
    told: Told,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(patience, "QUIET_SECONDS", 0.3)
    kube.page_code = code
    kube.page_headers = kube.page_headers if headers is None else headers
    with pytest.raises(UnavailableError, match=rf"There is no page at {settings.url}, and .*: {said}"):
        target.up(settings, told)


def test_no_controller_at_all_is_told(target: K3dTarget, kube: Kube, settings: Settings, told: Told) -> None:
    kube.address = ""
    kube.page_code = 404
    kube.lists |= {"pods": [], "services": []}
    with pytest.raises(
        UnavailableError, match=r"no ingress controller in this cluster.*without --disable=traefik"
    ):
        target.up(settings, told)


def test_a_way_that_is_not_known_here_will_do_too(
    target: K3dTarget, kube: Kube, settings: Settings, told: Told
) -> None:
    kube.address = ""
    kube.lists |= {"pods": [], "services": []}
    assert target.up(settings, told)


def test_an_image_that_the_registry_does_not_have_is_told_at_once(
    target: K3dTarget, kube: Kube, settings: Settings, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "STUCK_SECONDS", 1000.0)
    kube.address = ""
    kube.page_code = 404
    missing = {"reason": "ErrImagePull", "message": "not found"}
    kube.lists["pods"] = [controller(waiting=missing, image="traefik:9"), door()]
    with pytest.raises(UnavailableError, match=r"the image traefik:9 does not exist \(not found\)\. Correct"):
        target.up(settings, told)


def test_a_class_that_is_missing_is_told(
    target: K3dTarget, kube: Kube, settings: Settings, told: Told
) -> None:
    kube.address = ""
    kube.page_code = 404
    kube.lists["ingressclasses"] = [ingress_class("nginx")]
    with pytest.raises(
        UnavailableError, match=r"no class is the default one .*kubectl annotate ingressclass nginx"
    ):
        target.up(settings, told)


def test_the_apps_own_pod_may_have_got_lost_meanwhile(
    target: K3dTarget, kube: Kube, settings: Settings, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    kube.page_code = 502

    def update(detail: str, began: float | None = None) -> None:
        kube.pods = [pod("lost", waiting={"reason": "CreateContainerError"})]

    monkeypatch.setattr(told, "update", update)
    with pytest.raises(UnavailableError, match=r"There is no page at .*: pod lost: CreateContainerError"):
        target.up(settings, told)


@pytest.mark.parametrize("address", ["", "172.18.0.2"])
def test_an_api_that_goes_away_meanwhile_is_told(
    address: str, target: K3dTarget, kube: Kube, settings: Settings, told: Told
) -> None:
    kube.address = address
    kube.page_code = 502
    kube.answers["GET /api/v1/services"] = Answer(500, "etcdserver: request timed out")
    with pytest.raises(UnavailableError, match=r"There is no page .*request timed out"):
        target.up(settings, told)
