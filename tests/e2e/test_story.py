"""The story that the README tells, from nothing to nothing, on one real cluster."""

import json
import os
import signal
from pathlib import Path

from tests.app_server import wait_for
from tests.e2e.conftest import DEPLOYMENT, RESOURCES, Lab, run
from tests.e2e.stream import page_stream
from todoctl.client import Client
from todoctl.validation.scenarios import SCENARIOS

CACHE = "/usr/src/app/files/cache"


def test_up_makes_everything(todoctl: Lab) -> None:
    said = todoctl.up().stdout
    for step in ("Create cluster", "Build", "Apply", "Wait for the pod", "Wait for the page"):
        assert f"✓ {step}" in said
    assert f"http://localhost:{todoctl.port}" in said
    assert "sample:" in said
    assert "600 s" in said
    with Client(f"http://127.0.0.1:{todoctl.port}") as client:
        client.find_page()
    assert todoctl.state().access_count == 0, "up itself is no visitor"


def test_it_is_reached_from_this_machine_only(todoctl: Lab) -> None:
    ports = json.loads(
        run("docker", "inspect", "-f", "{{json .NetworkSettings.Ports}}", f"k3d-{todoctl.cluster}-serverlb")
    )
    assert ports["80/tcp"] == [{"HostIp": "127.0.0.1", "HostPort": str(todoctl.port)}]


def test_the_image_is_in_the_one_node_that_runs_it(todoctl: Lab) -> None:
    (pod,) = todoctl.pods()
    assert pod["spec"]["nodeName"] == todoctl.node
    name, tag = pod["spec"]["containers"][0]["image"].split(":")
    for node in (todoctl.node, todoctl.server, f"k3d-{todoctl.cluster}-agent-1"):
        listed = run("docker", "exec", node, "crictl", "images")
        there = [line for line in listed.splitlines() if f"/{name} " in line and f" {tag} " in line]
        assert bool(there) == (node == todoctl.node), listed


def test_the_pod_has_no_more_rights_than_it_needs(todoctl: Lab) -> None:
    """As seen from inside, which is where it counts."""
    name = todoctl.pods()[0]["metadata"]["name"]
    look = (
        "import os,sys; s=open('/proc/self/status').read()\n"
        "def no(path):\n"
        "  try: open(path,'w').close()\n"
        "  except OSError as e: return e.errno\n"
        "f=os.stat('/usr/src/app/files')\n"
        "print(os.getuid(), os.getgroups(), no('/x'), no('/tmp/x'), oct(f.st_mode), f.st_gid,"
        " os.path.exists('/var/run/secrets/kubernetes.io'),"
        " *(l.split()[1] for l in s.splitlines()"
        " if l.startswith(('CapEff','CapBnd','NoNewPrivs','Seccomp:'))))"
    )
    seen = todoctl.kubectl("exec", name, "-c", "todo-app-container", "--", "python3", "-c", look).strip()
    uid, groups, *rest = seen.replace("[", "").replace("]", "").split()
    assert (uid, groups) == ("10001", "10001"), "not root; fsGroup is among the groups"
    assert rest[:2] == ["30", "30"], "EROFS: nothing but the volume can be written"
    assert rest[3:5] == ["10001", "False"], "the volume is the group's; no token is mounted"
    assert rest[5:8] == ["0" * 16, "0" * 16, "1"], "no capability, now or later"
    assert rest[8] == "2", "a seccomp filter"


def test_running_it_again_changes_nothing(todoctl: Lab) -> None:
    before = todoctl.versions()
    assert "nothing changed" in todoctl.up().stdout
    assert todoctl.versions() == before


def test_every_documented_command_works(todoctl: Lab) -> None:
    """Those of the original README, word by word but for the names of cluster and pod."""
    todoctl.visit()
    names = ("cached_image.jpg", "cache_metadata.json")
    on_node = run("docker", "exec", todoctl.node, "ls", "-l", "/tmp/kube/cache/")
    pod = todoctl.pods()[0]["metadata"]["name"]
    inside = todoctl.kubectl("exec", pod, "-c", "todo-app-container", "--", "ls", "-l", CACHE)
    for name in names:
        assert name in on_node
        assert name in inside
    assert f"{pod}   1/1" in todoctl.kubectl("get", "pods")
    assert CACHE in todoctl.kubectl("logs", pod)
    assert "3000" in todoctl.kubectl(
        "get", "service", "todo-app-svc", "-o", "jsonpath={.spec.ports[0].targetPort}"
    )


