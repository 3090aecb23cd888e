"""Waiting for the page, through k3d's load balancer and the cluster's ingress controller."""

import time

from todoctl.client import Client, SilentError
from todoctl.errors import UnavailableError
from todoctl.kube.manifests import SELECTOR
from todoctl.kube.waiting import ingress, rollout
from todoctl.kube.waiting.blocker import Blocker, Grade
from todoctl.kube.waiting.patience import Patience
from todoctl.kube.waiting.snapshot import Snapshot
from todoctl.settings import Settings
from todoctl.targets.base import Step
from todoctl.targets.k3d.context import Context

ADDRESS_SECONDS = 20.0
"""For an ingress controller that takes connections to give the ingress an address; not all of them do."""

LOOK_SECONDS = 2.0
"""Between two looks at the cluster."""

POLL_SECONDS = 0.2
READY_SECONDS = 0.7
"""Between two looks at the cluster where the ingress has its address, and its controller is not ready yet."""

ROUTE_SECONDS = 1.0
"""For the nodes to learn that a service has an endpoint: kube-proxy of k3s writes its rules that often."""

APP = dict([SELECTOR.split("=")])

FIX = "See 'todoctl status' and 'kubectl get pods --all-namespaces'; then run 'todoctl up' again"


def wait(context: Context, settings: Settings, step: Step | None) -> None:
    """Until the app's page is there.

    k3d's load balancer sends nobody for ten seconds to a node that has refused a connection. So it is left
    alone until the ingress has an address and connections lead on from the nodes.
    Raises `UnavailableError` with what is in the way, where that does not go away.
    """
    patience = Patience(f"There is no page at {settings.url}", FIX, step, context.stop)
    with Client(f"http://127.0.0.1:{settings.port}") as client:
        try:
            _wait_for_way(context, patience)
        except UnavailableError:
            if is_there(client):  # by ways that are not known here
                return
            raise
        _wait_for_page(context, client, patience)


def is_there(client: Client) -> bool:
    try:
        client.find_page()
    except UnavailableError:
        return False
    return True


def _wait_for_page(context: Context, client: Client, patience: Patience) -> None:
    look_at = time.monotonic() + LOOK_SECONDS
    while True:
        try:
            client.find_page()
        except UnavailableError as error:
            if time.monotonic() > look_at or context.stop.is_set():
                patience.judge(in_the_way(context, error))
                look_at = time.monotonic() + LOOK_SECONDS
        else:
            return
        context.stop.wait(POLL_SECONDS)


def _wait_for_way(context: Context, patience: Patience) -> None:
    """Until the ingress has an address and its controller takes connections, as far as both can be known.

    Traefik 3 gives the address while it is not ready yet; then nothing leads on from the nodes.
    """
    ready_since, waited = None, False
    while True:
        addressed, found = _look(context)
        if not found:
            ready_since = ready_since or time.monotonic()
        else:
            ready_since, waited = None, True
        lasts = time.monotonic() - ready_since if ready_since else 0.0
        if addressed and all(one.grade >= Grade.STUCK for one in found):
            if waited:  # the nodes are told a moment later that it is ready
                context.stop.wait(max(ROUTE_SECONDS - lasts, 0.0))
            return
        if lasts > ADDRESS_SECONDS:
            return
        patience.judge(found or [Blocker(what="the ingress has no address yet")])
        if addressed:
            context.stop.wait(READY_SECONDS)
        else:
            context.api.wait_for_ingress(round(LOOK_SECONDS))


def _look(context: Context) -> tuple[bool, list[Blocker]]:
    """Whether the ingress has an address, and what is in the way to its controller."""
    try:
        return ingress.has_address(context.api.ingress()), _on_the_way(Snapshot(context.api))
    except UnavailableError as error:
        return False, [rollout.unanswered(error)]


def _on_the_way(now: Snapshot) -> list[Blocker]:
    """What is in the way to the app's pods, they themselves first."""
    app = [now.blocker(pod) for pod in now.pods(now.api.namespace, **APP)]
    return [*(one for one in app if one), *ingress.controller(now)]


def in_the_way(context: Context, error: UnavailableError) -> list[Blocker]:
    """What is in the way of the page, which is not there because of `error`; the most telling first."""
    try:
        now = Snapshot(context.api)
        found = _on_the_way(now) or ingress.classed(now, context.api.ingress())
    except UnavailableError as unanswered:
        found = [rollout.unanswered(unanswered)]
    if isinstance(error, SilentError):
        said = f"no answer through k3d's load balancer yet ({error.why.rstrip('.')})"
    else:
        said = error.what[0].lower() + error.what[1:]
    return [*found, Blocker(what=said)]
