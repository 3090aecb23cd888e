"""A k3d cluster: its containers, as Docker has them, and the k3d commands that change it."""

import os
import re
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import docker.errors
from rich.text import Text

from todoctl import ports
from todoctl.commands import SILENT, Commands
from todoctl.errors import UnavailableError
from todoctl.images.engine import reason, translated
from todoctl.targets.k3d.options import LISTEN, ClusterOptions

LABEL = "todoctl"
"""Every container of a cluster of todoctl's own has it; its value says what the cluster was made with."""

OLDEST = (5, 4, 0)
CREATE_TIMEOUT = "300s"


@dataclass(frozen=True, slots=True)
class Container:
    """A container of a cluster: a node, or its load balancer."""

    name: str
    state: str
    label: str | None
    """todoctl's own label, if it has it."""

    port: int | None
    """The port of this machine that leads to port 80, for the load balancer."""

    @property
    def running(self) -> bool:
        return self.state == "running"


@dataclass(frozen=True, slots=True)
class Versions:
    """What `k3d version` says: k3d's own, and that of the k3s that it brings."""

    k3d: str
    k3s: str

    @property
    def numbers(self) -> tuple[int, ...]:
        return tuple(int(part) for part in re.findall(r"\d+", self.k3d)[:3])

    def images(self, options: ClusterOptions, *, create: bool) -> dict[str, str]:
        """Returns the images that a new cluster or a start takes, each with what names another one.

        k3d pulls one after the other, in silence, and gives up after a fixed time; what it looks up itself (a
        channel of k3s) is left to it. https://github.com/k3d-io/k3d/blob/v5.9.0/pkg/types/images.go
        """
        tag = os.environ.get("K3D_HELPER_IMAGE_TAG") or self.k3d.removeprefix("v")
        names = {"K3D_IMAGE_TOOLS": f"ghcr.io/k3d-io/k3d-tools:{tag}"}
        if create:
            names["K3D_IMAGE_LOADBALANCER"] = f"ghcr.io/k3d-io/k3d-proxy:{tag}"
        found = {os.environ.get(variable) or image: variable for variable, image in names.items()}
        k3s = options.k3s_image or os.environ.get("K3D_IMAGE") or f"docker.io/rancher/k3s:{self.k3s}"
        if create and ":" in k3s:
            found[k3s] = "--k3s-image"
        return found


def versions() -> Versions:
    """Returns k3d's versions; raises `UnavailableError` if it does not say them."""
    text = run("version")
    found = [re.search(rf"{program} version (v?\d+\.\d+\.\S+)", text) for program in ("k3d", "k3s")]
    if found[0] is None:
        raise UnavailableError(
            "k3d does not tell its version",
            why=text.strip() or "it says nothing",
            fix="Install a release of it (https://k3d.io)",
        )
    return Versions(found[0][1], found[1][1] if found[1] else "latest")


def run(*arguments: str, shown: Callable[[str], None] = lambda _: None) -> str:
    """Runs k3d; returns its output. Raises `UnavailableError` with k3d's own reasons.

    `shown` gets k3d's messages as they come.
    """
    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(
                ["k3d", *arguments],  # noqa: S607 - the k3d that the user has chosen
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
            )
        except OSError as error:
            missing = isinstance(error, FileNotFoundError)
            why = "it is not installed" if missing else error.strerror or str(error)
            raise UnavailableError(
                "k3d cannot be run", why=why, fix="Install it from https://k3d.io"
            ) from None
        with process:
            try:
                messages = []
                for line in process.stderr or ():
                    plain = Text.from_ansi(line).plain.strip()
                    messages.append(plain)
                    shown(_message(plain))
            except BaseException:
                process.terminate()
                raise
        if process.returncode:
            reasons = [one for one in messages if one.startswith(("FATA", "ERRO")) or "level=fatal" in one]
            why = next((_message(one) for one in (*reasons, *reversed(messages)) if one), "")
            raise UnavailableError(
                f"k3d {' '.join(arguments[:2])} failed",
                why=why or f"exit {process.returncode}",
                fix="Run the same command again, and see 'docker ps --all'",
            )
        output.seek(0)
        return output.read().decode(errors="replace")


def _message(line: str) -> str:
    """Returns a line of k3d's log without level and time; two forms, since it reads its options first."""
    early = re.search(r'msg="(.*)"$', line)
    return early[1].replace('\\"', '"') if early else re.sub(r"^[A-Z]+\[\d+\]\s*", "", line)


def names(engine: docker.DockerClient) -> list[str]:
    """Returns the names of all clusters that todoctl has made, running or not."""
    with translated():
        found = engine.api.containers(all=True, filters={"label": [LABEL, "k3d.cluster"]})
    return sorted({entry["Labels"]["k3d.cluster"] for entry in found})


