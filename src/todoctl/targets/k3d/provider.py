"""A k3d cluster for the app: made, started, prepared, deleted. The rest is in targets/kubernetes."""

import shutil
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import docker

from todoctl.background import Background
from todoctl.commands import SILENT, Commands
from todoctl.errors import BadUsageError, UnavailableError
from todoctl.images import build
from todoctl.images.build import DEFAULT_BASE_IMAGE
from todoctl.images.engine import connect, has_image, translated
from todoctl.images.pull import pull_missing
from todoctl.kube import wait
from todoctl.kube.client import Client
from todoctl.kube.manifests import Resource, adapted, deployment_of
from todoctl.settings import Settings, seconds
from todoctl.state import Home, make_directory
from todoctl.targets import findings
from todoctl.targets.base import Finding, Progress, Step
from todoctl.targets.k3d import cluster as k3d
from todoctl.targets.k3d.cluster import Cluster, Container, Versions, write_private
from todoctl.targets.k3d.node import CACHE, OWN, VOLUME, Node
from todoctl.targets.k3d.options import ClusterOptions
from todoctl.targets.kubernetes.page import PublishedPort
from todoctl.targets.kubernetes.provider import Provided

FOLDER = "k3d"
"""Below todoctl's home; in it one for each cluster."""

DISK_BYTES = 3 * 1024**3
"""What the images of a cluster and its nodes take, with room to work."""

ENGINE_SECONDS = 5
INSTALL = "Install k3d 5.4 or newer from https://k3d.io"


