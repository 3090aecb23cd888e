"""How long a cold `todoctl up` takes, in turns with `k3d cluster create`, and where the time goes.

The latter is measured twice: alone, and until the cluster's own ingress controller answers at the page's
port, which is the earliest that any page can be there. Then comes a warm `up`.

`nox -s bench_up -- [ROUNDS]`; TODOCTL_E2E_BASE_IMAGE and TODOCTL_E2E_K3S_IMAGE name local images. Cold means:
no cluster, no image of the app, and a base image that no layer was ever built on; what k3d pulls is there.
"""

# ruff: noqa: T201 - printing is what it is for

import contextlib
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import httpx

from todoctl.targets.k3d.cluster import create_command
from todoctl.targets.k3d.options import ClusterOptions

CLUSTER = "todoctl-bench"
PORT = "18183"
AIM_CREATE, AIM_INGRESS, AIM_WARM = 1.15, 1.05, 1.5
"""Issue 11: cold `up` against both, with the same arguments; seconds of a warm `up`."""

POLL_SECONDS = 0.1


def run(*command: str, given: str | None = None, **env: str) -> tuple[float, str]:
    """Seconds a command took, and what it printed; ends the benchmark where it fails."""
    began = time.monotonic()
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, input=given, env={**os.environ, **env}
    )
    seconds = time.monotonic() - began
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed: {done.stdout}{done.stderr}")
    return seconds, done.stdout


def k3d_alone(directory: Path) -> tuple[float, float]:
    """Seconds until `k3d cluster create`, as `up` calls it, returns, and until the ingress answers."""
    options = ClusterOptions(cluster=CLUSTER, k3s_image=os.environ.get("TODOCTL_E2E_K3S_IMAGE"))
    env = {"KUBECONFIG": str(directory / "kubeconfig")}
    began = time.monotonic()
    try:
        created = run("k3d", *create_command(options, int(PORT)), **env)[0]
        # Not at the page's port at first: the load balancer leaves a node that refuses alone for ten seconds.
        _wait_for_answer(*_nodes())
        _wait_for_answer(f"127.0.0.1:{PORT}")
        return created, time.monotonic() - began
    finally:
        run("k3d", "cluster", "delete", CLUSTER, **env)


def _nodes() -> list[str]:
    """The addresses of the cluster's nodes within Docker."""
    names = [f"k3d-{CLUSTER}-server-0", *(f"k3d-{CLUSTER}-agent-{number}" for number in range(2))]
    address = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    return run("docker", "inspect", "--format", address, *names)[1].split()


def _wait_for_answer(*addresses: str) -> None:
    """Until one of the addresses answers over HTTP, whatever it says."""
    while True:
        for address in addresses:
            with contextlib.suppress(httpx.TransportError):
                httpx.get(f"http://{address}/", timeout=1, trust_env=False)
                return
        time.sleep(POLL_SECONDS)


def fresh_base() -> str:
    """A base image that Docker has nothing in its cache for."""
    base = os.environ.get("TODOCTL_E2E_BASE_IMAGE", "python:3.13-slim")
    name = f"todoctl-bench:{time.time_ns()}"
    recipe = f"FROM {base}\nLABEL todoctl-bench={name}\n"
    run("docker", "build", "-q", "-t", name, "-", given=recipe)
    return name


def todoctl_up(directory: Path) -> tuple[float, float, dict[str, float]]:
    """A cold `up` and a warm one; the cold one by step, too."""
    image = os.environ.get("TODOCTL_E2E_K3S_IMAGE")
    chosen = [f"--k3s-image={image}"] if image else []
    base = fresh_base()
    env = {"KUBECONFIG": str(directory / "kubeconfig"), "TODOCTL_HOME": str(directory / "home")}
    todoctl = (sys.executable, "-m", "todoctl")
    up = (
        *(*todoctl, "up", "--target=k3d", f"--cluster={CLUSTER}", f"--port={PORT}"),
        *("--image-url=sample:", f"--base-image={base}", *chosen),
    )
    said = ""
    try:
        cold, said = run(*up, **env)
        warm, _ = run(*up, **env)
        steps = re.findall(r"^✓ (.*) ([\d.]+) s$", said, re.MULTILINE)
        return cold, warm, {title: float(taken) for title, taken in steps}
    finally:
        run(*todoctl, "down", **env)
        run("docker", "rmi", *set(re.findall(r"todo-app:\w+", said)), base)


def main() -> None:
    """Prints each round, then the medians and their ratios."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    measured: list[list[float]] = []
    steps: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as name, contextlib.suppress(KeyboardInterrupt):
        for number in range(1, rounds + 1):
            created, answered = k3d_alone(Path(name))
            cold, warm, taken = todoctl_up(Path(name))
            measured.append([created, answered, cold, warm])
            for title, spent in taken.items():
                steps[re.sub(r"todo-app:\w+", "todo-app", title)].append(spent)
            print(
                f"round {number}: k3d cluster create {created:.1f} s, its ingress answers after "
                f"{answered:.1f} s, todoctl up {cold:.1f} s, again {warm:.1f} s"
            )
    if measured:
        created, answered, cold, warm = (statistics.median(column) for column in zip(*measured, strict=True))
        for title, times in steps.items():
            print(f"  {statistics.median(times):5.1f} s  {title}")
        shown = sum(map(statistics.median, steps.values()))
        print(f"  {cold - shown:5.1f} s  start of Python, preflight, choice of the pictures")
        print(f"cold: {cold / created:.2f} x `k3d cluster create` (aim: {AIM_CREATE})")
        print(f"cold: {cold / answered:.2f} x the same until its ingress answers (aim: {AIM_INGRESS})")
        print(f"warm: {warm:.1f} s (aim: {AIM_WARM} s)")


if __name__ == "__main__":
    main()
