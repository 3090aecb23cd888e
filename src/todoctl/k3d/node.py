"""The node that holds the volume: its directory, its files, its images."""

import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import IO, cast

import docker
import docker.errors

from todoctl.errors import UnavailableError
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

    def seed_image(self, reference: str) -> bool:
        """Puts an image where a node that has not started yet looks for some at its start.

        k3s imports the archives of that directory before it runs any pod
        (https://docs.k3s.io/installation/airgap), so this costs no time. False where the node runs already.
        """
        with tempfile.TemporaryDirectory(prefix="todoctl-") as directory:
            saved, packed = Path(directory, "image.tar"), Path(directory, "packed.tar")
            done = subprocess.run(
                ["docker", "save", "--output", str(saved), reference],  # noqa: S607 - the user's docker
                capture_output=True,
                check=False,
            )
            if done.returncode:
                return False
            with tarfile.open(packed, "w") as tar:
                tar.add(saved, arcname="agent/images/todo-app.tar")
            saved.unlink()
            with packed.open("rb") as archive:
                if self.state() != "created":
                    return False
                try:
                    return self._engine.containers.get(self.name).put_archive("/var/lib/rancher/k3s", archive)
                except docker.errors.APIError:
                    return False

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
            cast(
                "IO[bytes]", saving.stdout
            ).close()  # the load alone holds the other end, and sees when it closes
            output, _ = loading.communicate()
        if not self.has_image(reference):
            why = " ".join(output.split())[-300:] or "it is not there after the import"
            raise UnavailableError(f"The image {reference} could not be brought to {self.name}", why=why)