def test_restarts_under_load_lose_no_page_and_no_count(todoctl: Lab) -> None:
    """The original lost 9 to 36 % of the counts in these, and answered up to 104 pages with 502."""
    before = todoctl.visit()
    with page_stream(f"http://127.0.0.1:{todoctl.port}") as stream:
        for _ in range(4):
            todoctl.kubectl("rollout", "restart", "deployment", "todo-app-dep")
            todoctl.kubectl("rollout", "status", "deployment", "todo-app-dep", "--timeout=120s")
    after = todoctl.state()
    assert not stream.failures
    assert stream.answered > 50
    assert after.access_count == before.access_count + stream.answered
    assert (after.sha256, after.downloaded_at) == (before.sha256, before.downloaded_at)


def test_validate_passes_and_leaves_all_as_it_was(todoctl: Lab, tmp_path: Path) -> None:
    before = todoctl.visit(2)
    told = json.loads(todoctl("validate", "--json", "--html", f"{tmp_path}/report.html").stdout)
    assert told["passed"]
    assert told["target"] == "k3d"
    assert [scenario["name"] for scenario in told["scenarios"]] == [one.name for one in SCENARIOS]
    assert todoctl.state() == before


def test_what_a_killed_validate_leaves_is_mended_by_the_next_up(todoctl: Lab) -> None:
    before = todoctl.state()
    with todoctl.spawn("validate") as running:
        wait_for(lambda: "cache.set-aside" in files(todoctl), deadline=60)
        wait_for(lambda: ttl(todoctl) not in {None, before.ttl}, deadline=60)
        os.killpg(running.pid, signal.SIGKILL)
    assert "'todoctl up' puts the deployed app back" in todoctl("status").stdout
    assert "cache.set-aside" in files(todoctl), "to look changes nothing"
    todoctl.up()
    assert todoctl.state() == before
    assert "cache.set-aside" not in files(todoctl)


def files(todoctl: Lab) -> str:
    return run("docker", "exec", todoctl.node, "ls", "/tmp/kube")


def ttl(todoctl: Lab) -> float | None:
    with Client(f"http://127.0.0.1:{todoctl.port}") as client:
        return client.state().ttl if client.is_ready() else None


def test_other_settings_are_rolled_out_without_a_gap(todoctl: Lab) -> None:
    before = todoctl.visit()
    with page_stream(f"http://127.0.0.1:{todoctl.port}") as stream:
        todoctl.up("--ttl", "1234.5")
    after = todoctl.state()
    assert not stream.failures
    assert after.ttl == 1234.5
    assert after.sha256 == before.sha256
    assert after.access_count == before.access_count + stream.answered


def test_status_logs_and_doctor_know_the_target(todoctl: Lab) -> None:
    status = json.loads(todoctl("status", "--json").stdout)
    assert status["answers"]
    assert todoctl.node in status["details"]["volume"]
    assert CACHE in todoctl("logs", "--lines", "500").stdout
    with todoctl.spawn("doctor", "--target", "k3d") as doctor:
        found, _ = doctor.communicate(timeout=60)  # what it says of the documented names is not ours
    assert "✓ Docker: " in found
    assert "✓ k3d: 5." in found


def test_manifests_are_what_was_applied(todoctl: Lab) -> None:
    image = todoctl.pods()[0]["spec"]["containers"][0]["image"]
    printed = todoctl(
        *("manifests", "--cluster", todoctl.cluster, "--ttl", "1234.5"),
        *("--image-url", "sample:", "--app-image", image),
    ).stdout
    before = todoctl.pods()[0]["metadata"]["uid"]
    todoctl.kubectl("apply", "--server-side", "--field-manager=learner", "-f", "-", given=printed)
    assert todoctl.pods()[0]["metadata"]["uid"] == before, "no conflict, and nothing to roll out"


def test_down_can_keep_the_cluster(todoctl: Lab) -> None:
    todoctl("down", "--keep-cluster")
    left = todoctl.kubectl("get", *RESOURCES, "--ignore-not-found")
    assert not left, left
    assert "cached_image.jpg" not in run("docker", "exec", todoctl.node, "find", "/tmp/kube")
    assert todoctl.traces()


def test_up_uses_a_cluster_that_was_kept_and_down_can_keep_the_data(todoctl: Lab) -> None:
    todoctl.up()
    seen = todoctl.visit(3)
    todoctl("down", "--keep-data")
    assert not todoctl.kubectl("get", DEPLOYMENT, "--ignore-not-found")
    todoctl.up()
    assert todoctl.state() == seen


def test_down_leaves_nothing_and_can_be_run_twice(todoctl: Lab) -> None:
    assert f"k3d-{todoctl.cluster}" in todoctl.kubeconfig.read_text(), "k3d's context update stays on"
    assert "'todoctl down' removes" in todoctl("down", "--keep-data").stdout
    todoctl("down")
    assert todoctl.traces() == []
    assert not todoctl.home.exists()
    assert "othing" in todoctl("down").stdout