class Cluster:
    """The cluster of a name, which may not exist."""

    def __init__(self, engine: docker.DockerClient, name: str, commands: Commands = SILENT) -> None:
        self._engine, self.name, self._commands = engine, name, commands

    def containers(self) -> list[Container]:
        """Returns its containers, running or not; none if the cluster does not exist."""
        with translated():
            found = self._engine.api.containers(all=True, filters={"label": f"k3d.cluster={self.name}"})
            return sorted((self._container(entry) for entry in found), key=lambda one: one.name)

    def _container(self, entry: dict[str, Any]) -> Container:
        labels = entry["Labels"]
        mapped = [
            port["PublicPort"]
            for port in entry.get("Ports", [])
            if port.get("PrivatePort") == 80 and port.get("PublicPort")
        ]
        if not mapped and entry["State"] != "running":  # Docker has it among the container's settings only
            bindings = self._engine.api.inspect_container(entry["Id"])["HostConfig"]["PortBindings"] or {}
            mapped = [int(one["HostPort"]) for one in bindings.get("80/tcp") or [] if one["HostPort"]]
        label = labels.get(LABEL)
        if label is None and labels.get("k3d.role") == "registry":
            label = ""  # `--registry-create` makes it with the cluster, without the others' labels
        return Container(entry["Names"][0].lstrip("/"), entry["State"], label, mapped[0] if mapped else None)

    def create(self, options: ClusterOptions, port: int, shown: Callable[[str], None]) -> None:
        """Creates the cluster; returns when k3d calls it ready."""
        command = create_command(options, port)
        hidden = ("--runtime-label=", "--timeout=")  # a cluster that is made by hand is not todoctl's
        self._commands.tell(["k3d", *(word for word in command if not word.startswith(hidden))])
        run(*command, shown=shown)

    def start(self, shown: Callable[[str], None]) -> None:
        """Starts a stopped cluster, as after a reboot."""
        self._commands.tell(["k3d", "cluster", "start", self.name])
        run("cluster", "start", self.name, f"--timeout={CREATE_TIMEOUT}", shown=shown)

    def delete(self, shown: Callable[[str], None]) -> None:
        """Deletes all of the cluster, whether or not its API answers; raises if something of it stays."""
        self._commands.tell(["k3d", "cluster", "delete", self.name])
        failure = ""
        try:
            run("cluster", "delete", self.name, shown=shown)
        except UnavailableError as error:
            failure = error.why
        for kind, name in self.leftovers():
            shown(f"removing the {kind} {name}")
            try:
                self._remove(kind, name)
            except (docker.errors.DockerException, OSError) as error:
                failure = reason(error)
        if left := self.leftovers():
            raise UnavailableError(
                f"Of the cluster {self.name} {', '.join(f'{kind} {name}' for kind, name in left)} stayed",
                why=" ".join(failure.split()),
                fix="Remove what holds it (see 'docker network inspect' and 'docker ps --all'), then run "
                "'todoctl down' again",
            )

    def _remove(self, kind: str, name: str) -> None:
        api = self._engine.api
        with suppress(docker.errors.NotFound):
            match kind:
                case "container":
                    api.remove_container(name, force=True, v=True)
                case "network":
                    api.remove_network(name)
                case _:
                    api.remove_volume(name, force=True)

    def leftovers(self) -> list[tuple[str, str]]:
        """Returns kind and name of its containers, networks and volumes that are there."""
        found = [("container", one.name) for one in self.containers()]
        with translated():
            networks = self._engine.api.networks(names=[f"k3d-{self.name}"])
            label = {"label": f"k3d.cluster={self.name}"}
            volumes = self._engine.api.volumes(filters=label)["Volumes"] or []
        found += [("network", one["Name"]) for one in networks if one["Name"] == f"k3d-{self.name}"]
        return found + [("volume", one["Name"]) for one in volumes]

    def kubeconfig(self) -> str:
        """Returns the cluster's own kubeconfig."""
        return run("kubeconfig", "get", self.name)


def write_private(path: Path, text: str) -> None:
    """Replaces `path` in one step, readable for its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".tmp")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)


def create_command(options: ClusterOptions, port: int) -> list[str]:
    """Returns what k3d is told to make the cluster of `options`, with `port` leading to its page."""
    command = [
        "cluster",
        "create",
        options.cluster,
        f"--agents={options.agents}",
        f"--port={options.listen}:{port}:80@loadbalancer",
        # Left to itself, k3d binds one to every network, half a minute after it has chosen it.
        f"--api-port={LISTEN[0]}:{ports.find_free()}",
        f"--runtime-label={LABEL}={options.label()}@all",
        f"--kubeconfig-switch-context={'false' if options.keep_context else 'true'}",
        f"--timeout={CREATE_TIMEOUT}",
    ]
    if options.k3s_image:
        command.append(f"--image={options.k3s_image}")
    return [*command, *options.k3d_arg]
