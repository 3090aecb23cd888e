"""How long a cold `todoctl up` takes beside `k3d cluster create` alone, in turns, and where the time goes.

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

from todoctl.k3d.cluster import create_command
from todoctl.k3d.options import ClusterOptions

CLUSTER = "todoctl-bench"
PORT = "18183"
AIM = 1.15
"""Issue 4: cold `up` against `k3d cluster create` alone, with the same arguments."""


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


def k3d_alone(directory: Path) -> float:
    """`k3d cluster create`, as `todoctl up` calls it."""
    options = ClusterOptions(cluster=CLUSTER, k3s_image=os.environ.get("TODOCTL_E2E_K3S_IMAGE"))
    env = {"KUBECONFIG": str(directory / "kubeconfig")}
    try:
        return run("k3d", *create_command(options, int(PORT)), **env)[0]
    finally:
        run("k3d", "cluster", "delete", CLUSTER, **env)


def fresh_base() -> str:
    """A base image that Docker has nothing in its cache for."""
    base = os.environ.get("TODOCTL_E2E_BASE_IMAGE", "python:3.13-slim")
    name = f"todoctl-bench:{time.time_ns()}"
    recipe = f"FROM {base}\nLABEL todoctl-bench={name}\n"
    run("docker", "build", "-q", "-t", name, "-", given=recipe)
    return name


def todoctl_up(directory: Path) -> tuple[float, dict[str, float]]:
    """A cold `up`, in all and by step."""
    image = os.environ.get("TODOCTL_E2E_K3S_IMAGE")
    chosen = [f"--k3s-image={image}"] if image else []
    base = fresh_base()
    env = {"KUBECONFIG": str(directory / "kubeconfig"), "TODOCTL_HOME": str(directory / "home")}
    todoctl = (sys.executable, "-m", "todoctl")
    said = ""
    try:
        seconds, said = run(
            *(*todoctl, "up", "--target=k3d", f"--cluster={CLUSTER}", f"--port={PORT}"),
            *("--image-url=sample:", f"--base-image={base}", *chosen),
            **env,
        )
        return seconds, {
            title: float(taken) for title, taken in re.findall(r"^✓ (.*) ([\d.]+) s$", said, re.MULTILINE)
        }
    finally:
        run(*todoctl, "down", **env)
        run("docker", "rmi", *set(re.findall(r"todo-app:\w+", said)), base)


def main() -> None:
    """Prints each round, then the medians and their ratio."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    alone, whole = [], []
    steps: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as name, contextlib.suppress(KeyboardInterrupt):
        for number in range(1, rounds + 1):
            alone.append(k3d_alone(Path(name)))
            seconds, taken = todoctl_up(Path(name))
            whole.append(seconds)
            for title, spent in taken.items():
                steps[re.sub(r"todo-app:\w+", "todo-app", title)].append(spent)
            print(f"round {number}: k3d cluster create {alone[-1]:.1f} s, todoctl up {seconds:.1f} s")
    if whole:
        ratio = statistics.median(whole) / statistics.median(alone)
        for title, spent in steps.items():
            print(f"  {statistics.median(spent):5.1f} s  {title}")
        shown = sum(map(statistics.median, steps.values()))
        print(
            f"  {statistics.median(whole) - shown:5.1f} s  start of Python, preflight, choice of the pictures"
        )
        print(f"median: {ratio:.2f} x `k3d cluster create` alone (aim: {AIM})")


if __name__ == "__main__":
    main()
