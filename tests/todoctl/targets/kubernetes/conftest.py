"""A namespace of the make-believe cluster, as the user's own kubeconfig names it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.todoctl.kube.kube import Kube
from todoctl.kube import wait
from todoctl.state import Home
from todoctl.targets.kubernetes import target as kubernetes
from todoctl.targets.kubernetes.existing import ExistingCluster
from todoctl.targets.kubernetes.options import NamespaceOptions
from todoctl.targets.kubernetes.target import KubernetesTarget

Make = Callable[..., KubernetesTarget]


@pytest.fixture(name="config", autouse=True)
def _config(kube: Kube, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "config"
    path.write_text(kube.kubeconfig())
    monkeypatch.setenv("KUBECONFIG", str(path))
    monkeypatch.setenv("PATH", str(tmp_path))  # without this machine's Docker
    for name in ("POLL_SECONDS", "ROUTE_SECONDS"):
        monkeypatch.setattr(wait, name, 0.01)
    monkeypatch.setattr(wait, "SETTLE_SECONDS", 0.2)
    monkeypatch.setattr(wait, "UNANSWERED_SECONDS", 0.3)
    monkeypatch.setattr(kubernetes, "DELETE_SECONDS", 0.3)
    return path


@pytest.fixture(name="at")
def _at(home: Home) -> Iterator[Make]:
    """Makes the target as one more command does, with an image unless another option is given."""
    made: list[KubernetesTarget] = []

    def make(**given: object) -> KubernetesTarget:
        stated = {"context": "it", **given}
        options = NamespaceOptions(**stated, stated=frozenset(stated))  # type: ignore[arg-type]
        made.append(KubernetesTarget(home, ExistingCluster(home, options)))
        return made[-1]

    yield make
    for target in made:
        target._provider._forwarder.stop()  # type: ignore[attr-defined]


@pytest.fixture(name="target")
def _target(at: Make) -> KubernetesTarget:
    return at(app_image="me/app:1")
