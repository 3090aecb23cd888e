"""Waiting for one pod of todoctl's own, beside the app's."""

from collections.abc import Callable

from todoctl.errors import TodoctlError, UnavailableError
from todoctl.kube.api import Pod
from todoctl.kube.context import Context
from todoctl.kube.manifests import Resource
from todoctl.kube.ownership import is_ours
from todoctl.kube.waiting import pods
from todoctl.kube.waiting.blocker import Blocker
from todoctl.kube.waiting.patience import Patience
from todoctl.kube.waiting.rollout import unanswered

POLL_SECONDS = 0.2
FIX = "See 'kubectl get events' and 'todoctl status', and try again"


def wait(context: Context, wanted: Resource, make: Callable[[], None]) -> Pod:
    """Returns the pod when it is ready; `make` makes it where it is missing, as after a drain of its node.

    Raises `UnavailableError` with what is in the way where it will not get ready, and `TodoctlError` where a
    pod of that name is there that todoctl has not made.
    """
    name = wanted["metadata"]["name"]
    patience = Patience(f"Todoctl's own pod {name} does not get ready", FIX, None, context.stop)
    while True:
        try:
            found = context.api.read(wanted)
            if found is None:
                make()
            elif not is_ours(found):
                raise TodoctlError(
                    f"Pod {name} is in namespace {context.namespace}, and todoctl has not made it",
                    fix="Rename it, or use another namespace with --namespace",
                )
            elif pods.is_standing(found) and pods.is_ready(found):
                return found
            elif pods.is_over(found) and found.status.reason:  # evicted, it would stay on the list for good
                context.api.delete(wanted, grace=1)
            reason = _blocker(context, found) or Blocker(what=f"pod {name} is being made")
        except UnavailableError as error:
            reason = unanswered(error)
        patience.judge([reason])
        context.stop.wait(POLL_SECONDS)


def _blocker(context: Context, found: Pod | None) -> Blocker | None:
    return found and pods.blocker(context.api, found, context.api.events(context.namespace))
