"""How people and visitors come to the page: a published port, an ingress or a route, or a forwarded port."""

import socket
from dataclasses import dataclass

from todoctl.client import Client as Site
from todoctl.errors import UnavailableError
from todoctl.kube import wait
from todoctl.kube.app import App
from todoctl.kube.helper_pod import HelperPod
from todoctl.kube.manifests import INGRESS, ROUTE, SERVICE
from todoctl.settings import Settings
from todoctl.targets.base import Endpoint, Progress, Step
from todoctl.targets.kubernetes.forward import Forwarder

ASK = ("curl", "--head", "--fail", "--retry", "300", "--retry-delay", "1", "--retry-all-errors")
"""No page view, and again for as long as load balancer or ingress answer with an error."""


@dataclass(frozen=True, slots=True)
class Page:
    """The page of an app on a cluster.

    With a `host` an ingress, or the route of a `gateway`, leads there. With a `forwarder` a process in the
    background forwards a port of this machine to the app's pods. Else a port of this machine leads to port 80
    of the nodes, as k3d's load balancer does.
    """

    host: str | None = None
    gateway: str | None = None
    forwarder: Forwarder | None = None

    def url(self, settings: Settings) -> str:
        """Returns where people find it."""
        return f"http://{self.host}" if self.host else settings.url

    def endpoint(self, settings: Settings, app: App, helper: HelperPod) -> Endpoint:
        """Returns how visitors come to it in a validation.

        If a port is forwarded, from inside the cluster: such a port leads to one pod, and ends with it.
        """
        if self.host:
            by = f"gateway {self.gateway}" if self.gateway else "ingress"
            return Endpoint(url=self.url(settings), words=f"through the cluster's {by}")
        if self.forwarder is None:
            return Endpoint(url=f"http://127.0.0.1:{settings.port}", words="through the cluster's ingress")
        service = app.client.get("Service", SERVICE)
        if service is None:
            raise UnavailableError(f"The service {SERVICE} is gone", fix="Run 'todoctl up' to make it again")
        address, port = str(service["spec"]["clusterIP"]), service["spec"]["ports"][0]["port"]
        return Endpoint(
            url=f"http://{f'[{address}]' if ':' in address else address}:{port}",
            words="from a pod inside the cluster, through the service",
            transport=helper.transport(),
        )

    def open(
        self,
        settings: Settings,
        app: App,
        step: Step | None,
        timeout: float | None,
        progress: Progress | None = None,
    ) -> bool:
        """Returns when the page is there: True if something had to be started for it."""
        if self.forwarder and not self.host:
            if progress:
                progress.command(app.kubectl("port-forward", f"service/{SERVICE}", f"{settings.port}:1234"))
            started = self.forwarder.start(settings.port)
            wait.page(app.client, settings.url, step, timeout, check=self.forwarder.check)
            return started
        kind, name = ("HTTPRoute", ROUTE) if self.gateway else ("Ingress", INGRESS)
        look = app.kubectl("get", f"{kind.lower()}/{name}")
        if progress:
            progress.command(look)
            progress.command([*ASK, f"{self.url(settings)}/"])
        if not self.host:
            address = f"http://127.0.0.1:{settings.port}"
            wait.page(app.client, address, step, timeout, kind=kind, on_nodes=True)
            return False
        if self.forwarder:
            self.forwarder.stop()  # of an earlier `up` without a host
        self._resolve(" ".join(look))
        wait.page(app.client, self.url(settings), step, timeout, kind=kind)
        return False

    def _resolve(self, look: str) -> None:
        """Raises if the host's name leads nowhere: that does not get better by waiting."""
        try:
            socket.getaddrinfo(str(self.host).partition(":")[0], None)
        except OSError as error:
            raise UnavailableError(
                f"There is no page at http://{self.host}",
                why=f"the name {self.host} is not known here: {error.strerror or error}",
                fix=f"Point it at the cluster's {'gateway' if self.gateway else 'ingress'}, by DNS or in "
                f"/etc/hosts; see '{look}' for the address",
            ) from None


def wait_inside(endpoint: Endpoint, timeout: float) -> None:
    """Returns when the page answers at an endpoint inside the cluster."""
    with Site(endpoint.url, endpoint.transport) as site:
        wait.until(lambda: wait.page_missing(site), "There is no page at the service", None, timeout)