class K3dCluster:
    """One cluster; see `todoctl.targets.kubernetes.provider.Provider` for what each method promises."""

    name = "k3d"

    def __init__(self, home: Home, options: ClusterOptions, commands: Commands = SILENT) -> None:
        self.options, self._commands = options, commands
        self.context = f"k3d-{options.cluster}"
        self.directory = home.path / FOLDER / options.cluster
        self._kubeconfig = self.directory / "kubeconfig"
        self._client: Client | None = None

    @cached_property
    def _engine(self) -> docker.DockerClient:
        return connect()

    @cached_property
    def _cluster(self) -> Cluster:
        return Cluster(self._engine, self.options.cluster, self._commands)

    @cached_property
    def _versions(self) -> Versions:
        return k3d.versions()

    @property
    def _node(self) -> Node:
        """The node that has the volume and the app's image."""
        return Node(self._engine, self.options.node)

    def _containers(self) -> list[Container]:
        """Returns the cluster's containers, and takes over the options that it was created with."""
        found = self._cluster.containers()
        made = next(
            (made for one in found if one.label and (made := self.options.made_with(one.label))), None
        )
        if made is not None:
            self.options = replace(made, stated=self.options.stated)
        elif found:
            agents = sum(one.name.startswith(f"k3d-{self.options.cluster}-agent-") for one in found)
            self.options = replace(self.options, agents=agents)
        return found

    def client(self) -> Client | None:
        """By the cluster's own kubeconfig, which is had from k3d if this machine has lost it."""
        if self._client is None:
            if not self._containers():
                return None
            if not self._kubeconfig.exists():
                write_private(self._kubeconfig, self._cluster.kubeconfig())
            self._client = Client(self._kubeconfig)
        return self._client

    def is_own(self) -> bool:
        return _are_own(self._cluster.containers())

    def asked(self) -> dict[str, Any]:
        values = asdict(self.options)
        return {name: values[name] for name in ("cluster", "agents", "base_image")}

    # Before anything is touched

    def findings(self, port: int) -> list[Finding]:
        found = [self._k3d(), _command("docker", fix="Install Docker's command line")]
        try:
            with translated():
                engine = connect(timeout=ENGINE_SECONDS)
                version = engine.version()["Version"]
                containers = Cluster(engine, self.options.cluster).containers()
                root = Path(str(engine.info().get("DockerRootDir", "")))
        except UnavailableError as error:
            return [findings.of_error("Docker", error), *found]
        return [
            Finding(subject="Docker", ok=True, seen=version),
            *found,
            *self._k3d_args(),
            self._ownership(containers),
            _port(port, containers),
            _disk(root, required=not containers),
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
        """Whether k3d takes what it is handed: with `--help` it reads its options and does nothing."""
        if not self.options.k3d_arg:
            return []
        wrong = ""
        try:
            k3d.run("cluster", "create", *self.options.k3d_arg, "--help")
        except UnavailableError as error:
            wrong = error.why
        missing = [word for word in self.options.k3d_arg if _names_missing_file(word)]
        seen = "; ".join(
            filter(None, [wrong, *(f"there is no file {one.partition('=')[2]}" for one in missing)])
        )
        fix = "See 'k3d cluster create --help'"
        return [Finding(subject="--k3d-arg", ok=not seen, seen=seen or "k3d knows it", fix=fix)]

    def _ownership(self, containers: list[Container]) -> Finding:
        subject = f"Cluster {self.options.cluster}"
        if not containers:
            return Finding(subject=subject, ok=True, seen="not there yet")
        if _are_own(containers):
            state = "runs" if all(one.running for one in containers) else "is stopped, or partly so"
            return Finding(subject=subject, ok=True, seen=f"made by todoctl, {state}")
        return Finding(
            subject=subject,
            ok=self.options.adopt or self._is_adopted(),
            seen="it exists, and todoctl has not made it",
            fix="Use it with --adopt, or choose another name with --cluster",
        )

    def _is_adopted(self) -> bool:
        """Whether an earlier `up` has used this very cluster: another one of the name has another key."""
        try:
            return (
                self._kubeconfig.exists()
                and self._kubeconfig.read_text("utf-8") == self._cluster.kubeconfig()
            )
        except (UnavailableError, OSError):
            return False

    # Up

    def provide(self, settings: Settings, progress: Progress, timeout: float | None) -> Provided:
        """Cluster, image, node; the image is built while k3d works, and brought to its node after that.

        Before that, both would wait for the same disk, and an ingress controller that k3s installs comes so
        much later than the image.
        """
        options, cluster = self.options, self._cluster
        containers = self._containers()
        if self._was_interrupted(containers):
            with progress.step(f"Remove what an interrupted start left of cluster {cluster.name}") as step:
                cluster.delete(step.update)
            containers, self.options = [], options
        self._check_creation(containers, options)
        own = not containers or _are_own(containers)
        running = bool(containers) and all(one.running for one in containers)
        wanted = {} if running else self._versions.images(self.options, create=not containers)
        wanted[self.options.base_image or DEFAULT_BASE_IMAGE] = "--base-image"
        pull_missing(self._engine, wanted, progress, self._commands)
        tag = build.reference(self._engine, self.options.base_image)
        building = Background(lambda: self._build(tag))
        self._start(containers, running, own, settings, progress)
        client = self.client()
        with progress.step(f"Build the app's image {tag}"):
            self._commands.pass_on(building.result())
        with progress.step(f"Prepare {VOLUME} and the image in {self.options.node}") as step:
            if client is not None:
                _wait_for_api(client, step, timeout)
            prepared, lost = self._prepare(client, tag, own=own)
        return Provided(image=tag, changed=not running or prepared, remount=lost)

    def _was_interrupted(self, containers: list[Container]) -> bool:
        """Whether a start from here did not come to its end: k3d has not come as far as the kubeconfig."""
        begun = self.directory.exists() and not self._kubeconfig.exists()
        half = not any(one.port for one in containers) or any(one.state == "created" for one in containers)
        return bool(containers) and _are_own(containers) and begun and half

    def _check_creation(self, containers: list[Container], asked: ClusterOptions) -> None:
        """Raises if the cluster that is there cannot become what is asked."""
        if not containers:
            return
        differing = []
        if _are_own(containers):
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

    def _build(self, tag: str) -> list[str]:
        """Builds the image unless Docker has it already; returns the commands for it."""
        with self._commands.kept() as kept:
            if not has_image(self._engine, tag):
                build.make(self._engine, tag, self.options.base_image, commands=self._commands)
        return kept

    def _start(
        self, containers: list[Container], running: bool, own: bool, settings: Settings, progress: Progress
    ) -> None:
        cluster, options = self._cluster, self.options
        if not containers:
            make_directory(self.directory)  # by which an interrupted start is known
            self._kubeconfig.unlink(missing_ok=True)
            with progress.step(f"Create cluster {cluster.name} with {options.agents} agents") as step:
                cluster.create(options, settings.port, step.update)
        elif not running:
            with progress.step(f"Start cluster {cluster.name}") as step:
                cluster.start(step.update)
        if running and own and self._kubeconfig.exists():
            return
        with progress.step("Get the cluster's own kubeconfig"):
            switch = "false" if options.keep_context else "true"
            merge = (
                f"--kubeconfig-switch-context={switch}"  # todoctl has a file of its own: the user's is his
            )
            self._commands.tell(
                ["k3d", "kubeconfig", "merge", cluster.name, "--kubeconfig-merge-default", merge]
            )
            write_private(self._kubeconfig, cluster.kubeconfig())
            self._client = None

    def _prepare(self, client: Client | None, tag: str, *, own: bool) -> tuple[bool, bool]:
        """Returns whether something had to be done in the node, and whether its directory had been lost."""
        node, changed = self._node, False
        lost = not node.has(VOLUME)
        if lost:
            self._commands.tell(["docker", "exec", node.name, "mkdir", "-p", VOLUME])
            node.run("mkdir", "-p", VOLUME)
        if not own and not node.has(CACHE):
            node.run("touch", OWN)
        if not node.has_image(tag):
            self._commands.tell(*node.loading(tag))
            node.load_image(tag)
            changed = True
        there = client.get("Node", node.name) if client and own else None
        if there and there["spec"].get("unschedulable"):
            self._commands.tell(["kubectl", f"--context={self.context}", "uncordon", node.name])
            client.patch("Node", node.name, {"spec": {"unschedulable": None}})  # type: ignore[union-attr]
            changed = True
        return changed or lost, lost

    # What the app is made of

    def resources(self, settings: Settings, image: str) -> list[Resource]:
        return resources(settings, self.options, image)

    def printing(self, settings: Settings, image: str) -> Sequence[str]:
        return printing(settings, self.options, image)

    def page(self) -> PublishedPort:
        return PublishedPort()

    def node(self) -> str:
        self._containers()
        return self.options.node

    def outside(self) -> tuple[Node, str]:
        self._containers()
        return self._node, CACHE

    # Down

    def remove(self, progress: Progress, *, keep_data: bool) -> bool | None:
        """By the labels of its containers alone: its API may be dead."""
        cluster, containers = self._cluster, self._containers()
        own = _are_own(containers)
        if not containers:
            if self.directory.exists() and cluster.leftovers():
                with progress.step(f"Remove what is left of cluster {cluster.name}") as step:
                    cluster.delete(step.update)
            return False
        if own and not (keep_data or self.options.keep_cluster):
            with progress.step(f"Delete cluster {cluster.name}") as step:
                cluster.delete(step.update)
            return True
        if not all(one.running for one in containers):
            if not own and not self.directory.exists():
                return False
            raise UnavailableError(
                f"Cluster {cluster.name} does not run, so the app cannot be taken off it",
                fix="Start it with 'todoctl up'"
                + (
                    ", or remove it whole with 'todoctl down'"
                    if own
                    else f" or 'k3d cluster start {cluster.name}'"
                ),
            )
        if not own:  # a cluster of that name may have been made since
            write_private(self._kubeconfig, cluster.kubeconfig())
        return None

    def clean(self, progress: Progress, *, keep_data: bool) -> bool:
        node, own = self._node, self.is_own()
        if keep_data:
            progress.note(
                f"Cluster {self.options.cluster} stays: the volume is in its node {node.name}. "
                "'todoctl down' removes what was kept."
            )
            return True
        if own or node.has(OWN):
            with progress.step(f"Empty the volume in {node.name}"):
                gone = [CACHE, f"{CACHE}.set-aside", OWN]
                self._commands.tell(["docker", "exec", node.name, "rm", "-rf", *gone])
                node.run("rm", "-rf", *gone)
        elif node.has(CACHE):
            progress.note(f"{CACHE} stays in {node.name}: it was there before the first 'up'.")
        if own:
            progress.note(f"Cluster {self.options.cluster} stays. 'todoctl down' removes it.")
        return own

    def details(self) -> dict[str, str]:
        adopted = "" if self.is_own() else " (adopted)"
        return {
            "Cluster": f"{self.options.cluster}{adopted}",
            "Volume": f"{CACHE} in {self.options.node}",
            "Kubeconfig": str(self._kubeconfig),
        }


def _are_own(containers: list[Container]) -> bool:
    """Whether todoctl has made all of them; k3d's short-lived helper has no label, whoever made it."""
    made = [one for one in containers if not one.name.endswith("-tools")]
    return any(one.label for one in made) and all(one.label is not None for one in made)


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


def _names_missing_file(word: str) -> bool:
    return word.startswith("--registry-config=") and not Path(word.partition("=")[2]).is_file()


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
    if containers and not mapped and not _are_own(containers):
        return Finding(
            subject=subject,
            ok=False,
            seen="the cluster does not publish its load balancer's port 80 on this machine",
            fix=f"Create it with 'k3d cluster create --port {port}:80@loadbalancer'",
        )
    if any(one.port and one.running for one in containers):
        return Finding(subject=subject, ok=True, seen="held by the cluster")
    return findings.of_port(port)


def _disk(root: Path, *, required: bool) -> Finding:
    """Whether a cluster finds room; one that is there has it already."""
    if not root.is_dir():  # Docker is on another machine, or in a virtual one
        return Finding(subject="Disk", ok=True, seen="cannot be seen from here", required=False)
    free = shutil.disk_usage(root).free
    return Finding(
        subject="Disk",
        ok=free >= DISK_BYTES,
        seen=f"{free / 1024**3:.1f} GiB free in {root}",
        fix=f"Free some: a new cluster needs {DISK_BYTES // 1024**3} GiB",
        required=required,
    )


def resources(settings: Settings, options: ClusterOptions, image: str) -> list[Resource]:
    """Returns the five resources, with the volume in the node that `options` name."""
    found = adapted(settings, image)
    (term,) = found[0]["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    term["matchExpressions"][0]["values"] = [options.node]
    # Nothing kills process 1 from inside its own pod, and a validation does.
    deployment_of(found)["spec"]["template"]["spec"]["shareProcessNamespace"] = True
    return found


def printing(settings: Settings, options: ClusterOptions, image: str) -> list[str]:
    """Returns the command that prints what `resources` gives."""
    usual, usual_options = Settings(), ClusterOptions()
    given = {
        f"--ttl={seconds(settings.ttl)}": settings.ttl != usual.ttl,
        f"--image-url={settings.source}": settings.image_url != usual.image_url,
        f"--cluster={options.cluster}": options.cluster != usual_options.cluster,
        f"--agents={options.agents}": options.agents != usual_options.agents,
        f"--app-image={image}": True,
    }
    return ["todoctl", "manifests", *(word for word, needed in given.items() if needed)]
