"""A k3d cluster: what there is of it in Docker, and the k3d commands that change it."""

import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import docker
import docker.errors
from rich.text import Text

from todoctl import ports
from todoctl.commands import SILENT, Commands
from todoctl.errors import UnavailableError
from todoctl.targets.k3d.options import LISTEN, ClusterOptions

MARK = "todoctl"
"""The label that todoctl's own clusters carry on every container."""

OLDEST = (5, 0, 0)
OWN = (f"--runtime-label={MARK}=", "--timeout=")
"""Arguments that nobody else would give: a cluster made by hand is not todoctl's."""

CREATE_TIMEOUT = "300s"


@dataclass(frozen=True, slots=True)
class Machine:
    """A container of a cluster: a node or its load balancer."""

    name: str
    running: bool
    ours: bool
    port: int | None
    """The host port that leads to port 80, for the load balancer."""


def are_ours(machines: list[Machine]) -> bool:
    """Whether todoctl has made all of them; k3d's short-lived helper carries no mark, whoever made it."""
    return all(machine.ours for machine in machines if not machine.name.endswith("-tools"))


def is_registry(labels: Mapping[str, str]) -> bool:
    """Whether it is what `--registry-create` makes with a cluster; k3d gives it none of the others' marks."""
    return labels.get("k3d.role") == "registry"


def are_whole(machines: list[Machine]) -> bool:
    """Whether k3d came as far as the load balancer, the last that it makes."""
    return any(machine.port for machine in machines)


def version() -> tuple[int, ...]:
    """The version of k3d as numbers; raises `UnavailableError` where it does not say one."""
    text = run("version")
    found = re.search(r"k3d version v?(\d+)\.(\d+)\.(\d+)", text)
    if not found:
        raise UnavailableError(
            "k3d does not tell its version",
            why=text.strip() or "it says nothing",
            fix="Install a release of it (https://k3d.io)",
        )
    return tuple(int(part) for part in found.groups())


