"""What is in the way to an ingress controller, whichever it is, and of the ingress."""

import pytest

from tests.todoctl.kube.kube import Kube
from tests.todoctl.kube.objects import (
    Json,
    controller,
    daemon_set,
    deployment,
    door,
    helm_job,
    ingress_class,
    pod,
    pulling,
    service,
)
from todoctl.kube.api import Api
from todoctl.kube.waiting import ingress
from todoctl.kube.waiting.blocker import Grade
from todoctl.kube.waiting.snapshot import Snapshot

CREATING = {"reason": "ContainerCreating"}
GONE = {"reason": "ErrImagePull", "message": "not found"}
QUOTA = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota"}
AVAILABLE = {"type": "Available", "status": "False"}
NGINX = pod("nginx-1", namespace="ingress-nginx", port=80)
ON_HOST = pod("haproxy-1", namespace="haproxy", port=80, host_network=True)
ON_HOST["spec"]["containers"][0]["ports"] = [{"containerPort": 80}]
BARE = pod("bare")
BARE["spec"]["containers"][0]["ports"] = None
Lists = dict[str, list[Json]]


@pytest.mark.parametrize(
    "lists",
    [
        {"pods": [controller(), door()], "services": [service("traefik")]},
        {"pods": [controller(ready=False), controller(), door()], "services": [service("traefik")]},
        {"pods": [controller(), door(waiting=GONE, number=2), door()], "services": [service("traefik")]},
        {"pods": [door()], "services": [service("traefik", selected=False)]},
        {"pods": [NGINX], "services": [service("nginx", kind="NodePort")]},
        {"pods": [ON_HOST, BARE], "services": []},
        {
            "pods": [controller(), door(), door("nginx", waiting=GONE)],
            "services": [service("nginx"), service("traefik")],
        },
    ],
)
def test_any_controller_that_takes_connections_will_do(lists: Lists, kube: Kube, api: Api) -> None:
    kube.lists |= lists
    assert ingress.controller(Snapshot(api)) == []


@pytest.mark.parametrize(
    ("lists", "what", "grade", "fix"),
    [
        (
            {"pods": [], "services": [service("web", kind="ClusterIP"), service("db", port=5432)]},
            ingress.NO_CONTROLLER.what,
            Grade.STUCK,
            "--disable=traefik",
        ),
        (
            {"pods": [], "services": [], "jobs": [helm_job("traefik")]},
            "Helm job helm-install-traefik has no pod yet",
            Grade.PENDING,
            "",
        ),
        (
            {
                "pods": [controller(waiting=CREATING), door()],
                "services": [service("traefik")],
                "events": [pulling(controller(), "traefik:3")],
            },
            "pod traefik-1 pulls traefik:3",
            Grade.MOVING,
            "",
        ),
        (
            {
                "pods": [controller(), door(waiting=GONE), door(waiting=CREATING, number=2)],
                "services": [service("traefik")],
            },
            "pod svclb-traefik-2 is being created",
            Grade.PENDING,
            "",
        ),
        (
            {"pods": [controller(), door(waiting=GONE)], "services": [service("traefik")]},
            "pod svclb-traefik-1: the image todo-app:1 does not exist (not found)",
            Grade.FINAL,
            "k3d image import",
        ),
        (
            {"pods": [controller()], "services": [service("traefik")]},
            "nothing leads port 80 of the nodes to the service traefik in kube-system",
            Grade.STUCK,
            "--disable=servicelb",
        ),
        (
            {"pods": [door()], "services": [service("traefik")], "deployments": [deployment("other")]},
            "the service traefik in kube-system has no pods, and no deployment makes any",
            Grade.STUCK,
            "kubectl -n kube-system get all",
        ),
        (
            {"pods": [door()], "services": [service("traefik")], "daemonsets": [daemon_set("traefik")]},
            "the service traefik in kube-system has no pods yet",
            Grade.PENDING,
            "",
        ),
        (
            {
                "pods": [door(), controller(phase="Succeeded")],
                "services": [service("traefik")],
                "deployments": [deployment("other", replicas=0), deployment("traefik", replicas=0)],
            },
            "the deployment traefik in kube-system is scaled to 0 pods",
            Grade.PENDING,
            "kubectl -n kube-system scale deployment traefik --replicas=1",
        ),
        (
            {
                "pods": [door()],
                "services": [service("traefik")],
                "deployments": [deployment("traefik", conditions=[AVAILABLE, QUOTA])],
            },
            "the deployment traefik in kube-system gets no pods: FailedCreate: exceeded quota",
            Grade.STUCK,
            "",
        ),
        (
            {
                "pods": [door()],
                "services": [service("traefik")],
                "deployments": [deployment("traefik", conditions=[AVAILABLE])],
            },
            "the service traefik in kube-system has no pods yet",
            Grade.PENDING,
            "",
        ),
        (
            {"pods": [pod("nginx-1", namespace="nginx", port=80, ready=False)], "services": []},
            "pod nginx-1 runs, and is not ready yet",
            Grade.PENDING,
            "",
        ),
    ],
)
def test_what_is_in_the_way_is_named(
    lists: Lists, what: str, grade: Grade, fix: str, kube: Kube, api: Api
) -> None:
    kube.lists |= lists
    (found,) = ingress.controller(Snapshot(api))
    assert (found.what, found.grade) == (what, grade)
    assert fix in found.fix


def test_the_api_is_asked_no_more_than_is_needed(kube: Kube, api: Api) -> None:
    ingress.controller(Snapshot(api))
    assert [line.split("?")[0].strip() for line in kube.requests] == [
        "GET /api/v1/pods",
        "GET /api/v1/services",
    ]


def made(api: Api, kube: Kube, name: str | None = None, *, address: bool = False) -> object:
    kube.address = "172.18.0.2" if address else ""
    metadata = {"name": "dwk-todo-app-ingress"}
    kube.apply("ingresses", metadata["name"], {"metadata": metadata, "spec": {"ingressClassName": name}})
    return api.ingress()


@pytest.mark.parametrize(
    ("classes", "wanted", "said"),
    [
        ([], None, None),
        ([ingress_class("nginx")], "nginx", None),
        ([ingress_class("nginx")], "traefik", "there is no ingress class traefik"),
        ([], "traefik", "there is no ingress class traefik"),
        (
            [ingress_class("nginx"), ingress_class("kong")],
            None,
            "has no class, and no class is the default one (there is: kong, nginx)",
        ),
        ([ingress_class("nginx", default=True)], None, "is older than the default class nginx"),
    ],
)
def test_a_class_that_no_controller_takes_is_told(
    classes: list[Json], wanted: str | None, said: str | None, kube: Kube, api: Api
) -> None:
    kube.lists["ingressclasses"] = classes
    assert ingress.classed(Snapshot(api), made(api, kube, wanted, address=True)) == []
    found = ingress.classed(Snapshot(api), made(api, kube, wanted))
    assert [said in one.what for one in found if said] == ([True] if said else [])
    assert bool(found) == bool(said)
    assert all(one.grade is Grade.STUCK and one.fix for one in found)


def test_an_ingress_that_is_gone_is_told(api: Api) -> None:
    (found,) = ingress.classed(Snapshot(api), api.ingress())
    assert found.what == "the ingress dwk-todo-app-ingress is gone"
