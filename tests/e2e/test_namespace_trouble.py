"""The kubernetes target in trouble that is not the app's: it is never accused, and all is put back."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.app_server import wait_for
from tests.e2e.conftest import run
from tests.e2e.namespaces import School, User, school
from todoctl.evidence.verdict import Outcome

AWAY_SECONDS = 10.0

QUOTA = {"pods": "4", "requests.memory": "192Mi", "limits.memory": "768Mi", "requests.cpu": "120m"}
"""Two pods of the app, as in a rollout, todoctl's own and the image service: not one more."""

TOO_TIGHT = {"requests.memory": "32Mi"}


@pytest.fixture(name="school", scope="module")
def _school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    with school(tmp_path_factory.mktemp("school"), "todoctl-trouble") as found:
        yield found


def quota(namespace: str, hard: dict[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "tight", "namespace": namespace},
        "spec": {"hard": hard},
    }


@contextmanager
def validating(user: User, *scenarios: str) -> Iterator[subprocess.Popen[str]]:
    """A run that has set the user's own picture aside by now; ended without notice if it still runs."""
    arguments = [word for name in scenarios for word in ("--scenario", name)]
    with user.spawn("validate", "--json", *arguments) as running:
        try:
            wait_for(lambda: user.ttl() not in {None, 600.0}, deadline=120, what="an app of the run's own")
            assert user.own_things() >= {"configmap/todoctl-validation", "pod/todoctl"}
            yield running
        finally:
            if running.poll() is None:
                os.killpg(running.pid, signal.SIGKILL)


def told(running: subprocess.Popen[str]) -> tuple[int, dict[str, Any], str]:
    """Exit code, verdict and last line of a run, when it has come to its end."""
    out, said = running.communicate(timeout=500)
    assert "Traceback" not in said, said
    return running.returncode, json.loads(out), said.strip().splitlines()[-1]


def accused(verdict: dict[str, Any]) -> list[str]:
    """What a run blames the app for."""
    return [one["reason"] for one in verdict["scenarios"] if one["outcome"] == Outcome.FAILED.value]


def test_what_a_killed_validation_leaves_is_put_back_by_the_next_up(school: School, tmp_path: Path) -> None:
    with school.user("killed", tmp_path) as user:
        before = user.things()
        user(*user.up_arguments())
        seen = user.visit(2)
        with validating(user, "restart") as running:
            os.killpg(running.pid, signal.SIGKILL)
        user(*user.up_arguments())
        assert user.state() == seen
        user.wait_until_nothing_is_left()
        with validating(user, "restart") as running:
            os.killpg(running.pid, signal.SIGKILL)
        user("down")
        user.wait_for_things(before)


@pytest.mark.parametrize("scenario", ["valid", "restart"])
def test_an_api_that_is_away_for_ten_seconds_is_not_the_apps_fault(
    scenario: str, school: School, tmp_path: Path
) -> None:
    with school.user(f"away-{scenario}", tmp_path) as user:
        user(*user.up_arguments())
        seen = user.visit(2)
        server = school.server()
        with validating(user, scenario) as running:
            run("docker", "pause", server)
            try:
                time.sleep(AWAY_SECONDS)
            finally:
                run("docker", "unpause", server)
            code, verdict, line = told(running)
        assert accused(verdict) == []
        assert code == 0 or "API" in line + str(verdict["scenarios"][-1]["reason"])
        assert user.status()["answers"]
        assert user.state() == seen
        user.wait_until_nothing_is_left()


def test_a_tight_quota_is_enough_and_one_that_is_too_tight_is_named(school: School, tmp_path: Path) -> None:
    with school.user("tight", tmp_path, quota("tight", QUOTA)) as user:
        before = user.things()
        user(*user.up_arguments())
        seen = user.visit(2)
        names = ("restart", "crash", "together")
        verdict = user.validate(*(word for name in names for word in ("--scenario", name)))
        assert verdict["passed"]
        assert user.state() == seen
        school.apply(quota("tight", TOO_TIGHT))
        line = user(*user.up_arguments("--ttl", "77"), code=3).stderr.strip().splitlines()[-1]
        assert "exceeded quota: tight" in line
        assert user.visit().access_count == seen.access_count + 1, "the old pod goes on serving"
        user("down")
        user.wait_for_things(before)


def test_a_pod_that_somebody_deletes_is_not_the_apps_fault(school: School, tmp_path: Path) -> None:
    with school.user("deleted", tmp_path) as user:
        user(*user.up_arguments())
        seen = user.visit(2)
        with validating(user, "valid", "grace") as running:
            time.sleep(2)  # the run looks at a picture until it expires
            school.kubectl("--namespace=deleted", "delete", "pods", "-l", "app=todo-app", "--wait=false")
            code, verdict, _ = told(running)
        assert (code, accused(verdict)) == (0, [])
        acts = [event["what"] for event in verdict["history"]["events"] if event["type"] == "act"]
        assert "replaced" in acts
        assert "played 2 times" in str(verdict["scenarios"][0]["notes"])
        assert user.state() == seen
        user.wait_until_nothing_is_left()


@pytest.mark.parametrize("way", ["port", "ingress"])
def test_a_node_that_is_drained_is_not_the_apps_fault(way: str, school: School, tmp_path: Path) -> None:
    """The volumes of local-path stay on their node: until it takes pods again, nothing can be done."""
    with school.user(f"drained-{way}", tmp_path) as user:
        before = user.things()
        if way == "ingress":
            user.page = f"http://{school.host()}"
            user(*user.up_arguments("--host", school.host()))
        else:
            user(*user.up_arguments())
        seen = user.visit(2)
        node = user.pods()[0]["spec"]["nodeName"]
        try:
            with validating(user, "restart", "crash") as running:
                options = ("--ignore-daemonsets", "--force", "--delete-emptydir-data", "--timeout=120s")
                school.kubectl("drain", node, *options)
                code, verdict, line = told(running)
            assert code == 3
            assert accused(verdict) == []
            assert line.startswith("todoctl: ")
            assert "unschedulable" in line
        finally:
            school.kubectl("uncordon", node)
        assert user.status()["answers"]
        assert user.state() == seen
        user.wait_until_nothing_is_left()
        user("down")
        user.wait_for_things(before)
