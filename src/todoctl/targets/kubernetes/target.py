"""The kubernetes target: the app in a namespace of a cluster that exists already."""

from contextlib import suppress
from functools import cached_property
from pathlib import Path

from todoctl.client import Client
from todoctl.commands import SILENT, Commands
from todoctl.errors import UnavailableError
from todoctl.home import Home
from todoctl.kube import manifests
from todoctl.kube.app import App
from todoctl.kube.attempts import wait_until
from todoctl.kube.waiting import rollout
from todoctl.settings import Settings
from todoctl.targets.base import Finding, Progress
from todoctl.targets.endpoint import Entrance
from todoctl.targets.kubernetes import kill_program, page, preflight, transport
from todoctl.targets.kubernetes.bring_up import bring_up, provide_image
from todoctl.targets.kubernetes.context import Context
from todoctl.targets.kubernetes.forward import Forwarder
from todoctl.targets.kubernetes.helper_pod import HelperPod
from todoctl.targets.kubernetes.options import NamespaceOptions
from todoctl.targets.kubernetes.record import NamespaceRecord
from todoctl.targets.kubernetes.take_down import take_down
from todoctl.targets.kubernetes.transport import PodTransport
from todoctl.targets.kubernetes.volume import ClaimVolume

SERVICE_SECONDS = 60.0


class NamespaceTarget(App):
    """The app in a namespace; see `todoctl.targets.base.Target` for what each method promises."""

    name = "kubernetes"
    grace = 1  # one that is forgotten at once may still be at work on the volume

    def __init__(self, home: Home, options: NamespaceOptions, commands: Commands = SILENT) -> None:
        self._given = options
        self._place = Context(home, options, commands)
        self.forwarder = Forwarder(self.directory)

    @property
    def directory(self) -> Path:
        return self._place.directory

    def _context(self) -> Context:
        return self._place.remembered()

    @cached_property
    def record(self) -> NamespaceRecord:
        return NamespaceRecord(self._place)

    @cached_property
    def volume(self) -> ClaimVolume:
        return ClaimVolume(self._context(), self._pod)

    @cached_property
    def _pod(self) -> HelperPod:
        return HelperPod(self._context())

    @cached_property
    def _transport(self) -> PodTransport:
        commands = self._context().api.pod_commands
        return PodTransport(lambda: commands.begin(self._pod.require(), *transport.COMMAND))

    # What there is

    def findings(self, port: int) -> list[Finding]:
        return preflight.examine(self._place, self.forwarder, port)

    def settings(self) -> Settings | None:
        return self._place.settings()

    def page(self, settings: Settings) -> str:
        return page.url(self._context(), settings)

    def details(self) -> dict[str, str]:
        """Where it is, its pods and its image, and who else validates it."""
        context = self._context()
        try:
            runs = ", ".join(sorted(self.instances())) or "nothing: 'todoctl up' starts it"
            other = self.record.other()
        except UnavailableError as error:
            runs, other = str(error), None
        return {
            "Context": context.name,
            "Namespace": context.namespace,
            "Runs as": runs,
            "Image": self._image(),
            **({"Validation": f"under way: {other}"} if other else {}),
        }

    # Up and down

    def up(self, settings: Settings, progress: Progress) -> bool:
        context = self._place
        if context.state():
            context.options = self._given.over(context.remembered().options)
        preflight.require(context, self.forwarder, settings.port)
        self.record.check()
        image = provide_image(context, progress)
        if self._is_up(settings, image):
            return False
        bring_up(context, settings, image, self.forwarder, progress)
        return True

    def _is_up(self, settings: Settings, image: str) -> bool:
        """Whether everything is as `up` would leave it."""
        context = self._place
        state = context.state()
        if state is None or state != context.describe(settings, image, str(state.get("uid"))):
            return False
        try:
            with Client(page.url(context, settings)) as client:
                client.find_page()
            wanted = manifests.deployment_of(context.resources(settings, image))
            return manifests.is_applied(wanted, context.api.deployment())
        except UnavailableError:
            return False

    def down(self, progress: Progress, *, keep_data: bool) -> bool:
        context = self._place
        known = context.known()
        if known is None or (keep_data and context.state() is None):
            self.forwarder.stop()
            if known is None:
                context.forget()
            return False
        try:
            context.remembered(leaving=True)
        except UnavailableError:
            self.forwarder.stop()  # it would lead elsewhere, or nowhere
            raise
        self.record.check()  # the port goes on where this refuses
        self.forwarder.stop()
        self.remove_image_service()
        self._pod.remove()
        settings, image = context.settings_in(known), str(known["image"])
        take_down(context, settings, image, progress, keep_data=keep_data)
        return True

    # For validate

    def entrance(self, settings: Settings) -> Entrance:
        """The ingress; where there is none, the service, asked from inside the cluster."""
        context = self._context()
        if context.options.host:
            way = f"gateway {context.options.gateway}" if context.options.gateway else "ingress"
            return Entrance(url=self.page(settings), words=f"through the cluster's {way}")
        found = context.api.read({"kind": "Service", "metadata": {"name": manifests.SERVICE}})
        if found is None:
            raise UnavailableError(
                f"The service {manifests.SERVICE} is gone", fix="Run 'todoctl up' to make it again"
            )
        address = str(found.spec.cluster_ip)
        host = f"[{address}]" if ":" in address else address
        return Entrance(
            url=f"http://{host}:{found.spec.ports[0].port}",
            words="from a pod inside the cluster, through the service",
            transport=self._transport,
        )

    def start(self, settings: Settings) -> None:
        """One pod, while the user's own cache is set aside: a validation knows of no others."""
        self._place.alone = self.volume.is_set_aside()
        super().start(settings)

    def kill(self) -> None:
        """SIGKILL from inside the pod, and a new pod in the place of the one whose container has died."""
        context = self._context()
        names = rollout.require_standing(context.api)
        for name in names:
            with suppress(UnavailableError):  # the command may end with what it has killed
                context.api.pod_commands.run(name, "python3", "-S", "-c", kill_program.TEXT)
        self._delete_pods(names)
        rollout.wait(context, None)
        if settings := self.settings():
            self._wait_for_page(settings)

    def _end_containers(self) -> None:
        """A pod is listed until that has happened."""

    def _wait_for_page(self, settings: Settings) -> None:
        context = self._place
        page.wait(context, settings, self.forwarder, None)
        if self._pod.runs:  # visitors may come from there
            entrance = self.entrance(settings)
            with Client(entrance.url, entrance.transport) as client:
                wait_until(context.stop, client.find_page, None, "the page at the service", SERVICE_SECONDS)

    def _image(self) -> str:
        return str((self._place.state() or {}).get("image"))
