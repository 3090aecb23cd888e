"""What is told of k3s's Helm jobs while they install an ingress controller."""

import pytest

from tests.todoctl.kube.kube import Kube
from tests.todoctl.kube.objects import BORN, Json, helm_job, helm_pod, pulling
from todoctl.kube.api import Api
from todoctl.kube.waiting import helm
from todoctl.kube.waiting.blocker import Blocker, Grade
from todoctl.kube.waiting.snapshot import Snapshot

LATER = "2026-11-23T12:00:05Z"
FAILED = {"reason": "Error", "exitCode": 1, "startedAt": LATER}
EARLY = FAILED | {"startedAt": "2026-11-23T11:59:59Z"}
LOOP = {"reason": "CrashLoopBackOff"}
CRASHED = (
    "Helm job helm-install-traefik: pod helm-install-traefik-1: CrashLoopBackOff: its container has ended"
    " {} times (Error, exit code 1); its log ends: last line"
)
NEEDLESS = helm_job("metrics", done=True)


def look(api: Api, kube: Kube, jobs: list[Json], pods: list[Json], events: list[Json]) -> Blocker | None:
    kube.lists |= {"jobs": jobs, "pods": pods, "events": events}
    return helm.blocker(Snapshot(api))


@pytest.mark.parametrize(
    ("jobs", "pods", "events", "what", "grade"),
    [
        ([helm_job("traefik")], [], [], "Helm job helm-install-traefik has no pod yet", Grade.PENDING),
        (
            [helm_job("traefik")],
            [helm_pod("traefik", waiting={"reason": "ContainerCreating"})],
            [pulling(helm_pod("traefik"), "rancher/klipper-helm:v0.9")],
            "pod helm-install-traefik-1 pulls rancher/klipper-helm:v0.9",
            Grade.MOVING,
        ),
        (
            [helm_job("traefik")],
            [helm_pod("traefik")],
            [],
            "Helm job helm-install-traefik runs: last line",
            Grade.PENDING,
        ),
        (
            [helm_job("traefik"), helm_job("crd", done=True)],
            [helm_pod("traefik", waiting=LOOP, restarts=1, last=FAILED)],
            [],
            CRASHED.format(2),
            Grade.PENDING,
        ),
        (
            [helm_job("traefik"), helm_job("crd", done=True)],
            [helm_pod("traefik", waiting=LOOP, restarts=2, last=FAILED)],
            [],
            CRASHED.format(3),
            Grade.FINAL,
        ),
        (
            [helm_job("traefik"), helm_job("crd", done=True)],
            [helm_pod("traefik", waiting=LOOP, restarts=2, last=EARLY)],
            [],
            CRASHED.format(3),
            Grade.PENDING,
        ),
        (
            [helm_job("traefik"), helm_job("crd")],
            [helm_pod("traefik", waiting=LOOP, restarts=9, last=FAILED), helm_pod("crd")],
            [],
            "Helm job helm-install-crd runs: last line",
            Grade.PENDING,
        ),
        (
            [
                helm_job(
                    "traefik",
                    conditions=[
                        {"type": "Suspended", "status": "False"},
                        {
                            "type": "Failed",
                            "status": "True",
                            "reason": "BackoffLimitExceeded",
                            "message": "Job has reached its limit",
                        },
                    ],
                )
            ],
            [],
            [],
            "Helm job helm-install-traefik has failed: BackoffLimitExceeded: Job has reached its limit",
            Grade.FINAL,
        ),
    ],
)
def test_a_job_tells_what_it_does(
    jobs: list[Json], pods: list[Json], events: list[Json], what: str, grade: Grade, kube: Kube, api: Api
) -> None:
    found = look(api, kube, [*jobs, NEEDLESS], pods, events)
    assert found
    assert (found.what, found.grade) == (what, grade)
    assert grade is not Grade.FINAL or "logs job/helm-install-traefik" in found.fix


def test_a_job_may_have_said_nothing_yet(kube: Kube, api: Api) -> None:
    kube.logs = ""
    found = look(api, kube, [helm_job("traefik")], [helm_pod("traefik")], [])
    assert found
    assert found.what == "Helm job helm-install-traefik runs"


def test_a_pod_that_has_no_container_yet(kube: Kube, api: Api) -> None:
    fresh = helm_pod("traefik", conditions=[], phase="Pending")
    found = look(api, kube, [helm_job("traefik")], [fresh], [])
    assert found
    assert found.what == "pod helm-install-traefik-1 is being created"


def test_charts_come_before_their_jobs(kube: Kube, api: Api) -> None:
    assert look(api, kube, [], [], []) is None, "not k3s"
    kube.lists["helmcharts"] = []
    assert look(api, kube, [], [], []) is None
    kube.lists["helmcharts"] = [{"metadata": {"name": name}} for name in ("traefik", "traefik-crd")]
    found = look(api, kube, [], [], [])
    assert found == Blocker(what="no Helm job yet for traefik, traefik-crd")


def test_charts_that_are_installed_are_in_nobodys_way(kube: Kube, api: Api) -> None:
    other = {**helm_job("x"), "metadata": {"name": "backup", "namespace": "default"}}
    assert look(api, kube, [NEEDLESS, other], [], []) is None
    assert NEEDLESS["status"]["completionTime"] == BORN
