"""The node that holds the volume: its directory, its files, its images."""

import io
import subprocess
import tarfile
import time

import docker
import docker.errors

from todoctl.errors import CommandFailedError, UnavailableError
from todoctl.images.engine import execute, reason
from todoctl.targets.base import File, Progress, unreadable

VOLUME = "/tmp/kube"  # noqa: S108 - the documented path, inside the node
CACHE = f"{VOLUME}/cache"
OWN = f"{VOLUME}/.todoctl"
"""Says that there was no cache before todoctl's: `down` removes one from a cluster that it was lent."""

TRIES = 5
"""How often it is looked again if something has changed meanwhile."""


class Node:
    """A node of k3d's, which is a container; see `todoctl.targets.base.Store` for the methods."""

    def __init__(self, engine: docker.DockerClient, name: str) -> None:
        self._engine, self.name = engine, name
        self.seen_from = f"the node {name}"

    def run(self, *command: str) -> str:
        """Returns what `command` prints in the node; raises `CommandFailedError` with its exit code."""
        try:
            code, output, errors = execute(self._engine, self.name, command)
        except (docker.errors.DockerException, OSError) as error:
            raise self._unusable(error) from None
        if code:
            raise CommandFailedError(
                f"'{' '.join(command[:3])}' failed in the node {self.name}",
                why=(errors or output).decode(errors="replace").strip() or f"exit {code}",
                exit_code=code,
            )
        return output.decode(errors="replace")

    def files(self, directory: str) -> list[File]:
        """Returns the files of a directory whose names do not begin with a dot, all of one moment."""
        before = self._look(directory)
        for _ in range(TRIES):
            found = self._look(directory)
            if found == before:
                return found
            before = found
        raise unreadable("they change all the time")

    def _look(self, directory: str) -> list[File]:
        """Returns the files as one archive has them; none if there is no such directory."""
        try:
            parts, _ = self._engine.api.get_archive(self.name, directory)
            content = b"".join(parts)
        except docker.errors.NotFound as error:
            if "no such container" in reason(error).lower():
                raise self._unusable(error) from None
            return []
        except (docker.errors.DockerException, OSError) as error:
            raise self._unusable(error) from None
        found = []
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            for member in archive:
                _, _, name = member.name.partition("/")
                data = archive.extractfile(member) if member.isfile() else None
                if data and name and "/" not in name and not name.startswith("."):
                    modified = float(int(member.mtime))
                    found.append(File(name=name, size=member.size, modified=modified, content=data.read()))
        return sorted(found, key=lambda one: one.name)

    def put(self, path: str, content: bytes) -> None:
        """Writes a file, which everyone may read and nobody but root change."""
        directory, _, name = path.rpartition("/")
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as packed:
            file = tarfile.TarInfo(name)
            file.size, file.mode, file.mtime = len(content), 0o644, int(time.time())
            packed.addfile(file, io.BytesIO(content))
        try:
            self._engine.api.put_archive(self.name, directory, archive.getvalue())
        except (docker.errors.DockerException, OSError) as error:
            raise UnavailableError(
                f"{path} cannot be written in the node {self.name}", why=reason(error), fix=self._fix()
            ) from None

    def has_image(self, reference: str) -> bool:
        """Returns whether the node's containerd has the image; `k3d image import` may say so wrongly."""
        name = f"docker.io/library/{reference}"
        return name in self.run("ctr", "-n=k8s.io", "images", "ls", "-q", f"name=={name}").split()

    def load_image(self, reference: str, progress: Progress) -> None:
        """Brings an image from Docker into this node alone, and checks that it has come."""
        save = ["docker", "save", reference]
        load = ["docker", "exec", "-i", self.name, "ctr", "-n=k8s.io", "images", "import", "-"]
        progress.command(save, load)
        with subprocess.Popen(save, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as saving:
            loaded = subprocess.run(
                load, stdin=saving.stdout, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
            )
            if saving.stdout and saving.stderr:
                saving.stdout.close()  # a `docker save` that nobody reads from any more ends then
                errors = saving.stderr.read()
        if saving.returncode or not self.has_image(reference):
            said = errors if saving.returncode else loaded.stdout
            why = " ".join(said.decode(errors="replace").split())[-300:]
            raise UnavailableError(
                f"The image {reference} could not be brought to {self.name}",
                why=why or "it is not there after the import",
                fix=self._fix(),
            )

    def _unusable(self, error: Exception) -> UnavailableError:
        if isinstance(error, docker.errors.NotFound):
            return UnavailableError(f"The node {self.name} does not exist", fix="Run 'todoctl up' to make it")
        return UnavailableError(f"The node {self.name} cannot be used", why=reason(error), fix=self._fix())

    def _fix(self) -> str:
        return f"See 'docker logs {self.name}', and run the command again"
