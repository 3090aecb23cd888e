"""The page: by an ingress or a route for a host, else a port of this machine that leads to the pods."""

import socket
from collections.abc import Callable

from todoctl.client import Client
from todoctl.errors import UnavailableError
from todoctl.kube.attempts import wait_until
from todoctl.kube.manifests import INGRESS, SERVICE
from todoctl.kube.waiting.ingress import has_address
from todoctl.settings import Settings
from todoctl.targets.base import Step
from todoctl.targets.kubernetes.context import Context
from todoctl.targets.kubernetes.forward import Forwarder
from todoctl.targets.kubernetes.resources import ROUTE

PAGE_SECONDS = 60.0
INGRESS_SECONDS = 180.0
"""A controller may have to order a load balancer from a cloud."""


def url(context: Context, settings: Settings) -> str:
    """Where people find it."""
    host = context.options.host
    return f"http://{host}" if host else settings.url


def wait(context: Context, settings: Settings, forwarder: Forwarder, step: Step | None) -> None:
    """Until it is there; raises `UnavailableError` with the reason where that does not happen."""
    if not context.options.host:
        context.tell_kubectl("port-forward", f"service/{SERVICE}", f"{settings.port}:1234")
        forwarder.start(context.name, context.namespace, settings.port)
        _find(context, settings.url, step, PAGE_SECONDS, forwarder.check)
        return
    forwarder.stop()
    try:
        _find(context, url(context, settings), step, INGRESS_SECONDS)
    except UnavailableError as error:
        raise UnavailableError(error.what, why=error.why, fix=_what_to_do(context)) from None


def _find(
    context: Context, address: str, step: Step | None, seconds: float, check: Callable[[], None] | None = None
) -> None:
    with Client(address) as client:

        def attempt() -> None:
            if check is not None:
                check()
            client.find_page()

        wait_until(context.stop, attempt, step, f"the page at {address}", seconds)


def _what_to_do(context: Context) -> str:
    """Of what has to be there for a host, the first that is missing."""
    options = context.options
    host = options.host_name
    kind, name = ("HTTPRoute", ROUTE) if options.gateway else ("Ingress", INGRESS)
    look = f"see '{' '.join(context.kubectl('describe', f'{kind.lower()}/{name}'))}'"
    found = context.api.read({"kind": kind, "metadata": {"name": name}})
    address = ""
    if options.gateway:
        refusals = found.refusals() if found else []
        if refusals:
            return f"The gateway {options.gateway} does not lead there ({refusals[0]}); {look}"
        if found is None or not found.parents:
            return f"Nobody has taken the route: is there a gateway {options.gateway}? Else {look}"
    elif found is None or not has_address(found):
        return f"No ingress controller has taken it: name its class with --ingress-class; {look}"
    else:
        given = found.status.load_balancer.ingress[0]
        address = given.ip or given.hostname
    where = address or f"the address of {options.gateway}"
    try:
        socket.getaddrinfo(host, None)
    except OSError:
        return f"Let the name {host} lead to {where}, by DNS or in /etc/hosts"
    return f"See whether {host} leads to {where}; {look}"
