"""A make-believe machine with Docker and k3d, for speed and for rare faults. The proof is in tests/e2e.

The commands `docker` and `k3d` are real executables that hand their arguments to the same world over HTTP.
"""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.todoctl.kube.kube import Kube

TOOL = """#!{python} -ISE
import json, socket, sys
given = sys.stdin.read() if {stdin} else ""
body = json.dumps({{"tool": [{name!r}, *sys.argv[1:]], "given": given}}).encode()
with socket.create_connection(("127.0.0.1", {port})) as line:
    line.sendall(b"POST /tool HTTP/1.0\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body) + body)
    answer = line.makefile("rb").read()
told = json.loads(answer.partition(b"\\r\\n\\r\\n")[2])
sys.stderr.write(told["err"])
sys.stdout.write(told["out"])
sys.exit(told["code"])
"""
Result = tuple[int, str]
Pulled = list[dict[str, Any]] | Exception

IMAGES = (
    "docker.io/rancher/k3s:v1.36.3-k3s1",
    "ghcr.io/k3d-io/k3d-proxy:5.9.0",
    "ghcr.io/k3d-io/k3d-tools:5.9.0",
    "python:3.13-slim",
)
"""What `up` needs, where nothing else is asked for."""


@dataclass
class Machine:
    """A container of `cluster`: `port` is the host's port that leads to its port 80."""

    status: str = "running"
    label: str | None = ""
    port: int | None = None
    cluster: str = "k3s-default"
    role: str = "agent"

    @property
    def labels(self) -> dict[str, str]:
        own = {} if self.label is None else {"todoctl": self.label}
        return {"k3d.cluster": self.cluster, "k3d.role": self.role, **own}

    def is_found(self, filters: dict[str, str | list[str]]) -> bool:
        wanted = filters["label"] if isinstance(filters["label"], list) else [filters["label"]]
        mine = {*self.labels, *(f"{name}={value}" for name, value in self.labels.items())}
        return set(wanted) <= mine


@dataclass
class World:
    """What there is; tests change it and put their own answers into `tools` and `commands`."""

    kube: Kube
    cluster: str = "k3s-default"
    machines: dict[str, Machine] = field(default_factory=dict)
    images: set[str] = field(default_factory=lambda: set(IMAGES))
    pulls: dict[str, list[Pulled]] = field(default_factory=dict)
    """By image, what one attempt after the other to pull it comes to; others are not in any registry."""
    node_images: set[str] = field(default_factory=set)
    paths: set[str] = field(default_factory=set)
    networks: list[str] = field(default_factory=list)
    held: set[str] = field(default_factory=set)
    """Networks that others' containers are on."""
    volumes: dict[str, str] = field(default_factory=dict)
    """The cluster of each volume, by name."""
    events: list[dict[str, Any]] = field(default_factory=list)
    calls: list[list[str]] = field(default_factory=list)
    given: list[str] = field(default_factory=list)
    tools: dict[str, tuple[int, str, str]] = field(default_factory=dict)
    """Exit code, output and error output by the first words of a command line."""
    files: dict[str, bytes] = field(default_factory=dict)
    """What the node's cache directory holds, by name."""
    commands: dict[str, Result] = field(default_factory=dict)
    """Exit code and output by the first words of a command in a node."""
    built: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.kube.tool = self.run_tool

    def install(self, directory: Path, *names: str) -> None:
        """Makes the executables."""
        directory.mkdir(exist_ok=True)
        for name in names:
            path = directory / name
            path.write_text(
                TOOL.format(python=sys.executable, name=name, port=self.kube.port, stdin=name == "docker")
            )
            path.chmod(0o755)

    # The commands

    def run_tool(self, command: list[str], given: str) -> dict[str, Any]:
        """What `k3d` and `docker` do."""
        self.calls.append(command)
        self.given.append(given)
        line = " ".join(command)
        for words, (code, out, err) in self.tools.items():
            if words in line:
                return {"code": code, "out": out, "err": err}
        out = self._k3d(command) if command[0] == "k3d" else self._docker(command, given)
        return {"code": 0, "out": out, "err": "\x1b[36mINFO\x1b[0m[0001] well\n"}

    def _k3d(self, command: list[str]) -> str:
        out = ""
        match command:
            case ["k3d", "version"]:
                out = "k3d version v5.9.0\nk3s version v1.36.3-k3s1 (default)\n"
            case ["k3d", "cluster", "create", *_, "--help"]:
                out = "Usage: ..."
            case ["k3d", "cluster", "create", _, _, port, *_, label, _]:
                self.create(int(port.split(":")[1]), label=label.split("=", 2)[2].removesuffix("@all"))
            case ["k3d", "cluster", "start", name, *_]:
                for machine in self.machines.values():
                    if machine.cluster == name:
                        machine.status = "running"
            case ["k3d", "cluster", "delete", name]:
                self.machines = {key: one for key, one in self.machines.items() if one.cluster != name}
                self.volumes = {key: owner for key, owner in self.volumes.items() if owner != name}
                self.networks = [found for found in self.networks if found != f"k3d-{name}"]
                self.kube.close_page()
                self.kube.resources.clear()
                self.kube.pods.clear()
            case ["k3d", "kubeconfig", *_]:
                out = self.kube.kubeconfig()
        return out

    def _docker(self, command: list[str], given: str) -> str:
        out = ""
        match command:
            case ["docker", "save", name]:
                out = name
            case ["docker", "exec", "-i", _, "ctr", *_]:
                self.node_images.add(given)
        return out

    def create(self, port: int, *, label: str | None = None) -> None:
        """A cluster with two agents, whose load balancer answers; with todoctl's `label` it is its own."""
        for name in ("server-0", "agent-0", "agent-1"):
            role = name.partition("-")[0]
            found = Machine(label=label, cluster=self.cluster, role=role)
            self.machines[f"k3d-{self.cluster}-{name}"] = found
        balancer = Machine(label=label, port=port, cluster=self.cluster, role="loadbalancer")
        self.machines[f"k3d-{self.cluster}-serverlb"] = balancer
        self.networks.append(f"k3d-{self.cluster}")
        self.kube.open_page(port)

    # In a node

    def run_in(self, node: str, command: list[str]) -> tuple[int, bytes]:
        """What `docker exec` does."""
        self.calls.append([node, *command])
        line = " ".join(command)
        for words, (code, output) in self.commands.items():
            if line.startswith(words):
                return code, output.encode()
        output, code = "", 0
        match command:
            case ["test", "-e", path]:
                code = 0 if path in self.paths else 1
            case ["mkdir", *_, path] | ["touch", path]:
                self.paths.add(path)
            case ["rm", "-rf", *paths]:
                self.paths -= set(paths)
            case ["mv", source, target]:
                self.paths.remove(source)
                self.paths.add(target)
            case ["ctr", "-n=k8s.io", "images", *_]:
                output = "\n".join(f"docker.io/library/{name}" for name in self.node_images)
        return code, output.encode()
