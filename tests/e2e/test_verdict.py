"""The verdict on a real cluster: the app as it is passes, and faults deployed there are convicted.

A fault is planted as everywhere (tests/faults): in an image made from the app's, which the node gets for it.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import visitor
from tests.e2e.conftest import DEPLOYMENT, Lab, lab, run
from tests.e2e.planted import planted
from tests.faults.catalogue import FAULTS
from tests.faults.fault import Fault

DEPLOYED = (
    "picture file stays the first one",
    "no picture at the start",
    "every view prolongs the life",
    "two grace views",
    "grace view not counted",
    "renewal keeps the old bytes",
    "two downloads for a renewal",
    "every start fetches",
    "saved only after the answer",
    "a download for each who waits",
    "login page taken for a picture",
    "lost files make a running app forget",
)
"""At least one for each scenario that is about more than what is up."""


@pytest.fixture(name="todoctl", scope="module")
def _todoctl(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with lab(tmp_path_factory.mktemp("verdict"), "todoctl-verdict") as found:
        found.up()
        yield found


def validate(todoctl: Lab, *arguments: str, code: int) -> dict[str, Any]:
    """The verdict."""
    with todoctl.spawn("validate", "--json", *arguments) as running:
        out, said = running.communicate(timeout=600)
    assert running.returncode == code, said  # not `out`, which holds the whole history
    told: dict[str, Any] = json.loads(out)
    return told


def test_another_visitor_disturbs_nothing(todoctl: Lab) -> None:
    over = threading.Event()

    def visit() -> None:
        while not over.wait(3):
            with suppress(httpx.HTTPError):
                visitor.view(f"http://127.0.0.1:{todoctl.port}")

    other = threading.Thread(target=visit)
    other.start()
    try:
        told = validate(todoctl, "--scenario", "grace", "--scenario", "renew", code=0)
    finally:
        over.set()
        other.join()
    assert any("came in between" in note for one in told["scenarios"] for note in one["notes"])


@pytest.mark.parametrize("name", DEPLOYED)
def test_a_deployed_fault_is_convicted(name: str, todoctl: Lab, tmp_path: Path) -> None:
    fault = next(fault for fault in FAULTS if fault.name == name)
    (pod,) = todoctl.pods()
    image = plant(todoctl, fault, pod["spec"]["containers"][0]["image"], tmp_path)
    try:
        todoctl.kubectl("set", "image", DEPLOYMENT, f"todo-app-container={image}")
        todoctl.kubectl("rollout", "status", DEPLOYMENT, "--timeout=120s")
        # `mount` looks at what is up; what follows looks at the volume as well.
        scenario = "fresh" if fault.scenario == "mount" else fault.scenario
        told = validate(todoctl, "--scenario", scenario, code=1)
    finally:
        todoctl.up()
    (result,) = told["scenarios"]
    assert result["outcome"] == "failed", result["reason"]


def plant(todoctl: Lab, fault: Fault, image: str, directory: Path) -> str:
    """The app's image with the fault in it, brought to the node that runs the app."""
    tag = planted(fault, image, directory)
    archive = directory / "image.tar"
    run("docker", "save", "-o", str(archive), tag)
    run("docker", "cp", str(archive), f"{todoctl.node}:/fault.tar")
    run("docker", "exec", todoctl.node, "ctr", "-n=k8s.io", "images", "import", "/fault.tar")
    run("docker", "rmi", tag)
    return tag
