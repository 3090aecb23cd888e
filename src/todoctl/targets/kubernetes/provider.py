"""What a kind of cluster has to provide, so that the app can be brought up on it (docs/extending.md)."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from todoctl.kube.client import Client
from todoctl.kube.manifests import Resource
from todoctl.settings import Settings
from todoctl.targets.base import Finding, Progress, Store
from todoctl.targets.kubernetes.page import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A cluster that is there: its API, how people come to the page, and what `status` shows of it.

    `is_own` says that todoctl has made it, so that every name on it is free for todoctl. `node` is the one
    that can run the app, with the store that reaches the volume there and the cache's path; without one the
    scheduler knows where the volume can be, and a helper pod reaches it. `remembered` are the options to keep
    with the app, as JSON.
    """

    client: Client
    page: Page
    details: dict[str, str]
    is_own: bool = False
    node: str | None = None
    store: Store | None = None
    cache: str = ""
    remembered: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provided:
    """A cluster that runs and can start the app from `image`.

    `changed` says that something had to be done for it. With `remount` the volume's directory had been lost
    and was made again, and pods that run still have the lost one.
    """

    cluster: Cluster
    image: str
    changed: bool = False
    remount: bool = False


class Provider(Protocol):
    """A kind of cluster. Methods raise `UnavailableError`."""

    name: str
    """What `--target` calls it."""

    directory: Path
    """For its kubeconfig, and the marker of a validation."""

    context: str
    """What the user's own kubeconfig calls the cluster."""

    def findings(self, port: int) -> list[Finding]:
        """Returns what this machine and the cluster have and lack, before anything is touched."""
        ...

    def look(self) -> Cluster | None:
        """Returns the cluster; None if there is none."""
        ...

    def provide(self, settings: Settings, progress: Progress, timeout: float | None) -> Provided:
        """Brings the cluster up, and the app's image to it; leaves alone what is so already."""
        ...

    def resources(self, settings: Settings, image: str) -> list[Resource]:
        """Returns what the app is made of here, in the order in which it is applied."""
        ...

    def manifest_options(self) -> dict[str, Any]:
        """Returns the options by which `todoctl manifests` prints these resources."""
        ...

    def remove(self, progress: Progress, *, keep_data: bool) -> bool | None:
        """Deletes the cluster if todoctl has made it: True. False if there is none, None if it is to stay."""
        ...

    def clean(self, cluster: Cluster, progress: Progress, *, keep_data: bool) -> bool:
        """Removes data that outlasts the app's resources; True if something is kept for the next `up`."""
        ...
