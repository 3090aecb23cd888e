"""A k3d cluster: its containers, as Docker has them, and the k3d commands that change it."""

import os
import re
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import docker
import docker.errors
from rich.text import Text

from todoctl.errors import UnavailableError
from todoctl.images.engine import reason, translated
from todoctl.targets.k3d.options import ClusterOptions

LABEL = "todoctl"
"""Every container of a cluster of todoctl's own has it; its value says what the cluster was made with."""

OLDEST = (5, 4, 0)


@dataclass(frozen=True, slots=True)
class Container:
    """A container of a cluster: a node, or its load balancer."""

    name: str
    role: str
    running: bool
    label: str | None
    """todoctl's own label, if it has it."""

    port: int | None
    """The port of this machine that leads to port 80, for the load balancer."""

    created: bool
    """Whether it was made and never started."""


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
        messages = []
        try:
            for line in process.stderr or ():
                messages.append(Text.from_ansi(line).plain.strip())
                shown(_message(messages[-1]))
            output = process.stdout.read() if process.stdout else ""  # a kubeconfig at most: a pipe holds it
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
    return output


def _message(line: str) -> str:
    """Returns a line of k3d's log without level and time; two forms, since it reads its options first."""
    early = re.search(r'msg="(.*)"$', line)
    return early[1].replace('\\"', '"') if early else re.sub(r"^[A-Z]+\[\d+\]\s*", "", line)


def names(engine: docker.DockerClient) -> list[str]:
    """Returns the names of all clusters that todoctl has made, running or not."""
    with translated():
        found = engine.api.containers(all=True, filters={"label": [LABEL, "k3d.cluster"]})
    return sorted({entry["Labels"]["k3d.cluster"] for entry in found})


def containers(engine: docker.DockerClient, cluster: str) -> list[Container]:
    """Returns the containers of a cluster, running or not; none if it does not exist."""
    with translated():
        found = engine.api.containers(all=True, filters={"label": f"k3d.cluster={cluster}"})
        return sorted((_container(engine, entry) for entry in found), key=lambda one: one.name)


def _container(engine: docker.DockerClient, entry: dict[str, Any]) -> Container:
    labels, state = entry["Labels"], entry["State"]
    mapped = [
        port["PublicPort"]
        for port in entry.get("Ports", [])
        if port.get("PrivatePort") == 80 and port.get("PublicPort")
    ]
    if not mapped and state != "running":  # Docker has it among the container's settings only
        bindings = engine.api.inspect_container(entry["Id"])["HostConfig"]["PortBindings"] or {}
        mapped = [int(one["HostPort"]) for one in bindings.get("80/tcp") or [] if one["HostPort"]]
    label, role = labels.get(LABEL), labels.get("k3d.role", "")
    if label is None and role == "registry":
        label = ""  # `--registry-create` makes it with the cluster, without the others' labels
    return Container(
        name=entry["Names"][0].lstrip("/"),
        role=role,
        running=state == "running",
        label=label,
        port=mapped[0] if mapped else None,
        created=state == "created",
    )


def are_own(found: list[Container]) -> bool:
    """Returns whether todoctl has made all of them; k3d's short-lived helper never has the label."""
    made = [one for one in found if not one.name.endswith("-tools")]
    return any(one.label for one in made) and all(one.label is not None for one in made)


def delete(engine: docker.DockerClient, cluster: str, shown: Callable[[str], None]) -> None:
    """Deletes all of a cluster, whether or not its API answers; raises if something of it stays.

    k3d removes one node after the other, which takes seconds each. So the nodes go first, at the same time.
    The rest is k3d's: load balancer, network, volumes, and the entry in the user's kubeconfig.
    """
    failure = ""
    nodes = [one.name for one in containers(engine, cluster) if one.role in {"server", "agent"}]
    with ThreadPoolExecutor(max(len(nodes), 1)) as pool:
        list(pool.map(lambda name: _remove(engine, "container", name), nodes))
    try:
        run("cluster", "delete", cluster, shown=shown)
    except UnavailableError as error:
        failure = error.why
    for kind, name in leftovers(engine, cluster):
        shown(f"removing the {kind} {name}")
        failure = _remove(engine, kind, name) or failure
    if left := leftovers(engine, cluster):
        raise UnavailableError(
            f"Of the cluster {cluster} {', '.join(f'{kind} {name}' for kind, name in left)} stayed",
            why=" ".join(failure.split()),
            fix="Remove what holds it (see 'docker network inspect' and 'docker ps --all'), then run "
            "'todoctl down' again",
        )


def _remove(engine: docker.DockerClient, kind: str, name: str) -> str:
    """Returns why it could not be removed; empty if it is gone."""
    try:
        with suppress(docker.errors.NotFound):
            match kind:
                case "container":
                    engine.api.remove_container(name, force=True, v=True)
                case "network":
                    engine.api.remove_network(name)
                case _:
                    engine.api.remove_volume(name, force=True)
    except (docker.errors.DockerException, OSError) as error:
        return reason(error)
    return ""


def leftovers(engine: docker.DockerClient, cluster: str) -> list[tuple[str, str]]:
    """Returns kind and name of the cluster's containers, networks and volumes that are there."""
    found = [("container", one.name) for one in containers(engine, cluster)]
    with translated():
        networks = engine.api.networks(names=[f"k3d-{cluster}"])
        volumes = engine.api.volumes(filters={"label": f"k3d.cluster={cluster}"})["Volumes"] or []
    found += [("network", one["Name"]) for one in networks if one["Name"] == f"k3d-{cluster}"]
    return found + [("volume", one["Name"]) for one in volumes]
