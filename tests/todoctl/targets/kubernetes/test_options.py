"""What may be wanted of a namespace, at first and later."""

from typing import Any

import pytest

from todoctl.errors import BadUsageError
from todoctl.targets.kubernetes.options import NamespaceOptions


def options(**given: Any) -> NamespaceOptions:  # noqa: ANN401 - whatever may be given
    return NamespaceOptions(**{"context": "it", **given}, stated=frozenset({"context", *given}))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"context": ""}, "--context is empty"),
        ({"namespace": "Not A Name"}, "--namespace 'Not A Name'"),
        ({"namespace": "-mine"}, "--namespace '-mine'"),
        ({"replicas": 0}, "--replicas 0 is no number of pods"),
        ({"replicas": 21}, "--replicas 21"),
        ({"app_image": "a", "registry": "b"}, "exclude each other"),
        ({"host": "http://todo.example.org"}, "--host 'http://todo.example.org' is no host name"),
        ({"host": "todo.example.org/page"}, "is no host name"),
        ({"host": "todo.example.org:99999"}, "is no host name"),
        ({"ingress_class": "nginx"}, "--ingress-class goes with --host"),
        ({"gateway": "front"}, "--gateway goes with --host"),
        ({"gateway": "a/b/c", "host": "todo"}, "--gateway 'a/b/c' is no gateway"),
        ({"gateway": "a", "ingress_class": "b", "host": "todo"}, "exclude each other"),
    ],
)
def test_what_cannot_be_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(BadUsageError, match=message):
        options(**given)


def test_what_is_not_stated_again_stays() -> None:
    before = options(app_image="me/app:1", storage_class="fast", host="todo.example.org:8080")
    assert options().over(before).storage_class == "fast"
    assert options(app_image="me/app:2").over(before).app_image == "me/app:2"
    pushed = options(registry="registry:5000/me").over(before)
    assert (pushed.app_image, pushed.registry) == (None, "registry:5000/me")
    named = options(app_image="me/app:3").over(pushed)
    assert (named.app_image, named.registry) == ("me/app:3", None)


@pytest.mark.parametrize("given", [{"storage_class": "slow"}, {"replicas": 2}])
def test_a_claim_keeps_what_it_was_made_with(given: dict[str, Any]) -> None:
    with pytest.raises(BadUsageError, match=r"The claim is there.*todoctl down"):
        options(**given).over(options(storage_class="fast"))


def test_what_is_remembered_is_what_was_wanted() -> None:
    found = options(pull_secret=("one", "two"), replicas=3, host="todo.example.org")
    assert NamespaceOptions.from_json(found.to_json()) == NamespaceOptions(
        context="it", pull_secret=("one", "two"), replicas=3, host="todo.example.org"
    )
