"""The example of docs/extending.md, a new kind of cluster, on a make-believe machine."""

from pathlib import Path
from typing import Any

import pytest

from tests.todoctl.images.engine import Engine
from tests.todoctl.kube.kube import Kube
from tests.todoctl.told import Told
from todoctl.settings import Settings
from todoctl.state import Home
from todoctl.targets.kubernetes.target import KubernetesTarget

DOCUMENT = Path(__file__).parents[3] / "docs" / "extending.md"
KIND = """#!/bin/sh
echo "$@" >> {here}/log
case "$1 $2" in
"get clusters") cat {here}/clusters 2>/dev/null || true ;;
"create cluster") echo "$4" > {here}/clusters ;;
"delete cluster") rm {here}/clusters ;;
esac
"""

pytestmark = pytest.mark.live  # the port is forwarded by a process


def test_the_example_brings_the_app_up_and_takes_it_away(
    home: Home,
    engine: Engine,
    kube: Kube,
    settings: Settings,
    told: Told,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, section = DOCUMENT.read_text("utf-8").split("## A new kind of cluster\n")
    code = section.split("```")[1].removeprefix("python\n")
    example: dict[str, Any] = {}
    exec(compile(code, str(DOCUMENT), "exec"), example)  # noqa: S102 - our own document
    (tmp_path / "bin" / "kind").write_text(KIND.format(here=tmp_path))
    (tmp_path / "bin" / "kind").chmod(0o755)
    kube.context = "kind-todoctl"
    (tmp_path / "config").write_text(kube.kubeconfig())
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))

    made: list[KubernetesTarget] = []  # one has started the process that forwards the port

    def target() -> KubernetesTarget:
        made.append(KubernetesTarget(home, example["KindCluster"](home)))
        return made[-1]

    assert target().deployed() is None
    assert not target().down(told, keep_data=False)
    assert target().up(settings, told)
    found = target().deployed()
    assert found
    assert found.settings == settings
    assert not target().up(settings, told)
    assert found.details["Context"] == "kind-todoctl"
    assert target().down(told, keep_data=True)
    assert target().up(settings, told)
    assert target().down(told, keep_data=False)
    assert not home.path.exists() or not list(home.path.iterdir())
    done = [line.split(" --name")[0] for line in (tmp_path / "log").read_text().splitlines()]
    assert [line for line in done if line != "get clusters"] == [
        "create cluster",
        *["load docker-image todo-app:kind"] * 3,
        "delete cluster",
    ]
