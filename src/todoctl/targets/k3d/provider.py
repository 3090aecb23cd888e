"""A k3d cluster for the app: made, started, prepared, deleted. The rest is in targets/kubernetes."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import docker
import yaml

from todoctl import ports
from todoctl.errors import BadUsageError, UnavailableError
from todoctl.images import build
from todoctl.images.build import DEFAULT_BASE_IMAGE
from todoctl.images.engine import connect, has_image, in_background, translated
from todoctl.images.pull import pull_missing
from todoctl.kube import wait
from todoctl.kube.client import Client
from todoctl.kube.manifests import Resource, adapted, deployment_of
from todoctl.settings import Settings
from todoctl.state import Home, make_directory, read_json, write_json
from todoctl.targets.base import Finding, Progress, Step, error_finding, has, port_finding
from todoctl.targets.k3d import cluster as k3d
from todoctl.targets.k3d.cluster import LABEL, Container, Versions, are_own
from todoctl.targets.k3d.node import CACHE, OWN, VOLUME, Node
from todoctl.targets.k3d.options import LISTEN, ClusterOptions
from todoctl.targets.kubernetes.page import Page
from todoctl.targets.kubernetes.provider import Cluster, Provided

FOLDER = "k3d"
"""Below todoctl's home; in it one for each cluster."""

DISK_BYTES = 3 * 1024**3
"""What the images of a cluster and its nodes take, with space to work."""

ENGINE_SECONDS = 5
TIMEOUT = "--timeout=300s"
INSTALL = "Install k3d 5.4 or newer from https://k3d.io"


