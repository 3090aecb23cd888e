"""What is waited for, in Kubernetes' own words, and what ends the wait."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.app_server import free_port
from tests.todoctl.kube import objects
from tests.todoctl.kube.kube import Answer, Kube
from tests.todoctl.kube.objects import Json, event, pod
from tests.todoctl.told import Told
from todoctl.errors import UnavailableError
from todoctl.kube import manifests, wait
from todoctl.kube.client import Client

PULL = 'failed to pull and unpack image "docker.io/todo-app:1"'


def waiting(reason: str, message: str = "", **more: Any) -> Json:  # noqa: ANN401
    return pod("it", waiting={"reason": reason, "message": message}, **more)


def bound(name: str, message: str = "", **more: Any) -> Json:  # noqa: ANN401
    """A pod that uses the claim `name` and is not scheduled."""
    unscheduled = [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}]
    made = pod("it", conditions=unscheduled, **more)
    made["spec"]["volumes"] = [{"name": "files", "persistentVolumeClaim": {"claimName": name}}]
    return made


def claim(phase: str, **metadata: str) -> Json:
    named = {"name": "data", "namespace": "default", "uid": "uid-data", **metadata}
    return {"metadata": named, "spec": {"volumeName": "vol"}, "status": {"phase": phase}}


EXIT = {"exitCode": 1, "reason": "Error"}
LOOPING: Json = {"waiting": {"reason": "CrashLoopBackOff"}, "last": EXIT}

PODS: list[tuple[Json, str, bool]] = [
    (pod("it", ready=False), "pod it runs, and is not ready yet", False),
    (waiting("ContainerCreating"), "pod it is being created", False),
    (
        waiting("CreateContainerConfigError", 'secret "x" not found'),
        'CreateContainerConfigError: secret "x"',
        False,
    ),
    (
        pod("it", phase="Failed", reason="Evicted", message="low on resource"),
        "pod it: Evicted: low on",
        False,
    ),
    (
        pod("it", **LOOPING, restarts=1),
        "CrashLoopBackOff: its container has ended 2 times (Error, exit",
        False,
    ),
    (pod("it", **LOOPING, restarts=2), "exit code 1); its log ends: last line", True),
    (pod("it", terminated=EXIT), "its container has ended 1 times (Error, exit code 1)", False),
    (waiting("ErrImagePull", f"{PULL}: not found"), "ErrImagePull: the image todo-app:1 cannot", True),
    (
        waiting("ErrImagePull", f"{PULL}: pull access denied, authorization failed"),
        "authorization failed",
        True,
    ),
    (waiting("ErrImagePull", f"{PULL}: dial tcp: lookup it.not-found: no such host"), "no such host", False),
    (
        waiting("ErrImagePull", f"{PULL}: failed to do request: Head: i/o timeout"),
        "pulled: Head: i/o timeout",
        False,
    ),
    (waiting("ErrImagePull", f"{PULL}: no space left on device"), "no space left", True),
    (waiting("ErrImagePull", f"{PULL}: no match for platform in manifest"), "no match for platform", True),
    (waiting("ErrImagePull", f"{PULL}: 429 Too Many Requests - toomanyrequests"), "429 Too Many", True),
    (waiting("ErrImagePull", f"{PULL}: tls: x509: certificate signed by unknown authority"), "x509", True),
    (
        waiting("ErrImageNeverPull", "Container image is not present with pull policy of Never"),
        "NeverPull",
        True,
    ),
    (waiting("InvalidImageName", "couldn't parse image name"), "InvalidImageName", True),
]


@pytest.mark.parametrize(("one", "what", "final"), PODS)
def test_what_is_said_of_a_pod(one: Json, what: str, final: bool, client: Client, kube: Kube) -> None:
    kube.pods = [one]
    reason = wait.pod_reason(client, one)
    assert reason
    assert what in reason.what
    assert reason.final == final
    assert reason.fix or not final or "CrashLoop" in reason.what


def test_the_newest_event_says_what_a_pod_that_starts_does(client: Client, kube: Kube) -> None:
    one = waiting("ContainerCreating")
    for happened, what in (
        (objects.pulling(one, "todo-app:1"), "pod it pulls todo-app:1"),
        (
            event(one, "FailedMount", "MountVolume.SetUp failed:\n no such path"),
            "FailedMount: MountVolume.SetUp failed: no",
        ),
        (event(one, "Pulled", normal=True), "pod it is being created"),
    ):
        kube.lists["events"].append(happened)
        happened["metadata"]["resourceVersion"] = str(100 + len(kube.lists["events"]))
        found = wait.pod_reason(client, one)
        assert found
        assert what in found.what
    probe = {**event(one, "Unhealthy", "Readiness probe failed: 503"), "count": 9}
    kube.lists["events"] = [probe]
    found = wait.pod_reason(client, pod("it", ready=False))
    assert found
    assert found.what == "pod it runs, and is not ready yet: Readiness probe failed: 503"


def test_a_pull_that_waits_says_why_the_last_one_failed(client: Client, kube: Kube) -> None:
    one = waiting("ImagePullBackOff", 'Back-off pulling image "todo-app:1"')
    kube.lists["events"] = [event(one, "Failed", f"{PULL}: not found")]
    assert (found := wait.pod_reason(client, one))
    assert found.final
    assert "not found" in found.what
    one["spec"]["imagePullSecrets"] = [{"name": "it"}]  # which the kubelet may not have read yet
    assert (found := wait.pod_reason(client, one))
    assert not found.final


@pytest.mark.parametrize(
    ("claims", "what", "final"),
    [
        ([], "pod it: the claim data is gone", True),
        (
            [claim("Pending")],
            "the claim data is Pending: ProvisioningFailed: no volume plugin matched",
            False,
        ),
        ([claim("Lost")], "the claim data is Lost", True),
        ([claim("Bound", deletionTimestamp=objects.BORN)], "the claim data is Terminating", True),
        ([claim("Bound")], "pod it: FailedScheduling: Unschedulable: 0/3 nodes", False),
    ],
)
def test_why_no_node_takes_a_pod(
    claims: list[Json], what: str, final: bool, client: Client, kube: Kube
) -> None:
    one = bound("data", "0/3 nodes are available")
    kube.resources |= {("persistentvolumeclaims", each["metadata"]["name"]): each for each in claims}
    told = {**event(one, "ProvisioningFailed", "no volume plugin matched")}
    told["involvedObject"] = {"kind": "PersistentVolumeClaim", "uid": "uid-data"}
    kube.lists["events"] = [told]
    assert (reason := wait.pod_reason(client, one))
    assert what in reason.what
    assert reason.final == final


def applied(client: Client, kube: Kube, *pods: Json) -> None:
    """The app's deployment, with these pods."""
    kube.shape = lambda _: list(pods)
    for resource in manifests.adapted(settings_of(), "todo-app:1"):
        client.apply(resource)


