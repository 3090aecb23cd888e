"""What every step on a cluster needs: the way to its API, and what the app is made of there."""

import shutil
import threading
from abc import ABC, abstractmethod
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from todoctl.commands import SILENT, Commands
from todoctl.errors import BadUsageError
from todoctl.home import damaged, not_writable, read_json, write_json
from todoctl.kube.manifests import NAMESPACE, Resource
from todoctl.settings import Settings

if TYPE_CHECKING:
    from todoctl.kube.api import Api


class Context(ABC):
    """A namespace of a cluster, and what is remembered of it in `directory`.

    Its API is asked when it is needed, so that `status` can tell of its absence.
    `stop` is set when whoever waits shall give up.
    """

    namespace = NAMESPACE

    def __init__(self, home: Path, place: Path, commands: Commands = SILENT) -> None:
        """`place` is the directory's path below todoctl's `home`."""
        self.commands = commands
        self.directory = home / place
        self.file = self.directory / "state.json"
        self.kept_file = self.directory / "kept.json"
        self._folders = [home / folder for folder in place.parents[:-1]]
        self.stop = threading.Event()

    @cached_property
    @abstractmethod
    def api(self) -> "Api":
        """The way there."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What the user's own kubeconfig calls it."""

    @property
    @abstractmethod
    def node_name(self) -> str | None:
        """The one node that a pod of ours has to be on; None where any will do."""

    @property
    def pull_secrets(self) -> tuple[str, ...]:
        """The secrets that the app's image is pulled with."""
        return ()

    @abstractmethod
    def resources(self, settings: Settings, image: str, *, replicas: int | None = None) -> list[Resource]:
        """What the app is made of here, in the order in which it is applied; by default all its pods."""

    @abstractmethod
    def printing(self, settings: Settings, image: str) -> list[str]:
        """The command that prints `resources`."""

    @abstractmethod
    def running(self) -> int:
        """How many containers of the app run now."""

    def ask_pod(self, method: str, pod: str, port: int, path: str) -> bytes:
        """Asks a pod over HTTP; raises `UnavailableError`."""
        return self.api.ask_pod(method, pod, port, path)

    def state(self) -> dict[str, Any] | None:
        """What is remembered in `directory`; raises `UnavailableError` where the file is damaged."""
        return read_json(self.file)

    def known(self) -> dict[str, Any] | None:
        """What is remembered of what is up, else of what `down` has kept; raises as `state`."""
        return self.state() or read_json(self.kept_file)

    def write(self, state: dict[str, Any]) -> None:
        """Remembers what is up now."""
        write_json(self.file, state)
        self.kept_file.unlink(missing_ok=True)

    def keep(self) -> None:
        """Remembers, of what is no longer up, what the next `up` or `down` has to know of its data."""
        if self.file.exists():
            self.file.replace(self.kept_file)

    def forget(self) -> None:
        """Removes what is remembered; raises `UnavailableError` where that is not possible."""
        try:
            if self.directory.exists():
                shutil.rmtree(self.directory)
        except OSError as error:
            raise not_writable(self.directory, error) from None
        with suppress(OSError):
            for folder in self._folders:
                folder.rmdir()  # unless others are remembered there

    def settings(self) -> Settings | None:
        """What `up` was last asked for; raises `UnavailableError` where the file is damaged."""
        state = self.state()
        return None if state is None else self.settings_in(state)

    def settings_in(self, state: dict[str, Any]) -> Settings:
        """The settings that are remembered; raises `UnavailableError` where they are damaged."""
        try:
            return Settings.from_json(state["settings"])
        except (KeyError, TypeError, ValueError, BadUsageError) as error:
            raise damaged(self.file, error) from None

    def kubectl(self, *arguments: str) -> list[str]:
        """The command for this cluster."""
        return ["kubectl", f"--context={self.name}", *arguments]

    def tell_kubectl(self, *arguments: str) -> None:
        """Tells which kubectl command does what is being done through the API."""
        self.commands.tell(self.kubectl(*arguments))
