"""How people and visitors come to the page: a published port, an ingress or a route, or a forwarded port."""

import socket
from typing import Protocol

from todoctl.client import Client as Site
from todoctl.commands import Commands
from todoctl.errors import UnavailableError
from todoctl.kube import wait
from todoctl.kube.app import Deployed
from todoctl.kube.helper_pod import HelperPod
from todoctl.kube.manifests import INGRESS, ROUTE, SERVICE
from todoctl.settings import Settings
from todoctl.targets.base import Step
from todoctl.targets.endpoint import Entrance, on_this_machine
from todoctl.targets.kubernetes.forward import Forwarder

ASK = ("curl", "--head", "--fail", "--retry", "300", "--retry-delay", "1", "--retry-all-errors")
"""No page view, and again for as long as load balancer or ingress answer with an error."""


class Page(Protocol):
    """The page of an app on a cluster."""

    def url(self, settings: Settings) -> str:
        """Returns where people find it."""
        ...

    def endpoint(self, settings: Settings, app: Deployed, helper: HelperPod) -> Entrance:
        """Returns how visitors come to it in a validation."""
        ...

    def open(
        self, settings: Settings, app: Deployed, commands: Commands, step: Step | None, timeout: float | None
    ) -> bool:
        """Returns when it is there; True if something had to be started for it."""
        ...

    def close(self) -> None:
        """Ends what runs for it on this machine."""
        ...


class PublishedPort:
    """A port of this machine that leads to port 80 of the nodes, as k3d's load balancer does."""

    def url(self, settings: Settings) -> str:
        return settings.url

    def endpoint(self, settings: Settings, app: Deployed, helper: HelperPod) -> Entrance:  # noqa: ARG002
        return on_this_machine(settings.port, "through the cluster's ingress")

    def open(
        self, settings: Settings, app: Deployed, commands: Commands, step: Step | None, timeout: float | None
    ) -> bool:
        commands.tell(app.kubectl("get", f"ingress/{INGRESS}"))
        commands.tell([*ASK, f"{settings.url}/"])
        address = f"http://127.0.0.1:{settings.port}"
        wait.page(app.client, address, step, timeout, kind="Ingress", on_nodes=True)
        return False

    def close(self) -> None:
        """Nothing runs for it."""


class NamedHost:
    """An ingress, or a route of a gateway, for a host."""

    def __init__(self, host: str, gateway: str | None, forwarder: Forwarder) -> None:
        self._host, self._gateway, self._forwarder = host, gateway, forwarder

    def url(self, settings: Settings) -> str:  # noqa: ARG002
        return f"http://{self._host}"

    def endpoint(self, settings: Settings, app: Deployed, helper: HelperPod) -> Entrance:  # noqa: ARG002
        by = f"gateway {self._gateway}" if self._gateway else "ingress"
        return Entrance(url=self.url(settings), words=f"through the cluster's {by}")

    def open(
        self,
        settings: Settings,
        app: Deployed,
        commands: Commands,
        step: Step | None,
        timeout: float | None,
    ) -> bool:
        """Raises as soon as the name leads nowhere: that does not get better by waiting."""
        self._forwarder.stop()  # of an earlier `up` without a host
        kind, name = ("HTTPRoute", ROUTE) if self._gateway else ("Ingress", INGRESS)
        commands.tell(app.kubectl("get", f"{kind.lower()}/{name}"))
        commands.tell([*ASK, f"{self.url(settings)}/"])
        try:
            socket.getaddrinfo(self._host.partition(":")[0], None)
        except OSError as error:
            raise UnavailableError(
                f"There is no page at {self.url(settings)}",
                why=f"the name {self._host} is not known here: {error.strerror or error}",
                fix=f"Point it at the cluster's {'gateway' if self._gateway else 'ingress'}, by DNS or in "
                f"/etc/hosts; see '{' '.join(app.kubectl('get', f'{kind.lower()}/{name}'))}' for the address",
            ) from None
        wait.page(app.client, self.url(settings), step, timeout, kind=kind)
        return False

    def close(self) -> None:
        self._forwarder.stop()


class ForwardedPort:
    """A port of this machine that a process in the background leads to the app's pods."""

    def __init__(self, context: str, namespace: str, forwarder: Forwarder) -> None:
        self._context, self._namespace, self._forwarder = context, namespace, forwarder

    def url(self, settings: Settings) -> str:
        return settings.url

    def endpoint(self, settings: Settings, app: Deployed, helper: HelperPod) -> Entrance:  # noqa: ARG002
        """From inside the cluster: a forwarded port leads to one pod, and ends with it."""
        service = app.client.get("Service", SERVICE)
        if service is None:
            raise UnavailableError(f"The service {SERVICE} is gone", fix="Run 'todoctl up' to make it again")
        address, port = str(service["spec"]["clusterIP"]), service["spec"]["ports"][0]["port"]
        return Entrance(
            url=f"http://{f'[{address}]' if ':' in address else address}:{port}",
            words="from a pod inside the cluster, through the service",
            transport=helper.transport(),
        )

    def open(
        self, settings: Settings, app: Deployed, commands: Commands, step: Step | None, timeout: float | None
    ) -> bool:
        commands.tell(app.kubectl("port-forward", f"service/{SERVICE}", f"{settings.port}:1234"))
        started = self._forwarder.start(self._context, self._namespace, settings.port)
        wait.page(app.client, settings.url, step, timeout, check=self._forwarder.check)
        return started

    def close(self) -> None:
        self._forwarder.stop()


def wait_inside(endpoint: Entrance, timeout: float) -> None:
    """Returns when the page answers at an endpoint inside the cluster."""

    with Site(endpoint.url, endpoint.transport) as site:
        wait.until(lambda: wait.page_missing(site), "There is no page at the service", None, timeout)
