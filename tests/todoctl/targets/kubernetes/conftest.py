"""A namespace of the make-believe cluster, as the user's own kubeconfig names it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.todoctl.kube.kube import Kube
from todoctl.home import Home
from todoctl.kube import attempts
from todoctl.kube.waiting import patience
from todoctl.targets.kubernetes import take_down
from todoctl.targets.kubernetes.options import NamespaceOptions
from todoctl.targets.kubernetes.target import NamespaceTarget

OPTIONS = NamespaceOptions(context="it", app_image="me/app:1", stated=frozenset({"context", "app_image"}))


@pytest.fixture(name="config", autouse=True)
def _config(kube: Kube, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "config"
    path.write_text(kube.kubeconfig())
    monkeypatch.setenv("KUBECONFIG", str(path))
    monkeypatch.setattr(attempts, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(patience, "QUIET_SECONDS", 5.0)
    monkeypatch.setattr(patience, "STUCK_SECONDS", 0.3)
    monkeypatch.setattr(take_down, "DELETE_SECONDS", 0.3)
    return path


@pytest.fixture(name="target")
def _target(home: Home) -> Iterator[NamespaceTarget]:
    found = NamespaceTarget(home, OPTIONS)
    yield found
    found.forwarder.stop()