class K3dCluster:
    """One cluster; see `todoctl.targets.kubernetes.provider.Provider` for what each method promises."""

    name = "k3d"

    def __init__(self, home: Home, options: ClusterOptions) -> None:
        self.options = options
        self.context = f"k3d-{options.cluster}"
        self.directory = home.path / FOLDER / options.cluster
        self._kubeconfig = self.directory / "kubeconfig"
        self._client: Client | None = None

    @cached_property
    def _engine(self) -> docker.DockerClient:
        return connect()

    @cached_property
    def _versions(self) -> Versions:
        return k3d.versions()

    @property
    def _node(self) -> Node:
        """The node that has the volume and the app's image."""
        return Node(self._engine, self.options.node)

    def _containers(self) -> list[Container]:
        """Returns the cluster's containers, and takes over the options that it was created with."""
        found = k3d.containers(self._engine, self.options.cluster)
        made = next(
            (made for one in found if one.label and (made := self.options.made_with(one.label))), None
        )
        if made is not None:
            self.options = replace(made, stated=self.options.stated)
        elif found:
            self.options = replace(self.options, agents=sum(one.role == "agent" for one in found))
        return found

    def look(self) -> Cluster | None:
        containers = self._containers()
        return self._found(are_own(containers)) if containers else None

    def _found(self, is_own: bool) -> Cluster:
        """Returns the cluster, whose kubeconfig is had from k3d if this machine has lost it."""
        if not self._kubeconfig.exists():
            self._write_kubeconfig()
        self._client = self._client or Client(self._kubeconfig)
        details = {
            "Cluster": self.options.cluster + ("" if is_own else " (adopted)"),
            "Volume": f"{CACHE} in {self.options.node}",
            "Kubeconfig": str(self._kubeconfig),
        }
        return Cluster(
            client=self._client,
            page=Page(),
            details=details,
            is_own=is_own,
            node=self.options.node,
            store=self._node,
            cache=CACHE,
        )

    def _k3ds_kubeconfig(self) -> dict[str, Any]:
        """Returns the cluster's own kubeconfig; written as JSON, it is YAML still."""
        return dict(yaml.safe_load(k3d.run("kubeconfig", "get", self.options.cluster)))

    def _write_kubeconfig(self) -> None:
        write_json(self._kubeconfig, self._k3ds_kubeconfig())
        self._client = None

    # Before anything is touched

    def findings(self, port: int) -> list[Finding]:
        with ThreadPoolExecutor(1) as beside:
            of_k3d = beside.submit(self._k3d)
            of_docker = self._docker(port)
            return [of_docker[0], of_k3d.result(), *of_docker[1:]]

    def _docker(self, port: int) -> list[Finding]:
        command = _command("docker", fix="Install Docker's command line")
        try:
            with translated():
                engine = connect(timeout=ENGINE_SECONDS)
                version = engine.version()["Version"]
                containers = k3d.containers(engine, self.options.cluster)
                root = None if containers else Path(str(engine.info().get("DockerRootDir", "")))
        except UnavailableError as error:
            return [error_finding("Docker", error), command]
        return [
            Finding(subject="Docker", ok=True, seen=version),
            command,
            *self._k3d_args(),
            self._ownership(containers),
            _port(port, containers),
            *([_disk(root)] if root else []),
            _command("kubectl", fix="todoctl does not need it; you may want it", required=False),
        ]

    def _k3d(self) -> Finding:
        try:
            versions = self._versions
        except UnavailableError as error:
            return Finding(subject="k3d", ok=False, seen=error.why, fix=INSTALL)
        seen = ".".join(map(str, versions.numbers))
        return Finding(subject="k3d", ok=versions.numbers >= k3d.OLDEST, seen=seen, fix=INSTALL)

    def _k3d_args(self) -> list[Finding]:
        """Returns whether k3d knows its options: with `--help` it reads them and does nothing."""
        if not self.options.k3d_arg:
            return []
        wrong = []
        try:
            k3d.run("cluster", "create", *self.options.k3d_arg, "--help")
        except UnavailableError as error:
            wrong.append(error.why)
        for name, _, path in (word.partition("=") for word in self.options.k3d_arg):
            if name == "--registry-config" and not Path(path).is_file():
                wrong.append(f"there is no file {path}")
        seen, fix = "; ".join(wrong) or "k3d knows it", "See 'k3d cluster create --help'"
        return [Finding(subject="--k3d-arg", ok=not wrong, seen=seen, fix=fix)]

    def _ownership(self, containers: list[Container]) -> Finding:
        subject = f"Cluster {self.options.cluster}"
        if not containers:
            return Finding(subject=subject, ok=True, seen="not there yet")
        if are_own(containers):
            state = "runs" if all(one.running for one in containers) else "is stopped, or partly so"
            return Finding(subject=subject, ok=True, seen=f"made by todoctl, {state}")
        return Finding(
            subject=subject,
            ok=self.options.adopt or self._is_adopted(),
            seen="it exists, and todoctl has not made it",
            fix="Use it with --adopt, or choose another name with --cluster",
        )

    def _is_adopted(self) -> bool:
        """Returns whether an earlier `up` has used this very cluster: another of the name has another key."""
        try:
            before = read_json(self._kubeconfig)
            return before is not None and before == self._k3ds_kubeconfig()
        except UnavailableError:
            return False

    # Up

    def provide(self, settings: Settings, progress: Progress, timeout: float | None) -> Provided:
        """Cluster, image, node; the image is built while k3d works, and brought to its node after that.

        Before that, both would wait for the same disk, and an ingress controller that k3s installs comes so
        much later than the image.
        """
        engine, asked, name = self._engine, self.options, self.options.cluster
        containers = self._containers()
        if self._was_interrupted(containers):
            with progress.step(f"Remove what an interrupted start left of cluster {name}") as step:
                k3d.delete(engine, name, step.update)
            containers, self.options = [], asked
        self._check_creation(containers, asked)
        is_own = not containers or are_own(containers)
        running = bool(containers) and all(one.running for one in containers)
        wanted = {} if running else self._versions.images(self.options, create=not containers)
        base = self.options.base_image
        wanted[base or DEFAULT_BASE_IMAGE] = "--base-image"
        pull_missing(engine, wanted, progress)
        tag = build.reference(engine, base)
        building = in_background(lambda: () if has_image(engine, tag) else build.make(engine, tag, base))
        looking = in_background(lambda: self._look_at_node(tag)) if running else None  # it takes a moment
        if not containers:
            self._create(settings.port, progress)
        elif not running:
            with progress.step(f"Start cluster {name}") as step:
                progress.command(["k3d", "cluster", "start", name])
                k3d.run("cluster", "start", name, TIMEOUT, shown=step.update)
        if not (running and is_own and self._kubeconfig.exists()):
            self._get_kubeconfig(progress)
        cluster = self._found(is_own)
        with progress.step(f"Build the app's image {tag}"):
            progress.command(*building.result())
        with progress.step(f"Prepare {VOLUME} and the image in {self.options.node}") as step:
            _wait_for_api(cluster.client, step, timeout)
            has_volume, has_tag = looking.result() if looking else self._look_at_node(tag)
            prepared = self._prepare(cluster, tag, progress, has_volume=has_volume, has_tag=has_tag)
        return Provided(cluster=cluster, image=tag, changed=not running or prepared, remount=not has_volume)

    def _was_interrupted(self, containers: list[Container]) -> bool:
        """Returns whether a start from here did not come to its end: k3d did not get to the kubeconfig."""
        begun = self.directory.exists() and not self._kubeconfig.exists()
        half = not any(one.port for one in containers) or any(one.created for one in containers)
        return bool(containers) and are_own(containers) and begun and half

    def _check_creation(self, containers: list[Container], asked: ClusterOptions) -> None:
        """Raises if the cluster that is there cannot become what is asked."""
        if not containers:
            return
        differing = []
        if are_own(containers):
            differing = [f"was made with {words}" for words in asked.differing(self.options)]
        elif asked.k3d_arg:
            differing = ["was made without todoctl's --k3d-arg"]
        if differing:
            raise BadUsageError(
                f"Cluster {asked.cluster} {' and '.join(differing)}",
                why="a cluster keeps what it was created with",
                fix="Leave that out, choose another cluster with --cluster, or run 'todoctl down' first",
            )
        agents = {f"{self.context}-agent-{number}" for number in range(self.options.agents)}
        expected = {f"{self.context}-server-0", f"{self.context}-serverlb", *agents}
        if missing := sorted(expected - {one.name for one in containers}):
            raise UnavailableError(
                f"Cluster {asked.cluster} is not whole: {', '.join(missing)} "
                f"{'is' if len(missing) == 1 else 'are'} gone",
                why="somebody has removed the container, or todoctl was interrupted on another machine",
                fix=f"Make it anew: 'todoctl down --cluster {asked.cluster}', then 'todoctl up' "
                f"(picture and counts are in {self.options.node}, and go with it)",
            )

    def _create(self, port: int, progress: Progress) -> None:
        options = self.options
        make_directory(self.directory)  # by which an interrupted start is known
        self._kubeconfig.unlink(missing_ok=True)
        command = [
            *("cluster", "create", options.cluster, f"--agents={options.agents}"),
            f"--port={options.listen}:{port}:80@loadbalancer",
            # Left to itself, k3d binds one to every network, half a minute after it has chosen it.
            f"--api-port={LISTEN[0]}:{ports.find_free()}",
            f"--kubeconfig-switch-context={_switch(options)}",
            *([f"--image={options.k3s_image}"] if options.k3s_image else []),
            *options.k3d_arg,
        ]
        with progress.step(f"Create cluster {options.cluster} with {options.agents} agents") as step:
            progress.command(["k3d", *command])  # without the label: made by hand, it is not todoctl's
            k3d.run(*command, f"--runtime-label={LABEL}={options.label()}@all", TIMEOUT, shown=step.update)

    def _get_kubeconfig(self, progress: Progress) -> None:
        with progress.step("Get the cluster's own kubeconfig"):
            merge = ["k3d", "kubeconfig", "merge", self.options.cluster, "--kubeconfig-merge-default"]
            # todoctl has a file of its own; commands that are typed use the user's.
            progress.command([*merge, f"--kubeconfig-switch-context={_switch(self.options)}"])
            self._write_kubeconfig()

    def _look_at_node(self, tag: str) -> tuple[bool, bool]:
        """Returns whether the node has the volume's directory, and the image."""
        node = self._node
        with ThreadPoolExecutor(1) as beside:
            has_volume = beside.submit(has, node, VOLUME)
            has_tag = node.has_image(tag)
            return has_volume.result(), has_tag

    def _prepare(
        self, cluster: Cluster, tag: str, progress: Progress, *, has_volume: bool, has_tag: bool
    ) -> bool:
        """Makes what is missing in the node; returns False if nothing was."""
        node = self._node
        if not has_volume:
            progress.command(["docker", "exec", node.name, "mkdir", "-p", VOLUME])
            node.run("mkdir", "-p", VOLUME)
        if not cluster.is_own and not has(node, CACHE):
            node.run("touch", OWN)
        if not has_tag:
            node.load_image(tag, progress)
        there = cluster.client.get("Node", node.name) if cluster.is_own else None
        cordoned = bool(there and there["spec"].get("unschedulable"))
        if cordoned:
            progress.command(["kubectl", f"--context={self.context}", "uncordon", node.name])
            cluster.client.patch("Node", node.name, {"spec": {"unschedulable": None}})
        return cordoned or not has_volume or not has_tag

    # What the app is made of

    def resources(self, settings: Settings, image: str) -> list[Resource]:
        return resources(settings, self.options, image)

    def manifest_options(self) -> dict[str, Any]:
        return {"cluster": self.options.cluster, "agents": self.options.agents}

    # Down

    def remove(self, progress: Progress, *, keep_data: bool) -> bool | None:
        """By the labels of its containers alone: its API may be dead."""
        engine, name, containers = self._engine, self.options.cluster, self._containers()
        is_own = are_own(containers)
        left = not containers and self.directory.exists() and bool(k3d.leftovers(engine, name))
        if left or (is_own and not (keep_data or self.options.keep_cluster)):
            title = f"Remove what is left of cluster {name}" if left else f"Delete cluster {name}"
            with progress.step(title) as step:
                progress.command(["k3d", "cluster", "delete", name])
                k3d.delete(engine, name, step.update)
            return not left
        if not containers:
            return False
        if not all(one.running for one in containers):
            if not is_own and not self.directory.exists():
                return False
            whole = (
                ", or remove it whole with 'todoctl down'" if is_own else f" or 'k3d cluster start {name}'"
            )
            raise UnavailableError(
                f"Cluster {name} does not run, so the app cannot be taken off it",
                fix=f"Start it with 'todoctl up'{whole}",
            )
        if not is_own:  # a cluster of that name may have been made since
            self._write_kubeconfig()
        return None

    def clean(self, cluster: Cluster, progress: Progress, *, keep_data: bool) -> bool:
        node, name = self._node, self.options.cluster
        if keep_data:
            progress.note(
                f"Cluster {name} stays: the volume is in its node {node.name}. "
                "'todoctl down' removes what was kept."
            )
            return True
        if cluster.is_own or has(node, OWN):
            with progress.step(f"Empty the volume in {node.name}"):
                gone = [CACHE, f"{CACHE}.set-aside", OWN]
                progress.command(["docker", "exec", node.name, "rm", "-rf", *gone])
                node.run("rm", "-rf", *gone)
        elif has(node, CACHE):
            progress.note(f"{CACHE} stays in {node.name}: it was there before the first 'up'.")
        if cluster.is_own:
            progress.note(f"Cluster {name} stays. 'todoctl down' removes it.")
        return cluster.is_own