def run(*arguments: str, shown: Callable[[str], None] = lambda _: None) -> str:
    """Runs k3d; returns its output. Raises `UnavailableError` with k3d's own reasons.

    `shown` gets k3d's messages as they come.
    """
    try:
        process = subprocess.Popen(
            ["k3d", *arguments],  # noqa: S607 - the k3d that the user has chosen
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        why = "it is not installed" if missing else error.strerror or str(error)
        raise UnavailableError("k3d cannot be run", why=why, fix="Install it from https://k3d.io") from None
    with process:
        try:
            reasons = []
            for line in process.stderr or ():
                plain = Text.from_ansi(line).plain.strip()
                message = re.sub(r"^[A-Z]+\[\d+\]\s*", "", plain)
                if plain.startswith(("FATA", "ERRO")):
                    reasons.append(message)
                elif early := re.search(r'level=fatal msg="(.*)"$', plain):  # while it reads its options
                    reasons.append(early[1].replace('\\"', '"'))
                shown(message)
            output = process.stdout.read() if process.stdout else ""
        except BaseException:
            process.terminate()
            raise
    if process.returncode:
        raise UnavailableError(
            f"k3d {' '.join(arguments[:2])} failed",
            why=reasons[0] if reasons else f"exit {process.returncode}",
            fix="Run the same command again, and see 'docker ps --all'",
        )
    return output


class Cluster:
    """The cluster that `options` name."""

    def __init__(
        self, engine: docker.DockerClient, options: ClusterOptions, commands: Commands = SILENT
    ) -> None:
        self._commands = commands
        self._engine = engine
        self._options = options
        self.name = options.cluster

    def machines(self) -> list[Machine]:
        """Its containers, running or not; none where the cluster does not exist."""
        found = self._engine.api.containers(all=True, filters={"label": f"k3d.cluster={self.name}"})
        with_ours = any(MARK in entry["Labels"] for entry in found)
        machines = []
        for entry in found:
            ports = [
                port["PublicPort"]
                for port in entry.get("Ports", [])
                if port.get("PrivatePort") == 80 and port.get("PublicPort")
            ]
            if not ports and entry["State"] != "running":
                ports = self._bound_ports(entry["Id"])
            machines.append(
                Machine(
                    name=entry["Names"][0].lstrip("/"),
                    running=entry["State"] == "running",
                    ours=MARK in entry["Labels"] or (with_ours and is_registry(entry["Labels"])),
                    port=ports[0] if ports else None,
                )
            )
        return sorted(machines, key=lambda machine: machine.name)

    def count_agents(self, machines: list[Machine]) -> int:
        return sum(machine.name.startswith(f"k3d-{self.name}-agent-") for machine in machines)

    def _bound_ports(self, container: str) -> list[int]:
        """A stopped container's ports, which Docker lists only among its settings."""
        bindings = self._engine.api.inspect_container(container)["HostConfig"]["PortBindings"] or {}
        return [int(binding["HostPort"]) for binding in bindings.get("80/tcp") or [] if binding["HostPort"]]

    def create(self, port: int, shown: Callable[[str], None]) -> None:
        """Creates the cluster and waits until k3d calls it ready."""
        command = create_command(self._options, port)
        self._commands.tell(["k3d", *(word for word in command if not word.startswith(OWN))])
        run(*command, shown=shown)

    def start(self, shown: Callable[[str], None]) -> None:
        """Starts a stopped cluster, as after a reboot."""
        self._commands.tell(["k3d", "cluster", "start", self.name])
        run("cluster", "start", self.name, f"--timeout={CREATE_TIMEOUT}", shown=shown)

    def delete(self, shown: Callable[[str], None]) -> None:
        """Deletes the cluster; raises where something of it stays."""
        command = ("cluster", "delete", self.name)
        self._commands.tell(["k3d", *command])
        run(*command, shown=shown)
        left = self.leftovers()
        if left:
            raise UnavailableError(
                f"k3d has deleted {self.name}, but {', '.join(left)} stayed", fix="Run 'todoctl down' again"
            )

    def leftovers(self) -> list[str]:
        """Containers, networks and volumes of the cluster that are still there, by name."""
        label = {"label": f"k3d.cluster={self.name}"}
        found = [f"container {machine.name}" for machine in self.machines()]
        networks = self._engine.api.networks(names=[f"k3d-{self.name}"])
        found += [f"network {entry['Name']}" for entry in networks if entry["Name"] == f"k3d-{self.name}"]
        volumes = self._engine.api.volumes(filters=label)["Volumes"] or []
        return found + [f"volume {entry['Name']}" for entry in volumes]

    def kubeconfig(self, path: Path) -> None:
        """Writes the cluster's own kubeconfig to `path`, readable for its owner alone."""
        switch = f"--kubeconfig-switch-context={'true' if self._options.switch_context else 'false'}"
        merge = ["k3d", "kubeconfig", "merge", self.name, "--kubeconfig-merge-default", switch]
        self._commands.tell(merge)  # todoctl has a file of its own instead: the user's is the user's
        text = run("kubeconfig", "get", self.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")


def create_command(options: ClusterOptions, port: int) -> list[str]:
    """What k3d is told to make the cluster of `options`, with `port` leading to its page."""
    command = [
        "cluster",
        "create",
        options.cluster,
        f"--agents={options.agents}",
        f"--port={options.listen}:{port}:80@loadbalancer",
        # Left to itself, k3d binds one to every network, half a minute after it has chosen it.
        f"--api-port={LISTEN[0]}:{ports.find_free()}",
        f"--runtime-label={MARK}=made@all",
        f"--kubeconfig-switch-context={'true' if options.switch_context else 'false'}",
        f"--timeout={CREATE_TIMEOUT}",
    ]
    if options.k3s_image:
        command.append(f"--image={options.k3s_image}")
    return [*command, *options.k3d_arg]
