"""Waiting for the app's pods by watching them, with the reason while they are not ready."""

from collections.abc import Callable
from typing import Any

from todoctl.errors import UnavailableError
from todoctl.kubernetes.api import Api, Pod
from todoctl.kubernetes.context import Context
from todoctl.kubernetes.manifests import DEPLOYMENT
from todoctl.kubernetes.waiting import conditions, pods
from todoctl.kubernetes.waiting.conditions import NO_PODS
from todoctl.kubernetes.waiting.hindrance import Grade, Hindrance
from todoctl.kubernetes.waiting.patience import Patience
from todoctl.target import Step

POLL_SECONDS = 0.1
ASK_AGAIN_SECONDS = 1.0

ENDLESS = "The app's pod does not end"
OUTCOME = "The app's pod does not get ready"
FIX = "See 'todoctl logs' and 'kubectl describe pods'; then run 'todoctl up' again"

SETTLED = "waiting for the deployment to take note"
"""What is said where no pod is in the way."""


def wait(context: Context, step: Step | None) -> None:
    """Until as many pods of the newest kind as are wanted are ready, and no other runs.

    Raises `UnavailableError` with the reason, and the pod's last log line, where that does not happen.
    """
    context.tell_kubectl("rollout", "status", f"deployment/{DEPLOYMENT}")

    def done() -> bool:
        deployment = context.api.deployment()
        wanted = deployment and deployment.spec.replicas
        return is_rolled_out(deployment, context.api.pods()) and context.running() == wanted

    _until(context, done, OUTCOME, step)


def wait_for_end(context: Context) -> None:
    """Until all pods of the app are ending. Deleted before that, one is made anew by its ReplicaSet."""
    _until(context, lambda: not standing(context.api.pods()), ENDLESS, None)


def wait_for_none(context: Context, step: Step | None) -> None:
    """Until the app no longer runs."""

    def done() -> bool:
        return not standing(context.api.pods()) and context.running() == 0

    _until(context, done, ENDLESS, step)


def _until(context: Context, done: Callable[[], bool], outcome: str, step: Step | None) -> None:
    patience = Patience(outcome, FIX, step, context.stop)
    while True:
        try:
            if done():
                return
            found = hindrance(context.api)
        except UnavailableError as error:
            found = unanswered(error)
        patience.judge([found])
        if found.what == SETTLED:  # a deployment's status follows its pods', of which none will change now
            context.stop.wait(POLL_SECONDS)
        elif found.key == UNANSWERED:
            context.stop.wait(ASK_AGAIN_SECONDS)
        else:
            context.api.wait_for_pods(1)


UNANSWERED = "no answer"


def unanswered(error: UnavailableError) -> Hindrance:
    """An API, a node or a Docker that does not answer: it may be busy, but not for long."""
    return Hindrance(what=f"{error.what}: {error.why}", grade=Grade.STUCK, key=UNANSWERED, fix=error.fix)


def is_rolled_out(deployment: Any | None, found: list[Pod]) -> bool:  # noqa: ANN401 - the library has no types
    """What `kubectl rollout status` waits for, and that the old pods are ending."""
    if deployment is None:
        return False
    status, wanted = deployment.status, deployment.spec.replicas
    return bool(
        (status.observed_generation or 0) >= deployment.metadata.generation
        and (status.updated_replicas or 0) == wanted
        and (status.available_replicas or 0) == wanted
        and (status.replicas or 0) == wanted
        and len(standing(found)) == wanted
        # A deployment's status may be that of a pod that has died meanwhile.
        and all(pods.is_ready(pod) for pod in standing(found))
    )


def standing(found: list[Pod]) -> list[Pod]:
    """The pods that run or are going to: an evicted one stays on the list for long."""
    return [pod for pod in found if pods.is_standing(pod)]


def require_standing(api: Api) -> list[str]:
    """The names of the pods that run the app and are not ending; raises where there are none."""
    names = [pod.metadata.name for pod in standing(api.pods())]
    if not names:
        raise UnavailableError("The app does not run", fix="Start it with 'todoctl up'")
    return names


def hindrance(api: Api) -> Hindrance:
    """Why the app is not ready, in the words of Kubernetes, with the pod's last log line if it crashes.

    A pod of before the rollout may stand until the new one is ready. What troubles it is no longer so.
    """
    deployment, found = api.deployment(), api.pods()
    reasons = of_pods(api, newest(deployment, standing(found)))
    if reasons:
        return reasons[0]
    ending = [pod for pod in found if pods.is_ending(pod)]
    if ending:
        return Hindrance(what=f"{len(ending)} pod(s) still ending")
    return _without_pod(deployment)


def newest(deployment: Any | None, found: list[Pod]) -> list[Pod]:  # noqa: ANN401
    """Those of `found` that the deployment's present template has made, the youngest first."""
    if deployment and (deployment.status.observed_generation or 0) < deployment.metadata.generation:
        return []
    young = sorted(found, key=lambda pod: pod.metadata.creation_timestamp, reverse=True)
    return [pod for pod in young if _template(pod) == _template(young[0])]


def _template(pod: Pod) -> str | None:
    """https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#pod-template-hash-label"""
    return (pod.metadata.labels or {}).get("pod-template-hash")


def of_pods(api: Api, found: list[Pod]) -> list[Hindrance]:
    """What is in the way of those of these pods that are not ready."""
    waiting = [pod for pod in found if not pods.is_ready(pod)]
    events = api.events(api.namespace) if waiting else []
    return [reason for pod in waiting if (reason := pods.hindrance(api, pod, events))]


def _without_pod(deployment: Any | None) -> Hindrance:  # noqa: ANN401
    if deployment and (why := conditions.holds(deployment, NO_PODS)):
        return Hindrance(what=why, grade=Grade.STUCK)
    return Hindrance(what=SETTLED)
