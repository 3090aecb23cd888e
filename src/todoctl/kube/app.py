"""The app on a cluster: the methods of `todoctl.targets.base.Target` that need only the cluster's API."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager

from todoctl.kube import image_pod, manifests
from todoctl.kube.apply import apply
from todoctl.kube.context import Context
from todoctl.kube.waiting import rollout
from todoctl.settings import Settings
from todoctl.targets.base import ImageService
from todoctl.targets.endpoint import Entrance

DEPLOYMENT = f"deployment/{manifests.DEPLOYMENT}"
PODS = (f"--selector={manifests.SELECTOR}",)


class App(ABC):
    """What runs in the pods of the app's deployment."""

    rolling = True
    start_seconds = 9.0
    grace = 0
    """Seconds that a pod has to end when it is deleted without notice."""

    @abstractmethod
    def _context(self) -> Context:
        """Where the app is."""

    @abstractmethod
    def _image(self) -> str:
        """The image that the app was brought up with."""

    @abstractmethod
    def settings(self) -> Settings | None:
        """What `up` was last asked for; None where nothing is up."""

    def page(self, settings: Settings) -> str:
        return settings.url

    @abstractmethod
    def _wait_for_page(self, settings: Settings) -> None:
        """Until visitors get the page."""

    @abstractmethod
    def entrance(self, settings: Settings) -> Entrance:
        """How visitors come to the app in a validation."""

    @abstractmethod
    def _end_containers(self) -> None:
        """Ends without notice what still runs of pods that are deleted."""

    def instances(self) -> frozenset[str]:
        """The pods that run the app and are not ending."""
        return frozenset(
            f"pod {pod.metadata.name} (UID {pod.metadata.uid})"
            for pod in self._context().api.pods()
            if not pod.metadata.deletion_timestamp
        )

    def logs(self, *, follow: bool, lines: int) -> Iterator[str]:
        """The newest pod's; one that is ending is on the list for a while when its container has gone."""
        api = self._context().api
        found = api.pods()
        pods = sorted(rollout.standing(found) or found, key=lambda pod: pod.metadata.creation_timestamp)
        if pods:
            yield from api.log(pods[-1].metadata.name, lines=lines, follow=follow)

    def restart(self) -> None:
        """What `kubectl rollout restart` does."""
        context = self._context()
        context.tell_kubectl("rollout", "restart", DEPLOYMENT)
        context.api.restart()
        rollout.wait(context, None)

    def stop(self, *, at_once: bool = False) -> None:
        context = self._context()
        settings = self.settings()
        if not settings or context.api.deployment() is None:
            return
        context.tell_kubectl("scale", DEPLOYMENT, "--replicas=0")
        none = context.resources(settings, self._image(), replicas=0)
        context.api.apply(manifests.deployment_of(none))
        if at_once:
            rollout.wait_for_end(context)
            self._delete_pods([pod.metadata.name for pod in context.api.pods()])
            self._end_containers()
        else:
            context.tell_kubectl("wait", "pods", *PODS, "--for=delete")
        rollout.wait_for_none(context, None)

    def scale(self, number: int) -> list[str]:
        """The service spreads page views over the pods, all at one address."""
        context = self._context()
        context.tell_kubectl("scale", DEPLOYMENT, f"--replicas={number}")
        context.api.scale(number)
        rollout.wait(context, None)
        settings = self.settings()
        return [self.entrance(settings).url] if settings else []

    def start(self, settings: Settings) -> None:
        context = self._context()
        apply(context, settings, self._image())
        rollout.wait(context, None)
        self._wait_for_page(settings)

    def _delete_pods(self, names: list[str]) -> None:
        """Without time to end."""
        context = self._context()
        context.tell_kubectl("delete", "pods", *PODS, "--grace-period=0", "--force")
        for name in names:
            context.api.delete({"kind": "Pod", "metadata": {"name": name}}, grace=self.grace)

    def image_service(self) -> AbstractContextManager[ImageService]:
        """In a pod beside the app."""
        return image_pod.running(self._context(), self._image())

    def remove_image_service(self) -> None:
        image_pod.remove(self._context())
