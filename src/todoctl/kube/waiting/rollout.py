"""Waiting for the app's pods by watching them, with the reason while they are not ready."""

from collections.abc import Callable
from typing import Any

from todoctl.errors import UnavailableError
from todoctl.kube.api import Api, Pod
from todoctl.kube.context import Context
from todoctl.kube.manifests import DEPLOYMENT
from todoctl.kube.waiting import conditions, pods
from todoctl.kube.waiting.blocker import Blocker, Grade
from todoctl.kube.waiting.conditions import NO_PODS
from todoctl.kube.waiting.patience import Patience
from todoctl.targets.base import Step

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

    def done(deployment: Any | None, found: list[Pod]) -> bool:  # noqa: ANN401 - the library has no types
        wanted = deployment and deployment.spec.replicas
        return is_rolled_out(deployment, found) and context.running() == wanted

    _until(context, done, OUTCOME, step)


def wait_for_end(context: Context) -> None:
    """Until all pods of the app are ending. Deleted before that, one is made anew by its ReplicaSet."""
    _until(context, lambda _, found: not standing(found), ENDLESS, None)


def wait_for_none(context: Context, step: Step | None) -> None:
    """Until the app no longer runs."""
    _until(context, lambda _, found: not standing(found) and context.running() == 0, ENDLESS, step)


def _until(
    context: Context, done: Callable[[Any | None, list[Pod]], bool], outcome: str, step: Step | None
) -> None:
    """Until `done` says so of the deployment and its pods; with the reason while it does not."""
    patience = Patience(outcome, FIX, step, context.stop)
    while True:
        try:
            deployment, found = context.api.deployment(), context.api.pods()
            if done(deployment, found):
                return
            reason = blocker(context.api, deployment, found)
        except UnavailableError as error:
            reason = unanswered(error)
        patience.judge([reason])
        if reason.what == SETTLED:  # a deployment's status follows its pods', of which none will change now
            context.stop.wait(POLL_SECONDS)
        elif reason.key == UNANSWERED:
            context.stop.wait(ASK_AGAIN_SECONDS)
        else:
            context.api.wait_for_pods(1)


UNANSWERED = "no answer"


def unanswered(error: UnavailableError) -> Blocker:
    """An API, a node or a Docker that does not answer: it may be busy, but not for long."""
    return Blocker(what=f"{error.what}: {error.why}", grade=Grade.STUCK, key=UNANSWERED, fix=error.fix)


def is_observed(deployment: Any) -> bool:  # noqa: ANN401
    """Whether its controller has taken note of its last change."""
    return bool((deployment.status.observed_generation or 0) >= deployment.metadata.generation)


def is_rolled_out(deployment: Any | None, found: list[Pod]) -> bool:  # noqa: ANN401
    """What `kubectl rollout status` waits for, and that the old pods are ending."""
    if deployment is None:
        return False
    status, wanted = deployment.status, deployment.spec.replicas
    return bool(
        is_observed(deployment)
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


def blocker(api: Api, deployment: Any | None, found: list[Pod]) -> Blocker:  # noqa: ANN401
    """Why the app is not ready, in the words of Kubernetes, with the pod's last log line if it crashes.

    A pod of before the rollout may stand until the new one is ready. What troubles it is no longer so.
    """
    waiting = [pod for pod in newest(deployment, standing(found)) if not pods.is_ready(pod)]
    events = api.events(api.namespace) if waiting else []
    for pod in waiting:
        if reason := pods.blocker(api, pod, events):
            return reason
    ending = [pod for pod in found if pods.is_ending(pod)]
    if ending:
        return Blocker(what=f"{len(ending)} pod(s) still ending")
    return _without_pod(deployment)


def newest(deployment: Any | None, found: list[Pod]) -> list[Pod]:  # noqa: ANN401
    """Those of `found` that the deployment's present template has made, the youngest first."""
    if deployment and not is_observed(deployment):
        return []
    young = sorted(found, key=lambda pod: pod.metadata.creation_timestamp, reverse=True)
    return [pod for pod in young if _template(pod) == _template(young[0])]


def _template(pod: Pod) -> str | None:
    """https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#pod-template-hash-label"""
    return (pod.metadata.labels or {}).get("pod-template-hash")


def _without_pod(deployment: Any | None) -> Blocker:  # noqa: ANN401
    if deployment and (why := conditions.holds(deployment, NO_PODS)):
        return Blocker(what=why, grade=Grade.STUCK)
    return Blocker(what=SETTLED)
