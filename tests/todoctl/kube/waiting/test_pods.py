"""What is in the way of a pod; states, events and their words are those of real clusters."""

from datetime import UTC, datetime

import pytest

from tests.todoctl.kube.kube import Answer, Kube
from tests.todoctl.kube.objects import Json, event, pod, pulling
from todoctl.kube.api import Api
from todoctl.kube.waiting import pods
from todoctl.kube.waiting.blocker import Blocker, Grade

IMAGE = "docker.io/rancher/x:1"
LOOKUP = 'failed to do request: Head "https://r.test/v2/x": dial tcp: lookup r.test: no such host'
NO_HOST = "dial tcp: lookup r.test: no such host"
BORN_AT = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()


def blocker(api: Api, kube: Kube, one: Json, *events: Json) -> Blocker | None:
    kube.pods, kube.lists["events"] = [one], list(events)
    (found,) = api.pods()
    return pods.blocker(api, found, api.events("default"))


def unscheduled(message: str | None, reason: str = "Unschedulable") -> Json:
    condition = {"type": "PodScheduled", "status": "False", "message": message, "reason": reason}
    return pod("it", conditions=[condition])


def creating() -> Json:
    return pod("it", waiting={"reason": "ContainerCreating"})


def failing(message: str, reason: str = "ErrImagePull") -> Json:
    return pod("it", waiting={"reason": reason, "message": message}, image=IMAGE)


def with_login(one: Json) -> Json:
    return {**one, "spec": {**one["spec"], "imagePullSecrets": [{"name": "the-registrys"}]}}


OTHER = pod("other")
ERROR = {"reason": "Error", "exitCode": 2}
CRASHING = pod(
    "it", waiting={"reason": "CrashLoopBackOff", "message": "back-off 10s"}, restarts=2, last=ERROR
)
TAINTS = (
    "0/3 nodes are available: 1 node(s) had taint {{node.kubernetes.io/{}: }}, that the pod didn't tolerate"
)


@pytest.mark.parametrize(
    ("one", "events", "what", "grade"),
    [
        (unscheduled("no room"), [], "pod it: FailedScheduling: no room", Grade.STUCK),
        (unscheduled(None), [], "pod it: FailedScheduling: Unschedulable", Grade.STUCK),
        (
            unscheduled(TAINTS.format("not-ready")),
            [],
            f"pod it: FailedScheduling: {TAINTS.format('not-ready')}",
            Grade.PENDING,
        ),
        (
            unscheduled(TAINTS.format("disk-pressure")),
            [],
            f"pod it: FailedScheduling: {TAINTS.format('disk-pressure')}",
            Grade.STUCK,
        ),
        (
            pod(
                "it",
                phase="Failed",
                reason="Evicted",
                message="The node was low on resource: imagefs.",
                ready=False,
            ),
            [],
            "pod it: Evicted: The node was low on resource: imagefs.",
            Grade.STUCK,
        ),
        (pod("it", phase="Pending", conditions=[]), [], "pod it is being created", Grade.PENDING),
        (creating(), [], "pod it is being created", Grade.PENDING),
        (creating(), [pulling(OTHER, "x:1")], "pod it is being created", Grade.PENDING),
        (
            creating(),
            [pulling(OTHER | {"metadata": pod("it")["metadata"]}, "x:1")],
            "pod it pulls x:1",
            Grade.MOVING,
        ),
        (
            creating(),
            [
                pulling(pod("it"), "x:1"),
                event(pod("it"), "Pulled", 'Successfully pulled image "x:1"', normal=True),
            ],
            "pod it is being created",
            Grade.PENDING,
        ),
        (
            creating(),
            [event(pod("it"), "FailedMount", 'MountVolume.SetUp failed:\npath "/tmp/kube" does not exist')],
            'pod it: FailedMount: MountVolume.SetUp failed: path "/tmp/kube" does not exist',
            Grade.STUCK,
        ),
        (
            creating(),
            [event(pod("it"), "FailedMount", "not yet"), event(pod("it"), "Created", normal=True)],
            "pod it is being created",
            Grade.PENDING,
        ),
        (
            creating(),
            [event(pod("it"), "FailedCreatePodSandBox", "open /run/flannel/subnet.env: no such file")],
            "pod it waits for the network of its node",
            Grade.PENDING,
        ),
        (
            creating(),
            [event(pod("it"), "FailedCreatePodSandBox", "context deadline exceeded")],
            "pod it: FailedCreatePodSandBox: context deadline exceeded",
            Grade.PENDING,
        ),
        (
            creating(),
            [event(pod("it"), "FailedCreatePodSandBox", "no space left on device")],
            "pod it: FailedCreatePodSandBox: no space left on device",
            Grade.STUCK,
        ),
        (
            creating(),
            [
                event(
                    pod("it"), "FailedCreatePodSandBox", f'failed to get sandbox image "pause:3.1": {LOOKUP}'
                )
            ],
            f"pod it: the image pause:3.1 cannot be pulled: its registry is not reached ({NO_HOST})",
            Grade.STUCK,
        ),
        (
            failing("failed to resolve reference: docker.io/rancher/x:1: not found"),
            [],
            (
                f"pod it: the image {IMAGE} does not exist"
                " (failed to resolve reference: docker.io/rancher/x:1: not found)"
            ),
            Grade.FINAL,
        ),
        (
            failing("401 Unauthorized"),
            [],
            f"pod it: the image {IMAGE} does not exist, or its registry asks for a login (401 Unauthorized)",
            Grade.FINAL,
        ),
        (
            with_login(failing("401 Unauthorized")),
            [],
            f"pod it: the image {IMAGE} does not exist, or its registry asks for a login (401 Unauthorized)",
            Grade.STUCK,
        ),
        (
            with_login(failing("not found")),
            [],
            f"pod it: the image {IMAGE} does not exist (not found)",
            Grade.FINAL,
        ),
        (
            failing("", "ErrImageNeverPull"),
            [],
            f"pod it: the image {IMAGE} is not in the node, and is never to be pulled (ErrImageNeverPull)",
            Grade.FINAL,
        ),
        (
            failing(LOOKUP),
            [],
            f"pod it: the image {IMAGE} cannot be pulled: its registry is not reached ({NO_HOST})",
            Grade.STUCK,
        ),
        (
            failing(f'Back-off pulling image "{IMAGE}"', "ImagePullBackOff"),
            [
                event(pod("it"), "Failed", f'Failed to pull image "{IMAGE}": {LOOKUP}'),
                event(pod("it"), "Failed", "Error: ImagePullBackOff"),
                event(pod("it"), "BackOff", f'Back-off pulling image "{IMAGE}"', normal=True),
            ],
            f"pod it: the image {IMAGE} cannot be pulled: its registry is not reached ({NO_HOST})",
            Grade.STUCK,
        ),
        (
            failing(LOOKUP),
            [event(pod("it"), "Failed", LOOKUP), pulling(pod("it"), IMAGE)],
            (
                f"pod it: the image {IMAGE} cannot be pulled: its registry is not reached ({NO_HOST});"
                " it is tried again now"
            ),
            Grade.MOVING,
        ),
        (
            CRASHING,
            [],
            (
                "pod it: CrashLoopBackOff: its container has ended 3 times (Error, exit code 2);"
                " its log ends: last line"
            ),
            Grade.STUCK,
        ),
        (
            pod("it", terminated=ERROR),
            [],
            "pod it: its container has ended (Error, exit code 2); its log ends: last line",
            Grade.STUCK,
        ),
        (
            pod("it", ready=False, restarts=2, last=ERROR),
            [],
            "pod it: its container has ended 2 times (Error, exit code 2); its log ends: last line",
            Grade.PENDING,
        ),
        (
            pod("it", waiting={"reason": "CreateContainerConfigError", "message": "runs as root"}),
            [],
            "pod it: CreateContainerConfigError: runs as root",
            Grade.STUCK,
        ),
        (pod("it", waiting={"reason": "Odd"}), [], "pod it: Odd", Grade.STUCK),
        (pod("it", ready=False), [], "pod it runs, and is not ready yet", Grade.PENDING),
        (
            pod("it", ready=False),
            [event(pod("it"), "Unhealthy", "Readiness probe failed: 503") | {"count": 5}],
            "pod it runs, and is not ready yet: Readiness probe failed: 503",
            Grade.PENDING,
        ),
        (
            pod("it", ready=False),
            [event(pod("it"), "Unhealthy", "Startup probe failed: refused")],
            "pod it runs, and is not ready yet",
            Grade.PENDING,
        ),
        (pod("it", terminated={"exitCode": 0}), [], "pod it is being created", Grade.PENDING),
    ],
)
def test_the_reason_is_that_of_kubernetes(
    one: Json, events: list[Json], what: str, grade: Grade, kube: Kube, api: Api
) -> None:
    found = blocker(api, kube, one, *events)
    assert found
    assert (found.what, found.grade) == (what, grade)


