"""The k3d target: a cluster, the app's image in its node, five resources, one page."""

from contextlib import suppress
from functools import cached_property
from pathlib import Path

from todoctl.client import Client
from todoctl.commands import SILENT, Commands
from todoctl.errors import UnavailableError
from todoctl.home import Home
from todoctl.images import image
from todoctl.images.image import DEFAULT_BASE_IMAGE
from todoctl.images.pull import pull_missing
from todoctl.kube import manifests
from todoctl.kube.app import App
from todoctl.kube.waiting import rollout
from todoctl.settings import Settings
from todoctl.targets.base import Finding, Progress
from todoctl.targets.endpoint import Entrance, on_this_machine
from todoctl.targets.k3d import bring_up, node, page, preflight, required_images
from todoctl.targets.k3d.cluster import are_ours
from todoctl.targets.k3d.context import Context
from todoctl.targets.k3d.options import ClusterOptions
from todoctl.targets.k3d.take_down import take_down
from todoctl.targets.k3d.volume import NodeVolume
from todoctl.targets.marker import FileRecord
from todoctl.targets.volume import Volume

HALT_SECONDS = 1.0
"""For the kubelet to end what it does for a pod just now: it would start a container that is dead by then."""


class K3dTarget(App):
    """The app on a k3d cluster; see `todoctl.targets.base.Target` for what each method promises."""

    name = "k3d"

    def __init__(self, home: Home, options: ClusterOptions, commands: Commands = SILENT) -> None:
        self._given = options
        self._cluster = Context(home, options, commands)
        self.record = FileRecord(self.directory)

    @property
    def directory(self) -> Path:
        return self._cluster.directory

    def _context(self) -> Context:
        return self._cluster.remembered()

    @cached_property
    def volume(self) -> Volume:
        return NodeVolume(self._context())

    # What there is

    def findings(self, port: int) -> list[Finding]:
        return preflight.examine(self._given, port)

    def settings(self) -> Settings | None:
        return self._cluster.settings()

    def details(self) -> dict[str, str]:
        """Cluster, pod, volume, image."""
        context = self._context()
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

    # Up and down

    def up(self, settings: Settings, progress: Progress) -> bool:
        preflight.check(self.findings(settings.port))
        context = self._cluster
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
        machines = self._cluster.cluster.machines()
        images = {self._cluster.options.base_image or DEFAULT_BASE_IMAGE: "--base-image"}
        if self._cluster.awaits_creation(machines):
            return required_images.by_cluster(self._cluster.options) | images
        if not all(machine.running for machine in machines):
            return required_images.by_start() | images
        return images

    def _is_up(self, settings: Settings, tag: str) -> bool:
        """Whether everything is as `up` would leave it."""
        context = self._cluster
        machines = context.cluster.machines()
        state = context.state()
        if not machines or state is None:
            return False
        found_data = bool(state.get("found_data"))
        if state != context.describe(
            settings, tag, ours=are_ours(machines), complete=True, found_data=found_data
        ):
            return False
        if not all(machine.running for machine in machines) or not context.node.has(node.VOLUME):
            return False
        try:
            with Client(f"http://127.0.0.1:{settings.port}") as client:
                client.find_page()
            return manifests.is_applied(
                manifests.deployment_of(context.resources(settings, tag)), context.api.deployment()
            )
        except UnavailableError:
            return False

    def down(self, progress: Progress, *, keep_data: bool) -> bool:
        return take_down(self._context(), progress, keep_data=keep_data)

    # For validate

    def kill(self) -> None:
        """SIGKILL from the node, and a new pod in the place of the one that has died.

        The kubelet would start a dead container again, each time later (its back-off), and one that it ends
        it asks to do so (SIGTERM). So the app is halted first, its pod deleted, and the app killed when the
        kubelet has done with that pod: once halted it does nothing more, and nobody starts it again.
        """
        context = self._context()
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
        rollout.wait(context, None)
        if settings:
            self._wait_for_page(settings)

    def _end_containers(self) -> None:
        context = self._context()
        self._tell_signal("SIGKILL")
        with suppress(UnavailableError):  # the kubelet may have ended it by now
            context.node.send("SIGKILL", context.node.containers(manifests.CONTAINER))

    def _wait_for_page(self, settings: Settings) -> None:
        page.wait(self._context(), settings, None)

    def entrance(self, settings: Settings) -> Entrance:
        return on_this_machine(settings.port, "through the cluster's ingress")

    def _tell_signal(self, signal: str) -> None:
        """A person looks up the containers first. The kubelet may have ended them before SIGKILL."""
        context = self._cluster
        found = context.node.inside(*node.listing(manifests.CONTAINER))
        kill = context.node.inside(*node.signalling(signal))
        context.commands.tell(
            found, ["xargs", "--no-run-if-empty", "-n1", *kill], may_fail=signal == "SIGKILL"
        )

    def _image(self) -> str:
        return str((self._cluster.state() or {})["image"])
