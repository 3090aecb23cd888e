"""The k3d target: a cluster, the app's image in its node, five resources, one page."""

import json
from collections.abc import Iterator
from pathlib import Path

from todoctl.client import Client
from todoctl.errors import UnavailableError
from todoctl.home import Home
from todoctl.k3d import bring_up, image, manifests, node, preflight, rollout
from todoctl.k3d.cluster import are_ours
from todoctl.k3d.context import Context
from todoctl.k3d.options import ClusterOptions
from todoctl.k3d.take_down import take_down
from todoctl.settings import Settings
from todoctl.target import File, Finding, Listing, Progress

INSIDE = "/usr/src/app/files/cache"
LIST = f"""
import json, os
files = [(e.name, e.stat()) for e in os.scandir({INSIDE!r}) if e.is_file()]
print(json.dumps(sorted((name, stat.st_size, int(stat.st_mtime)) for name, stat in files)))
"""


def quiet(_: str) -> None:
    """For waits inside a step that somebody else shows."""


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
        tag = image.reference(context.engine, self._given.base_image)
        if self._is_up(settings, tag):
            return False
        try:
            bring_up.bring_up(context, settings, tag, progress)
        finally:
            context.stop.set()
        return True

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
        rollout.wait(context.api, context.node, quiet, context.stop)

    def stop(self) -> None:
        context = self._context.remembered()
        settings = context.settings()
        if settings and context.api.deployment() is not None:
            context.api.apply(manifests.adapted(settings, context.options, self._image(), replicas=0)[2])
            rollout.wait_for_none(context.api, context.node, quiet, context.stop)

    def start(self, settings: Settings) -> None:
        context = self._context.remembered()
        bring_up.apply(context, settings, self._image())
        rollout.wait(context.api, context.node, quiet, context.stop)
        bring_up.wait_for_page(context, settings, None)

    def _image(self) -> str:
        return str((self._context.state() or {})["image"])

    def listings(self) -> tuple[Listing, Listing]:
        """`docker exec` in the node against `exec` in the pod."""
        context = self._context.remembered()
        pods = [pod.metadata.name for pod in context.api.pods() if not pod.metadata.deletion_timestamp]
        if not pods:
            raise UnavailableError("The app does not run", fix="Start it with 'todoctl up'")
        inside = json.loads(context.api.execute(pods[0], "python3", "-c", LIST))
        return (
            Listing(
                seen_from=f"the node {context.node.name}: {node.CACHE}", files=context.node.files(node.CACHE)
            ),
            Listing(
                seen_from=f"the pod {pods[0]}: {INSIDE}",
                files=tuple(File(name=name, size=size, modified=at) for name, size, at in inside),
            ),
        )

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
        if not self.is_set_aside():
            raise UnavailableError("The cache is not set aside, so it is not emptied")
        self._context.node.run("rm", "-rf", node.CACHE)

    def put_back(self) -> None:
        """One rename decides: before it the set-aside cache is whole, after it it is back."""
        if self.is_set_aside():
            self._context.node.run("rm", "-rf", node.CACHE)
            self._context.node.run("mv", "-T", node.ASIDE, node.CACHE)
            # Where there was none, there is none again; a full one is not touched.
            self._context.node.run("find", node.CACHE, "-maxdepth", "0", "-empty", "-delete")
