"""Waiting for the app's pods by watching them, with the reason while they are not ready."""

import threading
import time
from collections.abc import Callable
from typing import Any

from todoctl.errors import UnavailableError
from todoctl.k3d.api import Api, Pod
from todoctl.k3d.manifests import CONTAINER
from todoctl.k3d.node import Node

ROLLOUT_SECONDS = 180.0
"""Longer than any healthy rollout takes on a busy machine."""

HOPELESS_SECONDS = 60.0
"""How long a reason that does not go away by itself may stand before it counts as the outcome."""

POLL_SECONDS = 0.1

SETTLED = "waiting for the deployment to take note"
"""What is said where no pod is in the way."""

HOPELESS = (
    "ErrImagePull",
    "ErrImageNeverPull",
    "ImagePullBackOff",
    "InvalidImageName",
    "CrashLoopBackOff",
    "CreateContainerConfigError",
    "FailedCreate",
    "FailedScheduling",
)


def wait(api: Api, node: Node, shown: Callable[[str], None], stop: threading.Event) -> None:
    """Until as many pods of the newest kind as are wanted are ready, and no other runs.

    Raises `UnavailableError` with the reason, and the pod's last log line, where that does not happen.
    """

    def done() -> bool:
        deployment = api.deployment()
        wanted = deployment and deployment.spec.replicas
        return is_rolled_out(deployment, api.pods()) and node.running(CONTAINER) == wanted

    _until(api, done, shown, stop)


def wait_for_none(api: Api, node: Node, shown: Callable[[str], None], stop: threading.Event) -> None:
    """Until the app no longer runs."""

    def done() -> bool:
        return not _standing(api.pods()) and node.running(CONTAINER) == 0

    _until(api, done, shown, stop)


def _until(
    api: Api,
    done: Callable[[], bool],
    shown: Callable[[str], None],
    stop: threading.Event,
) -> None:
    deadline = time.monotonic() + ROLLOUT_SECONDS
    last, since = "", time.monotonic()
    while not done():
        reason = why_not(api)
        if reason != last:
            last, since = reason, time.monotonic()
            shown(reason)
        hopeless = reason.startswith(HOPELESS) and time.monotonic() - since > HOPELESS_SECONDS
        if stop.is_set() or hopeless or time.monotonic() > deadline:
            raise UnavailableError(
                "The app's pod does not get ready" if not stop.is_set() else "Waiting was given up",
                why=reason,
                fix="See 'todoctl logs' and 'kubectl describe pods'; then run 'todoctl up' again",
            )
        if reason == SETTLED:  # a deployment's status follows its pods', of which none will change now
            stop.wait(POLL_SECONDS)
        else:
            api.wait_for_change(1)


def is_rolled_out(deployment: Any | None, pods: list[Pod]) -> bool:  # noqa: ANN401 - the library has no types
    """What `kubectl rollout status` waits for, and that the old pods are ending."""
    if deployment is None:
        return False
    status, wanted = deployment.status, deployment.spec.replicas
    return bool(
        (status.observed_generation or 0) >= deployment.metadata.generation
        and (status.updated_replicas or 0) == wanted
        and (status.available_replicas or 0) == wanted
        and (status.replicas or 0) == wanted
        and len(_standing(pods)) == wanted
        # A deployment's status may be that of a pod that has died meanwhile.
        and all(_is_ready(pod) for pod in _standing(pods))
    )


def _is_ready(pod: Pod) -> bool:
    statuses = pod.status.container_statuses
    return bool(statuses) and all(container.ready for container in statuses)


def require_standing(api: Api) -> list[str]:
    """The names of the pods that run the app and are not ending; raises where there are none."""
    names = [pod.metadata.name for pod in _standing(api.pods())]
    if not names:
        raise UnavailableError("The app does not run", fix="Start it with 'todoctl up'")
    return names


def _standing(pods: list[Pod]) -> list[Pod]:
    return [pod for pod in pods if not pod.metadata.deletion_timestamp]


def why_not(api: Api) -> str:
    """Why the app is not ready, in the words of Kubernetes, with the pod's last log line if it crashes."""
    pods = api.pods()
    for pod in sorted(_standing(pods), key=lambda pod: pod.metadata.creation_timestamp, reverse=True):
        reason = why_not_pod(api, pod)
        if reason:
            return reason
    ending = len(pods) - len(_standing(pods))
    return f"{ending} pod(s) still ending" if ending else _why_no_pod(api.deployment())


def why_not_pod(api: Api, pod: Pod) -> str | None:
    """Why a pod is not ready; None where it is, or where nothing is known of it yet."""
    for condition in pod.status.conditions or []:
        if condition.type == "PodScheduled" and condition.status == "False":
            return f"FailedScheduling: {condition.message or condition.reason}"
    for container in pod.status.container_statuses or []:
        waiting = container.state.waiting
        if waiting:
            said = f": {waiting.message}" if waiting.message else ""
            return f"{waiting.reason}{said}{last_words(api, pod, container)}"
        if container.state.terminated:
            return f"{container.state.terminated.reason}{last_words(api, pod, container)}"
        if not container.ready:
            return f"pod {pod.metadata.name} runs, and is not ready yet"
    return None


def _why_no_pod(deployment: Any | None) -> str:  # noqa: ANN401
    for condition in (deployment and deployment.status.conditions) or []:
        if condition.type == "ReplicaFailure" and condition.status == "True":  # a quota, say
            return f"{condition.reason}: {condition.message}"
    return SETTLED


def last_words(api: Api, pod: Pod, container: Any) -> str:  # noqa: ANN401
    """The last log line of a container that has ended before; nothing where there is none."""
    if not container.restart_count and not container.state.terminated:
        return ""
    for previous in (False, True):
        try:
            lines = [line for line in api.log(pod.metadata.name, lines=3, previous=previous) if line.strip()]
        except UnavailableError:
            continue
        if lines:
            return f"; its log ends: {lines[-1]}"
    return ""