def settings_of() -> Any:  # noqa: ANN401
    from todoctl.settings import Settings

    return Settings(image_url="sample:")


def test_a_rollout_ends_when_the_new_pods_are_ready_and_the_old_ones_gone(client: Client, kube: Kube) -> None:
    assert (reason := wait.rollout_reason(client))
    assert "todo-app-dep is gone" in reason.what
    assert reason.final
    old = pod("old", labels={"app": "todo-app", "pod-template-hash": "1"}, waiting={"reason": "ErrImagePull"})
    new = pod("new", labels={"app": "todo-app", "pod-template-hash": "2"})
    new["metadata"]["creationTimestamp"] = "2026-11-23T12:00:09Z"
    applied(client, kube, new)
    wait.rollout(client, None, 1.0)
    kube.pods = [old, new]
    assert (reason := wait.rollout_reason(client))
    assert reason.what == "the deployment's controller has not done its work yet"  # of two, one is wanted
    old["metadata"]["deletionTimestamp"] = objects.BORN
    assert (reason := wait.rollout_reason(client))
    assert reason.what == "1 pod(s) still ending"
    kube.lists["events"] = [event(old, "NodeNotReady", "Node is not ready")]
    assert (reason := wait.rollout_reason(client))
    assert reason.what == "1 pod(s) still ending: NodeNotReady: Node is not ready"
    kube.conditions = [
        {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "quota"}
    ]
    kube.resources["deployments", "todo-app-dep"]["status"]["conditions"] = kube.conditions
    assert (reason := wait.rollout_reason(client))
    assert reason.what == "the deployment gets no pods: FailedCreate: quota"


def test_what_cannot_get_better_ends_the_wait_at_once_and_the_rest_the_timeout(
    client: Client, kube: Kube, told: Told
) -> None:
    applied(client, kube, waiting("InvalidImageName", "couldn't parse image name"))
    with pytest.raises(
        UnavailableError, match=r"does not get ready: pod it: InvalidImageName.*Check the image's"
    ):
        wait.rollout(client, told, None)
    kube.pods = [pod("it", ready=False)]
    with pytest.raises(UnavailableError, match=r"does not get ready within 0.1 s: pod it runs, and is not"):
        wait.rollout(client, told, 0.1)
    assert any("not ready yet" in line for line in told.lines)


def test_an_api_that_does_not_answer_is_waited_for_but_not_for_ever(
    client: Client, kube: Kube, monkeypatch: pytest.MonkeyPatch
) -> None:
    applied(client, kube, pod("it"))
    kube.answers["/deployments"] = Answer(503, "starting")
    before = len(kube.requests)
    kube.controllers.append(lambda: kube.answers.clear() if len(kube.requests) > before + 3 else None)
    wait.rollout(client, None, None)
    kube.close()
    monkeypatch.setattr(wait, "UNANSWERED_SECONDS", 0.1)
    with pytest.raises(UnavailableError, match="API does not answer"):
        wait.rollout(client, None, None)


