"""The claim's directory as `validate` uses it, on a make-believe cluster."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.todoctl.kube.kube import Kube
from tests.todoctl.told import Told
from todoctl.errors import TodoctlError, UnavailableError
from todoctl.kube.waiting import patience
from todoctl.settings import Settings
from todoctl.targets.kubernetes import helper_pod, kill_program, receive
from todoctl.targets.kubernetes.target import NamespaceTarget
from todoctl.targets.kubernetes.volume import ClaimVolume

FILES = json.dumps([["picture", 1, 1795520561932186601, base64.b64encode(b"1").decode()]]) + "\n"


@pytest.fixture(name="claim")
def _claim(target: NamespaceTarget, settings: Settings, told: Told) -> Iterator[ClaimVolume]:
    target.up(settings, told)
    yield target.volume
    target.volume.close()


def run(kube: Kube, pod: str) -> list[list[str]]:
    """The commands that were run in a pod, in order."""
    asked = [urlsplit(line.split()[1]) for line in kube.requests if "/exec?" in line]
    return [parse_qs(one.query)["command"] for one in asked if f"/{pod}/" in one.path]


def test_both_sides_are_pods(claim: ClaimVolume, kube: Kube) -> None:
    kube.lines = [FILES]
    host, app = claim.sides()
    assert host.seen_from == "the pod todoctl: /usr/src/app/files/cache"
    assert host.read() == app.read()
    assert claim.sides() == (host, app)
    kube.pods[0]["metadata"]["name"] = "another"
    assert claim.sides()[1] is not app


def test_it_is_set_aside_by_one_rename_and_put_back_by_one(claim: ClaimVolume, kube: Kube) -> None:
    kube.ending = '{"status": "Failure", "details": {"causes": [{"message": "1"}]}}'
    assert not claim.is_set_aside()
    with pytest.raises(UnavailableError, match="not set aside"):
        claim.empty()
    kube.ending = '{"status": "Success"}'
    claim.set_aside()
    claim.empty()
    claim.put_back()
    inside, aside = "/usr/src/app/files/cache", "/usr/src/app/files/cache.set-aside"
    commands = run(kube, "todoctl")
    assert ["mv", "-T", inside, aside] in commands
    assert ["mv", "-T", aside, inside] in commands
    assert ("pods", "todoctl") not in kube.resources, "nothing of it stays"


def test_a_lost_connection_does_not_pass_for_a_missing_directory(claim: ClaimVolume, kube: Kube) -> None:
    """The user's own picture and counts would be left behind, set aside for good."""
    kube.ending = ""
    with pytest.raises(UnavailableError, match="connection was lost"):
        claim.is_set_aside()


def test_where_there_was_no_cache_there_is_none_again(
    claim: ClaimVolume, kube: Kube, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claim, "_has", lambda _: False)
    claim.set_aside()
    assert run(kube, "todoctl")[-1] == ["mkdir", "/usr/src/app/files/cache.set-aside"]


def test_files_are_put_there_also_while_it_is_out_of_reach(claim: ClaimVolume, kube: Kube) -> None:
    claim.set_aside()
    claim.detach()
    assert claim.host().seen_from.endswith("cache.detached")
    kube.lines = ["3\n"]
    claim.put("picture", b"123")
    kube.lines = ["no\n"]
    with pytest.raises(UnavailableError, match="cannot be written"):
        claim.put("picture", b"123")
    claim.put("picture", None)
    assert run(kube, "todoctl")[-1] == ["rm", "-f", "/usr/src/app/files/cache.detached/picture"]
    claim.attach()
    assert claim.host().seen_from.endswith("cache")


def test_a_pod_of_that_name_that_is_somebody_elses_is_left_alone(claim: ClaimVolume, kube: Kube) -> None:
    theirs = kube.apply("pods", helper_pod.NAME, {"kind": "Pod", "metadata": {"name": helper_pod.NAME}})
    with pytest.raises(
        TodoctlError, match="Pod todoctl is in namespace default, and todoctl has not made it"
    ):
        claim.set_aside()
    assert kube.resources["pods", helper_pod.NAME] == theirs


def test_a_pod_that_does_not_run_is_told(
    claim: ClaimVolume, kube: Kube, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "QUIET_SECONDS", 0.05)
    monkeypatch.setattr(helper_pod, "NAME", "todoctl-other")
    kube.service_status = {}  # any other pod's
    with pytest.raises(UnavailableError, match="pod todoctl-other does not get ready"):
        claim.set_aside()


def test_a_pod_that_was_evicted_is_made_anew(claim: ClaimVolume, kube: Kube) -> None:
    """Its node may have been drained: what was set aside comes back all the same."""
    claim.set_aside()
    before = kube.resources["pods", "todoctl"]
    before["status"] |= {"phase": "Failed", "reason": "Evicted"}
    claim.put_back()
    asked = [line.split()[0] for line in kube.requests if "/pods/todoctl" in line and "/exec" not in line]
    assert asked.count("PATCH") == asked.count("DELETE") == 2
    assert ("pods", "todoctl") not in kube.resources, "nothing of it stays"


def test_what_is_sent_into_the_pod_writes_a_file(tmp_path: Path) -> None:
    path = tmp_path / "picture"
    done = subprocess.run(
        [sys.executable, receive.__file__, str(path)],
        input=base64.b64encode(b"\0content") + b"\n",
        capture_output=True,
        check=True,
    )
    assert (done.stdout, path.read_bytes()) == (b"8\n", b"\0content")
    assert path.stat().st_mode & 0o777 == 0o644


def test_what_is_sent_into_the_pod_kills_the_app_alone(tmp_path: Path) -> None:
    program = tmp_path / "entrypoint.py"
    program.write_text("import time; time.sleep(60)")
    app, other = (subprocess.Popen([sys.executable, *words]) for words in ([str(program)], ["-c", "input()"]))
    try:
        subprocess.run([sys.executable, "-S", "-c", kill_program.TEXT], check=True)
        assert app.wait(10) == -9
        assert other.poll() in {None, 1}
    finally:
        for one in (app, other):
            one.kill()
            one.wait()
    assert os.getpid()