def test_nothing_is_in_the_way_of_what_is_ready(kube: Kube, api: Api) -> None:
    assert blocker(api, kube, pod("it"), event(pod("it"), "Unhealthy", "a moment ago")) is None


def test_a_pull_has_a_beginning_and_stays_the_same_trouble(kube: Kube, api: Api) -> None:
    begun = blocker(api, kube, creating(), pulling(pod("it"), IMAGE))
    failed = blocker(api, kube, failing(LOOKUP))
    again = blocker(api, kube, failing(LOOKUP), pulling(pod("it"), IMAGE))
    assert begun
    assert failed
    assert again
    assert begun.trouble == failed.trouble == again.trouble
    assert begun.began == again.began == BORN_AT
    assert failed.began is None
    assert "network" in failed.fix


def test_an_event_may_tell_no_time(kube: Kube, api: Api) -> None:
    timeless = pulling(pod("it"), IMAGE) | {"lastTimestamp": None}
    found = blocker(api, kube, creating(), timeless)
    assert found
    assert found.began is None


def test_a_full_disk_comes_with_advice(kube: Kube, api: Api) -> None:
    for one in (
        unscheduled(TAINTS.format("disk-pressure")),
        pod(
            "it", phase="Failed", reason="Evicted", message="The node was low on resource: ephemeral-storage."
        ),
    ):
        found = blocker(api, kube, one)
        assert found
        assert "disk space" in found.fix


def test_a_container_that_crashed_may_have_said_nothing(kube: Kube, api: Api) -> None:
    kube.answers["/log"] = Answer(400, '{"message": "no log yet"}')
    for logs in ("", "\n \n"):
        found = blocker(api, kube, CRASHING)
        assert found
        assert found.what.endswith("(Error, exit code 2)")
        kube.answers.clear()
        kube.logs = logs


def test_a_long_message_is_cut(kube: Kube, api: Api) -> None:
    found = blocker(api, kube, unscheduled("word " * 100))
    assert found
    assert found.what.endswith("word…")
