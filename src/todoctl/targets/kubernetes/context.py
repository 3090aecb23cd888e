"""What every step in a namespace needs: options, what is remembered, and the way to its API."""

import os
from functools import cached_property
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from todoctl.commands import SILENT, Commands
from todoctl.errors import BadUsageError, UnavailableError
from todoctl.home import Home, damaged
from todoctl.kube import context
from todoctl.kube.answers import TIMEOUT
from todoctl.kube.manifests import Resource, digest
from todoctl.kube.ownership import is_ours, marked
from todoctl.settings import Settings
from todoctl.targets.kubernetes import resources
from todoctl.targets.kubernetes.options import NamespaceOptions

if TYPE_CHECKING:
    from todoctl.kube.api import Api

FOLDER = "kubernetes"
"""Below todoctl's home; in it one for each context, and in that one for each namespace."""

MARK = "todoctl"
"""The ConfigMap that says that todoctl is at home in the namespace."""


class Context(context.Context):
    """One namespace, as named by `options`, and what is remembered of it in `directory`."""

    def __init__(self, home: Home, options: NamespaceOptions, commands: Commands = SILENT) -> None:
        place = Path(FOLDER, quote(options.context, safe=""), options.namespace)
        super().__init__(home.path, place, commands)
        self.options = options
        self.namespace = options.namespace

    @cached_property
    def api(self) -> "Api":
        """By the context that was named, never the current one."""
        from todoctl.kube.api import Api

        return Api(os.environ.get("KUBECONFIG"), self.namespace, context=self.options.context)

    @property
    def name(self) -> str:
        return self.options.context

    @property
    def node_name(self) -> None:
        """The scheduler knows where the volume can be."""

    @property
    def pull_secrets(self) -> tuple[str, ...]:
        return self.options.pull_secret

    alone = False
    """Whether one pod is to run, however many the user wants."""

    def resources(self, settings: Settings, image: str, *, replicas: int | None = None) -> list[Resource]:
        if replicas is None:
            replicas = 1 if self.alone else self.options.replicas
        return resources.resources(settings, self.options, image, replicas=replicas)

    def printing(self, settings: Settings, image: str) -> list[str]:
        return resources.command(settings, self.options, image)

    def running(self) -> int:
        """As many as there are pods: one that ends is listed until its kubelet has ended it."""
        return len(self.api.pods())

    def kubectl(self, *arguments: str) -> list[str]:
        return super().kubectl(f"--namespace={self.namespace}", *arguments)

    def ask_pod(self, method: str, pod: str, port: int, path: str) -> bytes:
        """Over a forwarded port: the API server's proxy would be one more right."""
        connection = HTTPConnection(pod, port)
        connection.sock = self.api.pod_commands.connect(pod, port)
        connection.sock.settimeout(TIMEOUT)  # what leads there may end without closing its end
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, HTTPException) as error:
            raise UnavailableError(
                f"The pod {pod} does not answer", why=repr(error), fix="Run the command again"
            ) from None
        finally:
            connection.close()
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise UnavailableError(
                f"The pod {pod} has refused",
                why=f"{answer.status} {answer.reason}",
                fix=f"See '{' '.join(self.kubectl('logs', pod))}'",
            )
        return body

    def remembered(self, *, leaving: bool = False) -> "Context":
        """This context with the options that the app was brought up with, where that is known.

        Raises `UnavailableError` where the kubeconfig's context now points elsewhere; and, unless what is
        left is to be taken away (`leaving`), where the mark has gone.
        """
        state = self.known() if leaving else self.state()
        if state is not None:
            try:
                self.options = NamespaceOptions.from_json(state["options"])
            except (KeyError, TypeError, BadUsageError) as error:
                raise damaged(self.file, error) from None
            if not self._is_checked:
                self._check_place(state, leaving=leaving)
        return self

    def _check_place(self, state: dict[str, Any], *, leaving: bool) -> None:
        forget = f"forget what was up there: rm -r '{self.directory}'"
        try:
            there = self.api.read(self.mark())
        except UnavailableError as error:
            if leaving:  # whose namespace was deleted has no rights there any more
                error.fix = f"{error.fix}; if the namespace is gone, {forget}"
            raise
        seen = (self.api.server, there and there.metadata.uid)
        known = (state.get("server"), state.get("uid"))
        if there is None and seen[0] == known[0]:
            if not leaving:
                raise UnavailableError(
                    f"The app has gone from namespace {self.namespace}",
                    why=f"its ConfigMap {MARK} is not there any more: somebody has taken it down",
                    fix="Run 'todoctl down', which takes away what is left, then 'todoctl up'",
                )
        elif seen != known:
            raise UnavailableError(
                f"The context {self.name} now points elsewhere",
                why=f"{self.namespace} there is {seen[0]} {seen[1]}, and not {known[0]} {known[1]}",
                fix=f"Mend your kubeconfig; or {forget}",
            )
        self._is_checked = True

    _is_checked = False

    def mark(self) -> Resource:
        """A ConfigMap, whose UID tells this namespace from all others."""
        return marked(
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": MARK, "namespace": self.namespace},
                "data": {"about": "todoctl has brought up its app here; 'todoctl down' takes it away"},
            }
        )

    def claim_place(self) -> str:
        """Makes the mark; returns its UID. Raises where somebody else's is in its place."""
        there = self.api.read(self.mark())
        if there is not None and not is_ours(there):
            raise UnavailableError(
                f"Namespace {self.namespace} has a ConfigMap {MARK} that todoctl has not made",
                fix="Use another namespace with --namespace",
            )
        self.api.apply(self.mark())
        found = self.api.read(self.mark())
        return str(found.metadata.uid) if found else ""

    def describe(self, settings: Settings, image: str, uid: str) -> dict[str, Any]:
        """What to remember."""
        return {
            "settings": settings.to_json(),
            "options": self.options.to_json(),
            "image": image,
            "applied": digest(self.resources(settings, image)),
            "server": self.api.server,
            "uid": uid,
        }

    def remember(self, settings: Settings, image: str, uid: str) -> None:
        self.write(self.describe(settings, image, uid))
