"""What a kind of cluster has to provide, so that the app can be brought up on it (docs/extending.md)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from todoctl.kube.client import Client
from todoctl.kube.manifests import Resource
from todoctl.settings import Settings
from todoctl.targets.base import Finding, Progress
from todoctl.targets.kubernetes.page import Page
from todoctl.targets.volume import File


@dataclass(frozen=True, slots=True, kw_only=True)
class Provided:
    """A cluster that runs and can start the app from `image`.

    `changed` says that something had to be done for it. With `remount` the volume's directory had been lost
    and was made again, and pods that run still have the lost one.
    """

    image: str
    changed: bool = False
    remount: bool = False


class Outside(Protocol):
    """Who sees the volume without the app: a node, or a pod of todoctl's own."""

    seen_from: str

    def run(self, *command: str) -> str:
        """Returns what a command prints; raises `CommandFailedError` with its exit code."""
        ...

    def files(self, directory: str) -> list[File]:
        """Returns the files of a directory, all of one moment; none if there is no such directory."""
        ...

    def put(self, path: str, content: bytes) -> None:
        """Writes a file."""
        ...


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

    def provide(self, settings: Settings, progress: Progress, timeout: float | None) -> Provided:
        """Brings the cluster up, and the app's image to it; leaves alone what is so already."""
        ...

    def client(self) -> Client | None:
        """Returns the cluster's API; None if there is no cluster."""
        ...

    def asked(self) -> dict[str, Any]:
        """Returns the options to remember with the app, as JSON."""
        ...

    def is_own(self) -> bool:
        """Whether todoctl has made the cluster, so that every name on it is free for todoctl."""
        ...

    def resources(self, settings: Settings, image: str) -> list[Resource]:
        """Returns what the app is made of here, in the order in which it is applied."""
        ...

    def printing(self, settings: Settings, image: str) -> Sequence[str]:
        """Returns the command that prints `resources`."""
        ...

    def page(self) -> Page:
        """Returns how people come to the page."""
        ...

    def node(self) -> str | None:
        """Returns the one node that can run the app; None if the scheduler knows that by itself."""
        ...

    def outside(self) -> tuple[Outside, str] | None:
        """Returns who sees the volume from outside, and the cache's path there; None for a helper pod."""
        ...

    def remove(self, progress: Progress, *, keep_data: bool) -> bool | None:
        """Deletes the cluster if todoctl has made it: True. False if there is none, None if it is to stay."""
        ...

    def clean(self, progress: Progress, *, keep_data: bool) -> bool:
        """Removes data that outlasts the app's resources; True if something is kept for the next `up`."""
        ...

    def details(self) -> dict[str, str]:
        """Returns what `status` shows of the cluster."""
        ...
