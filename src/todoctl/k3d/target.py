"""The k3d target: a cluster, the app's image in its node, five resources, one page."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from functools import cached_property
from pathlib import Path

from todoctl.client import Client
from todoctl.commands import SILENT, Commands
from todoctl.errors import UnavailableError
from todoctl.home import Home
from todoctl.k3d import bring_up, image_pod, manifests, node, preflight
from todoctl.k3d.cluster import are_ours
from todoctl.k3d.context import Context
from todoctl.k3d.images import image, needed
from todoctl.k3d.images.pull import pull_missing
from todoctl.k3d.options import DEFAULT_BASE_IMAGE, ClusterOptions
from todoctl.k3d.take_down import take_down
from todoctl.k3d.volume import NodeVolume
from todoctl.k3d.waiting import page, rollout
from todoctl.settings import Settings
from todoctl.target import Finding, ImageService, Progress
from todoctl.volume import Volume

DEPLOYMENT = f"deployment/{manifests.DEPLOYMENT}"
PODS = (f"--selector={manifests.SELECTOR}",)

HALT_SECONDS = 1.0
"""For the kubelet to end what it does for a pod just now: it would start a container that is dead by then."""


class K3dTarget:
    """The app on a k3d cluster; see `todoctl.target.Target` for what each method promises."""

    name = "k3d"
    rolling = True

    def __init__(self, home: Home, options: ClusterOptions, commands: Commands = SILENT) -> None:
        self._given = options
        self._context = Context(home, options, commands)

    @property
    def directory(self) -> Path:
        return self._context.directory

    @cached_property
    def volume(self) -> Volume:
        return NodeVolume(self._context.remembered())

    # What there is

    def findings(self, port: int) -> list[Finding]:
        return preflight.examine(self._given, port)

    def settings(self) -> Settings | None:
        return self._context.settings()

    def instances(self) -> frozenset[str]:
        """The pods that run the app and are not ending."""
        return frozenset(
            f"pod {pod.metadata.name} (UID {pod.metadata.uid})"
            for pod in self._context.api.pods()
            if not pod.metadata.deletion_timestamp
        )

    def details(self) -> dict[str, str]:
        """Cluster, pod, volume, image."""
        context = self._context.remembered()
        state = context.state() or {}
        try:
            runs = ", ".join(sorted(self.instances())) or "nothing: 'todoctl up' starts it"
        except UnavailableError as error:
            runs = str(error)
        return {
            "Cluster": context.options.cluster + ("" if state.get("ours") else " (adopted)"),
            "Runs as": runs,
            "Volume": f"{node.CACHE} in {context.options.node}",
            "Image": str(state.get("image")),
            "Kubeconfig": str(context.kubeconfig),
        }

    def logs(self, *, follow: bool, lines: int) -> Iterator[str]:
        """The newest pod's; one that is ending is on the list for a while when its container has gone."""
        found = self._context.api.pods()
        pods = sorted(rollout.standing(found) or found, key=lambda pod: pod.metadata.creation_timestamp)
        if pods:
            yield from self._context.api.log(pods[-1].metadata.name, lines=lines, follow=follow)

    # Up and down

    def up(self, settings: Settings, progress: Progress) -> bool:
        preflight.check(self.findings(settings.port))
        context = self._context
        context.settle()
        pull_missing(context.engine, self._images(), progress, context.commands)
        tag = image.reference(context.engine, context.options.base_image)
        if self._is_up(settings, tag):
            return False
        try:
            bring_up.bring_up(context, settings, tag, progress)
        finally:
            context.stop.set()
        return True

    def _images(self) -> dict[str, str]:
        """The images that `up` needs, each with the option or variable that names another one."""
        machines = self._context.cluster.machines()
        images = {self._context.options.base_image or DEFAULT_BASE_IMAGE: "--base-image"}
        if self._context.awaits_creation(machines):
            return needed.by_cluster(self._context.options) | images
        if not all(machine.running for machine in machines):
            return needed.by_start() | images
        return images

    def _is_up(self, settings: Settings, tag: str) -> bool:
        """Whether everything is as `up` would leave it."""
        context = self._context
        machines = context.cluster.machines()
        ours = are_ours(machines)
        if not machines or context.state() != context.describe(settings, tag, ours=ours, complete=True):
            return False
        if not all(machine.running for machine in machines) or not context.node.has(node.VOLUME):
            return False
        try:
            with Client(f"http://127.0.0.1:{settings.port}") as client:
                client.find_page()
            return manifests.is_applied(context.api.deployment(), settings, context.options, tag)
        except UnavailableError:
            return False

    def down(self, progress: Progress, *, keep_data: bool) -> bool:
        return take_down(self._context.remembered(), progress, keep_data=keep_data)

    # For validate

    def restart(self) -> None:
        """What `kubectl rollout restart` does."""
        context = self._context.remembered()
        context.tell_kubectl("rollout", "restart", DEPLOYMENT)
        bring_up.tell_rollout(context)
        context.api.restart()
        rollout.wait(context.api, context.node, None, context.stop)

    def kill(self) -> None:
        """SIGKILL from the node, and a new pod in the place of the one that has died.

        The kubelet would start a dead container again, each time later (its back-off), and one that it ends
        it asks to do so (SIGTERM). So the app is halted first, its pod deleted, and the app killed when the
        kubelet has done with that pod: once halted it does nothing more, and nobody starts it again.
        """
        context = self._context.remembered()
        settings = context.settings()
        pods, dying = rollout.require_standing(context.api), context.node.containers(manifests.CONTAINER)
        context.node.send("SIGSTOP", dying)
        self._tell_signal("SIGSTOP")
        try:
            self._delete_pods(pods)
            context.stop.wait(HALT_SECONDS)
        finally:
            self._tell_signal("SIGKILL")
            with suppress(UnavailableError):  # the kubelet may have ended it by now
                context.node.send("SIGKILL", dying)
        bring_up.tell_rollout(context)
        rollout.wait(context.api, context.node, None, context.stop)
        if settings:
            page.wait(context, settings, None)

    def stop(self, *, at_once: bool = False) -> None:
        context = self._context.remembered()
        settings = context.settings()
        if not settings or context.api.deployment() is None:
            return
        context.tell_kubectl("scale", DEPLOYMENT, "--replicas=0")
        context.api.apply(manifests.adapted(settings, context.options, self._image(), replicas=0)[2])
        if at_once:
            rollout.wait_for_end(context.api, context.stop)
            self._delete_pods([pod.metadata.name for pod in context.api.pods()])
            self._tell_signal("SIGKILL")
            with suppress(UnavailableError):  # the kubelet may have ended it by now
                context.node.send("SIGKILL", context.node.containers(manifests.CONTAINER))
        else:
            context.tell_kubectl("wait", "pods", *PODS, "--for=delete")
        rollout.wait_for_none(context.api, context.node, None, context.stop)

    def scale(self, number: int) -> list[str]:
        """The service spreads page views over the pods, all at one address."""
        context = self._context.remembered()
        context.tell_kubectl("scale", DEPLOYMENT, f"--replicas={number}")
        bring_up.tell_rollout(context)
        context.api.scale(number)
        rollout.wait(context.api, context.node, None, context.stop)
        settings = context.settings()
        return [f"http://127.0.0.1:{settings.port}"] if settings else []

    def start(self, settings: Settings) -> None:
        context = self._context.remembered()
        bring_up.apply(context, settings, self._image())
        bring_up.tell_rollout(context)
        rollout.wait(context.api, context.node, None, context.stop)
        page.wait(context, settings, None)

    def _delete_pods(self, names: list[str]) -> None:
        """Without time to end."""
        self._context.tell_kubectl("delete", "pods", *PODS, "--grace-period=0", "--force")
        for name in names:
            self._context.api.delete({"kind": "Pod", "metadata": {"name": name}}, at_once=True)

    def _tell_signal(self, signal: str) -> None:
        """A person looks up the containers first."""
        context = self._context
        found = context.node.inside(*node.listing(manifests.CONTAINER))
        kill = context.node.inside(*node.signalling(signal))
        context.commands.tell(found, ["xargs", "--no-run-if-empty", "-n1", *kill])

    def _image(self) -> str:
        return str((self._context.state() or {})["image"])

    def image_service(self) -> AbstractContextManager[ImageService]:
        """In a pod beside the app."""
        context = self._context.remembered()
        return image_pod.running(context, self._image())

    def remove_image_service(self) -> None:
        image_pod.remove(self._context.remembered())
