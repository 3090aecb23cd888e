"""Docker's engine in the make-believe world.

`Engine` stands where the Docker SDK's client stands, with no more than todoctl asks of it.
"""

import hashlib
import io
import struct
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import docker.errors

from tests.todoctl.targets.k3d.world import World


class Engine:
    """In the place of `docker.DockerClient`; it is its own `api`, `containers` and `images`."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.api = self
        self.containers = Containers(world)
        self.images = Images(world)
        self.root = "/"
        self._executed: list[tuple[int, bytes]] = []

    def __call__(self, **_: object) -> "Engine":
        return self

    def version(self) -> dict[str, str]:
        return {"Version": "20.10.24"}

    def info(self) -> dict[str, str]:
        return {"DockerRootDir": self.root}

    def inspect_container(self, name: str) -> dict[str, Any]:
        port = self.world.machines[name].port
        return {"HostConfig": {"PortBindings": {"80/tcp": [{"HostPort": str(port)}]} if port else None}}

    # Running a command in a container takes three requests

    base_url, api_version, timeout = "http+docker://world", "1.41", 60

    def exec_create(self, container: str, command: list[str]) -> dict[str, str]:
        if self.containers.get(container).status != "running":
            raise docker.errors.APIError("conflict", explanation="it is not running")
        self._executed.append(self.world.run_in(container, command))
        return {"Id": str(len(self._executed) - 1)}

    def post(self, url: str, *, json: dict[str, bool], timeout: int) -> "Executed":
        """Output and error output in frames; what a failed command says is the latter."""
        assert not any(json.values())
        assert timeout
        code, output = self._executed[int(url.split("/")[-2])]
        half = len(output) // 2
        parts = [part for part in (output[:half], output[half:]) if part]
        return Executed(b"".join(struct.pack(">BxxxL", 2 if code else 1, len(part)) + part for part in parts))

    def exec_inspect(self, number: str) -> dict[str, int]:
        return {"ExitCode": self._executed[int(number)][0]}

    def get_archive(self, container: str, path: str) -> tuple[list[bytes], dict[str, str]]:
        self.containers.get(container)
        if path not in self.world.paths:
            raise docker.errors.NotFound("404", explanation=f"Could not find the file {path} in container")
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            for name, content in self.world.files.items():
                entry = tarfile.TarInfo(f"{path.rpartition('/')[2]}/{name}")
                entry.size, entry.mtime = len(content), 12.5
                archive.addfile(entry, io.BytesIO(content))
        return [packed.getvalue()], {}

    def put_archive(self, container: str, path: str, data: bytes) -> bool:
        self.world.calls.append([container, "put_archive", path])
        with tarfile.open(fileobj=io.BytesIO(data)) as packed:
            self.world.paths |= {f"{path}/{name}" for name in packed.getnames()}
        return True

    def remove_container(self, name: str, **_: object) -> None:
        del self.world.machines[name]

    def remove_network(self, name: str) -> None:
        if name in self.world.held:
            raise docker.errors.APIError("403", explanation=f"network {name} has active endpoints")
        self.world.networks.remove(name)

    def remove_volume(self, name: str, **_: object) -> None:
        del self.world.volumes[name]

    def networks(self, names: list[str]) -> list[dict[str, str]]:
        """As Docker does it: a name is found by any part of it."""
        return [{"Name": name} for name in self.world.networks if any(part in name for part in names)]

    def volumes(self, filters: dict[str, str]) -> dict[str, Any]:
        cluster = filters["label"].removeprefix("k3d.cluster=")
        found = [name for name, owner in self.world.volumes.items() if owner == cluster]
        return {"Volumes": [{"Name": name} for name in found] or None}

    def pull(self, name: str, *, stream: bool, decode: bool) -> Iterator[dict[str, Any]]:
        """As Docker does it: what is known before the answer begins is raised, the rest is in the answer."""
        assert stream
        assert decode
        self.world.calls.append(["pull", name])
        if not self.world.pulls.get(name):
            reason = f"manifest for {name} not found: manifest unknown: manifest unknown"
            raise docker.errors.NotFound("404 Client Error", explanation=reason)
        answer = self.world.pulls[name].pop(0)
        if isinstance(answer, Exception):
            raise answer
        return self._answer(name, answer)

    def _answer(self, name: str, events: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        yield from events
        if events and str(events[-1].get("status")).startswith("Status: "):
            self.world.images.add(name)

    def build(self, *, tag: str, **given: object) -> Iterator[dict[str, Any]]:
        self.world.built.append({"tag": tag, **given})
        yield from self.world.events
        if not any("error" in event for event in self.world.events):
            self.world.images.add(tag)


@dataclass(frozen=True)
class Executed:
    """The engine's answer to a command."""

    content: bytes

    def raise_for_status(self) -> None:
        """It went well."""


class Containers:
    """`engine.containers`, and what `engine.api.containers` gives."""

    def __init__(self, world: World) -> None:
        self._world = world

    def __call__(self, *, filters: dict[str, str | list[str]], all: bool = False) -> list[dict[str, Any]]:  # noqa: A002 - as in the SDK
        return [
            {
                "Id": name,
                "Names": [f"/{name}"],
                "State": machine.status,
                "Labels": machine.labels,
                "Ports": [{"PrivatePort": 6443, "PublicPort": 6443}]
                + (
                    [{"PrivatePort": 80, "PublicPort": machine.port}]
                    if machine.port and machine.status == "running"
                    else []
                ),
            }
            for name, machine in self._world.machines.items()
            if machine.is_found(filters) and (all or machine.status == "running")
        ]

    def get(self, name: str) -> "Container":
        if name not in self._world.machines:
            raise docker.errors.NotFound("404", explanation=f"No such container: {name}")
        return Container(self._world, name)


class Container:
    """One container."""

    def __init__(self, world: World, name: str) -> None:
        self._world = world
        self._name = name

    @property
    def status(self) -> str:
        return self._world.machines[self._name].status


@dataclass(frozen=True)
class Image:
    id: str


class Images:
    """`engine.images`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.pushed: Callable[[], Iterator[dict[str, Any]]] = lambda: iter([{"status": "Pushed", "id": "1"}])

    def get(self, name: str) -> Image:
        if name not in self._world.images:
            raise docker.errors.ImageNotFound("no such image")
        return Image(f"sha256:{hashlib.sha256(name.encode()).hexdigest()}")

    def push(self, name: str, **_: object) -> Iterator[dict[str, Any]]:
        return self.pushed()
