"""Where the app's image comes from, and what is told of one that cannot be pulled."""

from pathlib import Path
from typing import Any

import pytest

from tests.todoctl.kube.kube import Kube
from tests.todoctl.kube.objects import pod
from tests.todoctl.told import Told
from todoctl.errors import BadUsageError, UnavailableError
from todoctl.home import Home
from todoctl.images import engine, image, pull
from todoctl.settings import Settings
from todoctl.targets.kubernetes.options import NamespaceOptions
from todoctl.targets.kubernetes.target import NamespaceTarget


def of(home: Home, context: str = "it", **given: Any) -> NamespaceTarget:  # noqa: ANN401
    options = NamespaceOptions(context=context, **given, stated=frozenset({"context", *given}))
    return NamespaceTarget(home, options)


def test_it_is_built_and_pushed_where_a_registry_is_named(
    home: Home, kube: Kube, settings: Settings, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[tuple[str, ...]] = []
    there: set[str] = set()

    def build(name: str, base: str, _: object) -> None:
        done.append(("build", name, base))
        there.add(name)

    monkeypatch.setattr(engine, "connect", lambda: "engine")
    monkeypatch.setattr(pull, "pull_missing", lambda *_: None if done else done.append(("pull",)))
    monkeypatch.setattr(engine, "has_image", lambda _, name: name in there)
    monkeypatch.setattr(image, "reference", lambda *_: "todo-app:0123")
    monkeypatch.setattr(image, "build", build)
    monkeypatch.setattr(image, "push", lambda name, _: done.append(("push", name)))
    target = of(home, registry="registry:5000/me", base_image="python:3")
    name = "registry:5000/me/todo-app:0123"
    try:
        assert target.up(settings, told)
        assert done.pop(0) == ("pull",), "what it is built on has its part in the name"
        assert done == [("build", name, "python:3"), ("push", name)]
        assert not target.up(settings, told)
        assert done[2:] == [("push", name)], "it may have gone from the registry"
    finally:
        target.forwarder.stop()
    (container,) = kube.resources["deployments", "todo-app-dep"]["spec"]["template"]["spec"]["containers"]
    assert container["image"] == name


@pytest.mark.parametrize(
    ("context", "fix"),
    [
        ("it", "or a registry to push to.$"),
        (
            "kind-school",
            "Or: todoctl image build todo-app:1.12; kind load docker-image todo-app:1.12 --name school",
        ),
    ],
)
def test_without_one_it_is_told_how_to_name_one(
    home: Home,
    kube: Kube,
    settings: Settings,
    told: Told,
    config: Path,
    context: str,
    fix: str,
) -> None:
    kube.context = context
    config.write_text(kube.kubeconfig())
    with pytest.raises(BadUsageError, match=fix):
        of(home, context).up(settings, told)
    assert kube.resources == {}


def test_one_that_cannot_be_pulled_is_told_with_the_clusters_own_command(
    home: Home, kube: Kube, settings: Settings, told: Told, config: Path
) -> None:
    kube.context = "k3d-school"
    config.write_text(kube.kubeconfig())
    waiting = {"reason": "ErrImagePull", "message": "me/app:1: not found"}
    kube.shape = lambda number: [pod(f"pod-{one}", waiting=waiting) for one in range(number)]
    with pytest.raises(UnavailableError, match=r"k3d image import me/app:1 --cluster school'.$"):
        of(home, "k3d-school", app_image="me/app:1").up(settings, told)
