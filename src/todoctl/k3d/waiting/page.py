"""Waiting for the page, through k3d's load balancer and the cluster's ingress controller."""

import time

from todoctl.client import Client
from todoctl.errors import UnavailableError
from todoctl.k3d.context import Context
from todoctl.k3d.waiting import ingress, rollout
from todoctl.k3d.waiting.hindrance import Hindrance
from todoctl.k3d.waiting.patience import Patience
from todoctl.k3d.waiting.snapshot import Snapshot
from todoctl.settings import Settings
from todoctl.target import Step

ADDRESS_SECONDS = 20.0
"""For an ingress controller that takes connections to give the ingress an address; not all of them do."""

LOOK_SECONDS = 2.0
"""Between two looks at the cluster."""

POLL_SECONDS = 0.2

FIX = "See 'todoctl status' and 'kubectl get pods --all-namespaces'; then run 'todoctl up' again"


def wait(context: Context, settings: Settings, step: Step | None) -> None:
    """Until the app's page is there.

    k3d's load balancer sends nobody for ten seconds to a node that has refused a connection. So it is left
    alone until the ingress has an address, which it gets when one node at least takes connections.
    Raises `UnavailableError` with what is in the way, where that does not go away.
    """
    patience = Patience(f"There is no page at {settings.url}", FIX, step, context.stop)
    with Client(f"http://127.0.0.1:{settings.port}") as client:
        try:
            _wait_for_address(context, patience)
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


def _wait_for_address(context: Context, patience: Patience) -> None:
    """Until the ingress has an address, or its controller seems to give none."""
    ready_since = None
    while True:
        try:
            if ingress.has_address(context.api.ingress()):
                return
            found = before_it(context, Snapshot(context.api))
        except UnavailableError as error:
            found = [rollout.unanswered(error)]
        if found:
            ready_since = None
        else:
            ready_since = ready_since or time.monotonic()
            if time.monotonic() - ready_since > ADDRESS_SECONDS:
                return
        patience.judge(found or [Hindrance(what="the ingress has no address yet")])
        context.api.wait_for_ingress(round(LOOK_SECONDS))


def before_it(context: Context, now: Snapshot) -> list[Hindrance]:
    """What is in the way of the app's pods and of connections to an ingress controller."""
    return [*rollout.of_pods(context.api, context.api.pods()), *ingress.controller(now)]


def in_the_way(context: Context, error: UnavailableError) -> list[Hindrance]:
    """What is in the way of the page, which is not there because of `error`; the most telling first."""
    try:
        now = Snapshot(context.api)
        found = before_it(context, now) or ingress.classed(now, context.api.ingress())
    except UnavailableError as unanswered:
        found = [rollout.unanswered(unanswered)]
    said = f"{error.what}: {error.why}" if error.why else error.what
    return [*found, Hindrance(what=said[0].lower() + said[1:])]
