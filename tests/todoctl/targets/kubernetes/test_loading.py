"""How an image gets into a cluster without a registry."""

import pytest

from todoctl.kube.waiting.pull_failures import NAME
from todoctl.targets.kubernetes import loading


@pytest.mark.parametrize(
    ("context", "command"),
    [
        ("kind-school", "kind load docker-image app:1 --name school"),
        ("k3d-school", "k3d image import app:1 --cluster school"),
        ("minikube", "minikube image load app:1"),
    ],
)
def test_the_context_tells_the_command(context: str, command: str) -> None:
    assert loading.told(NAME, context, "app:1") == (
        f"Correct the image's name, or load it into the cluster: '{command}'"
    )


def test_where_it_does_not_all_are_told() -> None:
    assert loading.told(NAME, "staging", "app:1") == NAME
