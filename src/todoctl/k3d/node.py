"""The node that holds the volume: its directory, its files, its images."""

import subprocess
from typing import IO, cast

import docker
import docker.errors

from todoctl.errors import UnavailableError
from todoctl.k3d.manifests import MANAGER, check_phase
from todoctl.target import File

VOLUME = "/tmp/kube"  # noqa: S108 - the documented path, inside the node
CACHE = f"{VOLUME}/cache"
ASIDE = f"{VOLUME}/cache.set-aside"


class Node:
    """A k3d node, which is a container, by name."""

    def __init__(self, engine: docker.DockerClient, name: str) -> None:
        self._engine = engine
        self.name = name

    def run(self, *command: str) -> str:
        """Runs `command` in the node; returns its output, raises `UnavailableError` with its reason."""
        try:
            code, output = self._engine.containers.get(self.name).exec_run(list(command))
        except docker.errors.NotFound:
            raise self._missing() from None
        except docker.errors.APIError as error:
            raise UnavailableError(
                f"The node {self.name} cannot be used", why=error.explanation or str(error)
            ) from None
        text: str = bytes(output).decode(errors="replace")  # type: ignore[arg-type]  # it is not streamed
        if code:
            raise UnavailableError(
                f"'{' '.join(command[:3])}' failed in the node {self.name}",
                why=text.strip() or f"exit {code}",
            )
        return text

    def state(self) -> str:
        """What Docker says of the node: `created`, `running`, `exited`; raises where there is none."""
        try:
            return str(self._engine.containers.get(self.name).status)
        except docker.errors.NotFound:
            raise self._missing() from None

    def ping(self) -> None:
        """Raises where its containerd does not answer, which it does long before k3d calls it ready."""
        self.run("ctr", "--connect-timeout=1s", "version")

    def _missing(self) -> UnavailableError:
        return UnavailableError(f"The node {self.name} does not exist", fix="Run 'todoctl up' to make it")

    def has(self, path: str) -> bool:
        try:
            self.run("test", "-e", path)
        except UnavailableError:
            return False
        return True

    def files(self, directory: str) -> tuple[File, ...]:
        """The files of `directory`, by name."""
        command = (
            "find",
            directory,
            "-maxdepth",
            "1",
            "-type",
            "f",
            "-exec",
            "stat",
            "-c",
            "%s %Y %n",
            "{}",
            "+",
        )
        found = []
        for line in self.run(*command).splitlines():
            size, modified, path = line.split(" ", 2)
            found.append(File(name=path.rpartition("/")[2], size=int(size), modified=int(modified)))
        return tuple(sorted(found, key=lambda file: file.name))

    def running(self, container: str) -> int:
        """How many containers of that name run here now.

        The API tells of a pod's end up to ten seconds later than it happens (the kubelet's status sync).
        """
        return len(self.run("crictl", "ps", "--quiet", "--name", f"^{container}$").split())

    def has_image(self, reference: str) -> bool:
        """Whether the node's containerd has the image; `k3d image import` may say so wrongly."""
        name = f"docker.io/library/{reference}"
        return name in self.run("ctr", "-n=k8s.io", "images", "ls", "-q", f"name=={name}").split()

    def apply(self, manifests: str) -> None:
        """Server-side apply by the kubectl of a server node."""
        kubectl = ["kubectl", "apply", "--server-side", "--force-conflicts", f"--field-manager={MANAGER}"]
        done = subprocess.run(
            ["docker", "exec", "-i", self.name, *kubectl, "-f", "-"],  # noqa: S607 - the user's docker
            input=manifests,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise UnavailableError(f"kubectl failed in the node {self.name}", why=done.stderr.strip())

    def find_phase(self, volume: str) -> None:
        """Raises where the controller that binds claims does not know the volume yet; in a server node."""
        phase = self.run("kubectl", "get", f"persistentvolume/{volume}", "--output=jsonpath={.status.phase}")
        check_phase(volume, phase)

    def load_image(self, reference: str) -> None:
        """Brings an image from Docker into this node alone, and checks that it has come."""
        save = ["docker", "save", reference]
        load = ["docker", "exec", "-i", self.name, "ctr", "-n=k8s.io", "images", "import", "-"]
        with (
            subprocess.Popen(save, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as saving,
            subprocess.Popen(
                load, stdin=saving.stdout, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            ) as loading,
        ):
            # The load alone holds the other end, and sees when it closes.
            cast("IO[bytes]", saving.stdout).close()
            output, _ = loading.communicate()
        if not self.has_image(reference):
            why = " ".join(output.split())[-300:] or "it is not there after the import"
            raise UnavailableError(f"The image {reference} could not be brought to {self.name}", why=why)
