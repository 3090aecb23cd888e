"""The cluster as it is at one moment, with no more asked of its API than is looked at."""

from typing import Any

from todoctl.kube.api import Api, Pod
from todoctl.kube.waiting import pods
from todoctl.kube.waiting.blocker import Blocker


class Snapshot:
    """Every kind of resource is asked for once, when it is first looked at."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self._resources: dict[str, list[Any]] = {}
        self._events: dict[str, list[Any]] = {}

    def all(self, kind: str) -> list[Any]:
        """The resources of that kind, in all namespaces."""
        if kind not in self._resources:
            self._resources[kind] = self.api.all(kind)
        return self._resources[kind]

    def pods(self, namespace: str | None = None, **labels: str) -> list[Pod]:
        """The pods with these labels that run or are going to, by name."""
        return sorted(
            (
                pod
                for pod in self.all("Pod")
                if namespace in {None, pod.metadata.namespace}
                and labels.items() <= (pod.metadata.labels or {}).items()
                and pods.is_standing(pod)
            ),
            key=lambda pod: str(pod.metadata.name),
        )

    def blocker(self, pod: Pod) -> Blocker | None:
        """What is in the way of the pod's getting ready; None where it is ready."""
        if pods.is_ready(pod):
            return None
        namespace = pod.metadata.namespace
        if namespace not in self._events:
            self._events[namespace] = self.api.events(namespace)
        return pods.blocker(self.api, pod, self._events[namespace])