def _switch(options: ClusterOptions) -> str:
    return "false" if options.keep_context else "true"


def _wait_for_api(client: Client, step: Step, timeout: float | None) -> None:
    """Returns when the API server answers and lets pods be made: after a start that takes a moment."""

    def look() -> wait.Reason | None:
        client.ping()
        return None

    wait.until(look, "The cluster's API does not answer", step, timeout)


def _command(name: str, *, fix: str, required: bool = True) -> Finding:
    path = shutil.which(name)
    seen = path or "the command is not installed"
    return Finding(subject=name, ok=path is not None, seen=seen, fix=fix, required=required)


def _port(port: int, containers: list[Container]) -> Finding:
    subject = f"Port {port}"
    mapped = [one.port for one in containers if one.port]
    if mapped and port not in mapped:
        return Finding(
            subject=subject,
            ok=False,
            seen=f"the cluster was made for port {mapped[0]}",
            fix=f"Use --port {mapped[0]}, or run 'todoctl down' first",
        )
    if containers and not mapped and not are_own(containers):
        return Finding(
            subject=subject,
            ok=False,
            seen="the cluster does not publish its load balancer's port 80 on this machine",
            fix=f"Create it with 'k3d cluster create --port {port}:80@loadbalancer'",
        )
    if any(one.port and one.running for one in containers):
        return Finding(subject=subject, ok=True, seen="held by the cluster")
    return port_finding(port)


def _disk(root: Path) -> Finding:
    """Returns whether there is space for a new cluster."""
    if not root.is_dir():  # Docker is on another machine, or in a virtual one
        return Finding(subject="Disk", ok=True, seen="cannot be seen from here", required=False)
    free = shutil.disk_usage(root).free
    return Finding(
        subject="Disk",
        ok=free >= DISK_BYTES,
        seen=f"{free / 1024**3:.1f} GiB free in {root}",
        fix=f"Free some: a new cluster needs {DISK_BYTES // 1024**3} GiB",
    )


def resources(settings: Settings, options: ClusterOptions, image: str) -> list[Resource]:
    """Returns the five resources, with the volume in the node that `options` name."""
    found = adapted(settings, image)
    (term,) = found[0]["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    term["matchExpressions"][0]["values"] = [options.node]
    # Nothing kills process 1 from inside its own pod, and a validation does.
    deployment_of(found)["spec"]["template"]["spec"]["shareProcessNamespace"] = True
    return found