def test_a_right_that_is_missing_ends_the_wait(client: Client, kube: Kube) -> None:
    applied(client, kube)
    kube.answers["/pods"] = Answer(403, '{"kind": "Status", "message": "may not list pods"}')
    with pytest.raises(UnavailableError, match="may not list pods"):
        wait.rollout(client, None, None)


# The page


def test_the_page_is_looked_for_when_its_controller_is_ready(
    client: Client, kube: Kube, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wait, "ROUTE_SECONDS", 0.05)
    applied(client, kube, pod("it"))
    port = free_port()
    kube.open_page(port)
    kube.lists["pods"][0]["status"]["containerStatuses"][0]["ready"] = False
    looks = []

    def control() -> None:
        looks.append(kube.looks)
        if len(looks) > 20:
            kube.lists["pods"][0]["status"]["containerStatuses"][0]["ready"] = True

    kube.controllers.append(control)
    wait.page(client, f"http://127.0.0.1:{port}", None, 20.0, kind="Ingress", on_nodes=True)
    assert kube.looks == 1
    assert set(looks) == {0}


def test_who_answers_instead_of_the_app_is_said(client: Client, kube: Kube) -> None:
    applied(client, kube, pod("it"))
    port = free_port()
    kube.open_page(port)
    kube.page_headers = {"Server": "nginx"}
    with pytest.raises(UnavailableError, match=r"no page at .* within 0.3 s: Not the app, but"):
        wait.page(client, f"http://127.0.0.1:{port}", None, 0.3, kind="Ingress", on_nodes=True)


def _without_traefik(kube: Kube) -> None:
    kube.lists["pods"], kube.lists["services"] = [], []


def _helm(**more: Any) -> Callable[[Kube], None]:  # noqa: ANN401
    def shape(kube: Kube) -> None:
        _without_traefik(kube)
        kube.lists["jobs"] = [objects.helm_job("traefik-crd", done=True), objects.helm_job("traefik", **more)]
        kube.lists["pods"] = [objects.helm_pod("traefik", waiting={"reason": "ContainerCreating"})]

    return shape


def _classes(*classes: Json) -> Callable[[Kube], None]:
    def shape(kube: Kube) -> None:
        kube.resources["ingresses", manifests.INGRESS].pop("status")
        kube.lists["ingressclasses"] = list(classes)

    return shape


def _not_ready(number: int) -> Callable[[Kube], None]:
    return lambda kube: kube.lists["pods"][number]["status"]["containerStatuses"][0].update(ready=False)


@pytest.mark.parametrize(
    ("shape", "what", "final"),
    [
        (lambda _: None, None, False),
        (
            lambda kube: kube.resources.pop(("ingresses", manifests.INGRESS)),
            "dwk-todo-app-ingress is gone",
            True,
        ),
        (_without_traefik, "there is no ingress controller: nothing takes connections at port 80", True),
        (_helm(), "Helm job helm-install-traefik: pod helm-install-traefik-1 is being created", False),
        (
            _helm(conditions=[{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]),
            "Helm job helm-install-traefik: pod",
            True,
        ),
        (_not_ready(0), "pod traefik-1 runs, and is not ready yet", False),
        (_not_ready(1), "pod svclb-traefik-1 runs, and is not ready yet", False),
        (lambda kube: kube.lists["pods"].pop(0), "the service traefik has no pods yet", False),
        (_classes(), "the ingress has no address yet", False),
        (_classes(objects.ingress_class("nginx")), "the ingress has no class (there are: nginx)", True),
    ],
)
def test_what_is_in_the_way_to_the_page(
    shape: Callable[[Kube], object], what: str | None, final: bool, client: Client, kube: Kube
) -> None:
    applied(client, kube, pod("it"))
    shape(kube)
    reason = wait.page_reason(client, "Ingress", on_nodes=True)
    if what is None:
        assert reason is None
        return
    assert reason
    assert what in reason.what
    assert reason.final == final
    assert reason.fix or not final


def test_whatever_the_controller_is_called_one_that_is_ready_is_enough(client: Client, kube: Kube) -> None:
    applied(client, kube, pod("it"))
    own = pod("nginx-1", namespace="nginx", labels={"app": "nginx"}, port=80)
    kube.lists["pods"] = [own, pod("broken", namespace="nginx", labels={}, port=80, ready=False)]
    kube.lists["services"] = []
    assert wait.page_reason(client, "Ingress", on_nodes=True) is None


def test_what_gateways_have_against_a_route(client: Client, kube: Kube) -> None:
    named = {"name": "dwk-todo-app-route"}
    kube.parents = []
    kube.apply("httproutes", named["name"], {"kind": "HTTPRoute", "metadata": named})
    assert (found := wait.page_reason(client, "HTTPRoute", on_nodes=False))
    assert found.what == "no gateway has taken the route"
    refusal = {"type": "Accepted", "status": "False", "reason": "NotAllowedByListeners", "message": "no"}
    kube.resources["httproutes", named["name"]]["status"] = {"parents": [{"conditions": [refusal]}]}
    assert (found := wait.page_reason(client, "HTTPRoute", on_nodes=False))
    assert "NotAllowedByListeners: no" in found.what
