"""The marker of a validation in a namespace, which others may use at the same time."""

import os
import platform
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import psutil

from todoctl.errors import LockedError
from todoctl.kube.app import Deployed
from todoctl.kube.manifests import Resource, owned
from todoctl.state import make_directory

NAME = "todoctl-validation"


class NamespaceMarker:
    """A file here and a ConfigMap there, which only one can make: both hold the same token."""

    def __init__(self, directory: Path, app: Callable[[], Deployed]) -> None:
        self._path = directory / "validating"
        self._app = app

    def begin(self) -> None:
        """Makes it; raises `LockedError` if somebody else's validation is under way."""
        token = secrets.token_hex(16)
        make_directory(self._path.parent)
        self._path.write_text(token, encoding="ascii")
        if not self._app().client.create(self._resource(token)):
            self._path.unlink()
            self.check()

    def check(self) -> None:
        """Raises `LockedError` if somebody else's validation is under way."""
        other = self.other()
        if other is not None:
            app = self._app()
            raise LockedError(
                f"A validation is under way in namespace {app.client.namespace}",
                why=other,
                fix="Wait until it has ended. Was it killed? Then run 'todoctl up' where it was begun, or "
                f"forget it: {' '.join(app.kubectl('delete', 'configmap', NAME))}",
            )

    def other(self) -> str | None:
        """Returns who has begun one that is not ours, and when; None if there is none."""
        found = self._app().client.get("ConfigMap", NAME)
        if found is None or self._is_ours(found):
            return None
        data = found.get("data") or {}
        return f"{data.get('by', 'somebody')} began it at {data.get('since', 'an unknown time')}"

    def exists(self) -> bool:
        """Whether a validation of ours is under way, or was killed.

        A file alone may be of one that was killed at its very begin or end; to put things back then changes
        nothing. If somebody else's ConfigMap is there, ours never was.
        """
        if not self._path.exists():
            return False
        found = self._app().client.get("ConfigMap", NAME)
        return found is None or self._is_ours(found)

    def end(self) -> None:
        """Removes it, the file last."""
        client = self._app().client
        if self._is_ours(client.get("ConfigMap", NAME)):
            client.delete("ConfigMap", NAME)
        self._path.unlink(missing_ok=True)

    def _is_ours(self, found: Resource | None) -> bool:
        token = self._path.read_text(encoding="ascii") if self._path.exists() else ""
        return found is not None and bool(token) and (found.get("data") or {}).get("token") == token

    def _resource(self, token: str) -> Resource:
        by = f"{psutil.Process().username()} on {platform.node()}, process {os.getpid()}"
        since = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        return owned(
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": NAME},
                "data": {"by": by, "since": since, "token": token},
            }
        )
