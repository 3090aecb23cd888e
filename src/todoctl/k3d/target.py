"""The k3d target: a cluster, the app's image in its node, five resources, one page."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from todoctl.client import Client
from todoctl.errors import UnavailableError
from todoctl.home import Home
from todoctl.k3d import bring_up, image, image_pod, manifests, needed, node, page, preflight, rollout
from todoctl.k3d.cluster import are_ours, are_whole
from todoctl.k3d.context import Context
from todoctl.k3d.options import DEFAULT_BASE_IMAGE, ClusterOptions
from todoctl.k3d.pull import pull_missing
from todoctl.k3d.sides import INSIDE, NodeSide, PodSide
from todoctl.k3d.take_down import take_down
from todoctl.settings import Settings
from todoctl.target import Finding, ImageService, Progress, Side, require_aside

HALT_SECONDS = 1.0
"""For the kubelet to end what it does for a pod just now: it would start a container that is dead by then."""


class K3dTarget:
    """The app on a k3d cluster; see `todoctl.target.Target` for what each method promises."""

    name = "k3d"
    rolling = True

    def __init__(self, home: Home, options: ClusterOptions) -> None:
        self._given = options
        self._context = Context(home, options)

    @property
    def directory(self) -> Path:
        return self._context.directory

    @property
    def cache_directory(self) -> str:
        return INSIDE

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
        """The newest pod's."""
        pods = sorted(self._context.api.pods(), key=lambda pod: pod.metadata.creation_timestamp)
        if pods:
            yield from self._context.api.log(pods[-1].metadata.name, lines=lines, follow=follow)

    # Up and down

    def up(self, settings: Settings, progress: Progress) -> bool:
        preflight.check(self.findings(settings.port))
        context = self._context
        context.settle()
        pull_missing(context.engine, self._images(), progress)
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
        state = self._context.state()
        images = {self._context.options.base_image or DEFAULT_BASE_IMAGE: "--base-image"}
        if not are_whole(machines) or (state and not state["complete"]):
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
        pods, dying = self._standing(context), context.node.containers(manifests.CONTAINER)
        context.node.send("SIGSTOP", dying)
        try:
            for name in pods:
                context.api.delete({"kind": "Pod", "metadata": {"name": name}}, at_once=True)
            context.stop.wait(HALT_SECONDS)
        finally:
            with suppress(UnavailableError):  # the kubelet may have ended it by now
                context.node.send("SIGKILL", dying)
        rollout.wait(context.api, context.node, None, context.stop)
        if settings:
            page.wait(context, settings, None)

    def stop(self) -> None:
        context = self._context.remembered()
        settings = context.settings()
        if settings and context.api.deployment() is not None:
            context.api.apply(manifests.adapted(settings, context.options, self._image(), replicas=0)[2])
            rollout.wait_for_none(context.api, context.node, None, context.stop)

    def start(self, settings: Settings) -> None:
        context = self._context.remembered()
        bring_up.apply(context, settings, self._image())
        rollout.wait(context.api, context.node, None, context.stop)
        page.wait(context, settings, None)

    def _image(self) -> str:
        return str((self._context.state() or {})["image"])

    def _standing(self, context: Context) -> list[str]:
        """The names of the pods that run the app and are not ending; raises where there are none."""
        pods = [pod.metadata.name for pod in context.api.pods() if not pod.metadata.deletion_timestamp]
        if not pods:
            raise UnavailableError("The app does not run", fix="Start it with 'todoctl up'")
        return pods

    def sides(self) -> tuple[Side, Side]:
        """`docker exec` in the node against `exec` in the pod."""
        context = self._context.remembered()
        pod, *_ = self._standing(context)
        return NodeSide(context.node), PodSide(context.api, pod, fractions=context.node.tells_fractions)

    def image_service(self) -> AbstractContextManager[ImageService]:
        """In a pod beside the app."""
        context = self._context.remembered()
        return image_pod.running(context, self._image())

    def is_set_aside(self) -> bool:
        return self._context.remembered().node.has(node.ASIDE)

    def set_aside(self) -> None:
        there = self._context.remembered().node
        if there.has(node.CACHE):
            there.run("mv", "-T", node.CACHE, node.ASIDE)
        else:
            there.run("mkdir", node.ASIDE)

    def empty(self) -> None:
        """The app makes the directory itself, so that it is the app's own."""
        require_aside(self)
        self._context.node.run("rm", "-rf", node.CACHE)

    def put_file(self, name: str, content: bytes | None) -> None:
        require_aside(self)
        if content is None:
            self._context.node.run("rm", "-f", f"{node.CACHE}/{name}")
        else:
            self._context.node.put(node.CACHE, name, content)

    def put_back(self) -> None:
        """One rename decides: before it the set-aside cache is whole, after it it is back."""
        image_pod.remove(self._context.remembered().api)
        if self.is_set_aside():
            self._context.node.run("rm", "-rf", node.CACHE)
            self._context.node.run("mv", "-T", node.ASIDE, node.CACHE)
            # Where there was none, there is none again; a full one is not touched.
            self._context.node.run("find", node.CACHE, "-maxdepth", "0", "-empty", "-delete")
