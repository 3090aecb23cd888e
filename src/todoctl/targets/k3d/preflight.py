"""What has to be so before anything is touched: all findings at once, in well under two seconds."""

import shutil
from pathlib import Path

import docker

from todoctl.errors import UnavailableError
from todoctl.images.engine import connect
from todoctl.targets import findings
from todoctl.targets.base import Finding
from todoctl.targets.k3d import cluster as k3d
from todoctl.targets.k3d.cluster import Cluster, Machine
from todoctl.targets.k3d.options import ClusterOptions

DISK_BYTES = 3 * 1024**3
"""What the images of a cluster and its nodes take, with room to work."""

ENGINE_SECONDS = 2


def examine(options: ClusterOptions, port: int) -> list[Finding]:
    """What this machine has and lacks for a cluster with `options` on `port`."""
    found = [_k3d(), _docker(), *_k3d_args(options)]
    try:
        engine = connect(timeout=ENGINE_SECONDS)
    except UnavailableError as error:
        return [findings.of_error("Docker", error), *found]
    version = engine.version()["Version"]
    cluster = Cluster(engine, options)
    machines = cluster.machines()
    return [
        Finding(subject="Docker", ok=True, seen=version),
        *found,
        _ownership(options, machines),
        _port(port, machines),
        _disk(engine, required=not machines),
        _kubectl(),
    ]


def check(found: list[Finding]) -> None:
    """Raises `UnavailableError` with everything that is in the way."""
    findings.require(found, "k3d cannot be used here")


def _k3d() -> Finding:
    try:
        version = k3d.version()
    except UnavailableError as error:
        return Finding(subject="k3d", ok=False, seen=error.why, fix="Install k3d 5 from https://k3d.io")
    seen = ".".join(map(str, version))
    return Finding(
        subject="k3d", ok=version >= k3d.OLDEST, seen=seen, fix="Install k3d 5 from https://k3d.io"
    )


def _docker() -> Finding:
    """The command brings the app's image into its node: `docker save`, `docker exec`."""
    fix = "Install Docker's command line (https://docs.docker.com/engine/install)"
    return _command("docker", lacking="the command is not installed", fix=fix)


def _command(name: str, *, lacking: str, fix: str, required: bool = True) -> Finding:
    path = shutil.which(name)
    return Finding(subject=name, ok=path is not None, seen=path or lacking, fix=fix, required=required)


def _k3d_args(options: ClusterOptions) -> list[Finding]:
    """Whether k3d will take what it is handed: with `--help` it reads its options and does nothing."""
    if not options.k3d_arg:
        return []
    wrong = [
        f"there is no file {word.partition('=')[2]}"
        for word in options.k3d_arg
        if word.startswith("--registry-config=") and not Path(word.partition("=")[2]).is_file()
    ]
    try:
        k3d.run("cluster", "create", *options.k3d_arg, "--help")
    except UnavailableError as error:
        wrong.append(error.why)
    return [
        Finding(
            subject="--k3d-arg",
            ok=not wrong,
            seen="; ".join(wrong) or "k3d knows it",
            fix="See 'k3d cluster create --help'",
        )
    ]


def _ownership(options: ClusterOptions, machines: list[Machine]) -> Finding:
    subject = f"Cluster {options.cluster}"
    if not machines:
        return Finding(subject=subject, ok=True, seen="not there yet")
    if k3d.are_ours(machines):
        state = "runs" if all(machine.running for machine in machines) else "is stopped, or partly so"
        return Finding(subject=subject, ok=True, seen=f"made by todoctl, {state}")
    return Finding(
        subject=subject,
        ok=options.adopt,
        seen="it exists, and todoctl has not made it",
        fix="Use it with --adopt, or choose another name with --cluster",
    )


def _port(port: int, machines: list[Machine]) -> Finding:
    subject = f"Port {port}"
    ours = [machine.port for machine in machines if machine.port]
    if machines and ours and port not in ours:
        return Finding(
            subject=subject,
            ok=False,
            seen=f"the cluster was made for port {ours[0]}",
            fix=f"Use --port {ours[0]}, or run 'todoctl down' first",
        )
    if machines and not ours and not k3d.are_ours(machines):
        return Finding(
            subject=subject,
            ok=False,
            seen="the cluster does not publish its load balancer's port 80 on this machine",
            fix=f"Create it with 'k3d cluster create --port {port}:80@loadbalancer'",
        )
    if any(machine.port and machine.running for machine in machines):
        return Finding(subject=subject, ok=True, seen="held by the cluster")
    return findings.of_port(port)


def _disk(engine: docker.DockerClient, *, required: bool) -> Finding:
    """Whether a cluster finds room; one that is there has it already."""
    root = Path(str(engine.info().get("DockerRootDir", "")))
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


def _kubectl() -> Finding:
    fix = "todoctl does not need it; you may want it"
    return _command("kubectl", lacking="not installed", fix=fix, required=False)
