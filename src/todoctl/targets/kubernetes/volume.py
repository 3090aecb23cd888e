"""The volume on a cluster: the directory that the claim leads to, seen by the app's pod and from outside."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from todoctl.kube.app import Deployed
from todoctl.kube.helper_pod import PodFiles
from todoctl.kube.streams import CommandFailedError
from todoctl.targets.kubernetes.provider import Outside
from todoctl.targets.volume import File, Side, require_aside

INSIDE = "/usr/src/app/files/cache"
"""The cache directory in the app's container."""


@dataclass(frozen=True, slots=True)
class Look:
    """One side of the volume."""

    seen_from: str
    read: Callable[[], list[File]]


class ClusterVolume:
    """The cache directory at `path` of `outside`; see `todoctl.targets.volume.Volume` for the methods.

    With `on_node` that is a node: commands there run as root, and its files have times in whole seconds.
    """

    directory = INSIDE

    def __init__(self, app: Deployed, outside: Outside, path: str, *, on_node: bool) -> None:
        self._app, self._outside, self._on_node = app, outside, on_node
        self._path, self._aside, self._away = path, f"{path}.set-aside", f"{path}.detached"
        self._here = path
        """Where the cache is now: elsewhere while it is detached."""
        self._is_aside: bool | None = None
        self._files: PodFiles | None = None

    def host(self) -> Side:
        seen = self._outside.seen_from
        return Look(f"{seen}: {self._path}", lambda: self._outside.files(self._here))

    def sides(self) -> tuple[Side, Side]:
        pod = self._app.standing()[0]
        if self._files is None or self._files.pod != pod:
            self.close()
            self._files = PodFiles(self._app.client, pod, INSIDE)
        return self.host(), Look(self._files.seen_from, self._read_inside)

    def _read_inside(self) -> list[File]:
        found = self._files.read() if self._files else []
        if not self._on_node:
            return found
        return [replace(one, modified=float(int(one.modified))) for one in found]

    def close(self) -> None:
        if self._files is not None:
            self._files.close()
            self._files = None

    def is_set_aside(self) -> bool:
        if self._is_aside is None:
            self._is_aside = self._has(self._aside)
        return self._is_aside

    def set_aside(self) -> None:
        if self._has(self._path):
            self._outside.run("mv", "-T", self._path, self._aside)
        else:
            self._outside.run("mkdir", self._aside)
        self._is_aside = True

    def empty(self) -> None:
        """The app makes the directory itself, so that it is the app's own."""
        require_aside(self)
        self._outside.run("rm", "-rf", self._path)

    def put(self, name: str, content: bytes | None) -> None:
        require_aside(self)
        if content is None:
            self._outside.run("rm", "-f", f"{self._here}/{name}")
            return
        self._outside.run("mkdir", "-p", "-m", "777", self._here)  # the app is not root
        self._outside.put(f"{self._here}/{name}", content)

    def detach(self) -> None:
        """On a node the app, which is not root, may not look into the directory any more.

        In a pod, which has the app's user, another directory is put there that nobody may look into.
        """
        require_aside(self)
        if self._on_node:
            self._outside.run("chmod", "000", self._path)
            return
        self._outside.run("mv", "-T", self._path, self._away)
        self._outside.run("mkdir", "-m", "000", self._path)
        self._here = self._away

    def attach(self) -> None:
        require_aside(self)
        if self._on_node:
            self._outside.run("chmod", "777", self._path)
            return
        self._outside.run("rmdir", self._path)
        self._outside.run("mv", "-T", self._away, self._path)
        self._here = self._path

    def put_back(self) -> None:
        """One rename decides: before it the set-aside cache is whole, after it it is back."""
        self.close()
        if self.is_set_aside():
            self._outside.run("rm", "-rf", self._away, self._path)
            self._outside.run("mv", "-T", self._aside, self._path)
            self._is_aside = False
            # If there was none, there is none again; a full one is not touched.
            self._outside.run("find", self._path, "-maxdepth", "0", "-empty", "-delete")
        self._here = self._path

    def _has(self, path: str) -> bool:
        """Whether `path` exists; raises `UnavailableError` if that cannot be found out."""
        try:
            self._outside.run("test", "-e", path)
        except CommandFailedError as error:
            if error.exit_code != 1:
                raise
            return False
        return True
