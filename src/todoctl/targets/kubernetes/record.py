"""The record of a validation in a namespace, which others may use at the same time: there as well as here."""

import os
import platform
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import psutil

from todoctl.errors import LockedError
from todoctl.kube.manifests import Resource
from todoctl.kube.ownership import is_ours, marked
from todoctl.targets.marker import FileRecord

if TYPE_CHECKING:
    from todoctl.targets.kubernetes.context import Context

NAME = "todoctl-validation"


class NamespaceRecord(FileRecord):
    """A file here and a ConfigMap there, which only one can make."""

    def __init__(self, context: "Context") -> None:
        super().__init__(context.directory)
        self._context = context

    def begin(self) -> None:
        self.check()
        super().begin()
        made = self._resource()
        self._context.tell_kubectl(
            "create",
            "configmap",
            NAME,
            *(f"--from-literal={key}={value}" for key, value in made["data"].items()),
        )
        while not self._context.api.create(made):
            super().end()
            self.check()  # passes where the other one has ended by now
            super().begin()

    def check(self) -> None:
        """Raises `LockedError` where somebody else's validation is under way."""
        other = self.other()
        if other is not None:
            raise LockedError(
                f"A validation is under way in namespace {self._context.namespace}",
                why=other,
                fix="Wait until it has ended. Was it killed? Then run 'todoctl down' where it was begun, or "
                f"forget it: {' '.join(self._context.kubectl('delete', 'configmap', NAME))}",
            )

    def other(self) -> str | None:
        """Who has begun one that is not ours, and when; None where there is none."""
        found = None if self.exists() else self._context.api.read(self._resource())
        if found is None:
            return None
        data = found.data or {}
        return f"{data.get('by', 'somebody')} began it at {data.get('since', 'an unknown time')}"

    def end(self) -> None:
        if is_ours(self._context.api.read(self._resource())):
            self._context.tell_kubectl("delete", f"configmap/{NAME}")
            self._context.api.delete(self._resource())
        super().end()

    def _resource(self) -> Resource:
        by = f"{psutil.Process().username()} on {platform.node()}, process {os.getpid()}"
        return marked(
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": NAME, "namespace": self._context.namespace},
                "data": {"by": by, "since": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"},
            }
        )
