"""The node that holds the volume: its directory, its files, its images."""

import io
import subprocess
import tarfile
import time
from dataclasses import replace
from functools import cached_property
from typing import IO, cast

import docker
import docker.errors

from todoctl.errors import UnavailableError
from todoctl.images.engine import execute, reason
from todoctl.targets.volume import File, unreadable

VOLUME = "/tmp/kube"  # noqa: S108 - the documented path, inside the node
CACHE = f"{VOLUME}/cache"
ASIDE = f"{VOLUME}/cache.set-aside"

STAT = ("-exec", "stat", "-c", "%i %s %.9Y %.9Z %n", "{}", "+")
"""Where `stat` knows no fractions (BusyBox), `%.9Y` is whole seconds."""

LOOK = (
    *("find", VOLUME, "-maxdepth", "2", "-path", f"{CACHE}/*", "-type", "f", "!", "-name", ".*"),
    *(*STAT, "-exec", "cat", "{}", "+", *STAT),
)
"""What the files are, their contents, and what they are then, all in one command: each has its price."""

UNUSABLE = (docker.errors.DockerException, OSError)
"""What comes of a command where the node is stopped, or Docker is: the errors of `requests` are OSErrors."""

TRIES = 5
"""How often it is looked again where something has changed meanwhile."""


def listing(container: str) -> tuple[str, ...]:
    """The command that lists the containers of that name that run in a node, by their identifiers."""
    return "crictl", "ps", "--quiet", "--name", f"^{container}$"


def signalling(signal: str) -> tuple[str, ...]:
    """The command that sends a signal to the first process of the container named after it."""
    return "ctr", "-n=k8s.io", "tasks", "kill", f"--signal={signal}"


class Node:
    """A k3d node, which is a container, by name."""

    def __init__(self, engine: docker.DockerClient, name: str) -> None:
        self._engine = engine
        self.name = name

    def run(self, *command: str) -> str:
        """Runs `command` in the node; returns its output, raises `UnavailableError` with its reason."""
        code, output, complaint = self._execute(command)
        if code:
            raise self._failed(command, code, complaint or output)
        return output.decode(errors="replace")

    def _failed(self, command: tuple[str, ...], code: int, output: bytes) -> UnavailableError:
        return UnavailableError(
            f"'{' '.join(command[:3])}' failed in the node {self.name}",
            why=output.decode(errors="replace").strip() or f"exit {code}",
            fix=self._fix(),
        )

    def inside(self, *command: str, stdin: bool = False) -> list[str]:
        """The docker command that runs `command` in the node, with `stdin` on what is piped into it."""
        return ["docker", "exec", *(["-i"] if stdin else []), self.name, *command]

    def _execute(self, command: tuple[str, ...]) -> tuple[int, bytes, bytes]:
        """Exit code, output and error output."""
        try:
            return execute(self._engine, self.name, command)
        except docker.errors.NotFound:
            raise self._missing() from None
        except UNUSABLE as error:
            raise UnavailableError(
                f"The node {self.name} cannot be used", why=reason(error), fix=self._fix()
            ) from None

    def ping(self) -> None:
        """Raises where its containerd does not answer, which it does long before k3d calls it ready."""
        self.run("ctr", "--connect-timeout=1s", "version")

    def _missing(self) -> UnavailableError:
        return UnavailableError(f"The node {self.name} does not exist", fix="Run 'todoctl up' to make it")

    def _fix(self) -> str:
        """What to do about a node that fails."""
        return f"See 'docker logs {self.name}', and run the command again"

    def has(self, path: str) -> bool:
        """Whether `path` exists; raises `UnavailableError` if that cannot be found out."""
        code, output, complaint = self._execute(("test", "-e", path))
        if code not in {0, 1}:
            raise self._failed(("test", "-e", path), code, complaint or output)
        return code == 0

    def files(self) -> list[File]:
        """The files of the cache directory, by name, all of one moment; none where it is not there."""
        why = "they change all the time"
        for _ in range(TRIES):
            code, output, complaint = self._execute(LOOK)
            found = None if code else parse(output)
            if found is not None:
                return found
            why = complaint.decode(errors="replace").strip() or why
        raise unreadable(why)

    def put(self, directory: str, name: str, content: bytes) -> None:
        """Writes a file, which everyone may read and nobody but root change."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as packed:
            file = tarfile.TarInfo(name)
            file.size, file.mode, file.mtime = len(content), 0o644, int(time.time())
            packed.addfile(file, io.BytesIO(content))
        try:
            self._engine.containers.get(self.name).put_archive(directory, archive.getvalue())
        except UNUSABLE as error:
            raise UnavailableError(
                f"{directory}/{name} cannot be written in the node {self.name}",
                why=reason(error),
                fix=self._fix(),
            ) from None

    @cached_property
    def tells_fractions(self) -> bool:
        """Whether the times of files here are finer than seconds."""
        return "." in self.run("stat", "-c", "%.9Y", VOLUME)

    def running(self, container: str) -> int:
        """How many containers of that name run here now.

        The API tells of a pod's end up to ten seconds later than it happens (the kubelet's status sync).
        """
        return len(self.containers(container))

    def containers(self, name: str) -> list[str]:
        """The identifiers of the containers of that name that run here now."""
        return self.run(*listing(name)).split()

    def send(self, signal: str, containers: list[str]) -> None:
        """Sends a signal to the first process of each container; no kubelet is told."""
        for container in containers:
            self.run(*signalling(signal), container)

    def has_image(self, reference: str) -> bool:
        """Whether the node's containerd has the image; `k3d image import` may say so wrongly."""
        name = f"docker.io/library/{reference}"
        return name in self.run("ctr", "-n=k8s.io", "images", "ls", "-q", f"name=={name}").split()

    def loading(self, reference: str) -> tuple[list[str], list[str]]:
        """Two commands, piped, that bring an image from Docker into this node alone."""
        load = self.inside("ctr", "-n=k8s.io", "images", "import", "-", stdin=True)
        return ["docker", "save", reference], load

    def load_image(self, reference: str) -> None:
        """Brings an image from Docker into this node alone, and checks that it has come."""
        save, load = self.loading(reference)
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
            raise UnavailableError(
                f"The image {reference} could not be brought to {self.name}", why=why, fix=self._fix()
            )


def parse(output: bytes) -> list[File] | None:
    """What `LOOK` has printed; None where it is not of one moment, that is where something has changed."""
    if not output:
        return []
    found: list[File] = []
    head = total = 0  # how long the first list is, and how long the contents after it are
    while head < len(output):
        line, newline, _ = output[head:].partition(b"\n")
        try:
            _, size, modified, _, path = line.decode(errors="surrogateescape").split(" ", 4)
            name = path.removeprefix(f"{CACHE}/")
            found.append(File(name=name, size=int(size), modified=nanoseconds(modified) / 1e9, content=b""))
        except ValueError:
            return None  # a part of a content: the lists do not agree
        head += len(line) + len(newline)
        total += int(size)
        if len(output) == 2 * head + total and output[-head:] == output[:head]:
            break
    else:
        return None
    at = head
    for number, file in enumerate(found):
        found[number] = replace(file, content=output[at : at + file.size])
        at += file.size
    return sorted(found, key=lambda file: file.name)


def nanoseconds(seconds: str) -> int:
    """`12.000000345` or `12`, without the loss that a float would bring."""
    whole, _, fraction = seconds.partition(".")
    return int(whole) * 10**9 + int(fraction or 0)
