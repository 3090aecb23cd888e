"""The kubernetes target: the app in a namespace of a cluster that exists already."""

import shutil
import time
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from todoctl import ports
from todoctl.client import Client
from todoctl.commands import SILENT, Commands
from todoctl.errors import BadUsageError, UnavailableError
from todoctl.home import Home, make_directory
from todoctl.kubernetes import manifests
from todoctl.kubernetes.app import App
from todoctl.kubernetes.apply import apply
from todoctl.kubernetes.attempts import wait_until
from todoctl.kubernetes.marks import is_ours
from todoctl.kubernetes.waiting import rollout
from todoctl.namespace import kill_program, rights
from todoctl.namespace.context import Context
from todoctl.namespace.forward import Forwarder
from todoctl.namespace.options import NamespaceOptions
from todoctl.namespace.volume import ClaimVolume
from todoctl.settings import Settings
from todoctl.target import Finding, Progress

PAGE_SECONDS = 60.0
DELETE_SECONDS = 120.0


class NamespaceTarget(App):
    """The app in a namespace; see `todoctl.target.Target` for what each method promises."""

    name = "kubernetes"
    rolling = False  # the port leads to one pod, and to the next one on the next connection
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
    def volume(self) -> ClaimVolume:
        return ClaimVolume(self._context())

    # What there is

    def findings(self, port: int) -> list[Finding]:
        """The API server, what may be done there, and the port."""
        api = self._place.api
        found = [Finding(subject="API server", ok=True, seen=api.server)]
        if not self._given.create_namespace:
            lacking = rights.missing(api)
            found.append(
                Finding(
                    subject=f"Rights in {self._given.namespace}",
                    ok=not lacking,
                    seen="not allowed: " + ", ".join(lacking) if lacking else "enough",
                    fix="Ask for a Role that allows this",
                )
            )
        if self.forwarder.leads(port):
            return [*found, Finding(subject=f"Port {port}", ok=True, seen="held by todoctl's own process")]
        try:
            ports.check_free(port)
            found.append(Finding(subject=f"Port {port}", ok=True, seen="free"))
        except UnavailableError as error:
            found.append(Finding(subject=f"Port {port}", ok=False, seen=error.why, fix=error.fix))
        return found

    def settings(self) -> Settings | None:
        return self._place.settings()

    def details(self) -> dict[str, str]:
        context = self._context()
        try:
            runs = ", ".join(sorted(self.instances())) or "nothing: 'todoctl up' starts it"
        except UnavailableError as error:
            runs = str(error)
        return {
            "Context": context.name,
            "Namespace": context.namespace,
            "Runs as": runs,
            "Image": self._image(),
        }

    # Up and down

    def up(self, settings: Settings, progress: Progress) -> bool:
        context = self._place
        state = context.state() or {}
        image = self._given.app_image or state.get("image")
        if not image:
            raise BadUsageError(
                "--app-image is missing", fix="Name an image that the cluster can pull, with --app-image"
            )
        if state:
            context.remembered()
            context.options = self._given
        wrong = [finding for finding in self.findings(settings.port) if not finding.ok]
        if wrong:
            raise UnavailableError(
                f"Namespace {self._given.namespace} cannot be used",
                why="; ".join(f"{finding.subject}: {finding.seen}" for finding in wrong),
                fix=" ".join(f"{finding.fix.rstrip('.')}." for finding in wrong if finding.fix),
            )
        if self._is_up(settings, str(image)):
            return False
        self._bring_up(settings, str(image), progress)
        return True

    def _bring_up(self, settings: Settings, image: str, progress: Progress) -> None:
        context = self._place
        if self._given.create_namespace:
            with progress.step(f"Create namespace {context.namespace}"):
                context.tell_kubectl("create", "namespace", context.namespace)
                context.api.make_namespace()
        make_directory(self.directory)
        context.remember(settings, image, context.claim_place())
        with progress.step("Apply claim, deployment and service"):
            self._check_ours(settings, image)
            apply(context, settings, image)
        with progress.step("Wait for the pod") as step:
            rollout.wait(context, step)
        with progress.step(f"Wait for the page at {settings.url}"):
            context.tell_kubectl("port-forward", f"service/{manifests.SERVICE}", f"{settings.port}:1234")
            self._wait_for_page(settings)

    def _check_ours(self, settings: Settings, image: str) -> None:
        """Raises where something of that name is there that todoctl has not made."""
        context = self._place
        for resource in context.resources(settings, image):
            there = context.api.read(resource)
            if there is not None and not is_ours(there):
                kind, name = resource["kind"], resource["metadata"]["name"]
                raise UnavailableError(
                    f"{kind} {name} is in namespace {context.namespace}, and todoctl has not made it",
                    fix="Use another namespace with --namespace",
                )

    def _is_up(self, settings: Settings, image: str) -> bool:
        """Whether everything is as `up` would leave it."""
        context = self._place
        state = context.state()
        if state is None or state != context.describe(settings, image, str(state.get("uid"))):
            return False
        try:
            with Client(f"http://127.0.0.1:{settings.port}") as client:
                client.find_page()
            wanted = manifests.deployment_of(context.resources(settings, image))
            return manifests.is_applied(wanted, context.api.deployment())
        except UnavailableError:
            return False

    def down(self, progress: Progress, *, keep_data: bool) -> bool:
        """Removes what carries todoctl's mark and nothing else."""
        context = self._place
        settings = context.settings()
        self.forwarder.stop()
        if settings is None:
            shutil.rmtree(self.directory, ignore_errors=True)
            return False
        context.remembered()
        going = [*reversed(context.resources(settings, self._image())), context.mark()]
        if keep_data:
            going = [one for one in going if one["kind"] != "PersistentVolumeClaim"]
        with progress.step("Delete service, deployment and claim") as step:
            self.remove_image_service()
            self.volume.remove_pod()
            for resource in going:
                if is_ours(context.api.read(resource)):
                    context.tell_kubectl(
                        "delete", f"{resource['kind'].lower()}/{resource['metadata']['name']}"
                    )
                    context.api.delete(resource)
            deadline = time.monotonic() + DELETE_SECONDS
            while left := [one for one in going if is_ours(context.api.read(one))]:
                names = ", ".join(f"{one['kind']} {one['metadata']['name']}" for one in left)
                step.update(f"waiting for {names} to go")
                if time.monotonic() > deadline:
                    raise UnavailableError(
                        f"{names} did not go within {DELETE_SECONDS:g} s",
                        why="something holds it, a finalizer or a pod",
                        fix="See 'kubectl describe'; then run 'todoctl down' again",
                    )
                time.sleep(0.3)
        shutil.rmtree(self.directory)
        for parent in (self.directory.parent, self.directory.parent.parent):
            with suppress(OSError):
                parent.rmdir()  # unless others are remembered there
        return True

    # For validate

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
        self.forwarder.start(context.name, context.namespace, settings.port)
        with Client(f"http://127.0.0.1:{settings.port}") as client:
            wait_until(context.stop, client.find_page, None, f"the page at {settings.url}", PAGE_SECONDS)

    def _addresses(self, settings: Settings) -> list[str]:
        return [f"http://127.0.0.1:{settings.port}"]

    def _image(self) -> str:
        return str((self._place.state() or {}).get("image"))
