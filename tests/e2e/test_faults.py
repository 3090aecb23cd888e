"""What goes wrong on real machines: each fault is made for real, told in one line, and survived."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.app_server import wait_for
from tests.e2e.conftest import Lab, images, run
from tests.e2e.relay import Relay


def in_one_line(done: subprocess.CompletedProcess[str]) -> str:
    """What a failed command says at its end."""
    (line,) = done.stderr.strip().splitlines()[-1:]
    assert line.startswith("todoctl: ")
    return line


def until(todoctl: Lab, word: str, *arguments: str) -> str:
    """Runs `up` until it has said `word`, then sends Ctrl-C to all of it as a terminal does; its output."""
    with todoctl.spawn(*todoctl.up_arguments(*arguments)) as running:
        assert running.stdout
        said = ""
        for line in running.stdout:
            said += line
            if word in line:
                break
        else:
            pytest.fail(f"{word!r} was not said: {said} {running.stderr and running.stderr.read()}")
        os.killpg(running.pid, signal.SIGINT)
        out, err = running.communicate(timeout=120)
    assert running.returncode == 130, f"{said}{out}{err}"
    assert "Traceback" not in err
    return said + out + err


# Before there is a cluster


def test_docker_is_stopped_and_k3d_is_missing(todoctl: Lab, tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "docker").symlink_to(shutil.which("docker") or "")
    todoctl.env |= {"DOCKER_HOST": f"unix://{tmp_path}/no.sock"}
    line = in_one_line(todoctl.up(code=3))
    assert "Docker" in line
    assert "Start Docker" in line
    todoctl.env |= {"PATH": str(tools)}
    line = in_one_line(todoctl.up(code=3))
    assert "Start Docker" in line
    assert "Install k3d 5.4 or newer from https://k3d.io" in line, "all findings at once"
    del todoctl.env["DOCKER_HOST"]
    line = in_one_line(todoctl.up(code=3))
    assert "k3d" in line
    assert "Start Docker" not in line
    del todoctl.env["PATH"]
    assert todoctl.traces() == []


def test_the_port_is_taken(todoctl: Lab) -> None:
    with socket.create_server(("127.0.0.1", todoctl.port)):
        line = in_one_line(todoctl.up(code=3))
    assert str(todoctl.port) in line
    assert f"(pid {os.getpid()})" in line
    assert "--port" in line
    assert todoctl.traces() == []


def test_docker_stops_while_the_cluster_is_created(todoctl: Lab, tmp_path: Path) -> None:
    """Docker as todoctl, k3d and docker reach it; the real one has others to serve."""
    with closing(Relay(tmp_path / "docker.sock", "/var/run/docker.sock")) as docker:
        todoctl.env["DOCKER_HOST"] = f"unix://{docker.path}"
        with todoctl.spawn(*todoctl.up_arguments()) as running:
            wait_for(lambda: any("agent-0" in trace for trace in todoctl.traces()), deadline=120)
            docker.close()
            out, err = running.communicate(timeout=240)
    del todoctl.env["DOCKER_HOST"]
    assert running.returncode == 3, out + err
    assert in_one_line(subprocess.CompletedProcess("up", 3, out, err))


STEPS = (
    "✓ Remove what",
    "✓ Create cluster",
    "✓ Get the",
    "✓ Build the",
    "✓ Prepare",
    "✓ Apply",
    "✓ Wait for the pod",
)


def test_ctrl_c_at_each_step_then_up_arrives_at_the_same_end(todoctl: Lab) -> None:
    """A step is shown when it ends, where output is piped: each interrupts the one after it."""
    todoctl("down")
    assert todoctl.traces() == []
    with todoctl.spawn(*todoctl.up_arguments()) as running:
        wait_for(lambda: any("agent-1" in trace for trace in todoctl.traces()), deadline=120)
        os.killpg(running.pid, signal.SIGINT)
        _, err = running.communicate(timeout=120)
    assert running.returncode == 130, err
    for number, step in enumerate(STEPS):
        # Other settings each time, else there may be nothing left to do: much is done beside `k3d`.
        assert "Interrupted" in until(todoctl, step, "--ttl", str(100 + number))
    todoctl.up("--ttl", "600")
    assert todoctl.visit().status == "valid"
    assert todoctl.state().ttl == 600
    assert "nothing changed" in todoctl.up("--ttl", "600").stdout


# On a cluster that runs


def test_a_stopped_cluster_is_started(todoctl: Lab) -> None:
    """As after a reboot."""
    seen = todoctl.visit(2)
    run("k3d", "cluster", "stop", todoctl.cluster)
    assert "todoctl up" in todoctl("status", code=3).stderr
    assert "Start cluster" in todoctl.up().stdout
    assert todoctl.state() == seen


def test_a_stopped_node_is_started(todoctl: Lab) -> None:
    seen = todoctl.visit(2)
    run("docker", "stop", todoctl.node)
    todoctl.up()
    assert todoctl.state() == seen


def test_an_image_that_is_gone_from_the_node_is_brought_again(todoctl: Lab) -> None:
    seen = todoctl.visit()
    (pod,) = todoctl.pods()
    image = pod["spec"]["containers"][0]["image"]
    todoctl.kubectl("scale", "deployment/todo-app-dep", "--replicas=0")
    wait_for(lambda: not todoctl.pods(), deadline=60)
    wait_for(lambda: container_is_gone(todoctl), deadline=60)
    run("docker", "exec", todoctl.node, "crictl", "--timeout=60s", "rmi", f"docker.io/library/{image}")
    todoctl.kubectl("scale", "deployment/todo-app-dep", "--replicas=1")
    wait_for(lambda: "ImagePull" in todoctl.kubectl("get", "pods"), deadline=60)
    todoctl.up()
    assert todoctl.state() == seen


def container_is_gone(todoctl: Lab) -> bool:
    return not run("docker", "exec", todoctl.node, "crictl", "ps", "-aq", "--name", "todo-app-container")


def test_the_nodes_directory_is_missing(todoctl: Lab) -> None:
    run("docker", "exec", todoctl.node, "rm", "-rf", "/tmp/kube")
    todoctl.up()
    assert todoctl.visit().image_access_count >= 1
    assert "cached_image.jpg" in run("docker", "exec", todoctl.node, "ls", "/tmp/kube/cache")
    assert "nothing changed" in todoctl.up().stdout


def test_somebody_has_changed_the_deployment(todoctl: Lab) -> None:
    seen = todoctl.visit()
    todoctl.kubectl("set", "image", "deployment/todo-app-dep", "todo-app-container=nowhere.example/app:1")
    wait_for(lambda: "ImagePull" in todoctl.kubectl("get", "pods"), deadline=60)
    todoctl.up()
    assert todoctl.state() == seen


def test_a_node_that_somebody_has_cordoned_takes_the_pod_again(todoctl: Lab) -> None:
    seen = todoctl.visit()
    todoctl.kubectl("cordon", todoctl.node)
    todoctl.up("--ttl", "77")
    todoctl.up()
    assert todoctl.state() == seen


def test_a_claim_that_is_being_deleted_is_made_again(todoctl: Lab) -> None:
    seen = todoctl.visit()
    todoctl.kubectl("delete", "pvc", "local-pv-claim", "--wait=false")
    todoctl.up()
    assert todoctl.state() == seen
    assert "nothing changed" in todoctl.up().stdout


def test_a_node_that_somebody_has_removed_is_named_at_once(todoctl: Lab) -> None:
    """And a server that does not answer keeps nobody from removing all of it."""
    run("docker", "rm", "--force", "--volumes", f"k3d-{todoctl.cluster}-agent-1")
    line = in_one_line(todoctl.up(code=3))
    assert f"k3d-{todoctl.cluster}-agent-1 is gone" in line
    run("docker", "pause", todoctl.server)
    shutil.rmtree(todoctl.home)
    todoctl("down")
    assert todoctl.traces() == []
    todoctl.up()


@contextmanager
def broken_base(tag: str) -> Iterator[str]:
    """A base image in which the app refuses to start: it stops at a bad LOG_LEVEL."""
    base = images().get("--base-image", "python:3.13-slim")
    run("docker", "build", "-q", "-t", tag, "-", given=f"FROM {base}\nENV LOG_LEVEL=loud\n")
    try:
        yield tag
    finally:
        run("docker", "rmi", tag)


def test_a_pod_that_never_gets_ready(todoctl: Lab) -> None:
    seen = todoctl.visit()
    with broken_base("todoctl-e2e-broken:1") as base:
        line = in_one_line(todoctl.up("--base-image", base, code=3))
    assert "CrashLoopBackOff" in line
    assert "LOG_LEVEL" in line, "the pod's last words are the reason"
    assert todoctl.state().access_count == seen.access_count, "the old pod goes on serving"
    todoctl.up()
    assert todoctl.state() == seen


def test_what_is_stuck_is_named_and_does_not_stop_the_end(todoctl: Lab) -> None:
    finalizer = '{"metadata":{"finalizers":["example.com/held"]}}'
    todoctl.kubectl("create", "namespace", "stuck")
    todoctl.kubectl("-n", "stuck", "create", "configmap", "held")
    todoctl.kubectl("-n", "stuck", "patch", "configmap", "held", "-p", finalizer)
    todoctl.kubectl("delete", "namespace", "stuck", "--wait=false")
    todoctl.kubectl("patch", "pvc", "local-pv-claim", "--type=merge", "-p", finalizer)
    line = in_one_line(todoctl("down", "--keep-cluster", code=3))
    assert "PersistentVolumeClaim local-pv-claim" in line
    todoctl("down")
    assert todoctl.traces() == []
