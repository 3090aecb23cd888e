"""What a validation has in a namespace, which others may use at the same time: a marker, and pods."""

import os
import platform
from collections.abc import Callable
from datetime import UTC, datetime

import psutil

from todoctl.errors import LockedError
from todoctl.kube import image_pod
from todoctl.kube.app import App
from todoctl.kube.helper_pod import NAME as HELPER
from todoctl.kube.helper_pod import HelperPod, remove_pod
from todoctl.kube.manifests import owned

NAME = "todoctl-validation"

SECONDS = 300.0
"""For a pod of todoctl's own to get ready."""


class NamespaceMarker:
    """A ConfigMap, which only one can make; see `todoctl.targets.base.SharedMarker` for the methods."""

    def __init__(self, app: Callable[[], App]) -> None:
        self._app = app
        self._helper: HelperPod | None = None

    def create(self, token: str) -> bool:
        by = f"{psutil.Process().username()} on {platform.node()}, process {os.getpid()}"
        since = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        data = {"by": by, "since": since, "token": token}
        marker = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": NAME}, "data": data}
        return self._app().client.create(owned(marker))

    def check(self, token: str) -> None:
        if other := self.other(token):
            app = self._app()
            raise LockedError(
                f"A validation is under way in namespace {app.client.namespace}",
                why=other,
                fix="Wait until it has ended. Was it killed? Then run 'todoctl up' where it was begun, or "
                f"forget it: {' '.join(app.kubectl('delete', 'configmap', NAME))}",
            )

    def other(self, token: str) -> str | None:
        """Returns who has begun a validation that is not ours, and when; None if there is none."""
        data = self._data()
        if data is None or (token and data.get("token") == token):
            return None
        return f"{data.get('by', 'somebody')} began it at {data.get('since', 'an unknown time')}"

    def remove(self, token: str) -> None:
        self.remove_pods()
        data = self._data()
        if data and token and data.get("token") == token:
            self._app().client.delete("ConfigMap", NAME)

    def remove_pods(self) -> None:
        """Deletes the pods of a validation that has ended, or was killed."""
        if self._helper:
            self._helper.remove()
            self._helper = None
        for name in (HELPER, image_pod.NAME):
            remove_pod(self._app().client, name)

    @property
    def helper(self) -> HelperPod:
        """The pod that reaches the volume and the service; it runs when it is first needed."""
        if self._helper is None:
            image, secrets = self._app().image_and_secrets()
            self._helper = HelperPod(self._app().client, image, pull_secrets=secrets, timeout=SECONDS)
        return self._helper

    def _data(self) -> dict[str, str] | None:
        found = self._app().client.get("ConfigMap", NAME)
        return None if found is None else found.get("data") or {}
