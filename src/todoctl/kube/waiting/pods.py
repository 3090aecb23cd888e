"""What is in the way of a pod: from its state, its events and its log, in the words of Kubernetes."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from todoctl.errors import UnavailableError
from todoctl.kube.api import Api, Pod
from todoctl.kube.waiting import pull_failures
from todoctl.kube.waiting.blocker import Blocker, Grade, shortened

IMAGE_REASONS = (
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "ImageInspectError",
    "RegistryUnavailable",
)
STARTING = ("ContainerCreating", "PodInitializing")
PULLING = ("Pulling", "Pulled", "Failed", "BackOff")
"""The reasons of events that tell how an image's pull goes; the last of them counts."""

COMING = re.compile(
    r"not-ready|unreachable|uninitialized|network-unavailable|no nodes available|0/0 nodes", re.IGNORECASE
)
"""Why no node takes a pod yet while a cluster starts."""

NO_NETWORK = re.compile(r"subnet\.env|cni plugin not initialized|network plugin is not ready", re.IGNORECASE)
"""Why a node can make no sandbox while it starts."""

PROBES = 5
"""Failed ones after which it is said why: the first fail on every start."""

LONGEST = 300
"""Letters of a message that are shown."""

PRESSURE = re.compile(
    r"disk-?pressure|low on resource: (ephemeral-storage|imagefs|nodefs)|no space left", re.IGNORECASE
)
SPACE = "Free some disk space where Docker keeps its data: nodes take no pods when 5 % are left"


def is_over(pod: Pod) -> bool:
    """Whether it runs nothing any more: a job's pod that is done, one that was evicted."""
    return pod.status.phase in {"Succeeded", "Failed"}


def is_ending(pod: Pod) -> bool:
    return pod.metadata.deletion_timestamp is not None


def is_standing(pod: Pod) -> bool:
    """Whether it runs or is going to."""
    return not is_ending(pod) and not is_over(pod)


def is_ready(pod: Pod) -> bool:
    statuses = pod.status.container_statuses
    return bool(statuses) and all(container.ready for container in statuses)


def name(pod: Pod) -> str:
    return f"pod {pod.metadata.name}"


def events_of(pod: Pod, events: Sequence[Any]) -> list[Any]:
    """Those of `events` that tell of this pod, the latest at the end."""
    return [event for event in events if event.involved_object.uid == pod.metadata.uid]


def blocker(api: Api, pod: Pod, events: Sequence[Any]) -> Blocker | None:
    """What is in the way of its getting ready; None where it is ready.

    `events` are those of its namespace, the latest at the end.
    """
    if pod.status.phase == "Failed" and pod.status.reason:
        return _no_place(pod, pod.status.reason, pod.status.message or "")
    for condition in pod.status.conditions or []:
        if condition.type == "PodScheduled" and condition.status == "False":
            return _no_place(pod, "FailedScheduling", condition.message or condition.reason)
    if is_ready(pod):
        return None
    own = events_of(pod, events)
    statuses = [*(pod.status.init_container_statuses or []), *(pod.status.container_statuses or [])]
    for container in statuses:
        found = _of_container(api, pod, container, own)
        if found:
            return found
    return _starting(pod, own)


def _no_place(pod: Pod, reason: str, message: str) -> Blocker:
    waits = COMING.search(message) and not PRESSURE.search(message)
    return _stuck(pod, reason, message, Grade.PENDING if waits else Grade.STUCK)


def _stuck(pod: Pod, reason: str, message: str, grade: Grade = Grade.STUCK) -> Blocker:
    """Something that Kubernetes has a name for."""
    said = f": {_short(message)}" if message else ""
    return Blocker(
        what=f"{name(pod)}: {reason}{said}",
        grade=grade,
        key=f"{pod.metadata.uid} {reason}",
        fix=SPACE if PRESSURE.search(message) else "",
    )


def _of_container(api: Api, pod: Pod, container: Any, events: Sequence[Any]) -> Blocker | None:  # noqa: ANN401
    waiting, ended = container.state.waiting, container.state.terminated
    reason = waiting.reason if waiting else ""
    if reason in STARTING:
        found = _starting(pod, events)
    elif reason in IMAGE_REASONS:
        found = _image(pod, container, events)
    elif reason == "CrashLoopBackOff" or (ended and ended.exit_code):
        found = _ended(api, pod, container, Grade.STUCK)
    elif waiting:
        found = _stuck(pod, reason, waiting.message or "")
    elif container.ready or ended:
        return None
    elif container.restart_count:
        found = _ended(api, pod, container, Grade.PENDING)
    else:
        probes = [event for event in events if event.reason == "Unhealthy" and (event.count or 1) >= PROBES]
        why = f": {_short(probes[-1].message)}" if probes else ""
        found = Blocker(what=f"{name(pod)} runs, and is not ready yet{why}")
    return found


def _image(pod: Pod, container: Any, events: Sequence[Any]) -> Blocker:  # noqa: ANN401
    """A pull that has failed, and may be under way again."""
    image, waiting = container.image, container.state.waiting
    why = waiting.message or waiting.reason
    if waiting.reason == "ImagePullBackOff":  # which may say no more than that
        told = [event.message or "" for event in events if event.reason == "Failed"]
        why = [why, *(text for text in told if image in text)][-1]
    failure = pull_failures.failure(f"{waiting.reason} {why}".replace(image, ""))
    if failure is pull_failures.REFUSED and pod.spec.image_pull_secrets:
        # A kubelet that has not read the secret yet pulls without it at first, and tries again.
        failure = replace(failure, grade=Grade.STUCK)
    under_way = _under_way(events)
    again = "; it is tried again now" if under_way else ""
    return Blocker(
        what=f"{name(pod)}: the image {image} {failure.said} ({pull_failures.point(why)}){again}",
        grade=Grade.MOVING if under_way else failure.grade,
        began=moment(under_way) if under_way else None,
        key=f"{pod.metadata.uid} {image}",
        paused=waiting.reason == "ImagePullBackOff",
        fix=failure.what_to_do,
    )


def _under_way(events: Sequence[Any]) -> Any | None:  # noqa: ANN401
    """The event that a pull has begun with, where it has not ended yet."""
    pulls = [event for event in events if event.reason in PULLING]
    return pulls[-1] if pulls and pulls[-1].reason == "Pulling" else None


def _starting(pod: Pod, events: Sequence[Any]) -> Blocker:
    """A pod whose container is about to be made: by what has happened last."""
    pulling = _under_way(events)
    if pulling:
        image = re.sub(r'^Pulling image "(.*)"$', r"\1", pulling.message or "")
        return Blocker(
            what=f"{name(pod)} pulls {image}",
            grade=Grade.MOVING,
            began=moment(pulling),
            key=f"{pod.metadata.uid} {image}",
        )
    last = next((event for event in reversed(events) if event.type == "Warning"), None)
    if last is None or last is not events[-1]:
        return Blocker(what=f"{name(pod)} is being created")
    pause = re.search(r'image "([^"]+)"', last.message or "")
    if last.reason == "FailedCreatePodSandBox" and pause:
        failure = pull_failures.failure(last.message.replace(pause[1], ""))
        return Blocker(
            what=f"{name(pod)}: the image {pause[1]} {failure.said} ({pull_failures.point(last.message)})",
            grade=failure.grade,
            key=f"{pod.metadata.uid} {last.reason}",
            fix=failure.what_to_do,
        )
    if NO_NETWORK.search(last.message or ""):
        return Blocker(what=f"{name(pod)} waits for the network of its node")
    # A busy node may fail to make a sandbox more than once.
    busy = last.reason == "FailedCreatePodSandBox" and not PRESSURE.search(last.message or "")
    return _stuck(pod, last.reason, last.message or "", Grade.PENDING if busy else Grade.STUCK)


def _ended(api: Api, pod: Pod, container: Any, grade: Grade) -> Blocker:  # noqa: ANN401
    """A container that ends and is started again, each time later."""
    times, ended = ends(container)
    how = f" ({ended.reason}, exit code {ended.exit_code})" if ended else ""
    often = "" if times < 2 else f" {times} times"
    looping = bool(container.state.waiting)
    return Blocker(
        what=f"{name(pod)}: {'CrashLoopBackOff: ' if looping else ''}its container has ended"
        f"{often}{how}{last_words(api, pod, container)}",
        grade=grade,
        key=f"{pod.metadata.uid} {container.name} ends",
    )


def ends(container: Any) -> tuple[int, Any]:  # noqa: ANN401
    """How often a container has ended, and how it did the last time; 0 and None for one that never ran."""
    ended = container.state.terminated or (container.last_state and container.last_state.terminated)
    return (container.restart_count + (not container.state.running) if ended else 0), ended


def last_words(api: Api, pod: Pod, container: Any) -> str:  # noqa: ANN401
    """The last log line of a container that has ended; nothing where there is none."""
    runs = bool(container.state.running)  # again
    for previous in (runs, not runs):
        line = last_line(api, pod, container.name, previous=previous)
        if line:
            return f"; its log ends: {line}"
    return ""


def last_line(api: Api, pod: Pod, container: str, *, previous: bool = False) -> str:
    """The last line of a container's log that is not empty; nothing where there is none."""
    where = {"namespace": pod.metadata.namespace, "container": container}
    try:
        lines = [*api.log(pod.metadata.name, lines=3, previous=previous, **where)]
    except UnavailableError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _short(message: str) -> str:
    return shortened(" ".join(message.split()), LONGEST)


def moment(event: Any) -> float | None:  # noqa: ANN401
    """When it last happened, in epoch seconds."""
    at = event.last_timestamp or event.event_time or event.first_timestamp
    return at.timestamp() if at else None
